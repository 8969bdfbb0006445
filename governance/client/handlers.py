"""The interface that the author of an executor implements: a handler, which performs steps."""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Step:
    """A step to perform: the change that the founder signed, and the time limit.

    `deadline` is measured by this machine's clock. `timed_out` is set when the time is over; a
    later outcome is discarded, so a handler that can stop should check `timed_out` and stop.
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
        """Return the seconds until `deadline`, at least 0: the timeout for calls of the handler."""
        return max(0.0, (self.deadline - datetime.now(UTC)).total_seconds())


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """The outcome of a handler: the step's `output`, which the evidence seals for the auditor.

    All fields are JSON values. `did` describes what was done, `state_before` and `state_after` the
    state of the target, and `rollback_action` the change that would undo it. `health_after` is
    the handler's claim about health.
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


class StepFailed(Exception):  # noqa: N818 - an outcome that a handler reports, not a bug in it
    """The failure of a step, with its reason; `outcome` describes what was done nevertheless.

    Any other exception also fails the step, and is reported with its type.
    """

    def __init__(self, reason: str, *, outcome: StepOutcome | None = None) -> None:
        super().__init__(reason)
        if not isinstance(outcome, StepOutcome | None):
            raise TypeError("outcome must be a StepOutcome")
        self.outcome = outcome


@runtime_checkable
class StepHandler(Protocol):
    """The protocol of handlers, which perform steps.

    A step whose type is not in `step_types` fails without a call of `run_step`. `run_step` is
    called in a thread of its own, and never twice for one step.
    """

    @property
    def step_types(self) -> Collection[str]: ...

    def run_step(self, step: Step) -> StepOutcome:
        """Perform the step within `step.seconds_left()` and return what was done.

        Raises:
            StepFailed: the step could not be performed.
        """
        ...


class PrintSteps:
    """A handler for trials: it prints each step and changes nothing, and its evidence says so."""

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
