"""Verdicts, and a job in which everybody did one thing only."""

from __future__ import annotations

from typing import Any

import pytest

from governance.authorities.orchestrator import tracking
from governance.domain.values import AuditVerdict
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_job import record_verdict, resolve_audit
from governance.models import AuditEvidence, GovernanceAudit, GovernanceJob
from tests.support.factories import (
    Running,
    approved,
    now,
    reloaded,
)
from tests.support.users import Users

# What makes somebody a participant; who cancelled a job leaves nothing to settle.
ACTS = ["proposed", "approved", "started", "reported", "completed", "cancelled"]
SETTLEABLE_ACTS = [act for act in ACTS if act != "cancelled"]


def job_with_many_participants(
    users: Users, *, cancel: bool
) -> tuple[GovernanceJob, dict[str, Any]]:
    """An ended job in which everybody did one thing only, and who did what; all superusers.

    Only the record of before holds such a job, when whoever had its token could report and end
    it; so it is made without the guard that refuses them now.
    """
    with pytest.MonkeyPatch.context() as before:
        before.setattr(tracking, "require_own", lambda job, executor: None)
        return _job_with_many_participants(users, cancel=cancel)


def _job_with_many_participants(
    users: Users, *, cancel: bool
) -> tuple[GovernanceJob, dict[str, Any]]:
    participants = {
        "proposed": users.operator,
        "approved": users.founder,
        "started": users.executor,
        "reported": users.second_founder,
        "completed": users.outsider,
        "cancelled": users.outsider,
    }
    for person in participants.values():
        person.is_superuser = True
        person.save()
    contract = approved(users)
    job = activate_contract(contract_id=contract.pk, actor=users.viewer, at=now())
    job, token = run_job.start_job(job_id=job.pk, executor=users.executor, at=now())
    running = Running(job, token, users)
    for index in range(3):
        run_job.record_step_result(
            job_id=job.pk,
            token=token,
            report=running.report(index),
            executor=users.second_founder,
            at=now(),
        )
    if cancel:
        run_job.cancel_job(job_id=job.pk, reason="Changed plans.", actor=users.outsider, at=now())
    else:
        run_job.complete_job(job_id=job.pk, token=token, executor=users.outsider, at=now())
    return reloaded(job), participants


def judge(job: GovernanceJob, author: Any, **changes: Any) -> GovernanceAudit:
    return record_verdict(
        **{
            "job_id": job.pk,
            "verdict": AuditVerdict.PASS,
            "reason": "The evidence shows it.",
            "evidence_sha256": sealed_digest(job),
            "author": author,
            "at": now(),
        }
        | changes
    )


def settle(job: GovernanceJob, resolver: Any, verdict: AuditVerdict = AuditVerdict.PASS) -> Any:
    return resolve_audit(
        job_id=job.pk,
        verdict=verdict,
        reason="The counters moved as planned.",
        resolver=resolver,
        at=now(),
    )


def sealed_digest(job: GovernanceJob) -> str:
    """The digest of a job's evidence; of nothing, where there is none yet."""
    evidence = AuditEvidence.objects.filter(job=job).first()
    return evidence.sha256 if evidence else "0" * 64
