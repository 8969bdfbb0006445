"""Record values in words, and a proposal compared with the current state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.admin.wording import (
    EVENTS,
    actor_in_words,
    change_in_words,
    closing_in_words,
    event_in_words,
    format_duration,
    rollback_in_words,
    split_closing,
)
from governance.authorities.review.differences import change_rows, values_in
from governance.domain.changes import parse_changes
from governance.domain.values import Lifecycle, PlatformState
from governance.record.ledger.events import EVENTS as KNOWN_EVENTS


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(milliseconds=800), "0.8 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=5), "5 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=2, minutes=7), "2 h 7 min"),
        (timedelta(hours=23, minutes=59), "23 h"),
        (timedelta(days=1, hours=5), "1 day"),
        (timedelta(days=-3), "3 days"),
        (None, "—"),
    ],
)
def test_span__of_any_length__reads_well(length: timedelta | None, words: str) -> None:
    assert format_duration(length) == words


def test_every_event_of_the_ledger__has_a_label() -> None:
    assert set(EVENTS) == set(KNOWN_EVENTS)


def test_actor__with_the_present_name_and_without__is_named_by_account() -> None:
    assert actor_in_words("user:7:ada:x", {7: "ada:x"}) == "ada:x (account 7)"
    assert actor_in_words("user:7:ada", {7: "bea"}) == "ada (account 7, now bea)"
    assert actor_in_words("user:7:ada", {}) == "ada (account 7)"


def test_closing__with_a_code_and_words__says_both() -> None:
    withdrawn = "approval_withdrawn: The sale: called off."
    assert split_closing(withdrawn) == (
        "A founder withdrew its approval.",
        "The sale: called off.",
    )
    assert split_closing("window_lapsed") == ("Its activation window passed unused.", "")
    assert closing_in_words("Not: now.") == "Not: now."


def test_wording__of_an_unknown_value__is_the_value_itself() -> None:
    assert event_in_words("job.step.completed", 4) == "reported step 5 as completed"
    assert event_in_words("contract.new.thing", None) == "contract.new.thing"
    assert actor_in_words("the clock", {}) == "the clock"
    assert actor_in_words("user:x:ada", {}) == "user:x:ada"
    assert str(change_in_words({"type": "unheard_of"})) == '{"type": "unheard_of"}'
    assert str(rollback_in_words(None)) == "No known rollback"


def update(key: str, old: Any, new: Any) -> dict[str, Any]:
    return {
        "type": "configuration_update",
        "scope": "Search",
        "key": key,
        "old_value": old,
        "new_value": new,
    }


def rows_of(
    *changes: dict[str, Any],
    configuration: dict[str, Any] | None = None,
    decided: bool = False,
    registered: str = "Search",
) -> list[Any]:
    parsed = parse_changes(list(changes))
    plan = [{"timeout_seconds": 300, "rollback_action": None} for _ in parsed]
    state = PlatformState(
        lifecycles={registered: Lifecycle.PREVIEW},
        configuration={("Search", key): value for key, value in (configuration or {}).items()},
    )
    return change_rows(parsed, plan=plan, current_value=values_in(state), decided=decided)


@pytest.mark.parametrize(
    ("current", "expected", "conflict"),
    [
        (20, 20, False),
        (20, 20.0, False),
        (20, 25, True),
        (1, True, True),
        ("20", 20, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        (None, None, False),
    ],
)
def test_update__conflicts__exactly_when_the_current_value_is_another(
    current: Any, expected: Any, conflict: bool
) -> None:
    (row,) = rows_of(update("size", expected, 50), configuration={"size": current})
    assert row.conflict is conflict
    assert not row.differences[0].doubt


def test_update__of_an_absent_key__conflicts_unless_no_value_is_expected() -> None:
    expected, unexpected = rows_of(update("size", None, 50), update("other", 20, None))
    assert (expected.conflict, expected.differences[0].before.words) == (False, "no value")
    assert str(unexpected.differences[0].conflict) == (
        "The proposal expects 20 here, but the key has no value."
    )
    assert unexpected.differences[0].proposed.words == "no value"


def test_update__of_what_is_not_registered__is_doubtful_but_no_conflict() -> None:
    row, of_nothing = rows_of(update("size", 20, 50), update("new", None, 1), registered="Other")
    assert not row.conflict
    assert (
        str(row.differences[0].doubt) == "The proposal expects 20 here; there is no recorded value."
    )
    assert (of_nothing.conflict, of_nothing.differences[0].doubt) == (False, None)


def test_updates_of_one_key_in_a_row__follow_each_other() -> None:
    first, second = rows_of(
        update("size", 20, 50), update("size", 50, 70), configuration={"size": 20}
    )
    assert not first.conflict
    assert not second.conflict
    (difference,) = second.differences
    assert (difference.before.words, difference.before_is) == ("50", "after step 1")


def test_key_named_lifecycle__is_not_the_capability_lifecycle() -> None:
    enable = {"type": "capability_enable", "capability_name": "Search"}
    (row,) = rows_of(
        enable | {"target_lifecycle": "LAUNCHED"}, configuration={"lifecycle": "eternal"}
    )
    assert row.differences[0].before.words == "PREVIEW"


def test_decided_contract__has_no_conflicts() -> None:
    (row,) = rows_of(update("size", 20, 50), configuration={"size": 99}, decided=True)
    assert not row.conflict
