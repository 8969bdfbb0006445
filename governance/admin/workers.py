"""The page of the workers: which run, what waits in their queue, and which jobs wait for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from governance.admin.links import job_url
from governance.admin.readonly import ReadOnlyAdmin
from governance.admin.wording import format_duration, plural
from governance.authorities.orchestrator.queries import jobs_waiting_for_worker
from governance.db.counting import capped_counts
from governance.models import GovernanceJob
from governance.workers.queries import (
    MAX_LISTENERS,
    Listener,
    TaskCounts,
    count_tasks,
    read_listeners,
)

WORKERS = "admin:governance_governancejob_workers"
MAX_JOBS = 20
# What each task of the queue does, in the order of the page.
TASKS: Mapping[str, str] = {
    "run_job": "Run a job",
    "audit_job": "Judge a job from its sealed evidence",
    "activate_contract": "Activate a contract when its window opens",
    "approve_rollback": "Approve a rollback that founders authorised before",
    "activate_due": "Activate the contracts that are due",
    "expire_reviews": "End contracts whose review or window is over",
    "fail_lost_jobs": "End jobs whose lease is over",
    "enqueue_runs": "Find jobs that have no task",
    "enqueue_audits": "Find sealed evidence that has no verdict and no task",
    "observe_platform": "Observe what the platform really holds",
    "purge_stored_answers": "Delete stored responses after a day",
    "write_checkpoint": "Write a checkpoint of the ledger",
    "clean_queue": "Clean the queue",
}
ANOTHER_TASK = "Another task"
_SHOWN = ("id", "status", "created_at", "contract__title", "contract__reference")


def workers_view(model_admin: ReadOnlyAdmin, request: HttpRequest) -> HttpResponse:
    """Show workers, queue and waiting jobs; four queries, however many there are."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    at = timezone.now()
    listeners, counts = read_listeners(), count_tasks()
    jobs = jobs_waiting_for_worker()
    waits = [counted.longest_wait for counted in counts if counted.longest_wait is not None]
    context = model_admin.page_context(
        request,
        title="Workers",
        listeners=[_listener_row(listener) for listener in listeners],
        is_cut=len(listeners) == MAX_LISTENERS,
        is_running=any(not listener.is_silent for listener in listeners),
        tasks=_task_rows(counts),
        lost=sum(counted.lost for counted in counts),
        longest_wait=format_duration(max(waits)) if waits else "",
        number_of_jobs=capped_counts({"waiting": jobs})["waiting"],
        jobs=[_job_row(job, at) for job in jobs.only(*_SHOWN, "contract__status")[:MAX_JOBS]],
    )
    return render(request, "admin/governance/workers.html", context)


def _listener_row(listener: Listener) -> dict[str, Any]:
    return {
        "name": f"Entry {listener.listener_id}",
        "silence": format_duration(listener.silence),
        "is_silent": listener.is_silent,
        "tasks": plural(listener.running_tasks, "task"),
    }


def _task_rows(counts: list[TaskCounts]) -> list[dict[str, Any]]:
    """Return a row for each task that workers have, and then for those that we do not know."""
    found = {counted.task_name: counted for counted in counts}
    unknown = [name for name in found if name not in TASKS]
    return [
        {
            "words": TASKS.get(name, ANOTHER_TASK),
            "counted": found.get(name),
            "longest_wait": format_duration(found[name].longest_wait) if name in found else "—",
        }
        for name in [*TASKS, *unknown]
    ]


def _job_row(job: GovernanceJob, at: datetime) -> dict[str, Any]:
    return {
        "url": job_url(job),
        "title": job.contract.title,
        "reference": job.contract.reference,
        "age": format_duration(at - job.created_at),
    }
