"""The review queue: the ELIGIBLE contracts by risk, then by the end of their review (REVIEW-005).

Within a risk, contracts whose review is paused come last, because their time does not pass.

Pages use keyset cursors in both directions and no row count, so contracts that arrive or leave
between two requests shift no page. Each page is one query on an index made for it.
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
    QueueRank,
    ReviewEnd,
    queue_rank_of,
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
            queue_rank_of(contract), contract.review_ends_at or contract.expires_at, contract.pk
        )

    @classmethod
    def read(cls, text: str) -> QueueCursor:
        """Parse the text that `str(cursor)` returns.

        Raises:
            ValueError: for any other text.
        """
        rank, ends_at, name = text.split("~")
        return cls(read_digits(rank, max_digits=1), time_from_digits(ends_at), UUID(name))

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
    rows = SystemContract.objects.filter(status=ContractStatus.ELIGIBLE).only(*LIST_COLUMNS)
    if filters.risk:
        rank = 2 * list(RiskLevel).index(filters.risk)
        rows = rows.alias(rank=QueueRank()).filter(rank__gte=rank, rank__lte=rank + 1)
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


def queue_page(
    filters: QueueFilter = QueueFilter(),
    *,
    at: datetime,
    after: QueueCursor | None = None,
    before: QueueCursor | None = None,
    size: int = PAGE_SIZE,
) -> QueuePage:
    """Return the first page, the page after `after`, or the page before `before`; one query.

    The contract of a cursor may have left the queue meanwhile.
    """
    rows = waiting_contracts(filters, at=at)
    if before:
        backwards = rows.filter(TupleLessThan(_queue_key(), before.key)).order_by(
            QueueRank().desc(), ReviewEnd().desc(), "-id"
        )
        found = list(backwards[: size + 1])
        return QueuePage(found[:size][::-1], len(found) > size, True)
    if after:
        rows = rows.filter(TupleGreaterThan(_queue_key(), after.key))
    found = list(rows.order_by(QueueRank(), ReviewEnd(), "id")[: size + 1])
    return QueuePage(found[:size], after is not None, len(found) > size)


def _queue_key() -> Tuple:
    """Make the expression of the queue's order, which its index serves; one for each query."""
    return Tuple(QueueRank(), ReviewEnd(), F("id"))
