"""What is being carried out now, and what went wrong lately; a few rows, a few queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from governance.admin.links import contract_url
from governance.admin.wording import format_duration
from governance.authorities.orchestrator.leases import lease_has_expired
from governance.authorities.orchestrator.queries import jobs_past_lease
from governance.domain.values import ContractStatus, JobStatus
from governance.models import GovernanceJob, SystemContract

MAX_RUNS = 8
MAX_FAILURES = 8
LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class RunningJobRow:
    """A running job in words; the page shows them as they are, and so does its script."""

    id: str
    title: str
    url: str
    done: int
    total: int
    words: str
    is_lost: bool


@dataclass(frozen=True, slots=True)
class RecentFailure:
    at: datetime
    label: str
    title: str
    words: str
    url: str


def runs_now(at: datetime) -> list[RunningJobRow]:
    """The running jobs that started last; one query."""
    jobs = (
        GovernanceJob.objects.filter(status=JobStatus.RUNNING)
        .select_related("contract")
        .only(*_BRIEF, "current_step_index", "total_steps", "started_at", "lease_expires_at")
        .order_by("-created_at", "-id")
    )
    return [_run(job, at) for job in jobs[:MAX_RUNS]]


def recent_failures(at: datetime) -> list[RecentFailure]:
    """What failed, was cancelled or got lost in the last days, the latest first; three queries.

    A contract that failed stands for its job.
    """
    since = at - LATELY
    failed = (
        SystemContract.objects.filter(status=ContractStatus.FAILED, closed_at__gte=since)
        .only("id", "status", "title", "closed_at", "closed_reason")
        .order_by("-closed_at")[:MAX_FAILURES]
    )
    stopped = (
        GovernanceJob.objects.filter(
            status__in=[JobStatus.FAILED, JobStatus.CANCELLED],
            ended_at__gte=since,
            contract__status=ContractStatus.ACTIVE,
        )
        .select_related("contract")
        .only(*_BRIEF, "ended_at", "end_reason")
        .order_by("-ended_at")[:MAX_FAILURES]
    )
    lost = jobs_past_lease(at).select_related("contract").only(*_BRIEF, "lease_expires_at")
    found = [
        *(_failed(contract) for contract in failed),
        *(_stopped(job) for job in stopped),
        *(_lost(job, at) for job in lost[:MAX_FAILURES]),
    ]
    return sorted(found, key=lambda failure: failure.at, reverse=True)[:MAX_FAILURES]


_BRIEF = ("id", "status", "contract__title", "contract__status")


def _run(job: GovernanceJob, at: datetime) -> RunningJobRow:
    is_lost = lease_has_expired(job, at)
    since = format_duration(at - job.started_at) if job.started_at else "—"
    reported = f"{job.current_step_index} of {job.total_steps} steps reported"
    return RunningJobRow(
        id=str(job.pk),
        title=job.contract.title,
        url=_job_url(job),
        done=job.current_step_index,
        total=job.total_steps,
        words=f"{reported}, {'its executor is lost' if is_lost else f'running for {since}'}",
        is_lost=is_lost,
    )


def _failed(contract: SystemContract) -> RecentFailure:
    lapsed = contract.closed_reason == "window_lapsed"
    words = "Its activation window passed unused." if lapsed else contract.closed_reason
    url = contract_url(contract)
    return RecentFailure(_known(contract.closed_at), "FAILED", contract.title, words, url)


def _stopped(job: GovernanceJob) -> RecentFailure:
    words = f"The job ended: {job.end_reason}"
    return RecentFailure(
        _known(job.ended_at), str(job.status), job.contract.title, words, _job_url(job)
    )


def _lost(job: GovernanceJob, at: datetime) -> RecentFailure:
    lapsed_at = _known(job.lease_expires_at)
    since = format_duration(at - lapsed_at)
    words = f"Its executor has been silent for too long; its lease expired {since} ago."
    return RecentFailure(lapsed_at, "Executor lost", job.contract.title, words, _job_url(job))


def _job_url(job: GovernanceJob) -> str:
    return reverse("admin:governance_governancejob_change", args=[job.pk])


def _known(at: Any) -> datetime:
    """A time that the laws promise to be there."""
    assert isinstance(at, datetime)  # noqa: S101 - checks of the tables
    return at
