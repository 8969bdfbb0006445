"""What the home page counts: never further than a thousand, each along an index, all in one query.

A count and the list it leads to are the same question: the filters of the lists ask it by the same
names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from governance.domain.lifecycles import JOB_TERMINAL_STATES
from governance.domain.values import (
    AuditVerdict,
    ContractStatus,
    JobStatus,
)
from governance.models import GovernanceJob, SystemContract

MAX_COUNTED = 1_000
WEEKS_SHOWN = 8
WEEK = timedelta(days=7)
DECISIONS = ("approved", "rejected", "expired")
WAITS = {
    "verdicts": "for the validator's and the gate's verdicts",
    "activation": "for activation",
    "verdict": "for an auditor's verdict",
    "settling": "for a person to settle the audit",
}


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are, exactly up to MAX_COUNTED."""

    number: int

    @property
    def words(self) -> str:
        return "more than 1 000" if self.number > MAX_COUNTED else str(self.number)

    @property
    def short(self) -> str:
        return "1 000+" if self.number > MAX_COUNTED else str(self.number)


def capped_counts(questions: Mapping[Any, QuerySet[Any]]) -> dict[Any, Count]:
    """How many rows each question has, reading no more than MAX_COUNTED + 1 of any; one query.

    Rows are counted in whatever order a question gives them, which is the one that finds them
    soonest, or in none.
    """
    if not questions:
        return {}
    parts: list[str] = []
    params: list[Any] = []
    for rows in questions.values():
        found = rows if rows.query.order_by else rows.order_by()
        sql, given = found.values("pk")[: MAX_COUNTED + 1].query.sql_with_params()
        parts.append(f"(SELECT count(*) FROM ({sql}) AS counted)")  # noqa: S608 - Django's own
        params += given
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(parts), params)
        numbers = cursor.fetchone()
    return dict(zip(questions, map(Count, numbers), strict=True))


def week_of(at: datetime) -> datetime:
    """The Monday, 00:00 UTC, at which the week of `at` began."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def weeks_until(at: datetime) -> list[datetime]:
    """When the weeks that are shown began, the oldest first."""
    this = week_of(at)
    return [this - WEEK * back for back in reversed(range(WEEKS_SHOWN))]


def decided_in(
    decision: str, week: datetime, among: QuerySet[SystemContract]
) -> QuerySet[SystemContract]:
    """Contracts on which that was decided in the week that began at `week`."""
    if decision == "approved":
        return among.filter(approved_at__gte=week, approved_at__lt=week + WEEK)
    status = ContractStatus(decision.upper())
    return among.filter(status=status, closed_at__gte=week, closed_at__lt=week + WEEK)


def waiting_for(
    what: str, at: datetime, among: QuerySet[SystemContract]
) -> QuerySet[SystemContract]:
    """Contracts that somebody has to move on: `what` is one of WAITS."""
    if what == "activation":
        return among.filter(
            status=ContractStatus.APPROVED, window_opens_at__lte=at, window_closes_at__gte=at
        )
    if what == "verdicts":
        return among.filter(status__in=[ContractStatus.DRAFT, ContractStatus.VALIDATED])
    active = among.filter(status=ContractStatus.ACTIVE)
    if what == "verdict":
        return active.filter(
            audit_verdict=AuditVerdict.PENDING, job__status__in=JOB_TERMINAL_STATES
        )
    return active.filter(audit_verdict=AuditVerdict.INCONCLUSIVE)


def ended_within(
    days: int, at: datetime, among: QuerySet[GovernanceJob]
) -> QuerySet[GovernanceJob]:
    """Jobs that ended in the last `days` days."""
    return among.filter(
        status__in=[JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED],
        ended_at__gte=at - timedelta(days=days),
    )
