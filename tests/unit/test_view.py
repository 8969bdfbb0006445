"""Comparison of review views, and fact names that no setting key can imitate."""

from __future__ import annotations

import itertools

import pytest

from governance.authorities.review.differences import NO_RECORDED_VALUE, SettingKey
from governance.authorities.review.view import (
    SIBLINGS,
    ReviewView,
    fact_name,
    require_same_view,
    view_changes,
)
from governance.domain.canonical import canonical_text, sha256_hex
from governance.domain.errors import ViewChangedError

CONTENT = "c" * 64
SEEN = ReviewView(CONTENT, {"Status": "ELIGIBLE", "Search · limit": "10", "Comments": "nothing"})


def seen_as(**facts: str) -> ReviewView:
    return ReviewView(CONTENT, dict(SEEN.facts) | facts)


def test_same_view__in_another_order__has_the_same_digest_and_no_difference() -> None:
    turned = ReviewView(CONTENT, dict(reversed(SEEN.facts.items())))
    assert turned.digest() == SEEN.digest()
    assert view_changes(SEEN, turned) == []
    require_same_view(turned, seen_view=SEEN.digest())


def test_changed__says_what_was_and_what_is_now_what_came_and_what_went() -> None:
    now = ReviewView(CONTENT, {"Status": "ELIGIBLE", "Search · limit": "20", "Signed": "ada"})
    assert view_changes(SEEN, now) == [
        "Search · limit: was 10, now 20",
        "added: Signed: ada",
        "gone: Comments: was nothing",
    ]
    other = ReviewView("d" * 64, SEEN.facts)
    assert view_changes(SEEN, other) == ["the contract's content"]


def test_refusal__of_a_changed_view__names_the_changes_since_the_view_that_was_seen() -> None:
    with pytest.raises(ViewChangedError) as refusal:
        require_same_view(seen_as(Status="EXPIRED"), seen_view=SEEN.digest(), seen_text=SEEN.text())
    assert refusal.value.code == "view_changed"
    assert refusal.value.details == {"changed": ["Status: was ELIGIBLE, now EXPIRED"]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "7",
        "\ud800",
        '{"content_digest":"","facts":{"a":1}}',
        '{"content_digest":"","facts":[]}',
        '{"content_digest":7,"facts":{}}',
        "[" * 10_000,
        SEEN.text(),
    ],
)
def test_text_that_is_not_the_view_whose_digest_was_sent__believed_for_nothing(text: str) -> None:
    """The text is ignored, whether the digest sent with it fits it or not."""
    now = seen_as(Status="EXPIRED")
    own = sha256_hex(text) if text.isascii() and text != SEEN.text() else "0" * 64
    for digest in {own, "0" * 64}:
        with pytest.raises(ViewChangedError) as refusal:
            require_same_view(now, seen_view=digest, seen_text=text)
        assert refusal.value.details == {"changed": []}


def test_facts__of_setting_keys_with_hostile_names__are_never_named_alike() -> None:
    parts = ["A", "B", "A · B", "B · A", '"A"', "Lifecycle of A", '"A · B"', 'A" · "B', "·", '"']
    # Combined, these imitate the lifecycle fact of a capability with a quoted name.
    parts += ['Lifecycle of "A', 'Lifecycle of "A"', 'Lifecycle of "A · B"', 'B"', '"B']
    setting_keys = [
        SettingKey(scope, key) for scope, key in itertools.product(parts, [None, *parts])
    ]
    facts = {fact_name(setting_key) for setting_key in setting_keys}
    assert len(facts) == len(setting_keys)
    fixed = {"Status", "Review", "Comments", "Signatures", "System health", SIBLINGS}
    assert not facts & fixed


@pytest.mark.parametrize("value", [20, "20", None, "no recorded value", {"b": 1, "a": [2.5]}, ""])
def test_value__out_of_a_view__is_the_one_that_went_in(value: object) -> None:
    setting_key = SettingKey("Search", "limit")
    view = ReviewView(CONTENT, {fact_name(setting_key): canonical_text(value)})
    assert view.value_of(setting_key).canonical == canonical_text(value)
    nothing = ReviewView(CONTENT, {fact_name(setting_key): NO_RECORDED_VALUE.serialized})
    assert nothing.value_of(setting_key) is NO_RECORDED_VALUE


def test_view__too_large_for_a_form__is_not_carried_along() -> None:
    assert SEEN.for_form() == SEEN.text()
    assert seen_as(Comments="é" * 100_000).for_form() == ""
