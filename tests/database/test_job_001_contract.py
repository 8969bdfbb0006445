"""JOB-001: a job has a contract that is active, and a contract has at most one job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import ProtectedError

from governance.authorities.contract.operations import fail_contract_past_window
from governance.db.transactions import write_transaction
from governance.domain.errors import (
    ContractActivationError,
    IntegrityViolationError,
    NotFoundError,
    OrphanJobError,
)
from governance.domain.values import ContractStatus
from governance.flows.activate_contract import activate_contract
from governance.models import GovernanceJob, SystemContract
from tests.support.attacks import (
    foreign_key,
    nothing_written,
    run_sql,
    update_row,
    violates_constraint,
)
from tests.support.clock import as_of, clock_at, now
from tests.support.factories import approved, contract_in, pending_job, reloaded
from tests.support.forgery import CONTRACT, JOB, forge_job, forge_step
from tests.support.roles import as_owner
from tests.support.users import Users

TICK = timedelta(microseconds=1)
NOT_UNDER_WAY = [
    ContractStatus.DRAFT,
    ContractStatus.ELIGIBLE,
    ContractStatus.APPROVED,
    ContractStatus.REJECTED,
    ContractStatus.EXPIRED,
]


def job_model(contract: Any, actor: Any) -> GovernanceJob:
    return GovernanceJob(
        contract=contract,
        total_steps=1,
        timeout_minutes=60,
        created_at=now(),
        updated_at=now(),
        created_by=actor,
    )


def lapsed(users: Users) -> SystemContract:
    """Return a contract whose activation window lapsed: FAILED, without a job."""
    contract = reloaded(approved(users))
    return as_of(
        contract.window.closes_at + TICK,
        fail_contract_past_window,
        contract_id=contract.pk,
        actor=users.operator,
    )


class TestJOB001JobsRequireContract:
    # --- in Python ---
    def test_contract__activated_twice__refused_and_one_job_remains(self, users: Users) -> None:
        job = pending_job(users)
        with nothing_written(), pytest.raises(ContractActivationError) as refusal:
            activate_contract(contract_id=job.contract_id, actor=users.operator)
        assert refusal.value.code == "contract_not_approved"
        assert GovernanceJob.objects.get(contract_id=job.contract_id) == job

    def test_unknown_contract__activated__refused(self, users: Users) -> None:
        with nothing_written(), pytest.raises(NotFoundError) as refusal:
            activate_contract(contract_id=uuid4(), actor=users.operator)
        assert refusal.value.code == "contract_not_found"

    def test_lapsed_contract__activated__refused(self, users: Users) -> None:
        contract = lapsed(users)
        with nothing_written(), pytest.raises(ContractActivationError) as refusal:
            activate_contract(contract_id=contract.pk, actor=users.operator)
        assert refusal.value.code == "contract_not_approved"

    def test_second_job__saved_past_the_guards__orphan_job(self, users: Users) -> None:
        contract = pending_job(users).contract
        with nothing_written(), pytest.raises(OrphanJobError) as refusal, write_transaction():
            job_model(contract, users.operator).save()
        assert refusal.value.code == "orphan_job"

    @pytest.mark.parametrize("status", NOT_UNDER_WAY)
    def test_job_of_idle_contract__committed_past_the_guards__orphan_job(
        self, committed: Users, status: ContractStatus
    ) -> None:
        contract = contract_in(committed, status)
        job = job_model(contract, committed.operator)
        with nothing_written(), pytest.raises(OrphanJobError) as refusal, write_transaction():
            job.save()
        assert refusal.value.details["constraint"] == "job_belongs_to_active_contract"

    def test_contract_with_job__deleted__protected(self, users: Users) -> None:
        job = pending_job(users)
        with pytest.raises(ProtectedError):
            job.contract.delete()

    def test_job__deleted_through_the_model__integrity_violation(self, users: Users) -> None:
        job = pending_job(users)
        with (
            nothing_written(),
            as_owner(),
            pytest.raises(IntegrityViolationError) as refusal,
            write_transaction(),
        ):
            GovernanceJob.objects.filter(pk=job.pk)._raw_delete("default")
        assert refusal.value.details["constraint"] == "job_never_removed"

    # --- in Postgres ---
    def test_sql_insert__without_contract__refused(self, users: Users) -> None:
        with violates_constraint("not_null contract_id"):
            forge_job(None, users.operator)

    def test_sql_insert__for_contract_that_is_not_there__refused(self, users: Users) -> None:
        with violates_constraint(foreign_key(JOB, "contract_id"), at_commit=True):
            forge_step(forge_job(uuid4(), users.operator), 0)

    def test_sql_insert__second_job_of_contract__refused(self, users: Users) -> None:
        job = pending_job(users)
        with violates_constraint("governance_governancejob_contract_id_key"):
            forge_job(job.contract_id, users.operator)

    @pytest.mark.parametrize("status", NOT_UNDER_WAY)
    def test_sql_insert__contract_not_under_way__refused_at_commit(
        self, users: Users, status: ContractStatus
    ) -> None:
        contract = contract_in(users, status)
        with violates_constraint("job_belongs_to_active_contract", at_commit=True):
            forge_step(forge_job(contract.pk, users.operator), 0)

    def test_sql_insert__job_for_a_contract_that_lapsed__refused_at_commit(
        self, users: Users
    ) -> None:
        contract = lapsed(users)
        with (
            clock_at(reloaded(contract).closed_at),
            violates_constraint("job_belongs_to_active_contract", at_commit=True),
        ):
            forge_step(forge_job(contract.pk, users.operator), 0)

    def test_sql_update__contract_fails_and_leaves_its_job_behind__refused_at_commit(
        self, users: Users
    ) -> None:
        job = pending_job(users)
        with violates_constraint("job_belongs_to_active_contract", at_commit=True):
            update_row(CONTRACT, job.contract_id, status="FAILED", closed_at=now())

    def test_sql_update__job_given_to_another_contract__refused(self, users: Users) -> None:
        job, other = pending_job(users), approved(users)
        with violates_constraint("job_plan_frozen"):
            update_row(JOB, job.pk, contract_id=other.pk)

    def test_sql_delete__job__refused(self, users: Users) -> None:
        job = pending_job(users)
        with violates_constraint("job_never_removed"):
            run_sql(f"DELETE FROM {JOB} WHERE id = %s", job.pk)

    def test_sql_delete__contract_of_job__refused(self, users: Users) -> None:
        job = pending_job(users)
        with violates_constraint("contract_never_removed"):
            run_sql(f"DELETE FROM {CONTRACT} WHERE id = %s", job.contract_id)

    def test_sql_truncate__jobs__refused(self, users: Users) -> None:
        pending_job(users)
        with violates_constraint("job_never_removed"):
            run_sql(f"TRUNCATE {JOB} CASCADE")

    def test_sql_truncate__contracts__refused(self, users: Users) -> None:
        pending_job(users)
        with violates_constraint("contract_never_removed"):
            run_sql(f"TRUNCATE {CONTRACT} CASCADE")
