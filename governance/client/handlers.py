"""What the author of an executor writes: a handler, which does the work of a step."""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Step:
    """A step to be done: what the founder signed, and how long there is.

    `deadline` is by this machine's clock. `timed_out` is set when the time has passed: whatever is
    answered from then on is discarded, so a handler that can stop looks at it and stops.
    """

    job_id: str
    contract_id: str
    step_index: int
    step_type: str
    target: str
    change: Mapping[str, Any]
    rollback_action: Mapping[str, Any] | None
    timeout_seconds: int
    deadline: datetime
    timed_out: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)

    def seconds_left(self) -> float:
        """How long there is until `deadline`, 0 when it has passed: a timeout for what you call."""
        return max(0.0, (self.deadline - datetime.now(UTC)).total_seconds())


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What a handler did: kept as the step's `output`, sealed as evidence, read by an auditor.

    All are JSON values. `did` says what was done, `state_before` and `state_after` what stood
    there, `rollback_action` the change that would undo it; `health_after` is your claim of health.
    """

    did: Any
    state_before: Any = None
    state_after: Any = None
    rollback_action: Mapping[str, Any] | None = None
    health_after: Any = None

    def output(self) -> dict[str, Any]:
        return {
            "did": self.did,
            "state_before": self.state_before,
            "state_after": self.state_after,
            "rollback_action": self.rollback_action,
        }


class StepFailed(Exception):  # noqa: N818 - an outcome that a handler tells, not a bug in it
    """The step could not be done, for the reason given; `outcome` says what was done all the same.

    Any other exception fails the step, too, and is told with its type.
    """

    def __init__(self, reason: str, *, outcome: StepOutcome | None = None) -> None:
        super().__init__(reason)
        if not isinstance(outcome, StepOutcome | None):
            raise TypeError("outcome must be a StepOutcome")
        self.outcome = outcome


@runtime_checkable
class StepHandler(Protocol):
    """Does the work of steps. `run_step` runs in a thread of its own, and never twice for a step.

    A step whose type is not among `step_types` fails without being run.
    """

    @property
    def step_types(self) -> Collection[str]: ...

    def run_step(self, step: Step) -> StepOutcome:
        """Do it within `step.seconds_left()`; return what was done, or raise StepFailed."""
        ...


class PrintSteps:
    """For trying: prints each step and changes nothing. The evidence says so, the job completes."""

    step_types = (
        "capability_enable",
        "capability_disable",
        "configuration_update",
        "parameter_change",
    )

    def run_step(self, step: Step) -> StepOutcome:
        sys.stderr.write(f"would do {step.step_type} on {step.target}: {dict(step.change)}\n")
        return StepOutcome(
            did={"nothing": "This was a dry run."}, rollback_action=step.rollback_action
        )
