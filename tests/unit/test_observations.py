"""The differences between a recorded and an observed state."""

from __future__ import annotations

from typing import Any

import pytest

from governance.authorities.health.drift import drift_in_words
from governance.domain.observations import DriftingValue, differences_between

RECORDED = {"lifecycle": "LAUNCHED", "configuration": {"limit": 20, "names": ["a", {"b": 1}]}}


def changed(**values: Any) -> list[DriftingValue]:
    """Return the differences if the platform has these values instead."""
    configuration = {**RECORDED["configuration"], **values}  # type: ignore[dict-item]
    return differences_between(RECORDED, RECORDED | {"configuration": configuration})


@pytest.mark.parametrize("value", [21, True, "20", None, [20]])
def test_value__that_is_another_one_as_json__differs(value: Any) -> None:
    assert changed(limit=value) == [DriftingValue("limit", 20, value)]


@pytest.mark.parametrize("values", [{"limit": 20.0}, {"names": ["a", {"b": 1.0}]}, {"more": None}])
def test_value__that_is_the_same_as_json__does_not_differ(values: dict[str, Any]) -> None:
    assert changed(**values) == []


def test_value__that_is_not_recorded__differs() -> None:
    assert changed(more=False) == [DriftingValue("more", None, False)]


def test_lifecycle__that_is_another_one__differs() -> None:
    observed = RECORDED | {"lifecycle": "DISABLED"}
    [difference] = differences_between(RECORDED, observed)
    assert drift_in_words([difference]) == (
        'Lifecycle is "DISABLED" on the platform and "LAUNCHED" in the registry.'
    )


def test_system__without_a_lifecycle__is_compared_by_its_configuration() -> None:
    recorded = {"configuration": {"region": "eu"}}
    assert differences_between(recorded, {"configuration": {"region": "eu"}}) == []
    [difference] = differences_between(recorded, {"configuration": {}})
    assert drift_in_words([difference]) == (
        '"region" is no value on the platform and "eu" in the registry.'
    )


def test_drift__of_long_values__is_cut() -> None:
    words = drift_in_words([DriftingValue(f"k{one}", "x" * 500, "y" * 500) for one in range(20)])
    assert len(words) == 2000
    assert words.startswith('"k0" is "yyyy')
