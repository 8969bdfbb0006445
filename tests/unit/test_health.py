"""Tests of health decisions: the words for them, their order, and what contradicts a lifecycle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.domain.errors import InvalidInputError
from governance.domain.health import (
    BEST_TO_WORST,
    DECISION_WORDS,
    contradicts_health,
    is_worse,
    parse_decision,
    worst_of,
)
from governance.domain.values import HealthDecision, Lifecycle

HEALTHY, DEGRADED, BLOCKED = HealthDecision.HEALTHY, HealthDecision.DEGRADED, HealthDecision.BLOCKED


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("OK", HEALTHY),
        ("CLEAN", HEALTHY),
        ("HEALTHY", HEALTHY),
        ("WARN", DEGRADED),
        ("DEGRADED", DEGRADED),
        ("UNHEALTHY", BLOCKED),
        ("BLOCKED", BLOCKED),
    ],
)
def test_word__of_a_monitor__means_a_decision(word: str, meant: HealthDecision) -> None:
    assert parse_decision(word) is meant
    assert word in DECISION_WORDS


@pytest.mark.parametrize("word", ["", "ok", "FINE", "UNKNOWN", " BLOCKED"])
def test_word__of_no_decision__refused(word: str) -> None:
    with pytest.raises(InvalidInputError, match="decision: must be one of HEALTHY, DEGRADED"):
        parse_decision(word)


@given(st.permutations([HEALTHY, HEALTHY, DEGRADED, DEGRADED, BLOCKED]), st.integers(0, 5))
def test_worst_of__in_any_order__the_worst_that_was_given(
    decisions: list[HealthDecision], count: int
) -> None:
    reported = decisions[:count]
    expected = next((d for d in reversed(BEST_TO_WORST) if d in reported), HEALTHY)
    assert worst_of(reported) is expected


def test_is_worse__follows_the_order() -> None:
    assert is_worse(BLOCKED, than=DEGRADED)
    assert is_worse(DEGRADED, than=HEALTHY)
    assert not is_worse(HEALTHY, than=HEALTHY)
    assert not is_worse(DEGRADED, than=BLOCKED)


def test_lifecycle__launched_while_blocked__contradicts_health_and_nothing_else_does() -> None:
    contradictions = {
        (lifecycle, health)
        for lifecycle in Lifecycle
        for health in (*HealthDecision, None)
        if contradicts_health(lifecycle, health)
    }
    assert contradictions == {(Lifecycle.LAUNCHED, BLOCKED)}
