"""What is being carried out now, and what went wrong lately; a few rows, a few queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from governance.admin.places import contract_url
from governance.admin.wording import span
from governance.models import GovernanceJob, SystemContract
from governance.orchestrator.leases import has_lapsed
from governance.orchestrator.queries import jobs_past_lease
from governance.vocabulary.values import ContractStatus, JobStatus

MOST_RUNS = 8
MOST_MISHAPS = 8
LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Run:
    """A running job in words; the page shows them as they are, and so does its script."""

    id: str
    title: str
    url: str
    done: int
    total: int
    words: str
    is_lost: bool


@dataclass(frozen=True, slots=True)
class Mishap:
    at: datetime
    label: str
    title: str
    words: str
    url: str


def runs_now(at: datetime) -> list[Run]:
    """The running jobs that started last; one query."""
    jobs = (
        GovernanceJob.objects.filter(status=JobStatus.RUNNING)
        .select_related("contract")
        .only(*_BRIEF, "current_step_index", "total_steps", "started_at", "lease_expires_at")
        .order_by("-created_at", "-id")
    )
    return [_run(job, at) for job in jobs[:MOST_RUNS]]


def mishaps(at: datetime) -> list[Mishap]:
    """What failed, was cancelled or got lost in the last days, the latest first; three queries.

    A contract that failed stands for its job.
    """
    since = at - LATELY
    failed = (
        SystemContract.objects.filter(status=ContractStatus.FAILED, closed_at__gte=since)
        .only("id", "status", "title", "closed_at", "closed_reason")
        .order_by("-closed_at")[:MOST_MISHAPS]
    )
    stopped = (
        GovernanceJob.objects.filter(
            status__in=[JobStatus.FAILED, JobStatus.CANCELLED],
            ended_at__gte=since,
            contract__status=ContractStatus.ACTIVE,
        )
        .select_related("contract")
        .only(*_BRIEF, "ended_at", "end_reason")
        .order_by("-ended_at")[:MOST_MISHAPS]
    )
    lost = jobs_past_lease(at).select_related("contract").only(*_BRIEF, "lease_expires_at")
    found = [
        *(_failed(contract) for contract in failed),
        *(_stopped(job) for job in stopped),
        *(_lost(job, at) for job in lost[:MOST_MISHAPS]),
    ]
    return sorted(found, key=lambda mishap: mishap.at, reverse=True)[:MOST_MISHAPS]


_BRIEF = ("id", "status", "contract__title", "contract__status")


def _run(job: GovernanceJob, at: datetime) -> Run:
    is_lost = has_lapsed(job, at)
    since = span(at - job.started_at) if job.started_at else "—"
    reported = f"{job.current_step_index} of {job.total_steps} steps reported"
    return Run(
        id=str(job.pk),
        title=job.contract.title,
        url=_job_url(job),
        done=job.current_step_index,
        total=job.total_steps,
        words=f"{reported}, {'its executor is lost' if is_lost else f'running for {since}'}",
        is_lost=is_lost,
    )


def _failed(contract: SystemContract) -> Mishap:
    lapsed = contract.closed_reason == "window_lapsed"
    words = "Its activation window passed unused." if lapsed else contract.closed_reason
    url = contract_url(contract)
    return Mishap(_known(contract.closed_at), "FAILED", contract.title, words, url)


def _stopped(job: GovernanceJob) -> Mishap:
    words = f"The job ended: {job.end_reason}"
    return Mishap(_known(job.ended_at), str(job.status), job.contract.title, words, _job_url(job))


def _lost(job: GovernanceJob, at: datetime) -> Mishap:
    lapsed_at = _known(job.lease_expires_at)
    words = (
        f"Its executor has been silent for too long; its lease lapsed {span(at - lapsed_at)} ago."
    )
    return Mishap(lapsed_at, "LOST", job.contract.title, words, _job_url(job))


def _job_url(job: GovernanceJob) -> str:
    return reverse("admin:governance_governancejob_change", args=[job.pk])


def _known(at: Any) -> datetime:
    """A time that the laws promise to be there."""
    assert isinstance(at, datetime)  # noqa: S101 - checks of the tables
    return at
