"""The short version, the same every time; `make fuzz` draws other lots, and more of them."""

from __future__ import annotations

import pytest

from tests.fuzz.run import fuzz_all, operation_ids
from tests.fuzz.world import make_world
from tests.support.users import Users

CASES = 3000
SHARES = 6
SEED = 20_261_126


@pytest.mark.parametrize("share", range(SHARES))
def test_api__asked_what_its_schema_allows_and_forbids__answers_as_it_says(
    committed: Users, share: int
) -> None:
    """No server error, nothing outside the schema, nothing refused that it allows, nothing taken
    that it forbids. All shares together send the 3 000 cases.
    """
    at_least = -(-CASES // SHARES)
    found = fuzz_all(
        operation_ids()[share::SHARES], make_world(committed), cases=at_least, seed=SEED
    )
    assert not found.faults, "\n\n".join(found.faults)
    assert found.cases >= at_least
    assert sum(found.answers.values()) >= at_least, "They were not all sent."
    assert not [status for status in found.answers if status >= 500]
    assert found.answers[401] > at_least / 10
    assert sum(n for status, n in found.answers.items() if status < 300) > at_least / 10
