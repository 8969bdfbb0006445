"""The rule of a circuit breaker, compared with a table that is written independently."""

from __future__ import annotations

import itertools

import pytest

from governance.domain.breaker import BREAKER_VALID_TRANSITIONS, BreakerState, after_run, may_begin

CLOSED, CAREFUL, OPEN = BreakerState

# State before a run, whether its handler was at fault, state after it.
RUNS = [
    (CLOSED, False, CLOSED),
    (CLOSED, True, CAREFUL),
    (CAREFUL, False, CLOSED),
    (CAREFUL, True, OPEN),
    (OPEN, False, OPEN),
    (OPEN, True, OPEN),
]


@pytest.mark.parametrize(("before", "is_fault", "after"), RUNS)
def test_run__ended__the_state_follows(
    before: BreakerState, is_fault: bool, after: BreakerState
) -> None:
    assert after_run(before, is_fault=is_fault) is after


def test_runs__lead_along_the_table_and_only_a_person_closes() -> None:
    moves = {(before, after) for before, _, after in RUNS if before is not after}
    table = {
        (before, after) for before, states in BREAKER_VALID_TRANSITIONS.items() for after in states
    }
    assert table == moves | {(OPEN, CAREFUL)}


@pytest.mark.parametrize(
    ("state", "running", "allowed"),
    [
        (CLOSED, 0, True),
        (CLOSED, 50, True),
        (CAREFUL, 0, True),
        (CAREFUL, 1, False),
        (OPEN, 0, False),
        (OPEN, 1, False),
    ],
)
def test_job__may_begin__as_the_state_allows(
    state: BreakerState, running: int, allowed: bool
) -> None:
    assert may_begin(state, running=running) is allowed


@pytest.mark.parametrize("in_flight", [1, 4, 16])
@pytest.mark.parametrize("ends", list(itertools.permutations(range(3))))
def test_bug__in_every_job__costs_two_jobs_and_those_in_flight(
    in_flight: int, ends: tuple[int, ...]
) -> None:
    """Begin jobs whenever that is allowed, and let the running ones end in several orders."""
    state, running, lost = CLOSED, 0, 0
    order = itertools.cycle(ends)
    for _ in range(200):
        while running < in_flight and may_begin(state, running=running):
            running += 1
        for _ in range(min(running, 1 + next(order))):
            running, lost = running - 1, lost + 1
            state = after_run(state, is_fault=True)
    assert (state, running) == (OPEN, 0)
    assert lost <= 2 + in_flight - 1
