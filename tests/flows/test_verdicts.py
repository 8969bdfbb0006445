"""AUDIT, in Python: who may judge a job, on what, and how often."""

from __future__ import annotations

from typing import Any

import pytest

from governance.ledger.story import story
from governance.models import GovernanceAudit
from governance.vocabulary.errors import (
    AuditorNotIndependentError,
    EvidenceMismatchError,
    InvalidVerdictError,
    NotFoundError,
    RecordProtectedError,
    VerdictConflictError,
)
from governance.vocabulary.values import AuditVerdict, ContractStatus
from tests.support.attacks import nothing_written
from tests.support.cast import Cast
from tests.support.forgery import forge_audit
from tests.support.roles import as_owner
from tests.support.stories import (
    again,
    failed_job,
    finished_job,
    judged_job,
    pending_job,
    running_job,
)
from tests.support.verdicts import DEEDS, SETTLEABLE_DEEDS, job_of_many_hands, judge, settle

INCONCLUSIVE = AuditVerdict.INCONCLUSIVE


class TestAuditInPython:
    @pytest.mark.parametrize("deed", DEEDS)
    def test_author__took_part__refused_even_as_superuser(self, cast: Cast, deed: str) -> None:
        job, hands = job_of_many_hands(cast, cancel=deed == "cancelled")
        with nothing_written(), pytest.raises(AuditorNotIndependentError) as refusal:
            judge(job, hands[deed], verdict=AuditVerdict.FAIL)
        assert refusal.value.code == "auditor_not_independent"
        assert "law" not in refusal.value.details, "Postgres said it, where Python should have"

    @pytest.mark.parametrize("deed", SETTLEABLE_DEEDS)
    def test_resolver__took_part__refused_even_as_superuser(self, cast: Cast, deed: str) -> None:
        job, hands = job_of_many_hands(cast, cancel=False)
        judge(job, cast.auditor, verdict=INCONCLUSIVE)
        with nothing_written(), pytest.raises(AuditorNotIndependentError) as refusal:
            settle(job, hands[deed])
        assert "law" not in refusal.value.details, "Postgres said it, where Python should have"

    @pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INCONCLUSIVE"])
    def test_second_verdict__whatever_it_says__refused(self, cast: Cast, verdict: str) -> None:
        job = finished_job(cast)
        judge(job, cast.auditor, verdict=INCONCLUSIVE)
        with nothing_written(), pytest.raises(VerdictConflictError) as refusal:
            judge(job, cast.second_auditor, verdict=AuditVerdict(verdict))
        assert refusal.value.code == "verdict_given"

    def test_verdict__on_other_evidence__refused(self, cast: Cast) -> None:
        job, other = finished_job(cast), finished_job(cast)
        with nothing_written(), pytest.raises(EvidenceMismatchError) as refusal:
            judge(job, cast.auditor, evidence_sha256=other.evidence.sha256)
        assert refusal.value.code == "evidence_mismatch"

    @pytest.mark.parametrize("make", [pending_job, lambda cast: running_job(cast).job])
    def test_verdict__before_the_job_ended__refused(self, cast: Cast, make: Any) -> None:
        job = make(cast)
        with nothing_written(), pytest.raises(NotFoundError) as refusal:
            judge(job, cast.auditor)
        assert refusal.value.code == "evidence_not_sealed"

    @pytest.mark.parametrize("make", [failed_job, lambda cast: running_job(cast).cancel()])
    @pytest.mark.parametrize("verdict", [AuditVerdict.PASS, INCONCLUSIVE])
    def test_verdict__job_did_not_complete__only_fail(
        self, cast: Cast, make: Any, verdict: AuditVerdict
    ) -> None:
        job = make(cast)
        with nothing_written(), pytest.raises(VerdictConflictError) as refusal:
            judge(job, cast.auditor, verdict=verdict)
        assert refusal.value.code == "verdict_conflict"
        assert "law" not in refusal.value.details, "Postgres said it, where Python should have"
        judge(job, cast.auditor, verdict=AuditVerdict.FAIL)
        assert again(job.contract).status == ContractStatus.FAILED

    def test_pending__given_as_a_verdict__refused(self, cast: Cast) -> None:
        job = finished_job(cast)
        with nothing_written(), pytest.raises(InvalidVerdictError):
            judge(job, cast.auditor, verdict=AuditVerdict.PENDING)

    @pytest.mark.parametrize(
        ("verdict", "status"),
        [(AuditVerdict.PASS, "COMPLETED"), (AuditVerdict.FAIL, "FAILED")],
    )
    def test_inconclusive__settled_by_a_person__ends_the_contract_once(
        self, cast: Cast, verdict: AuditVerdict, status: str
    ) -> None:
        job = finished_job(cast)
        audit = judge(job, cast.auditor, verdict=INCONCLUSIVE)
        assert again(job.contract).status == ContractStatus.ACTIVE
        settle(job, cast.second_founder, verdict)
        contract = again(job.contract)
        assert (contract.status, contract.audit_verdict) == (status, verdict)
        assert again(audit).verdict == INCONCLUSIVE
        with nothing_written(), pytest.raises(VerdictConflictError) as refusal:
            settle(job, cast.second_auditor, AuditVerdict.FAIL)
        assert refusal.value.code == "verdict_final"

    @pytest.mark.parametrize("verdict", [AuditVerdict.FAIL, AuditVerdict.PASS])
    def test_final_verdict__settled_anew__never_turned(
        self, cast: Cast, verdict: AuditVerdict
    ) -> None:
        job = judged_job(cast, verdict)
        with nothing_written(), pytest.raises(VerdictConflictError) as refusal:
            settle(job, cast.second_auditor)
        assert refusal.value.code == "verdict_final"

    def test_verdict__rewritten_through_the_model__record_protected(self, cast: Cast) -> None:
        job = judged_job(cast, AuditVerdict.FAIL)
        with (
            nothing_written(),
            as_owner(),
            pytest.raises(RecordProtectedError) as refusal,
            story(),
        ):
            GovernanceAudit.objects.filter(job=job).update(verdict="PASS")
        assert refusal.value.details["law"] == "audit_append_only"

    def test_author__saved_past_the_guards__not_independent(self, cast: Cast) -> None:
        job = finished_job(cast)
        with nothing_written(), pytest.raises(AuditorNotIndependentError) as refusal, story():
            forge_audit(job, cast.founder)
        assert refusal.value.details["law"] == "audit_independent"
