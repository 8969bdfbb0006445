"""Tests of audit verdicts: who may record one, on which evidence, and how often."""

from __future__ import annotations

from typing import Any

import pytest

from governance.db.transactions import write_transaction
from governance.domain.errors import (
    AuditorNotIndependentError,
    EvidenceMismatchError,
    IntegrityViolationError,
    InvalidVerdictError,
    NotFoundError,
    VerdictConflictError,
    WrongPersonError,
)
from governance.domain.values import AuditVerdict, ContractStatus
from governance.models import GovernanceAudit
from tests.support.attacks import nothing_written
from tests.support.contracts import refused
from tests.support.factories import (
    failed_job,
    finished_job,
    judged_job,
    pending_job,
    reloaded,
    running_job,
)
from tests.support.forgery import forge_audit
from tests.support.roles import as_owner
from tests.support.users import Users
from tests.support.verdicts import ACTS, SETTLEABLE_ACTS, job_with_many_participants, judge, settle

INCONCLUSIVE = AuditVerdict.INCONCLUSIVE


class TestAuditInPython:
    @pytest.mark.parametrize("act", ACTS)
    def test_author__took_part__refused_even_as_superuser(self, users: Users, act: str) -> None:
        job, participants = job_with_many_participants(users, cancel=act == "cancelled")
        with nothing_written(), pytest.raises(AuditorNotIndependentError) as refusal:
            judge(job, participants[act], verdict=AuditVerdict.FAIL)
        assert refusal.value.code == "auditor_not_independent"
        assert "constraint" not in refusal.value.details, (
            "Postgres said it, where Python should have"
        )

    @pytest.mark.parametrize("act", SETTLEABLE_ACTS)
    def test_resolver__took_part__refused_even_as_superuser(self, users: Users, act: str) -> None:
        job, participants = job_with_many_participants(users, cancel=False)
        judge(job, users.auditor, verdict=INCONCLUSIVE)
        with nothing_written(), pytest.raises(AuditorNotIndependentError) as refusal:
            settle(job, participants[act])
        assert "constraint" not in refusal.value.details, (
            "Postgres said it, where Python should have"
        )

    @pytest.mark.parametrize("who", ["outsider", "viewer", "second_founder"])
    def test_author_and_resolver__who_are_no_auditors__refused_even_as_superuser(
        self, users: Users, who: str
    ) -> None:
        job, person = finished_job(users), getattr(users, who)
        person.is_superuser = True
        person.save()
        with refused(WrongPersonError, "not_permitted"):
            judge(job, person)
        judge(job, users.auditor, verdict=INCONCLUSIVE)
        with refused(WrongPersonError, "not_permitted"):
            settle(job, person)

    @pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INCONCLUSIVE"])
    def test_second_verdict__whatever_it_says__refused(self, users: Users, verdict: str) -> None:
        job = finished_job(users)
        judge(job, users.auditor, verdict=INCONCLUSIVE)
        with nothing_written(), pytest.raises(VerdictConflictError) as refusal:
            judge(job, users.second_auditor, verdict=AuditVerdict(verdict))
        assert refusal.value.code == "verdict_exists"

    def test_verdict__on_other_evidence__refused(self, users: Users) -> None:
        job, other = finished_job(users), finished_job(users)
        with nothing_written(), pytest.raises(EvidenceMismatchError) as refusal:
            judge(job, users.auditor, evidence_sha256=other.evidence.sha256)
        assert refusal.value.code == "evidence_mismatch"

    @pytest.mark.parametrize("make", [pending_job, lambda users: running_job(users).job])
    def test_verdict__before_the_job_ended__refused(self, users: Users, make: Any) -> None:
        job = make(users)
        with nothing_written(), pytest.raises(NotFoundError) as refusal:
            judge(job, users.auditor)
        assert refusal.value.code == "evidence_not_sealed"

    @pytest.mark.parametrize("make", [failed_job, lambda users: running_job(users).cancel()])
    @pytest.mark.parametrize("verdict", [AuditVerdict.PASS, INCONCLUSIVE])
    def test_verdict__job_did_not_complete__only_fail(
        self, users: Users, make: Any, verdict: AuditVerdict
    ) -> None:
        job = make(users)
        with nothing_written(), pytest.raises(VerdictConflictError) as refusal:
            judge(job, users.auditor, verdict=verdict)
        assert refusal.value.code == "verdict_conflict"
        assert "constraint" not in refusal.value.details, (
            "Postgres said it, where Python should have"
        )
        judge(job, users.auditor, verdict=AuditVerdict.FAIL)
        assert reloaded(job.contract).status == ContractStatus.FAILED

    def test_pending__given_as_a_verdict__refused(self, users: Users) -> None:
        job = finished_job(users)
        with nothing_written(), pytest.raises(InvalidVerdictError):
            judge(job, users.auditor, verdict=AuditVerdict.PENDING)

    @pytest.mark.parametrize(
        ("verdict", "status"),
        [(AuditVerdict.PASS, "COMPLETED"), (AuditVerdict.FAIL, "FAILED")],
    )
    def test_inconclusive__settled_by_a_person__ends_the_contract_once(
        self, users: Users, verdict: AuditVerdict, status: str
    ) -> None:
        job = finished_job(users)
        audit = judge(job, users.auditor, verdict=INCONCLUSIVE)
        assert reloaded(job.contract).status == ContractStatus.ACTIVE
        settle(job, users.second_auditor, verdict)
        contract = reloaded(job.contract)
        assert (contract.status, contract.audit_verdict) == (status, verdict)
        assert reloaded(audit).verdict == INCONCLUSIVE
        with nothing_written(), pytest.raises(VerdictConflictError) as refusal:
            settle(job, users.second_auditor, AuditVerdict.FAIL)
        assert refusal.value.code == "verdict_final"

    @pytest.mark.parametrize("verdict", [AuditVerdict.FAIL, AuditVerdict.PASS])
    def test_final_verdict__settled_anew__never_turned(
        self, users: Users, verdict: AuditVerdict
    ) -> None:
        job = judged_job(users, verdict)
        with nothing_written(), pytest.raises(VerdictConflictError) as refusal:
            settle(job, users.second_auditor)
        assert refusal.value.code == "verdict_final"

    def test_verdict__rewritten_through_the_model__integrity_violation(self, users: Users) -> None:
        job = judged_job(users, AuditVerdict.FAIL)
        with (
            nothing_written(),
            as_owner(),
            pytest.raises(IntegrityViolationError) as refusal,
            write_transaction(),
        ):
            GovernanceAudit.objects.filter(job=job).update(verdict="PASS")
        assert refusal.value.details["constraint"] == "audit_append_only"

    def test_author__saved_past_the_guards__not_independent(self, users: Users) -> None:
        job = finished_job(users)
        with (
            nothing_written(),
            pytest.raises(AuditorNotIndependentError) as refusal,
            write_transaction(),
        ):
            forge_audit(job, users.founder)
        assert refusal.value.details["constraint"] == "audit_independent"
