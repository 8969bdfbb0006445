"""The home page: what is stopped, awaited, running and recently failed; notices; charts.

The number of queries is constant, and no count goes further than a thousand. A person sees the
parts for which they have the permission.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.urls import reverse
from django.utils import timezone

from governance.admin.activity import recent_failures, runs_now
from governance.admin.charts import Chart, ChartColumn, Figure, column_chart
from governance.admin.drift import DRIFT, VIEW_CONFIGURATION
from governance.admin.endings import CONTRACT_ENDINGS, JOB_ENDINGS, held_notices
from governance.admin.links import contract_url, list_url
from governance.admin.notices import LIST as NOTICES
from governance.admin.notices import MAX_ON_HOME, READ_NOTICES, unread_rows
from governance.admin.queue import QUEUE, queue_rows
from governance.admin.readonly import person_of
from governance.authorities.contract.overview import (
    DECISIONS,
    WAITS,
    decided_in,
    waiting_for,
    weeks_until,
)
from governance.authorities.orchestrator.queries import jobs_ended_within
from governance.authorities.review.queue import AGES, QueueFilter, queue_page, waiting_contracts
from governance.db.counting import Count, capped_counts
from governance.domain.people import Actor
from governance.domain.values import JobStatus, RiskLevel
from governance.domain.visible_text import visible_text
from governance.models import GovernanceAudit, GovernanceJob, PlatformValue, SystemContract
from governance.services.access.permissions import is_auditor, is_founder, is_operator, may_propose
from governance.services.breakers.queries import open_breakers

CONTRACTS = "admin:governance_systemcontract_changelist"
JOBS = "admin:governance_governancejob_changelist"
RUNNING = "admin:governance_governancejob_running"
VIEW_CONTRACTS = "governance.view_systemcontract"
VIEW_JOBS = "governance.view_governancejob"
VIEW_AUDITS = "governance.view_governanceaudit"
MAX_WAITING = 6
MAX_VERDICTS = 8
OUTCOME_DAYS = 30
OUTCOMES = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
# Who sees a tile: those who must act, and founders who wait for verdicts on a modified contract.
DUTIES: Mapping[str, Callable[[Actor], bool]] = {
    "verdicts": may_propose,
    "activation": lambda person: person.has_perm("governance.activate_contract"),
    "verdict": is_auditor,
    "settling": is_auditor,
}
LATE_AFTER_DAYS = 3

Counts = dict[Any, Count]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the home page's context for the person of the request; a callback of Unfold."""
    person, at = person_of(request), timezone.now()
    sees_contracts, sees_jobs = person.has_perm(VIEW_CONTRACTS), person.has_perm(VIEW_JOBS)
    counts = capped_counts(_questions(person, at))
    home: dict[str, Any] = {"sees_contracts": sees_contracts, "sees_jobs": sees_jobs}
    if sees_contracts:
        waiting = queue_page(at=at, size=MAX_WAITING)
        home |= {
            "is_founder": is_founder(person),
            "waiting": queue_rows(waiting.rows, person=person, at=at),
            "more_waiting": waiting.has_later,
            "queue_url": reverse(QUEUE),
        }
    home |= {
        "notices": unread_rows(request, most=MAX_ON_HOME),
        "notices_url": reverse(NOTICES),
        "read_url": reverse(READ_NOTICES),
    }
    home["is_operator"] = is_operator(person)
    endings = ((CONTRACT_ENDINGS, sees_contracts), (JOB_ENDINGS, sees_jobs))
    home["held_endings"] = held_notices([page for page, sees in endings if sees], at)
    if sees_jobs:
        home |= {"runs": runs_now(at), "running_url": reverse(RUNNING)}
        home["open_breakers"] = open_breakers()
    if sees_contracts and sees_jobs:
        home["recent_failures"] = recent_failures(at)
    home["tiles"] = _tiles(counts)
    home["charts"] = _charts(person, counts, at)
    return context | {"home": home}


def _questions(person: Actor, at: datetime) -> dict[Any, QuerySet[Any]]:
    """Return the queries whose rows the page counts, by the keys of `_tiles` and `_charts`."""
    asked: dict[Any, QuerySet[Any]] = {}
    contracts, jobs = SystemContract.objects.all(), GovernanceJob.objects.all()
    if person.has_perm(VIEW_CONTRACTS):
        for risk in RiskLevel:
            asked["risk", risk] = waiting_contracts(QueueFilter(risk=risk), at=at)
        for age in AGES:
            asked["age", age] = waiting_contracts(QueueFilter(age=age), at=at)
        for week in weeks_until(at):
            for decision in DECISIONS:
                asked[decision, week] = decided_in(decision, week, contracts)
        for what, concerns in DUTIES.items():
            if concerns(person):
                asked["waits", what] = waiting_for(what, at, contracts)
        if ("waits", "verdict") in asked:
            # The newest active contracts still run. In this order PostgreSQL reads them last.
            asked["waits", "verdict"] = asked["waits", "verdict"].order_by("created_at", "id")
    if person.has_perm(VIEW_CONFIGURATION):
        asked["drift"] = PlatformValue.objects.drifting()
    if person.has_perm(VIEW_JOBS):
        asked["pending"] = jobs.filter(status=JobStatus.PENDING)
        for status in OUTCOMES:
            asked["outcome", status] = jobs_ended_within(OUTCOME_DAYS, at, jobs).filter(
                status=status
            )
    return asked


