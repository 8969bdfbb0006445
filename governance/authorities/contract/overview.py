"""Which contracts a list or a count shows: what they wait for, and what was decided in a week.

The home page counts by these queries and the filters of the lists select by them, so a count equals
the length of the list that it links to.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet

from governance.domain.lifecycles import JOB_TERMINAL_STATES
from governance.domain.values import AuditVerdict, ContractStatus
from governance.models import SystemContract

WEEKS_SHOWN = 8
WEEK = timedelta(days=7)
DECISIONS = ("approved", "rejected", "expired")
WAITS = {
    "verdicts": "for the validator's verdict and the eligibility verdict",
    "activation": "for activation",
    "verdict": "for an auditor's verdict",
    "settling": "for a person to settle the audit",
}


def week_of(at: datetime) -> datetime:
    """Return the beginning of the week of `at`: Monday, 00:00 UTC."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def weeks_until(at: datetime) -> list[datetime]:
    """Return the beginnings of the weeks that are shown, the oldest first."""
    this = week_of(at)
    return [this - WEEK * back for back in reversed(range(WEEKS_SHOWN))]


def decided_in(
    decision: str, week: datetime, among: QuerySet[SystemContract]
) -> QuerySet[SystemContract]:
    """Return the contracts with that decision in the week that began at `week`."""
    if decision == "approved":
        return among.filter(approved_at__gte=week, approved_at__lt=week + WEEK)
    status = ContractStatus(decision.upper())
    return among.filter(status=status, closed_at__gte=week, closed_at__lt=week + WEEK)


def waiting_for(
    what: str, at: datetime, among: QuerySet[SystemContract]
) -> QuerySet[SystemContract]:
    """Return the contracts that are waiting for `what`, a key of `WAITS`."""
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


def failed_since(since: datetime) -> QuerySet[SystemContract]:
    """Return the contracts that failed at `since` or later, the latest first."""
    return SystemContract.objects.filter(
        status=ContractStatus.FAILED, closed_at__gte=since
    ).order_by("-closed_at")
