"""The short version with a fixed seed; `make fuzz` sends more requests, with a random seed.

The daily suite sends the first of the shares.
"""

from __future__ import annotations

import pytest

from tests.fuzz.run import fuzz_all, operation_ids
from tests.fuzz.world import make_world
from tests.support.users import Users

CASES = 3000
SHARES = 6
SEED = 20_261_126


@pytest.mark.parametrize(
    "share", [0, *(pytest.param(share, marks=pytest.mark.long) for share in range(1, SHARES))]
)
def test_api__asked_what_its_schema_allows_and_forbids__answers_as_it_says(
    committed: Users, share: int
) -> None:
    """Valid requests are accepted, invalid ones refused, and every response is in the schema.

    All shares together send the 3 000 cases.
    """
    at_least = -(-CASES // SHARES)
    found = fuzz_all(
        operation_ids()[share::SHARES], make_world(committed), cases=at_least, seed=SEED
    )
    assert not found.faults, "\n\n".join(found.faults)
    assert found.cases >= at_least
    assert sum(found.answers.values()) >= at_least, "Not all cases were sent."
    assert not [status for status in found.answers if status >= 500]
    assert found.answers[401] > at_least / 10
    assert sum(n for status, n in found.answers.items() if status < 300) > at_least / 10