def _tiles(counts: Counts) -> list[dict[str, Any]]:
    """Return the counts of what somebody must act on, with the address of each list."""
    tiles = [
        {
            "count": counts["waits", what],
            "words": f"waiting {WAITS[what]}",
            "url": list_url(CONTRACTS, waits=what),
        }
        for what in DUTIES
        if ("waits", what) in counts
    ]
    if "pending" in counts:
        url = list_url(JOBS, status=JobStatus.PENDING)
        tiles.append({"count": counts["pending"], "words": "waiting to be run", "url": url})
    if "drift" in counts and counts["drift"].number:
        words = "values that drift on the platform"
        tiles.append({"count": counts["drift"], "words": words, "url": reverse(DRIFT)})
    return tiles


def _charts(person: Actor, counts: Counts, at: datetime) -> list[Chart]:
    charts = []
    if person.has_perm(VIEW_CONTRACTS):
        charts += [_depth(counts), _ages(counts), _decisions(counts, at)]
    if person.has_perm(VIEW_JOBS):
        charts.append(_outcomes(counts))
    if person.has_perm(VIEW_CONTRACTS) and person.has_perm(VIEW_AUDITS):
        charts.append(_verdict_times())
    return charts


def _depth(counts: Counts) -> Chart:
    columns = [
        _column(risk, risk, counts["risk", risk], list_url(QUEUE, risk=risk)) for risk in RiskLevel
    ]
    return column_chart(
        "depth", "Queue depth", columns, note="by risk, now", empty_words="No contract is waiting."
    )


def _ages(counts: Counts) -> Chart:
    columns = [
        _column(
            "late" if AGES[age][0] >= LATE_AFTER_DAYS else "waiting",
            f"{AGES[age][0]}–{AGES[age][1]} d" if AGES[age][1] else f"{AGES[age][0]}+ d",
            counts["age", age],
            list_url(QUEUE, age=age),
        )
        for age in AGES
    ]
    return column_chart(
        "ages",
        "Review age",
        columns,
        note="days that undecided contracts have waited",
        empty_words="No contract is waiting.",
        threshold=(LATE_AFTER_DAYS, f"{LATE_AFTER_DAYS} days"),
    )


def _decisions(counts: Counts, at: datetime) -> Chart:
    columns = []
    for week in weeks_until(at):
        figures = [
            Figure(
                decision,
                counts[decision, week].number,
                counts[decision, week].words,
                list_url(CONTRACTS, decided=f"{decision}-{week:%Y-%m-%d}"),
            )
            for decision in DECISIONS
        ]
        columns.append(ChartColumn(f"{week:%-d %b}", figures))
    return column_chart(
        "decisions",
        "Decisions per week",
        columns,
        note="weeks begin on Monday, 00:00 UTC",
        empty_words="Nothing was decided in these weeks.",
    )


def _outcomes(counts: Counts) -> Chart:
    columns = [
        _column(
            status.lower(),
            status.lower(),
            counts["outcome", status],
            list_url(JOBS, status=status, ended=OUTCOME_DAYS),
        )
        for status in OUTCOMES
    ]
    return column_chart(
        "outcomes",
        "Job outcomes",
        columns,
        note=f"jobs that ended in the last {OUTCOME_DAYS} days",
        empty_words="No job ended in this time.",
    )


def _verdict_times() -> Chart:
    """Return the chart of the latest verdicts, from the oldest to the newest; one query."""
    audits = (
        GovernanceAudit.objects.select_related("job__contract")
        .only(
            *("verdict", "recorded_at", "job__status", "job__contract__status"),
            *("job__contract__created_at", "job__contract__reference"),
        )
        .order_by("-id")[:MAX_VERDICTS]
    )
    columns = []
    for audit in reversed(audits):
        contract = audit.job.contract
        took = audit.recorded_at - contract.created_at
        url = contract_url(contract)
        figure = Figure(audit.verdict.lower(), took.total_seconds() / 3600, _brief(took), url)
        columns.append(ChartColumn(visible_text(truncatechars(contract.reference, 7)), [figure]))
    return column_chart(
        "verdicts",
        "From report to verdict",
        columns,
        note=f"the latest {MAX_VERDICTS} verdicts",
        empty_words="No verdict yet.",
    )


def _column(kind: str, label: str, count: Count, url: str) -> ChartColumn:
    figure = Figure(str(kind), count.number, count.short, url)
    return ChartColumn(str(label), [figure])


def _brief(length: timedelta) -> str:
    """Format a duration in one unit, short enough to fit over a column."""
    hours = length.total_seconds() / 3600
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} d"
