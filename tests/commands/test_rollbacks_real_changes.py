"""Real contracts of which some fail half done: rollbacks restore the exact state, or wait."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from governance.authorities.executor.steps import Step, StepOutcome, StepRefused
from governance.authorities.review.queue import queue_page
from governance.db.clock import database_now
from governance.domain.values import ActivationWindow, AuditVerdict, ContractStatus, JobStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.approve_rollback import approve_rollbacks
from governance.flows.audit_by_machine import audit_job
from governance.flows.registry_steps import RegistryHandler
from governance.flows.run_by_worker import run_job_by_worker
from governance.models import GovernanceAudit, GovernanceJob, SystemContract
from governance.record.ledger.verification import verify_ledger
from governance.services.registry.verification import verify_registry
from tests.support.audits import auditor_inside
from tests.support.kubernetes import needs_real_changes
from tests.support.real_contracts import SEED, propose_some
from tests.support.registry_state import recorded_state
from tests.support.routing import routes_file
from tests.support.signing import approve_as_seen
from tests.support.users import Users

SOME = 120


def run_and_judge(users: Users, contract: SystemContract) -> GovernanceJob:
    job = activate_contract(contract_id=contract.pk, actor=users.operator)
    run_job_by_worker(job_id=job.pk)
    audit_job(job_id=job.pk)
    return GovernanceJob.objects.get(pk=job.pk)


@pytest.mark.long
@needs_real_changes
def test_real_changes__of_which_one_in_twenty_fails__are_restored_or_wait_at_the_head(
    committed: Users, monkeypatch: Any
) -> None:
    contracts = propose_some(committed, SOME)
    longer = [one.pk for one in contracts if len(one.plan) > 1]
    failing = set(Random(SEED).sample(longer, max(2, len(contracts) // 20)))
    authorised = set(sorted(failing)[::2])
    usual = RegistryHandler.run_step

    def run_step(handler: RegistryHandler, step: Step) -> StepOutcome:
        last = SystemContract.objects.get(pk=step.contract_id)
        if last.pk in failing and step.step_index == len(last.plan) - 1:
            raise StepRefused("No.")
        return usual(handler, step)

    monkeypatch.setattr(RegistryHandler, "run_step", run_step)
    waiting = set()
    with routes_file(), auditor_inside():
        for contract in contracts:
            at = database_now()
            window = ActivationWindow(at, at + (contract.expires_at - contract.created_at))
            until = window.closes_at if contract.pk in authorised else None
            approve_as_seen(
                contract, founder=committed.founder, window=window, rollback_until=until
            )
            before = recorded_state()
            job = run_and_judge(committed, contract)
            if contract.pk not in failing:
                assert (job.status, job.audit.verdict) == (JobStatus.COMPLETED, AuditVerdict.PASS)
                continue
            assert (job.status, job.audit.verdict) == (JobStatus.FAILED, AuditVerdict.FAIL)
            rollback = SystemContract.objects.get(rolls_back=contract)
            approved = [one.subject_id for one in approve_rollbacks()]
            if contract.pk in authorised:
                assert approved == [rollback.pk]
                run_and_judge(committed, rollback)
                assert recorded_state() == before
            else:
                assert approved == []
                waiting.add(rollback.pk)
    rolled_back = SystemContract.objects.filter(rolls_back__in=authorised)
    assert {one.status for one in rolled_back} == {ContractStatus.COMPLETED}
    head = queue_page(at=database_now(), size=len(waiting)).rows
    assert {row.pk for row in head} == waiting
    assert GovernanceAudit.objects.filter(verdict=AuditVerdict.FAIL).count() == len(failing)
    assert [one.finding for one in verify_ledger() if one.finding] == []
    assert list(verify_registry()) == []
