"""AUDIT in PostgreSQL: one verdict for each job, by an auditor who took no part in it."""

from __future__ import annotations

from typing import Any

import pytest

from governance.domain.values import AuditVerdict
from tests.support.attacks import run_sql, update_row, violates_constraint
from tests.support.factories import failed_job, finished_job, judged_job, running_job
from tests.support.forgery import AUDIT, NOON, RESOLUTION, forge_audit, forge_resolution
from tests.support.users import Users
from tests.support.verdicts import ACTS, SETTLEABLE_ACTS, job_with_many_participants, judge, settle

INCONCLUSIVE = AuditVerdict.INCONCLUSIVE


class TestAuditInPostgres:
    @pytest.mark.parametrize("act", ACTS)
    def test_sql_insert__author_took_part__refused(self, users: Users, act: str) -> None:
        job, participants = job_with_many_participants(users, cancel=act == "cancelled")
        with violates_constraint("audit_independent"):
            forge_audit(job, participants[act], verdict="FAIL")

    @pytest.mark.parametrize("act", SETTLEABLE_ACTS)
    def test_sql_insert__resolver_took_part__refused(self, users: Users, act: str) -> None:
        job, participants = job_with_many_participants(users, cancel=False)
        audit = judge(job, users.auditor, verdict=INCONCLUSIVE)
        with violates_constraint("audit_independent"):
            forge_resolution(audit.pk, participants[act])

    def test_sql_insert__second_verdict__refused(self, users: Users) -> None:
        job = judged_job(users)
        with violates_constraint("governance_governanceaudit_job_id_key"):
            forge_audit(job, users.second_auditor)

    @pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INCONCLUSIVE"])
    def test_sql_insert__verdict_that_the_contract_does_not_follow__refused_at_commit(
        self, users: Users, verdict: str
    ) -> None:
        job = finished_job(users)
        with violates_constraint("contract_verdict_backed", at_commit=True):
            forge_audit(job, users.auditor, verdict=verdict)

    @pytest.mark.parametrize("verdict", ["PASS", "FAIL"])
    def test_sql_insert__resolution_that_the_contract_does_not_follow__refused_at_commit(
        self, users: Users, verdict: str
    ) -> None:
        audit = judge(finished_job(users), users.auditor, verdict=INCONCLUSIVE)
        with violates_constraint("contract_verdict_backed", at_commit=True):
            forge_resolution(audit.pk, users.second_auditor, verdict=verdict)

    def test_sql_insert__other_digest__refused(self, users: Users) -> None:
        job, other = finished_job(users), finished_job(users)
        with violates_constraint("audit_names_evidence"):
            forge_audit(job, users.auditor, evidence_sha256=other.evidence.sha256)

    @pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INCONCLUSIVE"])
    def test_sql_insert__job_has_not_ended__refused(self, users: Users, verdict: str) -> None:
        other, job = finished_job(users), running_job(users).job
        with violates_constraint("audit_fits_job"):
            forge_audit(other, users.auditor, job_id=job.pk, verdict=verdict)

    @pytest.mark.parametrize("make", [failed_job, lambda users: running_job(users).cancel()])
    @pytest.mark.parametrize("verdict", ["PASS", "INCONCLUSIVE"])
    def test_sql_insert__job_did_not_complete__only_fail(
        self, users: Users, make: Any, verdict: str
    ) -> None:
        job = make(users)
        with violates_constraint("audit_fits_job"):
            forge_audit(job, users.auditor, verdict=verdict)

    @pytest.mark.parametrize("verdict", ["PENDING", "MAYBE"])
    def test_sql_insert__no_verdict__refused(self, users: Users, verdict: str) -> None:
        job = finished_job(users)
        with violates_constraint("audit_verdict_given"):
            forge_audit(job, users.auditor, verdict=verdict)

    @pytest.mark.parametrize(
        ("column", "value"), [("verdict", "PASS"), ("reason", ""), ("recorded_at", NOON)]
    )
    def test_sql_update__verdict__refused(self, users: Users, column: str, value: Any) -> None:
        job = judged_job(users, AuditVerdict.FAIL)
        with violates_constraint("audit_append_only"):
            update_row(AUDIT, job.audit.pk, **{column: value})

    def test_sql_delete__verdict__refused(self, users: Users) -> None:
        job = judged_job(users)
        with violates_constraint("audit_append_only"):
            run_sql(f"DELETE FROM {AUDIT} WHERE job_id = %s", job.pk)

    def test_sql_truncate__verdicts__refused(self, users: Users) -> None:
        judged_job(users)
        with violates_constraint("audit_append_only"):
            run_sql(f"TRUNCATE {AUDIT} CASCADE")

    @pytest.mark.parametrize("verdict", [AuditVerdict.FAIL, AuditVerdict.PASS])
    def test_sql_insert__resolution_of_a_final_verdict__refused(
        self, users: Users, verdict: AuditVerdict
    ) -> None:
        audit = judged_job(users, verdict).audit
        with violates_constraint("resolution_of_inconclusive"):
            forge_resolution(audit.pk, users.second_auditor)

    def test_sql_insert__second_resolution__refused(self, users: Users) -> None:
        job = finished_job(users)
        audit = judge(job, users.auditor, verdict=INCONCLUSIVE)
        settle(job, users.second_auditor)
        with violates_constraint("governance_auditresolution_audit_id_key"):
            forge_resolution(audit.pk, users.second_auditor)

    @pytest.mark.parametrize("verdict", ["INCONCLUSIVE", "PENDING"])
    def test_sql_insert__resolution_that_settles_nothing__refused(
        self, users: Users, verdict: str
    ) -> None:
        audit = judge(finished_job(users), users.auditor, verdict=INCONCLUSIVE)
        with violates_constraint("resolution_pass_or_fail"):
            forge_resolution(audit.pk, users.second_auditor, verdict=verdict)

    @pytest.mark.parametrize(
        "attack",
        ["UPDATE {} SET verdict = 'FAIL'", "DELETE FROM {}", "TRUNCATE {}"],
    )
    def test_sql__resolution_rewritten__refused(self, users: Users, attack: str) -> None:
        job = finished_job(users)
        judge(job, users.auditor, verdict=INCONCLUSIVE)
        settle(job, users.second_auditor)
        with violates_constraint("resolution_append_only"):
            run_sql(attack.format(RESOLUTION))
