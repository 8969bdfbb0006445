"""`start_freeze` and `lift_freeze`, and the output of a sweep during a change freeze."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from governance.domain.canonical import timestamp
from governance.models import ChangeFreeze, FreezeLift, GovernanceJob
from tests.support.attacks import nothing_written
from tests.support.commands import run
from tests.support.factories import approved, now
from tests.support.freezes import HOUR, frozen, lifted
from tests.support.users import Users

WHY = ("--reason", "The sky is falling.", "--as", "founder")


def test_start_freeze__for_hours__lasts_that_long(users: Users) -> None:
    ran = run("start_freeze", "--hours", "3", *WHY, "--json")
    freeze = ChangeFreeze.objects.get()
    assert ran.code == 0, ran.err
    assert ran.json() == {
        "freeze": str(freeze.pk),
        "reason": "The sky is falling.",
        "started_at": timestamp(freeze.started_at),
        "ends_at": timestamp(freeze.ends_at),
    }
    assert freeze.started_by == users.founder
    # The command reads the clock for the end, and the operation a moment later for the start.
    assert timedelta(0) <= 3 * HOUR - (freeze.ends_at - freeze.started_at) < timedelta(seconds=5)


def test_start_freeze__until_a_time_with_another_zone__stored_in_utc(users: Users) -> None:
    end = (now() + 5 * HOUR).replace(microsecond=0)
    text = (end + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00")
    ran = run("start_freeze", "--until", text, *WHY)
    freeze = ChangeFreeze.objects.get()
    assert freeze.ends_at == end
    assert ran.out == f"freeze {freeze.pk}: changes are frozen until {timestamp(end)}\n"


@pytest.mark.parametrize(
    "end",
    [
        (),
        ("--hours", "0"),
        ("--hours", "169"),
        ("--hours", "1.5"),
        ("--until", "tomorrow"),
        ("--until", "2026-11-02T09:00:00"),
        ("--until", "9999-12-31T23:59:59-10:00"),
        ("--hours", "1", "--until", "2026-11-02T09:00:00Z"),
    ],
)
def test_start_freeze__no_end_or_an_invalid_one__used_wrongly(
    users: Users, end: tuple[str, ...]
) -> None:
    with nothing_written():
        ran = run("start_freeze", *end, *WHY)
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize("days", [-1, 8])
def test_start_freeze__end_past_or_too_far__refused(users: Users, days: int) -> None:
    with nothing_written():
        ran = run("start_freeze", "--until", timestamp(now() + timedelta(days=days)), *WHY)
    assert ran.code == 1
    assert "(invalid_window)" in ran.err


def test_start_freeze__empty_reason__refused(users: Users) -> None:
    ran = run("start_freeze", "--hours", "1", "--reason", " ", "--as", "founder")
    assert ran.code == 1
    assert "(reason_required)" in ran.err


def test_lift_freeze__all_of_them__changes_are_free_again(users: Users) -> None:
    freezes = {str(frozen(users).pk), str(frozen(users, hours=2).pk)}
    ran = run("lift_freeze", *WHY, "--json")
    output = ran.json()
    assert (ran.code, set(output["lifted"]), output["frozen_until"]) == (0, freezes, None)
    assert {lift.lifted_by for lift in FreezeLift.objects.all()} == {users.founder}


def test_lift_freeze__one_of_two__says_that_the_other_is_active(users: Users) -> None:
    one, other = frozen(users), frozen(users, hours=2)
    ran = run("lift_freeze", "--freeze", one.pk, *WHY)
    assert ran.out == (
        f"freeze {one.pk}: lifted\nchanges are still frozen until {timestamp(other.ends_at)}\n"
    )
    ran = run("lift_freeze", "--freeze", other.pk, *WHY)
    assert ran.out.endswith("no freeze is active\n")


def test_lift_freeze__nothing_to_lift__refused(users: Users) -> None:
    assert "(no_active_freeze)" in run("lift_freeze", *WHY).err
    assert "(freeze_not_found)" in run("lift_freeze", "--freeze", uuid4(), *WHY).err
    freeze = frozen(users)
    lifted(users, freeze)
    ran = run("lift_freeze", "--freeze", freeze.pk, *WHY)
    assert (ran.code, "(freeze_over)" in ran.err) == (1, True)


def test_activate_due_contracts__while_frozen__passes_over_with_a_clear_word(
    committed: Users,
) -> None:
    contract = approved(committed)
    until = timestamp(frozen(committed).ends_at)
    ran = run("activate_due_contracts", "--as", "operator")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        f"contract {contract.pk}: passed over, changes are frozen until {until}\n"
        "0 moved, 1 passed over, 0 refused\n"
    )
    output = run("activate_due_contracts", "--as", "operator", "--json").json()
    assert (output["passed_over"], output["refused"]) == (1, 0)
    assert output["outcomes"][0]["refusal"]["code"] == "change_freeze_active"
    assert not GovernanceJob.objects.exists()


def test_activate_contract__while_frozen__refused_with_its_code(users: Users) -> None:
    contract = approved(users)
    freeze = frozen(users)
    ran = run("activate_contract", contract.pk, "--as", "operator")
    assert ran.code == 1
    assert freeze.reason in ran.err
    assert "(change_freeze_active)" in ran.err
