"""The review queue: the ELIGIBLE contracts by risk, then by the end of their review (REVIEW-005).

Rollbacks come first, also by risk. Within a risk, contracts whose review is paused come
last, because their time does not pass.

Pages use keyset cursors in both directions and no row count, so contracts that arrive or leave
between two requests shift no page. Each page is read along an index made for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from governance.domain.positions import read_digits, time_from_digits, time_to_digits
from governance.domain.values import ContractStatus, RiskLevel, Source
from governance.models import SystemContract
from governance.models.contract_indexes import (
    ContractWords,
    ReviewEnd,
    ReviewRank,
    review_rank_of,
    review_ranks_of,
    search_query,
)

PAGE_SIZE = 50
# Ranges of waiting time in whole days: from the first number to below the second; None is no end.
AGES: dict[str, tuple[int, int | None]] = {
    "0-1": (0, 1),
    "1-2": (1, 2),
    "2-3": (2, 3),
    "3-4": (3, 4),
    "4-5": (4, 5),
    "5-6": (5, 6),
    "6-": (6, None),
}
LIST_COLUMNS = (
    *("id", "reference", "title", "source", "risk_level", "affected_capabilities"),
    *("confidence_score", "created_at", "expires_at", "review_ends_at", "status", "proposed_by_id"),
    "rolls_back_id",
)


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """The filters of the queue; an empty field filters nothing."""

    risk: RiskLevel | None = None
    source: Source | None = None
    capability: str = ""
    words: str = ""
    age: str = ""  # one of AGES


@dataclass(frozen=True, slots=True)
class QueueCursor:
    """The position of a contract in the queue's order."""

    rank: int
    ends_at: datetime
    pk: UUID

    @property
    def key(self) -> tuple[int, datetime, UUID]:
        return self.rank, self.ends_at, self.pk

    @classmethod
    def of(cls, contract: SystemContract) -> QueueCursor:
        return cls(
            review_rank_of(contract), contract.review_ends_at or contract.expires_at, contract.pk
        )

    @classmethod
    def read(cls, text: str) -> QueueCursor:
        """Parse the text that `str(cursor)` returns.

        Raises:
            ValueError: for any other text.
        """
        rank, ends_at, name = text.split("~")
        return cls(read_digits(rank, max_digits=2), time_from_digits(ends_at), UUID(name))

    def __str__(self) -> str:
        return f"{self.rank}~{time_to_digits(self.ends_at)}~{self.pk}"


@dataclass(frozen=True, slots=True)
class QueuePage:
    """A page in the queue's order, and whether there are rows before and after it."""

    rows: Sequence[SystemContract]
    has_earlier: bool
    has_later: bool


def waiting_contracts(
    filters: QueueFilter = QueueFilter(), *, at: datetime
) -> QuerySet[SystemContract]:
    """Return the ELIGIBLE contracts that match `filters`, unordered, with the list's columns."""
    rows = _of_every_risk(filters, at)
    return rows.filter(risk_level=filters.risk) if filters.risk else rows


def queue_page(
    filters: QueueFilter = QueueFilter(),
    *,
    at: datetime,
    after: QueueCursor | None = None,
    before: QueueCursor | None = None,
    size: int = PAGE_SIZE,
) -> QueuePage:
    """Return the first page, the page after `after`, or the page before `before`.

    One query, and of one risk two. The contract of a cursor may have left the queue meanwhile.
    """
    ranges = _ranges(filters, at)
    found: list[SystemContract] = []
    if before:
        for rows in reversed(ranges):
            backwards = rows.filter(TupleLessThan(_queue_key(), before.key)).order_by(
                ReviewRank().desc(), ReviewEnd().desc(), "-id"
            )
            found += backwards[: size + 1 - len(found)]
        return QueuePage(found[:size][::-1], len(found) > size, True)
    for rows in ranges:
        if after:
            rows = rows.filter(TupleGreaterThan(_queue_key(), after.key))
        found += rows.order_by(ReviewRank(), ReviewEnd(), "id")[: size + 1 - len(found)]
    return QueuePage(found[:size], after is not None, len(found) > size)


def _of_every_risk(filters: QueueFilter, at: datetime) -> QuerySet[SystemContract]:
    """Return the ELIGIBLE contracts that match the filters but that of the risk."""
    rows = SystemContract.objects.filter(status=ContractStatus.ELIGIBLE).only(*LIST_COLUMNS)
    if filters.source:
        rows = rows.filter(source=filters.source)
    if filters.capability:
        rows = rows.filter(affected_capabilities__contains=[filters.capability])
    if filters.words:
        rows = rows.alias(found=ContractWords()).filter(found=search_query(filters.words))
    if filters.age:
        youngest, oldest = AGES[filters.age]
        rows = rows.filter(created_at__lte=at - timedelta(days=youngest))
        if oldest is not None:
            rows = rows.filter(created_at__gt=at - timedelta(days=oldest))
    return rows


def _ranges(filters: QueueFilter, at: datetime) -> list[QuerySet[SystemContract]]:
    """Return the ranges of the index that have the matching contracts, in the queue's order.

    The rollbacks of a risk come first, and therefore are a range of their own.
    """
    rows = _of_every_risk(filters, at)
    if not filters.risk:
        return [rows]
    of_rollbacks, first, last = review_ranks_of(filters.risk)
    ranked = rows.alias(rank=ReviewRank())
    return [ranked.filter(rank=of_rollbacks), ranked.filter(rank__gte=first, rank__lte=last)]


def _queue_key() -> Tuple:
    """Make the expression of the queue's order, which its index serves; one for each query."""
    return Tuple(ReviewRank(), ReviewEnd(), F("id"))
