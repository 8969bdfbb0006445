"""Tests of `retried`: a transaction that PostgreSQL rolls back on a conflict is run again.

The attempts are limited, and each conflict is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

import pytest
from django.db import connection, transaction

from governance.authorities.orchestrator import job_state
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.db import transactions
from governance.db.transactions import conflict_counts, retried, write_transaction
from governance.domain.errors import BusyError
from governance.flows.review_contract import reject_contract
from governance.models import SystemContract
from tests.support.attacks import nothing_written, run_sql
from tests.support.factories import approved, eligible, now, running_job
from tests.support.forgery import CONTRACT
from tests.support.threads import Wait, at_once
from tests.support.users import Users

# `run_idempotent_request` is retried, because it decides about the refusal of its transaction.
RETRIED_BY_CALLER = {"_run"}


@pytest.fixture(autouse=True)
def _counted_anew() -> Iterator[None]:
    conflict_counts.clear()
    yield
    conflict_counts.clear()


@pytest.fixture
def attempts(settings: Any) -> Callable[[int], None]:
    def allow(most: int) -> None:
        settings.GOVSITE = settings.GOVSITE | {"TRANSACTION_ATTEMPTS": most}

    return allow


def undo(sqlstate: str) -> None:
    """Raise the SQLSTATE with which PostgreSQL rolls back a transaction on a conflict."""
    run_sql(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$")


class TestRetries:
    def test_deadlock__between_two_transactions__both_are_retried(self, committed: Users) -> None:
        one, other = eligible(committed), eligible(committed)
        began = now()

        def locking_both(
            first: SystemContract, second: SystemContract
        ) -> Callable[[Wait], datetime]:
            def call(wait: Wait) -> datetime:
                tries = []

                @retried
                def attempt() -> datetime:
                    with write_transaction():
                        SystemContract.objects.lock(first.pk)
                        if not tries:  # makes the first attempts deadlock
                            tries.append(True)
                            wait()
                        SystemContract.objects.lock(second.pk)
                        return now()

                return attempt()

            return call

        times = at_once(locking_both(one, other), locking_both(other, one))
        assert all(at > began for at in times), times
        assert conflict_counts["deadlock"] >= 1

    def test_serialization_failure__in_a_transaction__retried(self, committed: Users) -> None:
        contract = eligible(committed)
        tries = []

        def overtake(wait: Wait) -> None:
            run_sql(f"UPDATE {CONTRACT} SET status = status WHERE id = %s", contract.pk)

        @retried
        def attempt() -> None:
            with write_transaction():
                tries.append(True)
                if len(tries) == 1:
                    run_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    run_sql("SELECT 1")
                    at_once(overtake)
                SystemContract.objects.lock(contract.pk)

        attempt()
        assert (len(tries), dict(conflict_counts)) == (2, {"serialization_failure": 1})

    @pytest.mark.parametrize("sqlstate", ["40P01", "40001"])
    def test_transaction__undone_every_time__given_up_after_the_last_attempt(
        self, committed: Users, attempts: Callable[[int], None], sqlstate: str
    ) -> None:
        attempts(3)
        tries = []

        @retried
        def attempt() -> None:
            with write_transaction():
                tries.append(True)
                eligible(committed)
                undo(sqlstate)

        with nothing_written(), pytest.raises(BusyError) as refusal:
            attempt()
        assert len(tries) == 3
        assert refusal.value.details["attempts"] == 3
        assert sum(conflict_counts.values()) == 3

    def test_transaction__undone_inside_another__the_outer_one_is_retried(
        self, committed: Users
    ) -> None:
        calls: list[str] = []

        @retried
        def inner() -> None:
            with write_transaction():
                calls.append("inner")
                if calls.count("inner") == 1:
                    undo("40001")

        @retried
        def outer() -> None:
            with write_transaction():
                calls.append("outer")
                inner()

        outer()
        assert calls == ["outer", "inner", "outer", "inner"]

    def test_operations__deadlocked_once_at_commit__have_one_effect(
        self, committed: Users, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        contract = eligible(committed)
        usual, tries = transactions.transaction.atomic, []

        def undone_once(*args: Any, **kwargs: Any) -> Any:
            if not connection.in_atomic_block:
                tries.append(True)
                if len(tries) == 1:
                    return _UndoneAtCommit(usual(*args, **kwargs))
            return usual(*args, **kwargs)

        monkeypatch.setattr(transaction, "atomic", undone_once)
        reject_contract(
            contract_id=contract.pk, founder=committed.founder, reason="Not this quarter."
        )
        monkeypatch.undo()
        assert (len(tries), dict(conflict_counts)) == (2, {"deadlock": 1})
        assert contract.ledger_entries.filter(to_status="REJECTED").count() == 1

    def test_short_transaction__overtaken_between_its_read_and_its_write__retried_under_lock(
        self, committed: Users, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        running, ways = running_job(committed), []
        report = running.report(0)
        usual = job_state.fetch_rows

        def overtaken_once(sql: str, values: Any) -> Any:
            read = usual(sql, values)
            if "FOR UPDATE" not in sql and current_thread() is main_thread():
                ways.append(connection.in_atomic_block)
                if len(ways) == 1:
                    at_once(lambda wait: running.record(report))
            return read

        monkeypatch.setattr(job_state, "fetch_rows", overtaken_once)
        [(_, is_new)] = GovernanceOrchestrator.record_step_results(
            job_id=running.job.pk,
            token=running.token,
            reports=[report],
            executor=committed.executor,
        )
        assert not is_new
        # The first attempt reads in autocommit mode, the retry in a transaction that locks.
        assert ways == [False, True]
        assert dict(conflict_counts) == {"serialization_failure": 1}
        assert running.job.results.count() == 1

    def test_every_operation__that_opens_a_transaction__is_retried(self) -> None:
        root = Path(transactions.__file__).parents[1]
        forgotten = []
        for path in set(root.rglob("*.py")) - {Path(transactions.__file__)}:
            lines = path.read_text().splitlines()
            for number, line in enumerate(lines):
                if line.strip() != "with write_transaction():":
                    continue
                outer = len(line) - len(line.lstrip()) - 4
                start = next(
                    above
                    for above in range(number, -1, -1)
                    if lines[above].startswith(" " * outer + "def ")
                )
                name = lines[start].split("def ")[1].split("(")[0]
                if lines[start - 1].strip() != "@retried" and name not in RETRIED_BY_CALLER:
                    forgotten.append(f"{path.relative_to(root)}:{start + 1}")
        assert forgotten == []


class _UndoneAtCommit:
    """A transaction that PostgreSQL rolls back with a deadlock error at its commit."""

    def __init__(self, transaction: Any) -> None:
        self._transaction = transaction

    def __enter__(self) -> Any:
        return self._transaction.__enter__()

    def __exit__(self, *failure: Any) -> Any:
        try:
            undo("40P01")
        except Exception as error:
            self._transaction.__exit__(type(error), error, error.__traceback__)
            raise
        return None


class TestLimits:
    def test_lock__that_never_comes__busy_and_not_tried_again(self, committed: Users) -> None:
        contract = approved(committed)

        def want(wait: Wait) -> None:
            run_sql("SET lock_timeout = '100ms'")

            @retried
            def attempt() -> None:
                with write_transaction():
                    SystemContract.objects.lock(contract.pk)

            attempt()

        with transaction.atomic():
            SystemContract.objects.lock(contract.pk)
            [refusal] = at_once(want)
        assert isinstance(refusal, BusyError)
        assert refusal.details == {"undone_by": "lock_timeout", "attempts": 1}

    def test_statement__that_runs_too_long__busy(self, committed: Users) -> None:
        run_sql("SET statement_timeout = '50ms'")
        with pytest.raises(BusyError) as refusal, write_transaction():
            run_sql("SELECT pg_sleep(5)")
        assert refusal.value.details["undone_by"] == "statement_timeout"

    @pytest.mark.parametrize(
        ("name", "limit"),
        [
            ("lock_timeout", "5s"),
            ("statement_timeout", "30s"),
            ("idle_in_transaction_session_timeout", "1min"),
        ],
    )
    def test_session__of_the_application__has_limits(self, db: None, name: str, limit: str) -> None:
        assert run_sql(f"SHOW {name}") == [(limit,)]
