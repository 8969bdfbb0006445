"""BREAKER in PostgreSQL: raw SQL neither closes an open breaker nor rewrites its history."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from governance.domain.breaker import BREAKER_VALID_TRANSITIONS, BreakerState, may_begin
from governance.models import Account
from governance.models.fields import new_id
from tests.support.attacks import (
    check_deferred_triggers,
    run_sql,
    trigger_off,
    update_row,
    violates_constraint,
)
from tests.support.breakers import HANDLER, REASON, breaker_of, closed, faulted, opened
from tests.support.clock import now
from tests.support.roles import app_session
from tests.support.users import Users

BREAKER, EVENT = "governance_handlerbreaker", "governance_breakerevent"
CLOSED, CAREFUL, OPEN = BreakerState
PAIRS = [(a, b) for a, b in itertools.product(BreakerState, BreakerState) if a is not b]


def forge_event(breaker: Any, state: BreakerState, **changes: Any) -> None:
    row = {
        "breaker_id": breaker.pk,
        "state": str(state),
        "at": now(),
        "text": REASON,
        "fault_job": new_id() if state is OPEN else None,
        "closed_by_id": None,
    } | changes
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    run_sql(f"INSERT INTO {EVENT} ({names}) VALUES ({marks})", *row.values())


def breaker_in(state: BreakerState) -> Any:
    faulted()
    if state is CLOSED:
        update_row(BREAKER, breaker_of().pk, state="CLOSED")
    elif state is OPEN:
        faulted()
    check_deferred_triggers()
    return breaker_of()


# --- the state ---
@pytest.mark.parametrize(
    ("before", "after"),
    [(a, b) for a, b in PAIRS if b not in BREAKER_VALID_TRANSITIONS[a]],
)
def test_state__moved_beside_the_table__refused(
    users: Users, before: BreakerState, after: BreakerState
) -> None:
    breaker = breaker_in(before)
    with violates_constraint("breaker_moves"):
        update_row(BREAKER, breaker.pk, state=str(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [(a, b) for a, b in PAIRS if b in BREAKER_VALID_TRANSITIONS[a] and OPEN not in (a, b)],
)
def test_state__moved_along_the_table__accepted(
    users: Users, before: BreakerState, after: BreakerState
) -> None:
    update_row(BREAKER, breaker_in(before).pk, state=str(after))
    check_deferred_triggers()
    assert breaker_of().state == after


@pytest.mark.parametrize(("state", "running"), list(itertools.product(BreakerState, [0, 1, 7])))
def test_admission__in_any_state__is_ruled_as_in_python(
    users: Users, state: BreakerState, running: int
) -> None:
    rule = "SELECT governance_breaker_admits(%s, %s)"
    assert run_sql(rule, str(state), running) == [(may_begin(state, running=running),)]


def test_state__opened_without_an_event__refused_at_commit(users: Users) -> None:
    breaker = breaker_in(CAREFUL)
    with violates_constraint("breaker_as_recorded", at_commit=True):
        update_row(BREAKER, breaker.pk, state="OPEN")


def test_state__closed_without_an_event__refused_at_commit(users: Users) -> None:
    breaker = breaker_in(OPEN)
    with violates_constraint("breaker_as_recorded", at_commit=True):
        update_row(BREAKER, breaker.pk, state="CAREFUL")
    with violates_constraint("breaker_as_recorded", at_commit=True):
        update_row(BREAKER, breaker.pk, state="CAREFUL")
        update_row(BREAKER, breaker.pk, state="CLOSED")


@pytest.mark.parametrize("state", [CAREFUL, OPEN])
def test_breaker__born_in_another_state__refused(users: Users, state: BreakerState) -> None:
    with violates_constraint("breaker_moves"):
        run_sql(
            f"INSERT INTO {BREAKER} (id, handler, state, faults_in_a_row, jobs_in_flight,"
            " last_fault, last_fault_at, last_fault_job)"
            " VALUES (%s, 'x', %s, 1, '{}', 'x', now(), %s)",
            new_id(),
            str(state),
            new_id(),
        )


def test_breaker__given_to_another_handler__refused(users: Users) -> None:
    breaker = breaker_in(OPEN)
    with violates_constraint("breaker_moves"):
        update_row(BREAKER, breaker.pk, handler="another")


@pytest.mark.parametrize("column", ["last_fault_at", "last_fault_job"])
def test_breaker__with_a_state_but_no_fault__refused(users: Users, column: str) -> None:
    breaker = breaker_in(CAREFUL)
    with violates_constraint("breaker_has_fault"):
        update_row(BREAKER, breaker.pk, **{column: None})


def test_breaker__of_unknown_state_without_the_trigger__refused(users: Users) -> None:
    breaker = breaker_in(CAREFUL)
    with violates_constraint("breaker_state_known"), trigger_off(BREAKER, "breaker_moves"):
        update_row(BREAKER, breaker.pk, state="HALF_OPEN")


def test_breaker__second_of_a_handler__refused(users: Users) -> None:
    breaker_in(CAREFUL)
    with violates_constraint("governance_handlerbreaker_handler_key"):
        run_sql(
            f"INSERT INTO {BREAKER} (id, handler, state, faults_in_a_row, jobs_in_flight,"
            " last_fault) VALUES (%s, %s, 'CLOSED', 0, '{}', '')",
            new_id(),
            HANDLER,
        )


@pytest.mark.parametrize("statement", [f"DELETE FROM {BREAKER}", f"TRUNCATE {BREAKER} CASCADE"])
def test_breaker__removed__refused(users: Users, statement: str) -> None:
    faulted()
    with violates_constraint("breaker_never_removed"):
        run_sql(statement)


def test_app_role__removing_or_renaming_a_breaker__has_no_right_to(committed: Users) -> None:
    opened()
    for statement in (f"DELETE FROM {BREAKER}", f"UPDATE {BREAKER} SET handler = 'x'"):
        with app_session() as attacker, pytest.raises(psycopg.errors.InsufficientPrivilege):
            attacker.execute(statement)


# --- openings and closings ---
def test_event__an_opening_of_what_stays_closed__refused_at_commit(users: Users) -> None:
    breaker = breaker_in(CAREFUL)
    with violates_constraint("breaker_as_recorded", at_commit=True):
        forge_event(breaker, OPEN)


def test_event__a_closing_of_what_stays_open__refused_at_commit(users: Users) -> None:
    breaker = breaker_in(OPEN)
    with violates_constraint("breaker_as_recorded", at_commit=True):
        forge_event(breaker, CAREFUL, closed_by_id=users.operator.pk)


def test_event__out_of_turn__refused(users: Users) -> None:
    breaker = breaker_in(CAREFUL)
    with violates_constraint("breaker_event_in_turn"):
        forge_event(breaker, CAREFUL, closed_by_id=users.operator.pk)
    faulted()
    with violates_constraint("breaker_event_in_turn"):
        forge_event(breaker, OPEN)


@pytest.mark.parametrize("who", ["founder", "executor", "auditor", "viewer", "outsider"])
def test_closing__by_who_is_no_operator__refused(users: Users, who: str) -> None:
    breaker = breaker_in(OPEN)
    with violates_constraint("operator_closes"):
        forge_event(breaker, CAREFUL, closed_by_id=getattr(users, who).pk)


def test_closing__by_a_superuser_or_by_nobody__refused(users: Users) -> None:
    breaker, root = breaker_in(OPEN), Account.objects.create_superuser("root")
    for person in (root.pk, None):
        with violates_constraint("operator_closes"):
            forge_event(breaker, CAREFUL, closed_by_id=person)


def test_closing__by_nobody_without_the_trigger__refused(users: Users) -> None:
    breaker = breaker_in(OPEN)
    with (
        violates_constraint("breaker_closed_by_person"),
        trigger_off(EVENT, "breaker_event_in_turn"),
    ):
        forge_event(breaker, CAREFUL)


def test_opening__in_a_persons_name__refused(users: Users) -> None:
    breaker = breaker_in(CAREFUL)
    with violates_constraint("breaker_closed_by_person"):
        forge_event(breaker, OPEN, closed_by_id=users.operator.pk)


@pytest.mark.parametrize("reason", ["", "too short.", "   too short.  \n "])
def test_closing__without_a_reason__refused(users: Users, reason: str) -> None:
    breaker = breaker_in(OPEN)
    with violates_constraint("breaker_event_has_reason"):
        forge_event(breaker, CAREFUL, closed_by_id=users.operator.pk, text=reason)


def test_opening__without_a_job__refused(users: Users) -> None:
    breaker = breaker_in(CAREFUL)
    with violates_constraint("breaker_event_has_reason"):
        forge_event(breaker, OPEN, fault_job=None)


def test_event__that_is_neither_opening_nor_closing__refused(users: Users) -> None:
    breaker = breaker_in(OPEN)
    with (
        violates_constraint("breaker_event_has_reason"),
        trigger_off(EVENT, "breaker_event_in_turn"),
    ):
        forge_event(breaker, CLOSED)


@pytest.mark.parametrize("minutes", [-1, 1])
def test_event__at_another_time_than_now__refused(users: Users, minutes: int) -> None:
    breaker = breaker_in(OPEN)
    at = now() + timedelta(minutes=minutes)
    with violates_constraint("time_is_current"):
        forge_event(breaker, CAREFUL, closed_by_id=users.operator.pk, at=at)


@pytest.mark.parametrize(
    "statement",
    [f"UPDATE {EVENT} SET text = text", f"DELETE FROM {EVENT}", f"TRUNCATE {EVENT}"],
)
def test_event__changed_or_removed__refused(users: Users, statement: str) -> None:
    opened()
    closed(users)
    with violates_constraint("breaker_event_append_only"):
        run_sql(statement)
