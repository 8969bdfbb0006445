"""The tables of valid transitions, compared with the lifecycles written as diagrams."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from governance.domain import lifecycles
from governance.domain.errors import (
    ContractImmutableError,
    InvalidJobTransitionError,
    InvalidTransitionError,
    JobImmutableError,
)
from governance.domain.lifecycles import (
    CONTRACT_TERMINAL_STATES,
    CONTRACT_VALID_TRANSITIONS,
    JOB_TERMINAL_STATES,
    JOB_VALID_TRANSITIONS,
    ContractStateMachine,
    JobStateMachine,
)
from governance.domain.values import ContractStatus, JobStatus

# An independent notation of the same transitions as the tables in the code.
CONTRACT_LIFECYCLE = """
    DRAFT > VALIDATED > ELIGIBLE > APPROVED > ACTIVE > COMPLETED
    DRAFT > REJECTED     DRAFT > EXPIRED
    VALIDATED > REJECTED VALIDATED > EXPIRED
    ELIGIBLE > REJECTED  ELIGIBLE > EXPIRED
    APPROVED > FAILED    ACTIVE > FAILED
"""
JOB_LIFECYCLE = """
    PENDING > RUNNING > COMPLETED
    RUNNING > FAILED
    PENDING > CANCELLED  RUNNING > CANCELLED
"""

MACHINES: dict[str, tuple[Any, Any, Mapping[Any, frozenset[Any]], str, type, type]] = {
    "contract": (
        ContractStateMachine,
        ContractStatus,
        CONTRACT_VALID_TRANSITIONS,
        CONTRACT_LIFECYCLE,
        InvalidTransitionError,
        ContractImmutableError,
    ),
    "job": (
        JobStateMachine,
        JobStatus,
        JOB_VALID_TRANSITIONS,
        JOB_LIFECYCLE,
        InvalidJobTransitionError,
        JobImmutableError,
    ),
}
every_machine = pytest.mark.parametrize(
    ("machine", "states", "table", "drawn", "invalid", "immutable"),
    MACHINES.values(),
    ids=list(MACHINES),
)


def moves_drawn(lifecycle: str) -> set[tuple[str, str]]:
    """Return the transitions of a diagram: each pair of states joined by ">"."""
    chains = lifecycle.replace(" > ", ">").split()
    return {pair for chain in chains for pair in itertools.pairwise(chain.split(">"))}


@every_machine
def test_table__of_moves__is_the_lifecycle_as_drawn(
    machine: Any, states: Any, table: Any, drawn: str, invalid: type, immutable: type
) -> None:
    assert {(a, b) for a, targets in table.items() for b in targets} == moves_drawn(drawn)
    assert set(table) == set(states)


@every_machine
def test_require_move__each_pair_of_states__as_the_table_says(
    machine: Any, states: Any, table: Any, drawn: str, invalid: type, immutable: type
) -> None:
    for before, after in itertools.product(states, repeat=2):
        if after in table[before]:
            machine.require_move(before, after)
            continue
        with pytest.raises(invalid) as caught:
            machine.require_move(before, after)
        assert type(caught.value) is (invalid if table[before] else immutable)
        assert caught.value.details == {"from_status": before, "to_status": after}


@every_machine
def test_sources_of__each_state__are_those_that_lead_there(
    machine: Any, states: Any, table: Any, drawn: str, invalid: type, immutable: type
) -> None:
    for after in states:
        assert {(b, after) for b in machine.sources_of(after)} == {
            move for move in moves_drawn(drawn) if move[1] == after
        }


def test_terminal_states__are_the_ones_without_moves() -> None:
    assert {"COMPLETED", "FAILED", "REJECTED", "EXPIRED"} == CONTRACT_TERMINAL_STATES
    assert {"COMPLETED", "FAILED", "CANCELLED"} == JOB_TERMINAL_STATES
    for machine, states, *_ in MACHINES.values():
        terminal = CONTRACT_TERMINAL_STATES if states is ContractStatus else JOB_TERMINAL_STATES
        assert {state for state in states if machine.is_terminal(state)} == terminal


def test_birth_states__contract_draft_or_eligible__job_pending() -> None:
    assert {"DRAFT", "ELIGIBLE"} == lifecycles.CONTRACT_INITIAL_STATES
    assert {"PENDING"} == lifecycles.JOB_INITIAL_STATES
    assert {"DRAFT", "VALIDATED"} == lifecycles.CONTRACT_OPEN_CONTENT_STATES


@every_machine
def test_lifecycle__from_its_beginning__gets_to_every_state_and_never_returns(
    machine: Any, states: Any, table: Any, drawn: str, invalid: type, immutable: type
) -> None:
    reached, waiting = set(), [next(iter(states))]
    while waiting:
        state = waiting.pop()
        reached.add(state)
        waiting.extend(table[state])
    assert reached == set(states)
    order = list(states)
    assert all(order.index(a) < order.index(b) for a, targets in table.items() for b in targets)
