"""The mix: which kinds of contracts there are, how large a share each has, and how old it is."""

from __future__ import annotations

from dataclasses import dataclass

HOUR, DAY = 60, 1440  # in minutes
YEARS = (8 * DAY, 3 * 365 * DAY)  # what is over
WEEKS = (0, 21 * DAY)  # what waits for an auditor, or for a person
WINDOW = (0, 150 * HOUR)  # what an activation window of 160 hours still allows
REVIEW = (0, 120 * HOUR)  # what a review of a week still allows
NOW = (0, 20)


@dataclass(frozen=True, slots=True)
class Kind:
    """Contracts that end alike: the method of `Narrator` that tells one, and its share in 1000.

    `ages` are minutes, the youngest and the oldest copy's, by which it is older than its original.
    """

    ends_as: str
    share: float
    steps: int
    risk_level: str
    ages: tuple[int, int]


KINDS = (
    # Most are done: 3.3 steps in the mean, 20 at most.
    Kind("completed", 180, 1, "low", YEARS),
    Kind("completed", 170, 2, "medium", YEARS),
    Kind("completed", 150, 3, "medium", YEARS),
    Kind("completed", 80, 4, "low", YEARS),
    Kind("completed", 55, 5, "high", YEARS),
    Kind("completed", 40, 8, "high", YEARS),
    Kind("completed", 20, 12, "critical", YEARS),
    Kind("completed", 10, 20, "low", YEARS),
    Kind("resolved_well", 20, 2, "medium", YEARS),
    Kind("failed", 40, 3, "medium", YEARS),
    Kind("cancelled_and_judged", 15, 2, "high", YEARS),
    Kind("lapsed", 15, 1, "low", YEARS),
    Kind("resolved_badly", 5, 1, "critical", YEARS),
    Kind("rejected", 45, 2, "medium", YEARS),
    Kind("rejected", 30, 3, "high", YEARS),
    Kind("expired", 50, 1, "low", YEARS),
    # The live tail: seven in a hundred.
    Kind("draft", 5, 1, "medium", REVIEW),
    Kind("eligible", 3, 1, "critical", REVIEW),
    Kind("eligible", 7, 2, "high", REVIEW),
    Kind("eligible", 10, 3, "medium", REVIEW),
    Kind("eligible", 6, 1, "low", REVIEW),
    Kind("asked", 2, 2, "high", REVIEW),
    Kind("answered", 2, 2, "medium", REVIEW),
    Kind("approved", 12, 2, "medium", WINDOW),
    Kind("pending", 3, 1, "low", WINDOW),
    Kind("pending", 3, 3, "high", WINDOW),
    Kind("running", 6, 5, "medium", NOW),
    Kind("awaiting_verdict", 10, 3, "medium", WEEKS),
    Kind("cancelled", 2, 2, "low", WEEKS),
    Kind("inconclusive", 4, 2, "high", WEEKS),
)


def copies_of_each(contracts: int) -> list[int]:
    """How many copies of each kind's original make `contracts` in all, originals included.

    The largest kind takes what rounding leaves over. ValueError where there are fewer contracts
    than kinds.
    """
    if contracts < len(KINDS):
        raise ValueError(f"at least {len(KINDS)} contracts, one of each kind")
    spare = contracts - len(KINDS)
    whole = sum(kind.share for kind in KINDS)
    copies = [int(spare * kind.share / whole) for kind in KINDS]
    copies[0] += spare - sum(copies)
    return copies
