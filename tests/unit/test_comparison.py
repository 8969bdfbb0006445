"""Two values compared: the parts that differ, the words that differ, at a bounded cost."""

from __future__ import annotations

import json
import time
from random import Random
from typing import Any

import pytest

from governance.admin.visible_html import side
from governance.authorities.review.comparison import MISSING, StepBudget, compare_values


def changed_parts(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    def shown(value: Any) -> Any:
        return "-" if value is MISSING else value

    found = compare_values(before, after).changed
    return [(part.path, shown(part.before), shown(part.after)) for part in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (50, 50, []),
        (50, 50.0, []),
        (1, True, [("", 1, True)]),
        (None, [1], [("", None, [1])]),
        (MISSING, 3, [("", "-", 3)]),
        ({}, [], [("", {}, [])]),
        ([1, 2, 3], [1, 2, 3], []),
        ([1, 2, 3], [1, 3], [("[1]", 2, "-")]),
        ([1, 3], [1, 2, 3], [("[1]", "-", 2)]),
        ([1, 2, 3, 4], [2, 3, 4, 5], [("[0]", 1, "-"), ("[3]", "-", 5)]),
        ([{"a": 1}], [{"a": 2}], [("[0].a", 1, 2)]),
        ({"a": 1, "b c": 2}, {"b c": 3, "d": []}, [
            (".a", 1, "-"), ('["b c"]', 2, 3), (".d", "-", [])]),
    ],
)  # fmt: skip
def test_changed_parts__that_differ__are_named_by_their_path(
    before: Any, after: Any, expected: list[Any]
) -> None:
    assert changed_parts(before, after) == expected


def test_one_of_many__is_the_one_part_and_the_others_are_counted() -> None:
    before = list(range(300))
    after = [7777 if number == 211 else number for number in before]
    found = compare_values(before, after)
    assert changed_parts(before, after) == [("[211]", 211, 7777)]
    assert (found.unchanged, found.total, found.is_structure) == (299, 300, True)


def test_texts__are_compared_by_word() -> None:
    before, after = "Pay at most 50 a day, please", "Pay at most 500 a day,  please"
    segments = compare_values(before, after).segments
    assert [(one.kind, one.text) for one in segments] == [
        ("same", "Pay at most "),
        ("removed", "50"),
        ("inserted", "500"),
        ("same", " a day,"),
        ("removed", " "),
        ("inserted", "  "),
        ("same", "please"),
    ]
    assert "<del>50</del> a day,<del>" in side(segments, "removed")
    inserted = side(segments, "inserted")
    assert '<ins>500</ins> a day,<ins><span class="gov-escape">⟦2 spaces⟧</span></ins>' in inserted


def test_long_text__is_cut_where_it_is_the_same_and_says_by_how_much() -> None:
    before = "word " * 1000 + "end"
    shown = side(compare_values(before, before + " EVIL").segments, "inserted")
    assert "<small>… 4943 unchanged characters …</small>" in shown
    assert "<ins>" in shown
    assert "EVIL" in shown
    assert len(shown) < 400


def test_segments__put_together__are_both_texts() -> None:
    random = Random(7)
    for _ in range(500):
        before, after = (
            "".join(random.choices("ab \u202e", k=random.randint(0, 9))) for _ in range(2)
        )
        found = compare_values(before, after)
        if before == after:
            assert found.changed == []
            continue
        parts = found.changed[0].segments
        assert "".join(one.text for one in parts if one.kind != "inserted") == before
        assert "".join(one.text for one in parts if one.kind != "removed") == after


def _shuffled(size: int, of: Any, seed: int) -> list[Any]:
    return Random(seed).choices(of, k=size)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(*(" ".join(_shuffled(260_000, "abc", n)) for n in (1, 2)), id="words"),
        pytest.param(*(_shuffled(260_000, [0, 1], n) for n in (1, 2)), id="list"),
        pytest.param(list(range(130_000)), list(range(65_000, 195_000)), id="shifted"),
        pytest.param(*({str(n): [n + m] for n in range(60_000)} for m in (0, 1)), id="structure"),
    ],
)
def test_value__of_a_mebibyte_that_was_made_to_be_slow__takes_a_bounded_time(
    before: Any, after: Any
) -> None:
    assert len(json.dumps(before)) > 500_000
    began = time.process_time()
    compare_values(before, after)
    assert time.process_time() - began < 5


def test_budget__is_shared_and_what_is_beyond_it_is_replaced_as_a_whole() -> None:
    budget = StepBudget(left=20)
    first = compare_values("a b c d", "a x c d", budget)
    second = compare_values("k b c d l e y", "k x y z l q y", budget)
    assert (first.is_exact, second.is_exact) == (True, False)
    assert [one.kind for one in second.segments] == ["same", "removed", "inserted", "same"]
