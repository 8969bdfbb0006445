"""The home page's running jobs and recent failures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from governance.admin.links import contract_url
from governance.admin.wording import closing_in_words, format_duration, job_end_in_words
from governance.authorities.contract.overview import failed_since
from governance.authorities.orchestrator.leases import lease_has_expired
from governance.authorities.orchestrator.queries import (
    jobs_past_lease,
    running_jobs,
    stopped_jobs_since,
)
from governance.models import GovernanceJob, SystemContract

MAX_RUNS = 8
MAX_FAILURES = 8
LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class RunningJobRow:
    """A running job as the home page and its script (`live.js`) show it."""

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
    """Return the running jobs that were created last; one query."""
    jobs = running_jobs().only(
        *_BRIEF, "current_step_index", "total_steps", "started_at", "lease_expires_at"
    )
    return [_run(job, at) for job in jobs[:MAX_RUNS]]


def recent_failures(at: datetime) -> list[RecentFailure]:
    """Return failures of the last seven days, the latest first; three queries.

    They are failed contracts, failed or cancelled jobs of contracts that are still ACTIVE, and
    running jobs past their lease. The job of a failed contract is not listed beside the contract.
    """
    since = at - LATELY
    failed = failed_since(since).only("id", "status", "title", "closed_at", "closed_reason")
    stopped = stopped_jobs_since(since).only(*_BRIEF, "ended_at", "end_reason")
    lost = jobs_past_lease(at).select_related("contract").only(*_BRIEF, "lease_expires_at")
    found = [
        *(_failed(contract) for contract in failed[:MAX_FAILURES]),
        *(_stopped(job) for job in stopped[:MAX_FAILURES]),
        *(_lost(job, at) for job in lost[:MAX_FAILURES]),
    ]
    return sorted(found, key=lambda failure: failure.at, reverse=True)[:MAX_FAILURES]


_BRIEF = ("id", "status", "contract__title", "contract__status")


def _run(job: GovernanceJob, at: datetime) -> RunningJobRow:
    is_lost = lease_has_expired(job, at)
    since = format_duration(at - job.started_at) if job.started_at else "—"
    reported = f"{job.current_step_index} of {job.total_steps} steps reported"
    state = "executor lost" if is_lost else f"running for {since}"
    return RunningJobRow(
        id=str(job.pk),
        title=job.contract.title,
        url=_job_url(job),
        done=job.current_step_index,
        total=job.total_steps,
        words=f"{reported}, {state}",
        is_lost=is_lost,
    )


def _failed(contract: SystemContract) -> RecentFailure:
    words = closing_in_words(contract.closed_reason)
    url = contract_url(contract)
    return RecentFailure(_known(contract.closed_at), "FAILED", contract.title, words, url)


def _stopped(job: GovernanceJob) -> RecentFailure:
    words = f"The job ended: {job_end_in_words(job.status, job.end_reason)}"
    return RecentFailure(
        _known(job.ended_at), str(job.status), job.contract.title, words, _job_url(job)
    )


def _lost(job: GovernanceJob, at: datetime) -> RecentFailure:
    lapsed_at = _known(job.lease_expires_at)
    since = format_duration(at - lapsed_at)
    words = f"Its executor stopped reporting; its lease expired {since} ago."
    return RecentFailure(lapsed_at, "Executor lost", job.contract.title, words, _job_url(job))


def _job_url(job: GovernanceJob) -> str:
    return reverse("admin:governance_governancejob_change", args=[job.pk])


def _known(at: Any) -> datetime:
    """Narrow the type of a time that a database constraint requires."""
    assert isinstance(at, datetime)  # noqa: S101 - a constraint holds it
    return at
