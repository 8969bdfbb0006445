"""FREEZE in PostgreSQL: raw SQL does not get past a stopped line, nor rewrite its record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import transaction

from governance.ledger.story import story
from governance.models import GovernanceJob, LineFreeze, SystemContract
from governance.orchestrator.facade import GovernanceOrchestrator
from governance.vocabulary.errors import LineFrozenError, RecordProtectedError, WrongStateError
from governance.vocabulary.values import ActivationWindow, ContractStatus
from tests.support.attacks import (
    check_deferred_laws,
    insert_row,
    nothing_written,
    refused_by,
    run_sql,
    update_row,
)
from tests.support.cast import Cast
from tests.support.forgery import (
    CONTRACT,
    JOB,
    columns_for,
    forge_activation,
    forge_entry,
    forge_signature,
    forge_signing_entry,
)
from tests.support.line import FREEZE, HOUR, THAW, frozen, thawed
from tests.support.roles import app_session
from tests.support.signing import sign
from tests.support.stories import again, approved, eligible, now, pending_job

TICK = timedelta(microseconds=1)
FAR = timedelta(days=400)


def forge_approval(cast: Cast, contract: SystemContract, at: datetime) -> None:
    times = {"window_opens_at": at, "window_closes_at": at + HOUR}
    forge_signature(contract, cast.founder, signed_at=at, **times)
    update_row(
        CONTRACT,
        contract.pk,
        status="APPROVED",
        approved_by_id=cast.founder.pk,
        approved_at=at,
        approved_digest=contract.content_digest,
        approval_note="",
        **times,
    )
    forge_signing_entry(contract.pk)


def forge_start(cast: Cast, job_id: Any, at: datetime) -> None:
    columns = columns_for("RUNNING", cast.executor) | {
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


def forge_freeze(cast: Cast, **changes: Any) -> Any:
    row = {
        "id": uuid4(),
        "reason": "Because.",
        "frozen_by_id": cast.founder.pk,
        "frozen_at": now(),
        "ends_at": now() + HOUR,
    } | changes
    insert_row(FREEZE, **row)
    return row["id"]


def forge_thaw(cast: Cast, freeze_id: Any, **changes: Any) -> None:
    row = {
        "freeze_id": freeze_id,
        "reason": "Over.",
        "thawed_by_id": cast.founder.pk,
        "thawed_at": now(),
    } | changes
    insert_row(THAW, **row)


class TestMovesUnderAFreeze:
    """The claimed time of a move neither opens the line nor lies within a freeze."""

    @pytest.mark.parametrize("shift", [timedelta(0), -FAR, FAR], ids=["now", "before", "after"])
    def test_sql_update__approved_while_frozen__refused(self, cast: Cast, shift: timedelta) -> None:
        contract = eligible(cast)
        frozen(cast)
        with refused_by("line_frozen", at_commit=True):
            forge_approval(cast, contract, now() + shift)

    @pytest.mark.parametrize("shift", [timedelta(0), -FAR, FAR], ids=["now", "before", "after"])
    def test_sql_update__started_while_frozen__refused(self, cast: Cast, shift: timedelta) -> None:
        job = pending_job(cast)
        frozen(cast)
        with refused_by("line_frozen", at_commit=True):
            forge_start(cast, job.pk, now() + shift)

    @pytest.mark.parametrize("shift", [timedelta(0), -FAR, FAR], ids=["now", "before", "after"])
    def test_sql__activated_while_frozen__refused(self, cast: Cast, shift: timedelta) -> None:
        contract = approved(cast)
        frozen(cast)
        with refused_by("line_frozen", at_commit=True):
            forge_activation(contract, cast.operator, steps=[0], created_at=now() + shift)

    def test_sql_insert__job_made_at_a_time_of_a_freeze__refused(self, cast: Cast) -> None:
        """The job's own time counts, not only that its contract is activated now."""
        contract = approved(cast)
        freeze = frozen(cast, at=now() - 2 * HOUR)
        with refused_by("line_frozen", at_commit=True):
            forge_activation(contract, cast.operator, steps=[0], created_at=freeze.frozen_at)

    @pytest.mark.parametrize("by_thaw", [True, False])
    def test_sql_update__claims_a_time_of_a_freeze_that_is_over__refused(
        self, cast: Cast, by_thaw: bool
    ) -> None:
        contract = eligible(cast)
        freeze = frozen(cast, at=now() - 2 * HOUR)
        if by_thaw:
            freeze = frozen(cast, at=now() - 2 * HOUR, hours=5)
            thawed(cast, freeze)
        with refused_by("line_frozen", at_commit=True):
            forge_approval(cast, contract, freeze.frozen_at + TICK)

    def test_sql_update__after_a_freeze_is_over__lawful(self, cast: Cast) -> None:
        first, second = eligible(cast), eligible(cast)
        frozen(cast, at=now() - 2 * HOUR)
        forge_approval(cast, first, now())
        thawed(cast, frozen(cast))
        forge_approval(cast, second, now())
        check_deferred_laws()
        assert again(second).status == ContractStatus.APPROVED

    def test_operation__that_nobody_told_of_the_freeze__refused_by_the_law(
        self, cast: Cast, commit_now: Callable[[], None]
    ) -> None:
        """The authorities are handed what a flow read; the law does not take their word."""
        contract, at = eligible(cast), now()
        frozen(cast)
        with nothing_written(), pytest.raises(LineFrozenError) as refusal, story():  # noqa: PT012
            window = ActivationWindow(at, at + HOUR)
            sign(contract, founder=cast.founder, window=window, at=at)
            commit_now()
        assert refusal.value.details["law"] == "line_frozen"

    def test_start__that_nobody_told_of_the_freeze__refused_by_the_law(
        self, cast: Cast, commit_now: Callable[[], None]
    ) -> None:
        job = pending_job(cast)
        frozen(cast)
        with nothing_written(), pytest.raises(LineFrozenError), story():  # noqa: PT012
            GovernanceOrchestrator.start_job(job.pk, executor=cast.executor, at=now())
            commit_now()

    def test_transaction__that_sees_the_line_as_it_was__refused(self, committed: Cast) -> None:
        contract = eligible(committed)
        with pytest.raises(RecordProtectedError) as refusal, story():  # noqa: PT012
            run_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            run_sql("SELECT 1")
            with app_session() as other:
                other.execute(
                    f"INSERT INTO {FREEZE} (id, reason, frozen_by_id, frozen_at, ends_at)"
                    " VALUES (%s, 'Stop.', %s, now(), now() + interval '1 hour')",
                    [uuid4(), committed.founder.pk],
                )
            forge_approval(committed, contract, now())
        assert refusal.value.details["law"] == "line_seen_as_it_is"
        assert again(contract).status == ContractStatus.ELIGIBLE

    def test_app_role__with_sql_of_its_own__refused_by_the_law(self, committed: Cast) -> None:
        job = pending_job(committed)
        frozen(committed)
        with app_session(autocommit=False) as attacker:
            attacker.execute("SET CONSTRAINTS line_frozen_start IMMEDIATE")
            with pytest.raises(psycopg.errors.CheckViolation) as refusal:
                attacker.execute(
                    f"UPDATE {JOB} SET status = 'RUNNING', started_at = now(),"
                    " started_by_id = %s, deadline_at = now() + interval '1 hour',"
                    " lease_expires_at = now() + interval '1 hour',"
                    " execution_token_sha256 = %s WHERE id = %s",
                    [committed.executor.pk, "0" * 64, job.pk],
                )
            attacker.rollback()
        assert refusal.value.diag.constraint_name == "line_frozen"
        assert again(job).status == "PENDING"


