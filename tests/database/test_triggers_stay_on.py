"""The triggers of jobs hold whatever a session sets, even a superuser's session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from governance.models import GovernanceJob
from tests.support.attacks import (
    as_replica,
    check_deferred_triggers,
    run_sql,
    update_row,
    violates_constraint,
)
from tests.support.factories import approved, finished_job, judged_job, pending_job, running_job
from tests.support.forgery import (
    AUDIT,
    EVIDENCE,
    JOB,
    LEDGER,
    RESULT,
    SNAPSHOT,
    STEP,
    force_job,
    forge_audit,
    forge_entry,
    forge_evidence,
    forge_job,
    forge_result,
    forge_step,
)
from tests.support.roles import as_owner
from tests.support.users import Users

Attack = Callable[[GovernanceJob, Any], Any]


def truncate(table: str) -> Attack:
    return lambda job, actor: run_sql(f"TRUNCATE {table} CASCADE")


def delete(table: str, column: str = "job_id") -> Attack:
    return lambda job, actor: run_sql(f"DELETE FROM {table} WHERE {column} = %s", job.pk)


def delete_entries(job: GovernanceJob, actor: Any) -> None:
    run_sql(f"DELETE FROM {LEDGER} WHERE contract_id = %s", job.contract_id)


AT_ONCE: list[tuple[str, Attack]] = [
    ("job_never_removed", delete(JOB, "id")),
    ("job_never_removed", truncate(JOB)),
    ("job_step_written_once", delete(STEP)),
    ("job_step_written_once", truncate(STEP)),
    ("step_result_append_only", delete(RESULT)),
    ("step_result_append_only", truncate(RESULT)),
    ("health_snapshot_written_once", delete(SNAPSHOT)),
    ("health_snapshot_written_once", truncate(SNAPSHOT)),
    ("evidence_written_once", delete(EVIDENCE)),
    ("evidence_written_once", truncate(EVIDENCE)),
    ("audit_append_only", delete(AUDIT)),
    ("audit_append_only", truncate(AUDIT)),
    ("ledger_append_only", delete_entries),
    ("ledger_append_only", truncate(LEDGER)),
    ("job_terminal_immutable", lambda job, actor: update_row(JOB, job.pk, end_reason="Nicer.")),
    ("job_steps_sealed", lambda job, actor: forge_step(job.pk, 3)),
    ("step_result_needs_running_job", lambda job, actor: forge_result(job.pk, 0, actor)),
    ("evidence_digest", lambda job, actor: forge_evidence(job.pk, sha256="0" * 64)),
    ("ledger_chain", lambda job, actor: forge_entry(job.contract_id, seq=99)),
]


class TestTriggersAsReplica:
    @pytest.mark.parametrize(("constraint", "attack"), AT_ONCE)
    def test_replica__attacks_a_judged_job__refused_all_the_same(
        self, users: Users, constraint: str, attack: Attack
    ) -> None:
        job = judged_job(users)
        with violates_constraint(constraint), as_replica():
            attack(job, users.executor)

    def test_replica__job_born_running__refused(self, users: Users) -> None:
        contract = approved(users)
        with violates_constraint("job_moves"), as_replica():
            forge_job(contract.pk, users.operator, status="RUNNING")

    def test_replica__participant_judges__refused(self, users: Users) -> None:
        job = finished_job(users)
        with violates_constraint("audit_independent"), as_replica():
            forge_audit(job, users.executor)

    def test_replica__job_for_idle_contract__refused_at_commit(self, users: Users) -> None:
        contract = approved(users)
        with violates_constraint("job_belongs_to_active_contract", at_commit=True), as_replica():
            forge_step(forge_job(contract.pk, users.operator), 0)

    def test_replica__status_without_an_entry__refused_at_commit(self, users: Users) -> None:
        job = pending_job(users)
        with violates_constraint("ledger_covers_status", at_commit=True), as_replica():
            force_job(job, "RUNNING", users.executor)

    def test_replica__end_without_evidence__refused_at_commit(self, users: Users) -> None:
        job = running_job(users).job
        with violates_constraint("job_ends_with_evidence", at_commit=True), as_replica():
            force_job(job, "CANCELLED", users.executor)

    def test_replica__result_without_an_entry__refused_at_commit(self, users: Users) -> None:
        job = running_job(users).job
        with violates_constraint("ledger_covers_result", at_commit=True), as_replica():
            forge_result(job.pk, 0, users.executor)

    def test_replica__cursor_without_result__refused_at_commit(self, users: Users) -> None:
        job = running_job(users).job
        with violates_constraint("job_agrees_with_results", at_commit=True), as_replica():
            update_row(JOB, job.pk, current_step_index=1)

    def test_replica__really_is_one__ordinary_triggers_are_silent(self, users: Users) -> None:
        with as_owner():
            run_sql("CREATE TABLE ordinary (n int REFERENCES auth_group (id))")
            with as_replica():
                run_sql("INSERT INTO ordinary VALUES (-1)")
                check_deferred_triggers()
            assert run_sql("SELECT n FROM ordinary") == [(-1,)]
            run_sql("DROP TABLE ordinary")
