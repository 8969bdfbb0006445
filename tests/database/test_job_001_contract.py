"""JOB-001: no job without a contract, one at most for each, and the contract is under way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import ProtectedError

from governance.contract.operations import lapse_contract
from governance.flows.activate_contract import activate_contract
from governance.ledger.story import story
from governance.models import GovernanceJob, SystemContract
from governance.vocabulary.errors import (
    ContractActivationError,
    NotFoundError,
    OrphanJobError,
    RecordProtectedError,
)
from governance.vocabulary.values import ContractStatus
from tests.support.attacks import foreign_key, nothing_written, refused_by, run_sql, update_row
from tests.support.cast import Cast
from tests.support.forgery import CONTRACT, JOB, NOON, forge_job, forge_step
from tests.support.roles import as_owner
from tests.support.stories import again, approved, contract_in, now, pending_job

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
        created_at=NOON,
        updated_at=NOON,
        created_by=actor,
    )


def lapsed(cast: Cast) -> SystemContract:
    """A contract whose window passed unused: FAILED, without a job."""
    contract = again(approved(cast))
    return lapse_contract(
        contract_id=contract.pk, actor=cast.operator, at=contract.window.closes_at + TICK
    )


class TestJOB001JobsRequireContract:
    # --- in Python ---
    def test_contract__activated_twice__refused_and_one_job_remains(self, cast: Cast) -> None:
        job = pending_job(cast)
        with nothing_written(), pytest.raises(ContractActivationError) as refusal:
            activate_contract(contract_id=job.contract_id, actor=cast.operator, at=now())
        assert refusal.value.code == "contract_not_approved"
        assert GovernanceJob.objects.get(contract_id=job.contract_id) == job

    def test_unknown_contract__activated__refused(self, cast: Cast) -> None:
        with nothing_written(), pytest.raises(NotFoundError) as refusal:
            activate_contract(contract_id=uuid4(), actor=cast.operator, at=now())
        assert refusal.value.code == "contract_not_found"

    def test_lapsed_contract__activated__refused(self, cast: Cast) -> None:
        contract = lapsed(cast)
        with nothing_written(), pytest.raises(ContractActivationError) as refusal:
            activate_contract(contract_id=contract.pk, actor=cast.operator, at=now())
        assert refusal.value.code == "contract_not_approved"

    def test_second_job__saved_past_the_guards__orphan_job(self, cast: Cast) -> None:
        contract = pending_job(cast).contract
        with nothing_written(), pytest.raises(OrphanJobError) as refusal, story():
            job_model(contract, cast.operator).save()
        assert refusal.value.code == "orphan_job"

    @pytest.mark.parametrize("status", NOT_UNDER_WAY)
    def test_job_of_idle_contract__committed_past_the_guards__orphan_job(
        self, committed: Cast, status: ContractStatus
    ) -> None:
        contract = contract_in(committed, status)
        job = job_model(contract, committed.operator)
        with nothing_written(), pytest.raises(OrphanJobError) as refusal, story():
            job.save()
        assert refusal.value.details["law"] == "job_belongs_to_active_contract"

    def test_contract_with_job__deleted__protected(self, cast: Cast) -> None:
        job = pending_job(cast)
        with pytest.raises(ProtectedError):
            job.contract.delete()

    def test_job__deleted_through_the_model__record_protected(self, cast: Cast) -> None:
        job = pending_job(cast)
        with (
            nothing_written(),
            as_owner(),
            pytest.raises(RecordProtectedError) as refusal,
            story(),
        ):
            GovernanceJob.objects.filter(pk=job.pk)._raw_delete("default")
        assert refusal.value.details["law"] == "job_never_removed"

    # --- in Postgres ---
    def test_sql_insert__without_contract__refused(self, cast: Cast) -> None:
        with refused_by("not_null contract_id"):
            forge_job(None, cast.operator)

    def test_sql_insert__for_contract_that_is_not_there__refused(self, cast: Cast) -> None:
        with refused_by(foreign_key(JOB, "contract_id"), at_commit=True):
            forge_step(forge_job(uuid4(), cast.operator), 0)

    def test_sql_insert__second_job_of_contract__refused(self, cast: Cast) -> None:
        job = pending_job(cast)
        with refused_by("governance_governancejob_contract_id_key"):
            forge_job(job.contract_id, cast.operator)

    @pytest.mark.parametrize("status", NOT_UNDER_WAY)
    def test_sql_insert__contract_not_under_way__refused_at_commit(
        self, cast: Cast, status: ContractStatus
    ) -> None:
        contract = contract_in(cast, status)
        with refused_by("job_belongs_to_active_contract", at_commit=True):
            forge_step(forge_job(contract.pk, cast.operator), 0)

    def test_sql_insert__job_for_a_contract_that_lapsed__refused_at_commit(
        self, cast: Cast
    ) -> None:
        contract = lapsed(cast)
        with refused_by("job_belongs_to_active_contract", at_commit=True):
            forge_step(forge_job(contract.pk, cast.operator), 0)

    def test_sql_update__contract_fails_and_leaves_its_job_behind__refused_at_commit(
        self, cast: Cast
    ) -> None:
        job = pending_job(cast)
        with refused_by("job_belongs_to_active_contract", at_commit=True):
            update_row(CONTRACT, job.contract_id, status="FAILED", closed_at=NOON)

    def test_sql_update__job_given_to_another_contract__refused(self, cast: Cast) -> None:
        job, other = pending_job(cast), approved(cast)
        with refused_by("job_plan_frozen"):
            update_row(JOB, job.pk, contract_id=other.pk)

    def test_sql_delete__job__refused(self, cast: Cast) -> None:
        job = pending_job(cast)
        with refused_by("job_never_removed"):
            run_sql(f"DELETE FROM {JOB} WHERE id = %s", job.pk)

    def test_sql_delete__contract_of_job__refused(self, cast: Cast) -> None:
        job = pending_job(cast)
        with refused_by("contract_never_removed"):
            run_sql(f"DELETE FROM {CONTRACT} WHERE id = %s", job.contract_id)

    def test_sql_truncate__jobs__refused(self, cast: Cast) -> None:
        pending_job(cast)
        with refused_by("job_never_removed"):
            run_sql(f"TRUNCATE {JOB} CASCADE")

    def test_sql_truncate__contracts__refused(self, cast: Cast) -> None:
        pending_job(cast)
        with refused_by("contract_never_removed"):
            run_sql(f"TRUNCATE {CONTRACT} CASCADE")
