"""CONTRACT-003: an active or completed contract has one job, and the job's verdict ends it."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from governance.domain.errors import ContractActivationError, OrphanJobError
from governance.domain.values import AuditVerdict, ContractStatus
from governance.flows.activate_contract import activate_contract
from governance.models import GovernanceJob, LedgerEntry
from tests.support.attacks import run_sql, violates_constraint
from tests.support.contracts import contract_anywhere, force_contract
from tests.support.factories import approved, finished_job, judged_job, pending_job, reloaded
from tests.support.forgery import forge_audit, forge_entry, forge_job, forge_resolution, forge_step
from tests.support.users import Users


class TestCONTRACT003OneJob:
    def test_raw_update__active_without_job__refused_at_commit(self, users: Users) -> None:
        contract = approved(users)
        with violates_constraint("contract_has_one_job", at_commit=True):
            force_contract(contract, ContractStatus.ACTIVE, users)

    def test_raw_update__completed_without_job__refused_at_commit(self, users: Users) -> None:
        contract = approved(users)
        with violates_constraint("contract_has_one_job", at_commit=True):
            force_contract(contract, ContractStatus.ACTIVE, users)
            force_contract(contract, ContractStatus.COMPLETED, users)

    def test_raw_insert__second_job_of_a_contract__refused(self, users: Users) -> None:
        job = pending_job(users)
        with violates_constraint("governance_governancejob_contract_id_key"):
            forge_job(job.contract_id, users.operator)

    def test_raw_delete__the_job_of_an_active_contract__refused(self, users: Users) -> None:
        job = pending_job(users)
        with violates_constraint("job_never_removed"):
            run_sql("DELETE FROM governance_governancejob WHERE id = %s", job.pk)

    def test_raw_update__job_moved_to_another_contract__refused(self, users: Users) -> None:
        job, other = pending_job(users), approved(users)
        with violates_constraint("job_plan_frozen"):
            run_sql(
                "UPDATE governance_governancejob SET contract_id = %s WHERE id = %s",
                other.pk,
                job.pk,
            )

    @pytest.mark.parametrize(
        "status",
        [s for s in ContractStatus if s not in (ContractStatus.ACTIVE, ContractStatus.COMPLETED)],
    )
    def test_raw_insert__job_of_a_contract_that_is_not_active__refused_at_commit(
        self, users: Users, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, status)
        if status is ContractStatus.FAILED:  # its window lapsed, so it has no job
            contract = approved(users)
            force_contract(contract, ContractStatus.FAILED, users)
        with violates_constraint("job_belongs_to_active_contract", at_commit=True):
            job_id = forge_job(contract.pk, users.operator)
            forge_step(job_id, 0)
            forge_entry(contract.pk, event="job.activation.created", to_status="PENDING")

    def test_raw_update__failed_over_a_job_without_verdict__refused_at_commit(
        self, users: Users
    ) -> None:
        contract = pending_job(users).contract
        with violates_constraint("job_belongs_to_active_contract", at_commit=True):
            force_contract(contract, ContractStatus.FAILED, users)

    def test_activate__twice__one_job(self, users: Users) -> None:
        job = pending_job(users)
        with pytest.raises(ContractActivationError) as caught:
            activate_contract(contract_id=job.contract_id, actor=users.operator)
        assert caught.value.code == "contract_not_approved"
        assert GovernanceJob.objects.get() == job

    def test_activate__by_two_at_once__one_job(self, committed: Users) -> None:
        contract = approved(committed)
        start, outcomes = threading.Barrier(2), []

        def race() -> None:
            start.wait()
            try:
                activate_contract(contract_id=contract.pk, actor=committed.operator)
                outcomes.append("active")
            except (ContractActivationError, OrphanJobError) as refusal:
                outcomes.append(refusal.code)
            finally:
                connection.close()

        threads = [threading.Thread(target=race) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["active", "contract_not_approved"]
        assert GovernanceJob.objects.count() == 1
        assert LedgerEntry.objects.filter(event="contract.activation.activated").count() == 1


class TestContractFollowsItsVerdict:
    @pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INCONCLUSIVE"])
    def test_raw_insert__verdict_that_the_contract_does_not_follow__refused_at_commit(
        self, users: Users, verdict: str
    ) -> None:
        job = finished_job(users)
        with violates_constraint("contract_verdict_backed", at_commit=True):
            forge_audit(job, users.auditor, verdict=verdict)

    @pytest.mark.parametrize("verdict", ["PASS", "FAIL"])
    def test_raw_insert__resolution_that_the_contract_does_not_follow__refused_at_commit(
        self, users: Users, verdict: str
    ) -> None:
        job = judged_job(users, AuditVerdict.INCONCLUSIVE)
        with violates_constraint("contract_verdict_backed", at_commit=True):
            forge_resolution(job.audit.pk, users.second_auditor, verdict=verdict)

    @pytest.mark.parametrize(
        ("verdict", "status"),
        [
            (AuditVerdict.PASS, ContractStatus.COMPLETED),
            (AuditVerdict.FAIL, ContractStatus.FAILED),
            (AuditVerdict.INCONCLUSIVE, ContractStatus.ACTIVE),
        ],
    )
    def test_verdict__given__moves_the_contract(
        self, users: Users, commit_now: object, verdict: AuditVerdict, status: ContractStatus
    ) -> None:
        contract = reloaded(judged_job(users, verdict).contract)
        assert (contract.status, contract.audit_verdict) == (status, verdict)
        assert (contract.closed_at is None) == (status is ContractStatus.ACTIVE)
