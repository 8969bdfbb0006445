"""A full run of the product: everything that it writes, by its own operations and in one process.

The tests' write matrix traces this run. An operation that writes something new belongs in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.test import Client, override_settings

from governance.authorities.contract.operations import record_review_verdicts
from governance.authorities.health.failures import record_failures
from governance.authorities.health.observed_states import replace_observed_states
from governance.authorities.health.signals import record_signal
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.health import HealthTrouble, UnknownHealth
from governance.domain.roles import Role
from governance.domain.values import AuditVerdict, HealthDecision, JobStatus
from governance.flows.approve_rollback import approve_pre_authorised
from governance.flows.audit_job import record_verdict
from governance.flows.propose_contract import propose_again
from governance.flows.registry_steps import RegistryHandler
from governance.flows.review_contract import (
    answer_clarification,
    comment_on_contract,
    reject_contract,
    request_clarification,
    withdraw_approval,
)
from governance.flows.run_by_worker import run_job_by_worker
from governance.flows.sweep import activate_due_contracts, expire_contracts, fail_timed_out_jobs
from governance.models import Capability, Notice, SystemContract
from governance.models.fields import new_id
from governance.services.access.accounts import open_account
from governance.services.access.tokens import issue_token, revoke_token, rotate_token
from governance.services.idempotency.stored_responses import purge_stored_responses
from governance.services.notices.operations import mark_read
from governance.services.registry.operations import describe_capability, register_capabilities
from tests.support.archives import archive, remove, resolved
from tests.support.breakers import closed
from tests.support.clock import as_of
from tests.support.factories import (
    MAY,
    MAY_NOT,
    VALIDATOR_VERDICT,
    Running,
    apart,
    approved,
    draft,
    eligible,
    enabling,
    failed_job,
    judged_job,
    now,
    pending_job,
    reloaded,
    running_job,
    signed,
)
from tests.support.freezes import frozen, lifted
from tests.support.observations import observe, seen
from tests.support.rollbacks import authorised_rollback
from tests.support.routing import routes_file
from tests.support.succession import modified
from tests.support.users import Users

REASON = "Not this quarter, sorry."
LONG_AGO = timedelta(days=30)


def run_everything(users: Users, folder: Path) -> None:
    """Take contracts to every end; archive what is at rest in `folder`, and remove it."""
    open_accounts(users)
    register_platform(users)
    complete_one_contract(users)
    end_other_contracts(users)
    end_other_jobs(users)
    break_a_handler(users)
    roll_back_as_authorised(users)
    lifted(users, frozen(users))
    for notice in Notice.objects.select_related("account"):
        mark_read(notice_ids=[notice.pk], person=notice.account)
    assert archive(folder).code == 0
    assert remove(folder).code == 0
    as_of(now() + timedelta(days=2), purge_stored_responses)


def open_accounts(users: Users) -> None:
    """Open an account and let it log in; issue a token, use it twice, rotate and revoke it."""
    person = open_account(username="new-person", role=Role.VIEWER, is_staff=True)
    Client().force_login(person)
    token, text = issue_token(
        username="night-shift", role=Role.OPERATOR, days=30, create=True, actor=users.founder
    )
    one, other = (str(approved(users, **apart()).pk) for _ in range(2))
    # One contract takes one transaction; a list takes several, and begins with a row of its own.
    for path, body in ((f"{one}/activate/", {}), ("activate/", {"contract_ids": [other]})):
        with override_settings(SECURE_SSL_REDIRECT=False):
            answer = Client().post(
                f"/api/v1/contracts/{path}",
                body,
                content_type="application/json",
                headers={"Authorization": f"Bearer {text}", "Idempotency-Key": str(new_id())},
            )
        assert answer.status_code in (200, 201), answer.content
    rotate_token(token_id=token.pk, actor=users.founder)
    revoke_token(token_id=token.pk, actor=users.founder, reason="It leaked.")


def register_platform(users: Users) -> None:
    """Register capabilities with a configuration, describe one, and record signals of health."""
    configuration = {"page_size": 20}
    register_capabilities(
        documents=[{"name": "Search", "configuration": configuration}, {"name": "Feed"}],
        actor=users.operator,
    )
    feed = Capability.objects.get(name="Feed")
    describe_capability(capability_id=feed.pk, title="The feed", owner="Team Feed")
    for decision in (HealthDecision.DEGRADED, HealthDecision.HEALTHY):
        record_signal(
            scope="Search",
            signal_type="latency",
            decision=decision,
            reason="As measured.",
            actor=users.operator,
        )
    record_failures(UnknownHealth(now(), (HealthTrouble("Search", "No answer."),)))


def complete_one_contract(users: Users) -> None:
    """Take one contract from its draft, over a question and two signatures, to its verdict."""
    contract = draft(users)
    judge(users, contract)
    request_clarification(contract_id=contract.pk, founder=users.founder, question="Why now?")
    answer_clarification(contract_id=contract.pk, person=users.operator, answer="The sale begins.")
    comment_on_contract(contract_id=contract.pk, person=users.viewer, text="A good question.")
    with override_settings(GOVSITE=two_signatures()):
        signed(users, reloaded(contract))
        signed(users, reloaded(contract), founder=users.second_founder)
        list(activate_due_contracts(actor=users.operator))
    claimed = None
    while claimed is None or claimed[0].contract_id != contract.pk:
        claimed = GovernanceOrchestrator.claim_job(executor=users.executor)
        assert claimed is not None
    running = Running(*claimed, users)
    observe(running)
    replace_observed_states([seen()])
    replace_observed_states([seen(state=None, trouble="No answer.", observer="git")])
    running.complete_steps()
    job = running.complete()
    record_verdict(
        job_id=job.pk,
        verdict=AuditVerdict.PASS,
        reason="The evidence shows it.",
        evidence_sha256=job.evidence.sha256,
        author=users.auditor,
    )


def roll_back_as_authorised(users: Users) -> None:
    """Let a contract fail half done, whose rollback was authorised and then approves itself."""
    enable = enabling("Feed")
    second = {"type": "parameter_change", "scope": "Feed", "parameters": {"depth": 3}}
    changes = [*enable["proposed_changes"], second]
    rollback = authorised_rollback(users, steps=1, **enable | {"proposed_changes": changes})
    approve_pre_authorised(contract_id=rollback.pk)


def judge(
    users: Users,
    contract: SystemContract,
    *,
    severity: str = "low",
    decision: Mapping[str, Any] = MAY,
) -> None:
    """Record verdicts on a DRAFT, by default such that it can be reviewed."""
    record_review_verdicts(
        contract_id=contract.pk,
        validator_verdict=VALIDATOR_VERDICT | {"severity": severity},
        eligibility_verdict=decision,
        actor=users.operator,
    )


def two_signatures() -> dict[str, Any]:
    """Return the settings of a site where a medium risk needs two signatures."""
    settings_of_site: dict[str, Any] = settings.GOVSITE
    return settings_of_site | {"APPROVALS_REQUIRED": {"medium": 2}}


def end_other_contracts(users: Users) -> None:
    """End contracts in every way without a job, and propose one again."""
    rejected = eligible(users)
    reject_contract(contract_id=rejected.pk, founder=users.founder, reason=REASON)
    propose_again(contract_id=rejected.pk, proposer=users.operator)
    modified(users)
    judge(users, draft(users, risk_level="low"), severity="high")  # which raises the risk
    judge(users, draft(users), decision=MAY_NOT)
    withdraw_approval(
        contract_id=approved(users, **apart()).pk, founder=users.founder, reason=REASON
    )
    for prepare in (eligible, approved):
        prepare(users, at=now() - LONG_AGO, **apart())
    list(expire_contracts(actor=users.operator))


def end_other_jobs(users: Users) -> None:
    """End jobs in every way but success, and give the other verdicts."""
    judged_job(users, AuditVerdict.FAIL, **apart())
    resolved(users)
    failed_job(users, **apart())
    pending = pending_job(users, **apart())
    Running(pending, "", users).cancel()
    running_job(users, **apart()).cancel()
    running_job(users, at=now() - timedelta(hours=3), **apart())
    list(fail_timed_out_jobs(actor=users.operator))


def break_a_handler(users: Users) -> None:
    """Let a worker run two jobs with a bug, close the circuit breaker, and run another job."""
    with routes_file():
        with patch.object(RegistryHandler, "run_step", side_effect=KeyError("page_size")):
            for name in ("Mail", "Maps"):
                run_by_worker(users, name)
        closed(users)
        assert run_by_worker(users, "Music") is JobStatus.COMPLETED


def run_by_worker(users: Users, name: str) -> JobStatus | None:
    register_capabilities(documents=[{"name": name}])
    return run_job_by_worker(job_id=pending_job(users, **enabling(name)).pk)
