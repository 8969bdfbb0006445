"""Jobs that the site's own auditor judges, and what it judges them from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test import override_settings

from governance.authorities.health.readings import capture_health_snapshot
from governance.authorities.orchestrator.evidence import EndOfJob
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.job_state import read_job_history
from governance.models import Capability, GovernanceJob
from governance.services.registry.operations import register_capabilities
from tests.support.attacks import run_sql
from tests.support.evidence import SEARCH_BEFORE, SEARCH_CHANGES, changed_state
from tests.support.factories import running_job
from tests.support.observations import observe, seen
from tests.support.users import Users

SEARCH_AFTER: dict[str, Any] = SEARCH_BEFORE
for _change in SEARCH_CHANGES:
    SEARCH_AFTER = changed_state(SEARCH_AFTER, _change)


@contextmanager
def auditor_inside(**changes: Any) -> Iterator[None]:
    """Let the auditor of this site give the verdicts; `changes` are of settings.GOVSITE."""
    with override_settings(GOVSITE=settings.GOVSITE | {"AUDITOR": "inside"} | changes):
        yield


def register_search() -> None:
    """Register the capability of the jobs here, as it is before them."""
    if not Capability.objects.filter(name="Search").exists():
        register_capabilities(
            documents=[{"name": "Search", "configuration": SEARCH_BEFORE["configuration"]}]
        )


def observed_job(
    users: Users,
    *,
    after: dict[str, Any] | None = SEARCH_AFTER,
    observer: str = "http",
    health: bool = True,
    **route: Any,
) -> GovernanceJob:
    """Return a COMPLETED job that did what was planned, and was observed.

    Args:
        after: the observed state after the job; None is an observer that did not answer.
        health: whether health could be read at the end.
        route: other fields of the route of each step.
    """
    register_search()
    running = running_job(users)
    observe(running, seen(state=SEARCH_BEFORE, observer=observer))
    running.complete_steps()
    trouble = "" if after else "No answer."
    end = EndOfJob(
        health=capture_health_snapshot(scopes=["Search"]) if health else None,
        observed=[seen(state=after, trouble=trouble, observer=observer)],
        routes=[
            {
                "step_index": index,
                "handler": observer,
                "observer": observer,
                "trust_reports": False,
                "shares_database": False,
            }
            | route
            for index in range(running.job.total_steps)
        ],
    )
    return GovernanceOrchestrator.complete_job(
        read_job_history(running.job.pk), end, token=running.token, executor=users.executor
    )


def audit_tasks() -> list[tuple[Any, ...]]:
    """Return the job and the time of each task of an audit that waits."""
    return run_sql(
        "SELECT args ->> 'job_id', scheduled_at FROM procrastinate_jobs"
        " WHERE task_name = 'audit_job' AND status = 'todo' ORDER BY id"
    )
