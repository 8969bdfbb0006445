"""The rule of a circuit breaker: when a handler with faults gets no further job.

A fault is an exception, a timeout, an unknown type of step or an outcome that cannot be recorded. A
refusal by the target is none, and neither is a health that keeps a step from its beginning. Workers
keep the state in the database, and an executor over HTTP in its memory; both follow this rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class BreakerState(StrEnum):
    """CLOSED: jobs run. CAREFUL: one job at a time runs. OPEN: none runs until a person closes."""

    CLOSED = "CLOSED"
    CAREFUL = "CAREFUL"
    OPEN = "OPEN"


BREAKER_VALID_TRANSITIONS: Mapping[BreakerState, frozenset[BreakerState]] = {
    BreakerState.CLOSED: frozenset({BreakerState.CAREFUL}),
    BreakerState.CAREFUL: frozenset({BreakerState.CLOSED, BreakerState.OPEN}),
    BreakerState.OPEN: frozenset({BreakerState.CAREFUL}),
}


def after_run(state: BreakerState, *, is_fault: bool) -> BreakerState:
    """Return the state after a run in which the handler was called.

    Two faults in a row open the breaker. A run that began before does not close it: only a person
    does.
    """
    if state is BreakerState.OPEN:
        return state
    if not is_fault:
        return BreakerState.CLOSED
    return BreakerState.OPEN if state is BreakerState.CAREFUL else BreakerState.CAREFUL


def may_begin(state: BreakerState, *, running: int) -> bool:
    """Return whether a handler may begin another job while `running` of its jobs run."""
    if state is BreakerState.CAREFUL:
        return running == 0
    return state is BreakerState.CLOSED
