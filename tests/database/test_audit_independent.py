"""AUDIT, in Postgres: one verdict for each job, by somebody who took no part."""

from __future__ import annotations

from typing import Any

import pytest

from governance.vocabulary.values import AuditVerdict
from tests.support.attacks import refused_by, run_sql, update_row
from tests.support.cast import Cast
from tests.support.forgery import AUDIT, NOON, RESOLUTION, forge_audit, forge_resolution
from tests.support.stories import (
    failed_job,
    finished_job,
    judged_job,
    running_job,
)
from tests.support.verdicts import DEEDS, SETTLEABLE_DEEDS, job_of_many_hands, judge, settle

INCONCLUSIVE = AuditVerdict.INCONCLUSIVE


class TestAuditInPostgres:
    @pytest.mark.parametrize("deed", DEEDS)
    def test_sql_insert__author_took_part__refused(self, cast: Cast, deed: str) -> None:
        job, hands = job_of_many_hands(cast, cancel=deed == "cancelled")
        with refused_by("audit_independent"):
            forge_audit(job, hands[deed], verdict="FAIL")

    @pytest.mark.parametrize("deed", SETTLEABLE_DEEDS)
    def test_sql_insert__resolver_took_part__refused(self, cast: Cast, deed: str) -> None:
        job, hands = job_of_many_hands(cast, cancel=False)
        audit = judge(job, cast.auditor, verdict=INCONCLUSIVE)
        with refused_by("audit_independent"):
            forge_resolution(audit.pk, hands[deed])

    def test_sql_insert__second_verdict__refused(self, cast: Cast) -> None:
        job = judged_job(cast)
        with refused_by("governance_governanceaudit_job_id_key"):
            forge_audit(job, cast.second_auditor)

    @pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INCONCLUSIVE"])
    def test_sql_insert__verdict_that_the_contract_does_not_follow__refused_at_commit(
        self, cast: Cast, verdict: str
    ) -> None:
        job = finished_job(cast)
        with refused_by("contract_verdict_backed", at_commit=True):
            forge_audit(job, cast.auditor, verdict=verdict)

    @pytest.mark.parametrize("verdict", ["PASS", "FAIL"])
    def test_sql_insert__resolution_that_the_contract_does_not_follow__refused_at_commit(
        self, cast: Cast, verdict: str
    ) -> None:
        audit = judge(finished_job(cast), cast.auditor, verdict=INCONCLUSIVE)
        with refused_by("contract_verdict_backed", at_commit=True):
            forge_resolution(audit.pk, cast.second_auditor, verdict=verdict)

    def test_sql_insert__other_digest__refused(self, cast: Cast) -> None:
        job, other = finished_job(cast), finished_job(cast)
        with refused_by("audit_names_evidence"):
            forge_audit(job, cast.auditor, evidence_sha256=other.evidence.sha256)

    @pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INCONCLUSIVE"])
    def test_sql_insert__job_has_not_ended__refused(self, cast: Cast, verdict: str) -> None:
        job, other = running_job(cast).job, finished_job(cast)
        with refused_by("audit_fits_job"):
            forge_audit(other, cast.auditor, job_id=job.pk, verdict=verdict)

    @pytest.mark.parametrize("make", [failed_job, lambda cast: running_job(cast).cancel()])
    @pytest.mark.parametrize("verdict", ["PASS", "INCONCLUSIVE"])
    def test_sql_insert__job_did_not_complete__only_fail(
        self, cast: Cast, make: Any, verdict: str
    ) -> None:
        job = make(cast)
        with refused_by("audit_fits_job"):
            forge_audit(job, cast.auditor, verdict=verdict)

    @pytest.mark.parametrize("verdict", ["PENDING", "MAYBE"])
    def test_sql_insert__no_verdict__refused(self, cast: Cast, verdict: str) -> None:
        job = finished_job(cast)
        with refused_by("audit_verdict_given"):
            forge_audit(job, cast.auditor, verdict=verdict)

    @pytest.mark.parametrize(
        ("column", "value"), [("verdict", "PASS"), ("reason", ""), ("recorded_at", NOON)]
    )
    def test_sql_update__verdict__refused(self, cast: Cast, column: str, value: Any) -> None:
        job = judged_job(cast, AuditVerdict.FAIL)
        with refused_by("audit_append_only"):
            update_row(AUDIT, job.audit.pk, **{column: value})

    def test_sql_delete__verdict__refused(self, cast: Cast) -> None:
        job = judged_job(cast)
        with refused_by("audit_append_only"):
            run_sql(f"DELETE FROM {AUDIT} WHERE job_id = %s", job.pk)

    def test_sql_truncate__verdicts__refused(self, cast: Cast) -> None:
        judged_job(cast)
        with refused_by("audit_append_only"):
            run_sql(f"TRUNCATE {AUDIT} CASCADE")

    @pytest.mark.parametrize("verdict", [AuditVerdict.FAIL, AuditVerdict.PASS])
    def test_sql_insert__resolution_of_a_final_verdict__refused(
        self, cast: Cast, verdict: AuditVerdict
    ) -> None:
        audit = judged_job(cast, verdict).audit
        with refused_by("resolution_settles_doubt"):
            forge_resolution(audit.pk, cast.second_auditor)

    def test_sql_insert__second_resolution__refused(self, cast: Cast) -> None:
        job = finished_job(cast)
        audit = judge(job, cast.auditor, verdict=INCONCLUSIVE)
        settle(job, cast.second_founder)
        with refused_by("governance_auditresolution_audit_id_key"):
            forge_resolution(audit.pk, cast.second_auditor)

    @pytest.mark.parametrize("verdict", ["INCONCLUSIVE", "PENDING"])
    def test_sql_insert__resolution_that_settles_nothing__refused(
        self, cast: Cast, verdict: str
    ) -> None:
        audit = judge(finished_job(cast), cast.auditor, verdict=INCONCLUSIVE)
        with refused_by("resolution_pass_or_fail"):
            forge_resolution(audit.pk, cast.second_auditor, verdict=verdict)

    @pytest.mark.parametrize(
        "attack",
        ["UPDATE {} SET verdict = 'FAIL'", "DELETE FROM {}", "TRUNCATE {}"],
    )
    def test_sql__resolution_rewritten__refused(self, cast: Cast, attack: str) -> None:
        job = finished_job(cast)
        judge(job, cast.auditor, verdict=INCONCLUSIVE)
        settle(job, cast.second_founder)
        with refused_by("resolution_append_only"):
            run_sql(attack.format(RESOLUTION))
