"""Verdicts and resolutions, and a job in which each user did exactly one thing."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from governance.authorities.orchestrator import tracking
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.roles import Role
from governance.domain.values import AuditVerdict
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_job import record_verdict, resolve_audit
from governance.models import AuditEvidence, GovernanceAudit, GovernanceJob
from governance.services.access.accounts import assign_role
from tests.support.factories import Running, reloaded, signed
from tests.support.users import Users

# The acts that make a user a participant. A cancelled job takes only FAIL, so nothing is resolved.
ACTS = [
    "proposed",
    "signed",
    "approved",
    "activated",
    "started",
    "reported",
    "completed",
    "cancelled",
]
SETTLEABLE_ACTS = [act for act in ACTS if act != "cancelled"]


def job_with_many_participants(
    users: Users, *, cancel: bool
) -> tuple[GovernanceJob, dict[str, Any]]:
    """Return an ended job in which each user did one thing, and the user of each act.

    All of them are superusers and auditors, so that only taking part speaks against them. Today a
    guard refuses reports by another account than the one that started the job; an older record may
    still contain such jobs, so the guard is patched away.
    """
    with pytest.MonkeyPatch.context() as before:
        before.setattr(tracking, "require_own", lambda job, executor: None)
        return _job_with_many_participants(users, cancel=cancel)


def _job_with_many_participants(
    users: Users, *, cancel: bool
) -> tuple[GovernanceJob, dict[str, Any]]:
    participants = {
        "proposed": users.operator,
        "signed": users.second_founder,
        "approved": users.founder,
        "activated": users.viewer,
        "started": users.executor,
        "reported": users.second_auditor,
        "completed": users.outsider,
        "cancelled": users.outsider,
    }
    for person in participants.values():
        person.is_superuser = True
        person.save()
        assign_role(person, Role.AUDITOR)
    with override_settings(GOVSITE=settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}):
        contract = signed(users, signed(users, founder=participants["signed"]))
    assert contract.approved_by == participants["approved"]
    job = activate_contract(contract_id=contract.pk, actor=participants["activated"])
    job, token = GovernanceOrchestrator.start_job(job_id=job.pk, executor=users.executor)
    running = Running(job, token, users)
    for index in range(3):
        GovernanceOrchestrator.record_step_result(
            job_id=job.pk,
            token=token,
            report=running.report(index),
            executor=participants["reported"],
        )
    if cancel:
        run_job.cancel_job(job_id=job.pk, reason="Changed plans.", actor=users.outsider)
    else:
        run_job.complete_job(job_id=job.pk, token=token, executor=users.outsider)
    return reloaded(job), participants


def judge(job: GovernanceJob, author: Any, **changes: Any) -> GovernanceAudit:
    return record_verdict(
        **{
            "job_id": job.pk,
            "verdict": AuditVerdict.PASS,
            "reason": "The evidence shows it.",
            "evidence_sha256": sealed_digest(job),
            "author": author,
        }
        | changes
    )


def settle(job: GovernanceJob, resolver: Any, verdict: AuditVerdict = AuditVerdict.PASS) -> Any:
    return resolve_audit(
        job_id=job.pk,
        verdict=verdict,
        reason="The counters moved as planned.",
        resolver=resolver,
    )


def sealed_digest(job: GovernanceJob) -> str:
    """Return the digest of a job's evidence, or zeros if there is no evidence yet."""
    evidence = AuditEvidence.objects.filter(job=job).first()
    return evidence.sha256 if evidence else "0" * 64
