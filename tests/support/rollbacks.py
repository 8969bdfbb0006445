"""FAILED contracts whose completed steps a rollback would undo."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.values import ActivationWindow, AuditVerdict, StepStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_job import record_verdict
from governance.models import Account, Capability, GovernanceJob, SystemContract
from governance.services.registry.operations import register_capabilities
from tests.support.factories import Running, eligible, now, reloaded, running_job
from tests.support.registry import values_of
from tests.support.signing import approve_as_seen
from tests.support.users import Users

SEARCH = {
    "name": "Search",
    "lifecycle": "LAUNCHED",
    "configuration": {"page_size": 20, "limit": 5},
}
# Three steps: a lifecycle, a value, and two parameters of which one has no value before.
CHANGES: list[dict[str, Any]] = [
    {"type": "capability_enable", "capability_name": "Search", "target_lifecycle": "PREVIEW"},
    {"type": "configuration_update", "scope": "Search", "key": "page_size", "new_value": 50},
    {"type": "parameter_change", "scope": "Search", "parameters": {"limit": 9, "new": True}},
]
UNDONE: list[dict[str, Any]] = [
    {"type": "parameter_change", "scope": "Search", "parameters": {"limit": 5, "new": None}},
    {
        "type": "configuration_update",
        "scope": "Search",
        "key": "page_size",
        "old_value": 50,
        "new_value": 20,
    },
    {"type": "capability_enable", "capability_name": "Search", "target_lifecycle": "LAUNCHED"},
]


def register_search(users: Users) -> None:
    register_capabilities(documents=[SEARCH], actor=users.operator)


def state_of_search() -> tuple[str, dict[str, Any]]:
    """Return the recorded lifecycle of Search, and its values that are not null."""
    values = {key: value for key, value in values_of("Search").items() if value is not None}
    return Capability.objects.get(name="Search").lifecycle, values


def half_done(users: Users, *, steps: int = 2, **changes: Any) -> GovernanceJob:
    """Return a FAILED job of which `steps` steps were completed."""
    running = running_job(users, **{"proposed_changes": CHANGES, **changes})
    return stopped_after(running, steps)


def stopped_after(running: Running, steps: int) -> GovernanceJob:
    """Complete some steps of a started job, let the next one fail, and end the job."""
    running.complete_steps(steps)
    if steps < running.job.total_steps:
        running.record(running.report(steps, StepStatus.FAILED))
    return running.complete()


def judge_fail(users: Users, job: GovernanceJob) -> SystemContract:
    """Give the verdict FAIL on a job, and return its contract."""
    record_verdict(
        job_id=job.pk,
        verdict=AuditVerdict.FAIL,
        reason="A step failed.",
        evidence_sha256=job.evidence.sha256,
        author=users.auditor,
    )
    contract: SystemContract = reloaded(job.contract)
    return contract


def failed_contract(users: Users, *, steps: int = 2, **changes: Any) -> SystemContract:
    """Return a FAILED contract of which `steps` steps were completed."""
    return judge_fail(users, half_done(users, steps=steps, **changes))


def rollback_of(contract: SystemContract) -> SystemContract:
    """Return the only rollback of a contract."""
    return SystemContract.objects.get(rolls_back=contract)


def authorised_job(
    users: Users,
    *,
    steps: int = 2,
    authorising: Collection[Account] | None = None,
    signing: Sequence[Account] | None = None,
    until: timedelta = timedelta(days=2),
    **changes: Any,
) -> GovernanceJob:
    """Return a FAILED job whose rollback founders authorised for `until` from now.

    Args:
        signing: the founders who sign, by default one; `authorising` are those among them who
            authorise the rollback, by default all.
    """
    signing = signing or [users.founder]
    contract = eligible(users, **{"proposed_changes": CHANGES, **changes})
    at = now()
    window = ActivationWindow(at, at + timedelta(hours=24))
    for founder in signing:
        given = authorising is None or founder in authorising
        approve_as_seen(
            contract,
            founder=founder,
            window=window,
            rollback_until=at + until if given else None,
        )
    job = activate_contract(contract_id=contract.pk, actor=users.operator)
    job, token = GovernanceOrchestrator.start_job(job.pk, executor=users.executor)
    return stopped_after(Running(job, token, users), steps)


def authorised_rollback(users: Users, **arguments: Any) -> SystemContract:
    """Return the rollback that was proposed of a contract whose rollback was authorised."""
    found: SystemContract = reloaded(
        rollback_of(judge_fail(users, authorised_job(users, **arguments)))
    )
    return found
