"""The home page's running jobs and recent failures."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from governance.admin.links import contract_url, job_url
from governance.admin.wording import closing_in_words, format_duration, job_end_in_words
from governance.authorities.contract.overview import failed_since
from governance.authorities.orchestrator.leases import lease_has_expired
from governance.authorities.orchestrator.queries import (
    jobs_past_lease,
    running_jobs,
    stopped_jobs_since,
)
from governance.domain.visible_text import visible_text
from governance.models import GovernanceJob, SystemContract

MAX_RUNS = 8
MAX_FAILURES = 8
LATELY = timedelta(days=7)


def runs_now(at: datetime) -> list[dict[str, Any]]:
    """Return the running jobs that were created last, as the page and `live.js` show them.

    One query.
    """
    jobs = running_jobs().only(
        *_BRIEF, "current_step_index", "total_steps", "started_at", "lease_expires_at"
    )
    return [_run(job, at) for job in jobs[:MAX_RUNS]]


def recent_failures(at: datetime) -> list[dict[str, Any]]:
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
    return sorted(found, key=lambda failure: failure["at"], reverse=True)[:MAX_FAILURES]


_BRIEF = ("id", "status", "contract__title", "contract__status")


def _run(job: GovernanceJob, at: datetime) -> dict[str, Any]:
    is_lost = lease_has_expired(job, at)
    since = format_duration(at - job.started_at) if job.started_at else "—"
    reported = f"{job.current_step_index} of {job.total_steps} steps reported"
    state = "executor lost" if is_lost else f"running for {since}"
    return {
        "id": str(job.pk),
        "title": visible_text(job.contract.title),  # live.js prints it as it is
        "url": job_url(job),
        "done": job.current_step_index,
        "total": job.total_steps,
        "words": f"{reported}, {state}",
        "is_lost": is_lost,
    }


def _failed(contract: SystemContract) -> dict[str, Any]:
    return {
        "at": contract.closed_at,
        "label": "FAILED",
        "title": contract.title,
        "words": closing_in_words(contract.closed_reason),
        "url": contract_url(contract),
    }


def _stopped(job: GovernanceJob) -> dict[str, Any]:
    return {
        "at": job.ended_at,
        "label": job.status,
        "title": job.contract.title,
        "words": f"The job ended: {job_end_in_words(job.status, job.end_reason)}",
        "url": job_url(job),
    }


def _lost(job: GovernanceJob, at: datetime) -> dict[str, Any]:
    expired_at = job.lease_expires_at or at  # a running job has a lease
    since = format_duration(at - expired_at)
    return {
        "at": expired_at,
        "label": "Executor lost",
        "title": job.contract.title,
        "words": f"Its executor stopped reporting; its lease expired {since} ago.",
        "url": job_url(job),
    }
