"""What a handler and the machine say to each other: a step, its outcome, and a refusal."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class StepInPlan:
    """A step of a plan, as the founder signed it."""

    step_index: int
    step_type: str
    target: str
    change: Mapping[str, Any]
    timeout_seconds: int
    rollback_action: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Step:
    """A step to perform now: the change that the founder signed, and the time limit.

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
    state of the target, and `rollback_action` the change that would undo it.
    """

    did: Any
    state_before: Any = None
    state_after: Any = None
    rollback_action: Mapping[str, Any] | None = None

    def output(self) -> dict[str, Any]:
        return {
            "did": self.did,
            "state_before": self.state_before,
            "state_after": self.state_after,
            "rollback_action": self.rollback_action,
        }


class StepRefused(Exception):  # noqa: N818 - an outcome that a handler reports, not a bug in it
    """The refusal of a step by its target, with the reason: the step fails.

    `outcome` describes what was done nevertheless. Any other exception of a handler also fails the
    step, is reported with its type, and is a fault of the handler.
    """

    def __init__(self, reason: str, *, outcome: StepOutcome | None = None) -> None:
        super().__init__(reason)
        if not isinstance(outcome, StepOutcome | None):
            raise TypeError("outcome must be a StepOutcome")
        self.outcome = outcome


class HandlerFault(Exception):  # noqa: N818 - an outcome that a handler reports in its own words
    """The failure of a handler itself, in words: the step fails, as with any other exception.

    A handler that cannot work is at fault; a target that does not want the step refuses it.
    """


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
            StepRefused: the target refused the step.
        """
        ...
