"""freeze_line and thaw_line, and what a sweep says while the line stands still."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from governance.models import GovernanceJob, LineFreeze, LineThaw
from governance.vocabulary.canonical import timestamp
from tests.support.attacks import nothing_written
from tests.support.cast import Cast
from tests.support.commands import run
from tests.support.line import HOUR, frozen, thawed
from tests.support.stories import approved, now

WHY = ("--reason", "The sky is falling.", "--as", "founder")


def test_freeze_line__for_hours__stands_still_that_long(cast: Cast) -> None:
    ran = run("freeze_line", "--hours", "3", *WHY, "--json")
    freeze = LineFreeze.objects.get()
    assert ran.code == 0, ran.err
    assert ran.json() == {
        "freeze": str(freeze.pk),
        "reason": "The sky is falling.",
        "frozen_at": timestamp(freeze.frozen_at),
        "ends_at": timestamp(freeze.ends_at),
    }
    assert (freeze.ends_at - freeze.frozen_at, freeze.frozen_by) == (3 * HOUR, cast.founder)


def test_freeze_line__until_a_time_with_another_zone__kept_in_utc(cast: Cast) -> None:
    end = (now() + 5 * HOUR).replace(microsecond=0)
    text = (end + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00")
    ran = run("freeze_line", "--until", text, *WHY)
    freeze = LineFreeze.objects.get()
    assert freeze.ends_at == end
    assert ran.out == f"freeze {freeze.pk}: the line is frozen until {timestamp(end)}\n"


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
def test_freeze_line__no_end_or_an_unfit_one__used_wrongly(
    cast: Cast, end: tuple[str, ...]
) -> None:
    with nothing_written():
        ran = run("freeze_line", *end, *WHY)
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize("days", [-1, 8])
def test_freeze_line__end_past_or_too_far__refused(cast: Cast, days: int) -> None:
    with nothing_written():
        ran = run("freeze_line", "--until", timestamp(now() + timedelta(days=days)), *WHY)
    assert ran.code == 1
    assert "(invalid_window)" in ran.err


def test_freeze_line__empty_reason__refused(cast: Cast) -> None:
    ran = run("freeze_line", "--hours", "1", "--reason", " ", "--as", "founder")
    assert ran.code == 1
    assert "(reason_required)" in ran.err


def test_thaw_line__all_of_them__the_line_runs(cast: Cast) -> None:
    freezes = {str(frozen(cast).pk), str(frozen(cast, hours=2).pk)}
    ran = run("thaw_line", *WHY, "--json")
    told = ran.json()
    assert (ran.code, set(told["thawed"]), told["frozen_until"]) == (0, freezes, None)
    assert {thaw.thawed_by for thaw in LineThaw.objects.all()} == {cast.founder}


def test_thaw_line__one_of_two__says_that_the_other_holds(cast: Cast) -> None:
    one, other = frozen(cast), frozen(cast, hours=2)
    ran = run("thaw_line", "--freeze", one.pk, *WHY)
    assert ran.out == (
        f"freeze {one.pk}: thawed\nthe line is still frozen until {timestamp(other.ends_at)}\n"
    )
    ran = run("thaw_line", "--freeze", other.pk, *WHY)
    assert ran.out.endswith("the line runs\n")


def test_thaw_line__nothing_to_thaw__refused(cast: Cast) -> None:
    assert "(line_not_frozen)" in run("thaw_line", *WHY).err
    assert "(freeze_not_found)" in run("thaw_line", "--freeze", uuid4(), *WHY).err
    freeze = frozen(cast)
    thawed(cast, freeze)
    ran = run("thaw_line", "--freeze", freeze.pk, *WHY)
    assert (ran.code, "(freeze_over)" in ran.err) == (1, True)


def test_activate_due_contracts__while_frozen__passes_over_with_a_clear_word(cast: Cast) -> None:
    contract = approved(cast)
    until = timestamp(frozen(cast).ends_at)
    ran = run("activate_due_contracts", "--as", "operator")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        f"contract {contract.pk}: passed over, the line is frozen until {until}\n"
        "0 moved, 1 passed over, 0 refused\n"
    )
    told = run("activate_due_contracts", "--as", "operator", "--json").json()
    assert (told["passed_over"], told["refused"]) == (1, 0)
    assert told["outcomes"][0]["refusal"]["code"] == "line_frozen"
    assert not GovernanceJob.objects.exists()


def test_activate_contract__while_frozen__refused_with_its_code(cast: Cast) -> None:
    contract = approved(cast)
    freeze = frozen(cast)
    ran = run("activate_contract", contract.pk, "--as", "operator")
    assert ran.code == 1
    assert freeze.reason in ran.err
    assert "(line_frozen)" in ran.err
