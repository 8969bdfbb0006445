"""The kinds of contracts in a load, with their shares and their ages."""

from __future__ import annotations

from dataclasses import dataclass

HOUR, DAY = 60, 1440  # in minutes
YEARS = (8 * DAY, 3 * 365 * DAY)  # terminal contracts
WEEKS = (0, 21 * DAY)  # contracts that wait for an auditor or for a resolution
WINDOW = (0, 150 * HOUR)  # younger than an activation window of 160 hours
REVIEW = (0, 120 * HOUR)  # younger than a review of a week
NOW = (0, 20)


@dataclass(frozen=True, slots=True)
class ContractKind:
    """A kind of contracts: the method of `LoadScenarioWriter` for one, and its share in 1000.

    `ages` says how much older than the original the youngest and the oldest copy are, in minutes.
    With `is_apart`, each copy affects a capability of its own: two jobs on one never run together.
    """

    ends_as: str
    share: float
    steps: int
    risk_level: str
    ages: tuple[int, int]
    is_apart: bool = False


KINDS = (
    # Most contracts are terminal, with 3.3 steps on average and 20 at most.
    ContractKind("completed", 180, 1, "low", YEARS),
    ContractKind("completed", 170, 2, "medium", YEARS),
    ContractKind("completed", 150, 3, "medium", YEARS),
    ContractKind("completed", 80, 4, "low", YEARS),
    ContractKind("completed", 55, 5, "high", YEARS),
    ContractKind("completed", 40, 8, "high", YEARS),
    ContractKind("completed", 20, 12, "critical", YEARS),
    ContractKind("completed", 10, 20, "low", YEARS),
    ContractKind("resolved_well", 20, 2, "medium", YEARS),
    ContractKind("failed", 40, 3, "medium", YEARS),
    ContractKind("cancelled_and_judged", 15, 2, "high", YEARS),
    ContractKind("lapsed", 15, 1, "low", YEARS),
    ContractKind("resolved_badly", 5, 1, "critical", YEARS),
    ContractKind("rejected", 45, 2, "medium", YEARS),
    ContractKind("rejected", 30, 3, "high", YEARS),
    ContractKind("expired", 50, 1, "low", YEARS),
    # Seven in a hundred are open.
    ContractKind("draft", 5, 1, "medium", REVIEW),
    ContractKind("eligible", 3, 1, "critical", REVIEW),
    ContractKind("eligible", 7, 2, "high", REVIEW),
    ContractKind("eligible", 10, 3, "medium", REVIEW),
    ContractKind("eligible", 6, 1, "low", REVIEW),
    ContractKind("asked", 2, 2, "high", REVIEW),
    ContractKind("answered", 2, 2, "medium", REVIEW),
    ContractKind("approved", 12, 2, "medium", WINDOW),
    ContractKind("pending", 3, 1, "low", WINDOW, is_apart=True),
    ContractKind("pending", 3, 3, "high", WINDOW, is_apart=True),
    ContractKind("running", 6, 5, "medium", NOW, is_apart=True),
    ContractKind("awaiting_verdict", 10, 3, "medium", WEEKS),
    ContractKind("cancelled", 2, 2, "low", WEEKS),
    ContractKind("inconclusive", 4, 2, "high", WEEKS),
)


def copies_of_each(contracts: int) -> list[int]:
    """Return the number of copies of each kind, so that there are `contracts` with the originals.

    The largest kind gets the remainder of the rounding.

    Raises:
        ValueError: There are fewer contracts than kinds.
    """
    if contracts < len(KINDS):
        raise ValueError(f"at least {len(KINDS)} contracts, one of each kind")
    spare = contracts - len(KINDS)
    whole = sum(kind.share for kind in KINDS)
    copies = [int(spare * kind.share / whole) for kind in KINDS]
    copies[0] += spare - sum(copies)
    return copies