class TestRecordOfTheLine:
    @pytest.mark.parametrize("column", ["reason", "frozen_by_id", "frozen_at", "ends_at"])
    def test_sql_update__freeze__refused(self, cast: Cast, column: str) -> None:
        freeze = frozen(cast)
        with refused_by("line_freeze_append_only"):
            run_sql(f"UPDATE {FREEZE} SET {column} = {column} WHERE id = %s", freeze.pk)

    @pytest.mark.parametrize("column", ["reason", "thawed_by_id", "thawed_at", "freeze_id"])
    def test_sql_update__thaw__refused(self, cast: Cast, column: str) -> None:
        thawed(cast, frozen(cast))
        with refused_by("line_thaw_append_only"):
            run_sql(f"UPDATE {THAW} SET {column} = {column}")

    @pytest.mark.parametrize(
        ("statement", "law"),
        [
            (f"DELETE FROM {FREEZE}", "line_freeze_append_only"),
            (f"DELETE FROM {THAW}", "line_thaw_append_only"),
            (f"TRUNCATE {FREEZE}, {THAW}", "line_freeze_append_only"),
            (f"TRUNCATE {THAW}", "line_thaw_append_only"),
        ],
    )
    def test_sql__freeze_or_thaw_removed__refused(
        self, cast: Cast, statement: str, law: str
    ) -> None:
        thawed(cast, frozen(cast))
        with refused_by(law):
            run_sql(statement)

    @pytest.mark.parametrize("statement", ["UPDATE {} SET reason = ''", "DELETE FROM {}"])
    @pytest.mark.parametrize("table", [FREEZE, THAW])
    def test_app_role__rewriting_the_record__has_no_right_to(
        self, committed: Cast, table: str, statement: str
    ) -> None:
        thawed(committed, frozen(committed))
        with app_session() as attacker, pytest.raises(psycopg.errors.InsufficientPrivilege):
            attacker.execute(statement.format(table))

    def test_sql_insert__freeze_longer_than_7_days__refused(self, cast: Cast) -> None:
        at = now()
        with refused_by("line_freeze_in_bounds"):
            forge_freeze(cast, frozen_at=at, ends_at=at + 168 * HOUR + TICK)

    def test_sql_insert__freeze_that_ends_as_it_begins__refused(self, cast: Cast) -> None:
        at = now()
        with refused_by("line_freeze_in_bounds"):
            forge_freeze(cast, frozen_at=at, ends_at=at)

    @pytest.mark.parametrize("reason", ["", "  \n"])
    def test_sql_insert__without_a_reason__refused(self, cast: Cast, reason: str) -> None:
        freeze = frozen(cast)
        with refused_by("line_freeze_has_reason"):
            forge_freeze(cast, reason=reason)
        with refused_by("line_thaw_has_reason"):
            forge_thaw(cast, freeze.pk, reason=reason)

    def test_sql_insert__second_thaw__refused(self, cast: Cast) -> None:
        freeze = frozen(cast)
        thawed(cast, freeze)
        with refused_by("governance_linethaw_freeze_id_key"):
            forge_thaw(cast, freeze.pk)

    @pytest.mark.parametrize("edge", ["before", "at_its_end"])
    def test_sql_insert__thaw_outside_its_freeze__refused(self, cast: Cast, edge: str) -> None:
        freeze = frozen(cast)
        at = freeze.ends_at if edge == "at_its_end" else freeze.frozen_at - TICK
        with refused_by("line_thaw_fits_freeze"):
            forge_thaw(cast, freeze.pk, thawed_at=at)

    def test_sql_insert__thaw_of_no_freeze__refused(self, cast: Cast) -> None:
        with refused_by("line_thaw_fits_freeze"):
            forge_thaw(cast, uuid4())

    def test_second_thaw__that_slips_past_python__in_the_domains_words(self, cast: Cast) -> None:
        freeze = frozen(cast)
        thawed(cast, freeze)
        with pytest.raises(WrongStateError), story(), transaction.atomic():
            forge_thaw(cast, freeze.pk)
        assert LineFreeze.objects.count() == 1
