"""LEDGER in PostgreSQL: append-only, hash-chained; each change has one entry, and conversely."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError

from governance.domain.canonical import timestamp
from tests.support.attacks import (
    check_deferred_triggers,
    run_sql,
    update_row,
    violated_constraint,
    violates_constraint,
)
from tests.support.chains import chain_head
from tests.support.clock import now
from tests.support.contracts import insert_copy
from tests.support.factories import approved, eligible, pending_job, running_job
from tests.support.forgery import (
    CONTRACT,
    JOB,
    LEDGER,
    NOON,
    force_job,
    forge_entry,
    forge_evidence,
    forge_job,
    forge_result,
    forge_step,
)
from tests.support.threads import overtaking
from tests.support.users import Users

ZEROS = bytes(32)


class TestLedgerInPostgres:
    # --- append-only ---
    @pytest.mark.parametrize(
        "column", ["seq", "at", "actor", "event", "reason", "body", "prev_hash", "hash"]
    )
    def test_sql_update__any_column__refused(self, users: Users, column: str) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_append_only"):
            run_sql(
                f"UPDATE {LEDGER} SET {column} = {column} WHERE contract_id = %s AND seq = 2",
                contract.pk,
            )

    @pytest.mark.parametrize("seq", [1, 3])
    def test_sql_delete__entry__refused(self, users: Users, seq: int) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_append_only"):
            run_sql(f"DELETE FROM {LEDGER} WHERE contract_id = %s AND seq = %s", contract.pk, seq)

    def test_sql_truncate__ledger__refused(self, users: Users) -> None:
        eligible(users)
        with violates_constraint("ledger_append_only"):
            run_sql(f"TRUNCATE {LEDGER}")

    # --- the chain ---
    def test_sql_insert__well_forged_entry_without_a_status__is_linked(self, users: Users) -> None:
        contract = eligible(users)
        forge_entry(contract.pk, step_index=0)
        check_deferred_triggers()
        assert chain_head(contract.pk)[0] == 4

    @pytest.mark.parametrize("seq", [1, 3, 5, 6])
    def test_sql_insert__fork_or_gap__refused(self, users: Users, seq: int) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_chain"):
            forge_entry(contract.pk, seq=seq)

    def test_sql_insert__chain_begun_wrongly__refused(self, users: Users) -> None:
        contract = eligible(users)
        for wrong in (
            {"seq": 2},
            {"prev_hash": b"\x01" * 32},
            {"from_status": "VALIDATED"},
            {"to_status": "ELIGIBLE"},
        ):
            with violates_constraint("ledger_chain"):
                forge_entry(
                    insert_copy(contract),
                    **{"event": "contract.proposal.drafted", "to_status": "DRAFT"} | wrong,
                )

    @pytest.mark.parametrize("prev_hash", [ZEROS, b"\x01" * 32, b""])
    def test_sql_insert__linked_to_another_entry__refused(
        self, users: Users, prev_hash: bytes
    ) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_chain"):
            forge_entry(contract.pk, prev_hash=prev_hash)

    @pytest.mark.parametrize("wrong", [ZEROS, b"", hashlib.sha256(b"{}").digest()])
    def test_sql_insert__wrong_hash__refused(self, users: Users, wrong: bytes) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_chain"):
            forge_entry(contract.pk, columns={"hash": wrong})

    @pytest.mark.parametrize(
        ("name", "lie"),
        [
            ("contract_id", "00000000-0000-0000-0000-000000000000"),
            ("seq", 5),
            ("at", timestamp(NOON + timedelta(microseconds=1))),
            ("actor", "user:1:founder"),
            ("event", "contract.review.approved"),
            ("from_status", "ELIGIBLE"),
            ("to_status", "APPROVED"),
            ("reason", "Because."),
            ("step_index", 1),
        ],
    )
    def test_sql_insert__body_says_other_than_columns__refused(
        self, users: Users, name: str, lie: Any
    ) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_chain"):
            forge_entry(contract.pk, body={name: lie})

    def test_sql_insert__status_begins_where_none_ended__refused(self, users: Users) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_chain"):
            forge_entry(
                contract.pk,
                event="contract.review.rejected",
                from_status="DRAFT",
                to_status="REJECTED",
            )

    @pytest.mark.parametrize(
        ("event", "from_status", "to_status"),
        [
            ("contract.review.approved", "ELIGIBLE", "ACTIVE"),
            ("contract.review.undone", "ELIGIBLE", "DRAFT"),
            ("job.activation.created", "", "RUNNING"),
            ("review.contract.approved", "", "APPROVED"),
        ],
    )
    def test_sql_insert__move_that_no_table_knows__refused(
        self, users: Users, event: str, from_status: str, to_status: str
    ) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_chain"):
            forge_entry(contract.pk, event=event, from_status=from_status, to_status=to_status)

    @pytest.mark.parametrize(
        ("event", "from_status", "to_status"),
        [
            ("contract.review.approved", "", ""),
            ("job.execution.started", "", ""),
            ("job.step.completed", "ELIGIBLE", "REJECTED"),
            ("contract.audit.inconclusive", "ELIGIBLE", "REJECTED"),
        ],
    )
    def test_sql_insert__event_with_too_few_or_too_many_records__refused(
        self, users: Users, event: str, from_status: str, to_status: str
    ) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_chain"):
            forge_entry(contract.pk, event=event, from_status=from_status, to_status=to_status)

    def test_sql_insert__second_entry_of_a_step__refused(self, users: Users) -> None:
        running = running_job(users)
        running.complete_steps(1)
        with violates_constraint("ledger_one_entry_per_step"):
            forge_entry(running.job.contract_id, step_index=0)

    def test_sql_insert__two_sessions_append_the_same_number__second_is_refused(
        self, committed: Users
    ) -> None:
        contract = eligible(committed)

        def append() -> str:
            try:
                forge_entry(contract.pk)  # does not see the uncommitted entry of the other session
            except DatabaseError as error:
                return violated_constraint(error)
            return "appended"

        assert overtaking(append, append) == ("appended", "ledger_seq_once")

    # --- no change without an entry, no entry without a change ---
    def test_sql_update__job_started_without_an_entry__refused_at_commit(
        self, users: Users
    ) -> None:
        job = pending_job(users)
        with violates_constraint("ledger_covers_status", at_commit=True):
            force_job(job, "RUNNING", users.executor)

    @pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
    def test_sql_update__job_ended_without_an_entry__refused_at_commit(
        self, users: Users, status: str
    ) -> None:
        job = running_job(users).job
        with violates_constraint("ledger_covers_status", at_commit=True):
            force_job(job, status, users.executor)
            forge_evidence(job.pk)

    def test_sql_insert__job_without_an_entry__refused_at_commit(self, users: Users) -> None:
        contract = approved(users)
        with violates_constraint("ledger_covers_status", at_commit=True):
            update_row(CONTRACT, contract.pk, status="ACTIVE")
            forge_entry(
                contract.pk,
                event="contract.activation.activated",
                from_status="APPROVED",
                to_status="ACTIVE",
            )
            forge_step(forge_job(contract.pk, users.operator), 0)

    def test_sql_update__contract_status_without_an_entry__refused_at_commit(
        self, users: Users
    ) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_covers_status", at_commit=True):
            rejected = {"status": "REJECTED", "closed_by_id": users.founder.pk}
            update_row(CONTRACT, contract.pk, **rejected, closed_at=now())

    def test_sql_insert__entry_of_a_job_move_that_was_not_made__refused_at_commit(
        self, users: Users
    ) -> None:
        job = pending_job(users)
        with violates_constraint("ledger_covers_status", at_commit=True):
            forge_entry(
                job.contract_id,
                event="job.execution.started",
                from_status="PENDING",
                to_status="RUNNING",
            )

    def test_sql_insert__entry_of_a_contract_move_that_was_not_made__refused_at_commit(
        self, users: Users
    ) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_covers_status", at_commit=True):
            forge_entry(
                contract.pk,
                event="contract.review.approved",
                from_status="ELIGIBLE",
                to_status="APPROVED",
            )

    def test_sql_insert__result_without_an_entry__refused_at_commit(self, users: Users) -> None:
        job = running_job(users).job
        with violates_constraint("ledger_covers_result", at_commit=True):
            forge_result(job.pk, 0, users.executor)
            update_row(JOB, job.pk, current_step_index=1)
