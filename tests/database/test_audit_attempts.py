"""AUDIT in PostgreSQL: attempts in turn, append-only, in the ledger; the verdict follows them."""

from __future__ import annotations

from typing import Any

import pytest

from governance.domain.roles import MachineAccount, Role
from governance.domain.values import AuditVerdict
from governance.models import AuditAttempt
from governance.services.access.accounts import assign_role, machine_account
from tests.support.attacks import run_sql, trigger_off, update_row, violates_constraint
from tests.support.factories import failed_job, finished_job, judged_job, running_job
from tests.support.forgery import (
    ATTEMPT,
    NOON,
    forge_attempt,
    forge_audit,
    forge_entry,
    forge_resolution,
)
from tests.support.users import Users
from tests.support.verdicts import judge, settle

INCONCLUSIVE = AuditVerdict.INCONCLUSIVE


class TestAttemptInTurn:
    @pytest.mark.parametrize(
        "changes",
        [
            {"number": 2},
            {"number": 0},
            {"verdict": "PASS"},
            {"verdict": "FAIL"},
            {"health": {"system": "HEALTHY"}},
            {"observations": [{"scope": "Search"}]},
        ],
        ids=str,
    )
    def test_first_attempt__of_another_kind__is_refused(
        self, users: Users, changes: dict[str, Any]
    ) -> None:
        job = finished_job(users)
        with violates_constraint("audit_attempt_in_turn"):
            forge_attempt(job, **changes)

    def test_third_attempt__that_nobody_asked_for__is_refused(self, users: Users) -> None:
        job = finished_job(users)
        with violates_constraint("audit_attempt_in_turn"):
            for number in (1, 2, 3):
                forge_attempt(job, number=number)

    def test_attempt__after_the_verdict__is_refused(self, users: Users) -> None:
        job = finished_job(users)
        judge(job, users.auditor, verdict=INCONCLUSIVE)
        with violates_constraint("audit_attempt_in_turn"):
            forge_attempt(job)

    @pytest.mark.parametrize("make", [failed_job, lambda users: running_job(users).cancel()])
    def test_attempt__on_a_job_that_did_not_complete__is_refused(
        self, users: Users, make: Any
    ) -> None:
        job = make(users)
        with violates_constraint("audit_attempt_in_turn"):
            forge_attempt(job)

    def test_attempt__on_other_evidence__is_refused(self, users: Users) -> None:
        job, other = finished_job(users), finished_job(users)
        with violates_constraint("audit_names_evidence"):
            forge_attempt(job, evidence_sha256=other.evidence.sha256)

    def test_attempt__of_another_time__is_refused(self, users: Users) -> None:
        job = finished_job(users)
        with violates_constraint("time_is_current"):
            forge_attempt(job, attempted_at=NOON)

    def test_attempt__with_an_unknown_verdict__is_refused(self, users: Users) -> None:
        job = finished_job(users)
        forged = {"number": 2, "verdict": "MAYBE"}
        with violates_constraint("attempt_verdict_given"):
            forge_attempt(job)
            forge_attempt(job, **forged)

    def test_two_attempts__of_one_number__are_refused_without_the_trigger_too(
        self, users: Users
    ) -> None:
        job = finished_job(users)
        with (
            trigger_off(ATTEMPT, "audit_attempt_in_turn"),
            violates_constraint("attempt_numbered_once"),
        ):
            forge_attempt(job)
            forge_attempt(job)


