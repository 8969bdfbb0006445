"""FREEZE in PostgreSQL: raw SQL neither evades a change freeze nor rewrites its record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import transaction

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.db.transactions import write_transaction
from governance.domain.errors import (
    ChangeFreezeActiveError,
    IntegrityViolationError,
    WrongStateError,
)
from governance.domain.values import ActivationWindow, ContractStatus
from governance.models import ChangeFreeze, GovernanceJob, SystemContract
from tests.support.attacks import (
    check_deferred_triggers,
    insert_row,
    nothing_written,
    run_sql,
    update_row,
    violates_constraint,
)
from tests.support.factories import approved, eligible, now, pending_job, reloaded
from tests.support.forgery import (
    CONTRACT,
    JOB,
    forge_activation,
    forge_entry,
    forge_signature,
    forge_signing_entry,
    job_columns_for,
)
from tests.support.freezes import FREEZE, HOUR, LIFT, frozen, lifted
from tests.support.roles import app_session
from tests.support.signing import sign
from tests.support.users import Users

TICK = timedelta(microseconds=1)
# As far as a claimed time may be from now, and a freeze that is shorter.
FAR = timedelta(seconds=20)
SHORT = 10 / 3600  # hours


def forge_approval(users: Users, contract: SystemContract, at: datetime) -> None:
    times = {"window_opens_at": at, "window_closes_at": at + HOUR}
    forge_signature(contract, users.founder, signed_at=at, **times)
    update_row(
        CONTRACT,
        contract.pk,
        status="APPROVED",
        approved_by_id=users.founder.pk,
        approved_at=at,
        approved_digest=contract.content_digest,
        approval_note="",
        **times,
    )
    forge_signing_entry(contract.pk)


def forge_start(users: Users, job_id: Any, at: datetime) -> None:
    columns = job_columns_for("RUNNING", users.executor) | {
        "started_at": at,
        "deadline_at": at + HOUR,
        "lease_expires_at": at + HOUR,
    }
    update_row(JOB, job_id, **columns)
    job = GovernanceJob.objects.get(pk=job_id)
    forge_entry(
        job.contract_id, event="job.execution.started", from_status="PENDING", to_status="RUNNING"
    )

    return GovernanceJob.objects.get(pk=job_id)


def forge_freeze(users: Users, **changes: Any) -> Any:
    row = {
        "id": uuid4(),
        "reason": "Because.",
        "started_by_id": users.founder.pk,
        "started_at": now(),
        "ends_at": now() + HOUR,
    } | changes
    insert_row(FREEZE, **row)
    return row["id"]


def forge_lift(users: Users, freeze_id: Any, **changes: Any) -> None:
    row = {
        "freeze_id": freeze_id,
        "reason": "Over.",
        "lifted_by_id": users.founder.pk,
        "lifted_at": now(),
    } | changes
    insert_row(LIFT, **row)


class TestMovesUnderAFreeze:
    """Moves whose claimed time lies outside the current freeze or inside an earlier one."""

    @pytest.mark.parametrize("shift", [timedelta(0), -FAR, FAR], ids=["now", "before", "after"])
    def test_sql_update__approved_while_frozen__refused(
        self, users: Users, shift: timedelta
    ) -> None:
        contract = eligible(users)
        frozen(users, hours=SHORT)
        with violates_constraint("change_freeze_active", at_commit=True):
            forge_approval(users, contract, now() + shift)

    @pytest.mark.parametrize("shift", [timedelta(0), -FAR, FAR], ids=["now", "before", "after"])
    def test_sql_update__started_while_frozen__refused(
        self, users: Users, shift: timedelta
    ) -> None:
        job = pending_job(users)
        frozen(users, hours=SHORT)
        with violates_constraint("change_freeze_active", at_commit=True):
            forge_start(users, job.pk, now() + shift)

    @pytest.mark.parametrize("shift", [timedelta(0), -FAR, FAR], ids=["now", "before", "after"])
    def test_sql__activated_while_frozen__refused(self, users: Users, shift: timedelta) -> None:
        contract = approved(users)
        frozen(users, hours=SHORT)
        with violates_constraint("change_freeze_active", at_commit=True):
            forge_activation(contract, users.operator, steps=[0], created_at=now() + shift)

    def test_sql_insert__job_made_at_a_time_of_a_freeze__refused(self, users: Users) -> None:
        """The trigger checks `created_at` of the job, not only the time of the transaction."""
        contract = approved(users)
        freeze = frozen(users, hours=SHORT, at=now() - FAR)
        with violates_constraint("change_freeze_active", at_commit=True):
            forge_activation(contract, users.operator, steps=[0], created_at=freeze.started_at)

    @pytest.mark.parametrize("by_lift", [True, False])
    def test_sql_update__claims_a_time_of_a_freeze_that_is_over__refused(
        self, users: Users, by_lift: bool
    ) -> None:
        contract = eligible(users)
        freeze = frozen(users, hours=5 if by_lift else SHORT, at=now() - FAR)
        if by_lift:
            lifted(users, freeze)
        with violates_constraint("change_freeze_active", at_commit=True):
            forge_approval(users, contract, freeze.started_at + TICK)

    def test_sql_update__after_a_freeze_is_over__accepted(self, users: Users) -> None:
        first, second = eligible(users), eligible(users)
        frozen(users, at=now() - 2 * HOUR)
        forge_approval(users, first, now())
        lifted(users, frozen(users))
        forge_approval(users, second, now())
        check_deferred_triggers()
        assert reloaded(second).status == ContractStatus.APPROVED

    def test_operation__that_did_not_read_the_freeze__refused_by_the_trigger(
        self, users: Users, commit_now: Callable[[], None]
    ) -> None:
        """An authority trusts the freeze state its caller read; the trigger reads it again."""
        contract, at = eligible(users), now()
        frozen(users)
        window = ActivationWindow(at, at + HOUR)
        with (  # noqa: PT012 - the whole block is refused
            nothing_written(),
            pytest.raises(ChangeFreezeActiveError) as refusal,
            write_transaction(),
        ):
            sign(contract, founder=users.founder, window=window, at=at)
            commit_now()
        assert refusal.value.details["constraint"] == "change_freeze_active"

    def test_start__that_did_not_read_the_freeze__refused_by_the_trigger(
        self, users: Users, commit_now: Callable[[], None]
    ) -> None:
        job = pending_job(users)
        frozen(users)
        with nothing_written(), pytest.raises(ChangeFreezeActiveError), write_transaction():  # noqa: PT012
            GovernanceOrchestrator.start_job(job.pk, executor=users.executor)
            commit_now()

    def test_transaction__whose_snapshot_predates_the_freeze__refused(
        self, committed: Users
    ) -> None:
        contract = eligible(committed)
        with pytest.raises(IntegrityViolationError) as refusal, write_transaction():  # noqa: PT012
            run_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            run_sql("SELECT 1")
            with app_session() as other:
                other.execute(
                    f"INSERT INTO {FREEZE} (id, reason, started_by_id, started_at, ends_at)"
                    " VALUES (%s, 'Stop.', %s, now(), now() + interval '1 hour')",
                    [uuid4(), committed.founder.pk],
                )
            forge_approval(committed, contract, now())
        assert refusal.value.details["constraint"] == "change_freeze_read_committed"
        assert reloaded(contract).status == ContractStatus.ELIGIBLE

    def test_app_role__with_sql_of_its_own__refused_by_the_trigger(self, committed: Users) -> None:
        job = pending_job(committed)
        frozen(committed)
        with app_session(autocommit=False) as attacker:
            attacker.execute("SET CONSTRAINTS change_freeze_active_at_start IMMEDIATE")
            with pytest.raises(psycopg.errors.CheckViolation) as refusal:
                attacker.execute(
                    f"UPDATE {JOB} SET status = 'RUNNING', started_at = now(),"
                    " started_by_id = %s, deadline_at = now() + interval '1 hour',"
                    " lease_expires_at = now() + interval '1 hour',"
                    " execution_token_sha256 = %s WHERE id = %s",
                    [committed.executor.pk, "0" * 64, job.pk],
                )
            attacker.rollback()
        assert refusal.value.diag.constraint_name == "change_freeze_active"
        assert reloaded(job).status == "PENDING"


class TestFreezeRecords:
    @pytest.mark.parametrize("column", ["reason", "started_by_id", "started_at", "ends_at"])
    def test_sql_update__freeze__refused(self, users: Users, column: str) -> None:
        freeze = frozen(users)
        with violates_constraint("change_freeze_append_only"):
            run_sql(f"UPDATE {FREEZE} SET {column} = {column} WHERE id = %s", freeze.pk)

    @pytest.mark.parametrize("column", ["reason", "lifted_by_id", "lifted_at", "freeze_id"])
    def test_sql_update__lift__refused(self, users: Users, column: str) -> None:
        lifted(users, frozen(users))
        with violates_constraint("freeze_lift_append_only"):
            run_sql(f"UPDATE {LIFT} SET {column} = {column}")

    @pytest.mark.parametrize(
        ("statement", "constraint"),
        [
            (f"DELETE FROM {FREEZE}", "change_freeze_append_only"),
            (f"DELETE FROM {LIFT}", "freeze_lift_append_only"),
            (f"TRUNCATE {FREEZE}, {LIFT}", "change_freeze_append_only"),
            (f"TRUNCATE {LIFT}", "freeze_lift_append_only"),
        ],
    )
    def test_sql__freeze_or_lift_removed__refused(
        self, users: Users, statement: str, constraint: str
    ) -> None:
        lifted(users, frozen(users))
        with violates_constraint(constraint):
            run_sql(statement)

    @pytest.mark.parametrize("statement", ["UPDATE {} SET reason = ''", "DELETE FROM {}"])
    @pytest.mark.parametrize("table", [FREEZE, LIFT])
    def test_app_role__rewriting_the_record__has_no_right_to(
        self, committed: Users, table: str, statement: str
    ) -> None:
        lifted(committed, frozen(committed))
        with app_session() as attacker, pytest.raises(psycopg.errors.InsufficientPrivilege):
            attacker.execute(statement.format(table))

    def test_sql_insert__freeze_longer_than_7_days__refused(self, users: Users) -> None:
        at = now()
        with violates_constraint("change_freeze_in_bounds"):
            forge_freeze(users, started_at=at, ends_at=at + 168 * HOUR + TICK)

    def test_sql_insert__freeze_that_ends_as_it_begins__refused(self, users: Users) -> None:
        at = now()
        with violates_constraint("change_freeze_in_bounds"):
            forge_freeze(users, started_at=at, ends_at=at)

    @pytest.mark.parametrize("reason", ["", "  \n"])
    def test_sql_insert__without_a_reason__refused(self, users: Users, reason: str) -> None:
        freeze = frozen(users)
        with violates_constraint("change_freeze_has_reason"):
            forge_freeze(users, reason=reason)
        with violates_constraint("freeze_lift_has_reason"):
            forge_lift(users, freeze.pk, reason=reason)

    def test_sql_insert__second_lift__refused(self, users: Users) -> None:
        freeze = frozen(users)
        lifted(users, freeze)
        with violates_constraint("governance_freezelift_freeze_id_key"):
            forge_lift(users, freeze.pk)

    @pytest.mark.parametrize("edge", ["before", "at_its_end"])
    def test_sql_insert__lift_outside_its_freeze__refused(self, users: Users, edge: str) -> None:
        freeze = frozen(users)
        at = freeze.ends_at if edge == "at_its_end" else freeze.started_at - TICK
        with violates_constraint("freeze_lift_in_time"):
            forge_lift(users, freeze.pk, lifted_at=at)

    def test_sql_insert__lift_of_no_freeze__refused(self, users: Users) -> None:
        with violates_constraint("freeze_lift_in_time"):
            forge_lift(users, uuid4())

    def test_second_lift__written_past_the_guards__raises_the_domains_error(
        self, users: Users
    ) -> None:
        freeze = frozen(users)
        lifted(users, freeze)
        with pytest.raises(WrongStateError), write_transaction(), transaction.atomic():
            forge_lift(users, freeze.pk)
        assert ChangeFreeze.objects.count() == 1