class TestAttemptThatAPersonAsksFor:
    @pytest.mark.parametrize("make", [finished_job, judged_job])
    def test_attempt__without_an_inconclusive_verdict__is_refused(
        self, users: Users, make: Any
    ) -> None:
        job = make(users)
        with violates_constraint("audit_attempt_in_turn"):
            forge_attempt(job, asked_by=users.auditor)

    def test_attempt__on_a_resolved_audit__is_refused(self, users: Users) -> None:
        job = finished_job(users)
        judge(job, users.auditor, verdict=INCONCLUSIVE)
        settle(job, users.second_auditor)
        with violates_constraint("audit_attempt_in_turn"):
            forge_attempt(job, asked_by=users.auditor)

    def test_attempt__asked_for_by_no_auditor__is_refused(self, users: Users) -> None:
        job = finished_job(users)
        judge(job, users.auditor, verdict=INCONCLUSIVE)
        with violates_constraint("auditor_judges"):
            forge_attempt(job, asked_by=users.viewer)

    def test_attempt__asked_for_by_one_who_took_part__is_refused(self, users: Users) -> None:
        job = finished_job(users)
        judge(job, users.auditor, verdict=INCONCLUSIVE)
        assign_role(users.operator, Role.AUDITOR)
        with violates_constraint("audit_independent"):
            forge_attempt(job, asked_by=users.operator)


class TestAttemptIsRecorded:
    def test_attempt__without_its_ledger_entry__is_refused_at_commit(self, users: Users) -> None:
        job = finished_job(users)
        with violates_constraint("ledger_covers_attempt", at_commit=True):
            forge_attempt(job)

    def test_entry__without_its_attempt__is_refused_at_commit(self, users: Users) -> None:
        job = finished_job(users)
        with violates_constraint("ledger_covers_attempt", at_commit=True):
            forge_entry(
                job.contract_id, event="contract.audit.attempted", from_status="", to_status=""
            )

    @pytest.mark.parametrize("column", ["verdict", "reason", "number"])
    def test_attempt__changed__is_refused(self, users: Users, column: str) -> None:
        job = finished_job(users)
        value = {"verdict": "PASS", "reason": "It is fine.", "number": 7}[column]
        with violates_constraint("audit_attempt_append_only"):
            forge_attempt(job)
            update_row(ATTEMPT, AuditAttempt.objects.get().pk, **{column: value})

    def test_attempts__deleted__are_kept(self, users: Users) -> None:
        job = finished_job(users)
        with violates_constraint("audit_attempt_append_only"):
            forge_attempt(job)
            run_sql(f"DELETE FROM {ATTEMPT}")

    def test_table__truncated__is_kept(self, users: Users) -> None:
        with violates_constraint("audit_attempt_append_only"):
            run_sql(f"TRUNCATE {ATTEMPT}")


class TestVerdictOfTheSitesAuditor:
    def test_inconclusive__without_attempts__is_refused(self, users: Users) -> None:
        job = finished_job(users)
        with violates_constraint("audit_follows_attempts"):
            forge_audit(job, machine_account(MachineAccount.AUDITOR), verdict="INCONCLUSIVE")

    @pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INCONCLUSIVE"])
    def test_any_verdict__after_one_attempt__is_refused(self, users: Users, verdict: str) -> None:
        job = finished_job(users)
        with violates_constraint("audit_follows_attempts"):
            forge_attempt(job)
            forge_audit(job, machine_account(MachineAccount.AUDITOR), verdict=verdict)

    @pytest.mark.parametrize("second", ["FAIL", "INCONCLUSIVE"])
    def test_pass__after_a_second_attempt_without_one__is_refused(
        self, users: Users, second: str
    ) -> None:
        job = finished_job(users)
        with violates_constraint("audit_follows_attempts"):
            forge_attempt(job)
            forge_attempt(job, number=2, verdict=second)
            forge_audit(job, machine_account(MachineAccount.AUDITOR), verdict="PASS")

    @pytest.mark.parametrize("machine", [MachineAccount.EXECUTOR, MachineAccount.SCHEDULER])
    def test_verdict__of_another_authority__is_refused(
        self, users: Users, machine: MachineAccount
    ) -> None:
        job = finished_job(users)
        with violates_constraint("auditor_judges"):
            forge_audit(job, machine_account(machine))

    def test_resolution__by_the_machine__is_refused(self, users: Users) -> None:
        audit = judge(finished_job(users), users.auditor, verdict=INCONCLUSIVE)
        with violates_constraint("auditor_judges"):
            forge_resolution(audit.pk, machine_account(MachineAccount.AUDITOR))
