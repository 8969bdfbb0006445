"""The clock in PostgreSQL: no row and no entry of another time than now, and no other clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from governance.db.clock import adjustable_clock, database_now, is_clock_replaced, set_time
from governance.domain.errors import InvalidInputError
from governance.domain.values import AuditVerdict, ContractStatus
from governance.flows.review_contract import reject_contract
from governance.models import (
    ClarificationRequest,
    GovernanceAudit,
    HandlerBreaker,
    LedgerEntry,
    SystemContract,
)
from governance.models.sql import installable_statements
from governance.record.ledger.verification import verify_ledger
from tests.support.attacks import (
    check_deferred_triggers,
    insert_row,
    run_sql,
    update_row,
    violates_constraint,
)
from tests.support.clock import as_of, clock_at, now
from tests.support.contracts import contract_columns_for, insert_copy, taken_back
from tests.support.factories import (
    approved,
    asked,
    draft,
    eligible,
    finished_job,
    judged_job,
    pending_job,
    reloaded,
    running_job,
)
from tests.support.forgery import (
    CONTRACT,
    JOB,
    NOON,
    forge_attempt,
    forge_audit,
    forge_entry,
    forge_evidence,
    forge_job,
    forge_resolution,
    forge_result,
    forge_signature,
    job_columns_for,
)
from tests.support.freezes import FREEZE, LIFT, frozen
from tests.support.roles import app_session, as_owner
from tests.support.users import Users

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SKEW = timedelta(seconds=30)
TICK = timedelta(microseconds=1)

# A write of one row with a claimed time, in which only that time can be refused.
Write = Callable[[datetime], object]


def proposal(users: Users) -> Write:
    contract = draft(users)
    return lambda at: insert_copy(contract, created_at=at, updated_at=at)


def approval(users: Users) -> Write:
    contract = eligible(users)
    columns = contract_columns_for(contract, ContractStatus.APPROVED, users)
    return lambda at: update_row(CONTRACT, contract.pk, **(columns | {"approved_at": at}))


def end_of_contract(users: Users) -> Write:
    contract = eligible(users)
    row = {"status": "REJECTED", "closed_by_id": users.founder.pk}
    return lambda at: update_row(CONTRACT, contract.pk, **row, closed_at=at)


def question(users: Users) -> Write:
    contract = eligible(users, at=now() - HOUR)
    row = {"contract_id": contract.pk, "number": 1, "question": "Why?"}
    founder = users.founder.pk
    return lambda at: insert_row(
        "governance_clarificationrequest", **row, asked_by_id=founder, asked_at=at
    )


def answer(users: Users) -> Write:
    asked(users, at=now() - HOUR)
    row = {"request_id": ClarificationRequest.objects.get().pk, "answer": "Because."}
    operator = users.operator.pk
    return lambda at: insert_row(
        "governance_clarificationanswer", **row, answered_by_id=operator, answered_at=at
    )


def signature(users: Users) -> Write:
    contract = eligible(users)
    return lambda at: forge_signature(contract, users.founder, signed_at=at)


def job(users: Users) -> Write:
    contract = approved(users)
    return lambda at: forge_job(contract.pk, users.operator, created_at=at, updated_at=at)


def start_of_job(users: Users) -> Write:
    job = pending_job(users)
    columns = job_columns_for("RUNNING", users.executor)
    return lambda at: update_row(JOB, job.pk, **(columns | {"started_at": at}))


def end_of_job(users: Users) -> Write:
    job = pending_job(users)
    columns = {"status": "CANCELLED", "ended_by_id": users.operator.pk}
    return lambda at: update_row(JOB, job.pk, **columns, ended_at=at)


def step_result(users: Users) -> Write:
    running = running_job(users, at=now() - MINUTE)
    ran_at = running.job.started_at
    times = {"started_at": ran_at, "completed_at": ran_at}
    return lambda at: forge_result(running.job.pk, 0, users.executor, **times, recorded_at=at)


def evidence(users: Users) -> Write:
    job = running_job(users).job
    return lambda at: forge_evidence(job.pk, collected_at=at)


def verdict(users: Users) -> Write:
    job = finished_job(users)
    return lambda at: forge_audit(job, users.auditor, recorded_at=at)


def resolution(users: Users) -> Write:
    judged_job(users, AuditVerdict.INCONCLUSIVE)
    audit = GovernanceAudit.objects.get()
    return lambda at: forge_resolution(audit.pk, users.second_auditor, resolved_at=at)


def freeze(users: Users) -> Write:
    row = {"id": uuid4(), "reason": "Stop.", "started_by_id": users.founder.pk}
    return lambda at: insert_row(FREEZE, **row, started_at=at, ends_at=at + HOUR)


def lift(users: Users) -> Write:
    started = frozen(users, at=now() - HOUR, hours=3)
    row = {"freeze_id": started.pk, "reason": "Over.", "lifted_by_id": users.founder.pk}
    return lambda at: insert_row(LIFT, **row, lifted_at=at)


def breaker_event(users: Users) -> Write:
    breaker = HandlerBreaker.objects.create(
        handler="http", state="CLOSED", faults_in_a_row=0, jobs_in_flight=[]
    )
    row = {"breaker_id": breaker.pk, "state": "OPEN", "text": "A bug.", "fault_job": uuid4()}
    return lambda at: insert_row("governance_breakerevent", **row, at=at)


def registry_import(users: Users) -> Write:
    row = {"id": uuid4(), "documents_sha256": "0" * 64, "transaction_id": 0}
    return lambda at: insert_row("governance_registryimport", **row, imported_at=at)


def health_failure(users: Users) -> Write:
    row = {"scope": "Search", "reason": "Late."}
    return lambda at: insert_row("governance_healthfailure", **row, observed_at=at)


def observation(users: Users) -> Write:
    running = running_job(users, at=now() - HOUR)
    row = {"job_id": running.job.pk, "phase": "BEFORE", "scope": "Search", "observer": "http"}
    return lambda at: insert_row(
        "governance_observation", **row, state={}, trouble="", observed_at=at
    )


def audit_attempt(users: Users) -> Write:
    job = finished_job(users)
    return lambda at: forge_attempt(job, attempted_at=at)


def first_entry(users: Users) -> Write:
    contract = draft(users)
    entry = {"event": "contract.proposal.drafted", "to_status": "DRAFT"}
    return lambda at: forge_entry(insert_copy(contract), **entry, at=at.isoformat())


WRITES = [
    *(proposal, approval, end_of_contract, question, answer, signature, job, start_of_job),
    *(end_of_job, step_result, evidence, verdict, resolution, freeze, lift, first_entry),
    *(breaker_event, registry_import, health_failure, observation, audit_attempt),
]


@pytest.mark.parametrize("prepare", WRITES, ids=lambda prepare: prepare.__name__)
class TestTimeOfARow:
    @pytest.mark.parametrize("by", [-SKEW - TICK, SKEW + TICK], ids=["before", "after"])
    def test_sql__too_far_from_now__refused(
        self, users: Users, prepare: Callable[[Users], Write], by: timedelta
    ) -> None:
        write = prepare(users)
        with violates_constraint("time_is_current"):
            write(now() + by)

    @pytest.mark.parametrize("by", [-SKEW, timedelta(0), SKEW], ids=["before", "now", "after"])
    def test_sql__as_far_as_clocks_may_differ__accepted(
        self, users: Users, prepare: Callable[[Users], Write], by: timedelta
    ) -> None:
        write = prepare(users)
        with taken_back():
            write(now() + by)


def test_time_is_current__is_required_of_every_row_that_is_tried_here(users: Users) -> None:
    """A new rule of this kind needs an entry in WRITES."""
    required = run_sql(
        "SELECT sum(regexp_count(prosrc, 'PERFORM governance_require_(current|close)\\('))"
        "  FROM pg_proc WHERE proname <> 'governance_require_current'"
    )
    assert required == [(len(WRITES),)]


class TestTimeOfAChain:
    @pytest.mark.parametrize("by", [TICK, SKEW, HOUR])
    def test_sql_insert__entry_before_the_last_one__refused(
        self, users: Users, by: timedelta
    ) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_chain"):
            forge_entry(contract.pk, step_index=0, at=(now() - by).isoformat())

    def test_sql_insert__entry_of_the_same_time_as_the_last_one__accepted(
        self, users: Users
    ) -> None:
        contract = eligible(users)
        forge_entry(contract.pk, step_index=0, at=now().isoformat())
        check_deferred_triggers()

    def test_sql_insert__entry_too_far_ahead__refused(self, users: Users) -> None:
        contract = eligible(users)
        with violates_constraint("time_is_current"):
            forge_entry(contract.pk, step_index=0, at=(now() + SKEW + TICK).isoformat())

    def test_operation__on_a_chain_that_is_ahead__is_of_its_last_entry(
        self, users: Users, commit_now: Callable[[], None]
    ) -> None:
        """The clock was set back, as after a failover to a server whose clock is behind."""
        ahead = now() + HOUR
        contract = eligible(users, at=ahead)
        reject_contract(contract_id=contract.pk, founder=users.founder, reason="Not this week.")
        commit_now()
        times = LedgerEntry.objects.filter(contract=contract).values_list("at", flat=True)
        assert set(times) == {ahead}
        assert reloaded(contract).closed_at == reloaded(contract).updated_at == ahead
        assert [checked.finding for checked in verify_ledger() if checked.finding] == []

    def test_job__on_a_chain_that_is_ahead__runs_at_the_time_of_its_last_entry(
        self, users: Users, commit_now: Callable[[], None]
    ) -> None:
        ahead = now() + HOUR
        running = running_job(users, at=ahead)
        running.complete_steps()
        done = reloaded(running.complete())
        commit_now()
        assert done.started_at == done.ended_at == ahead
        assert set(done.results.values_list("recorded_at", flat=True)) == {ahead}
        assert [checked.finding for checked in verify_ledger() if checked.finding] == []

    def test_sql__row_of_now_in_a_chain_that_is_ahead__refused(self, users: Users) -> None:
        contract = eligible(users, at=now() + HOUR)
        rejected = {"status": "REJECTED", "closed_by_id": users.founder.pk}
        with violates_constraint("time_is_current"):
            update_row(CONTRACT, contract.pk, **rejected, closed_at=now())
        with taken_back():
            update_row(CONTRACT, contract.pk, **rejected, closed_at=now() + HOUR)

    def test_chain_now__while_an_entry_is_committed__is_that_of_the_statements_snapshot(
        self, committed: Users
    ) -> None:
        """Otherwise an operation could read a job that runs, at the time of its end."""
        contract = eligible(committed)
        read = "SELECT pg_advisory_lock(16)::text, governance_chain_now(%s)"
        waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND NOT granted)"
        with app_session() as reader, app_session() as holder, ThreadPoolExecutor() as threads:
            holder.execute("SELECT pg_advisory_lock(16)")
            reading = threads.submit(lambda: reader.execute(read, [contract.pk]).fetchall())
            while run_sql(waits, reader.info.backend_pid) != [(True,)]:
                time.sleep(0.01)
            reject = {"founder": committed.founder, "reason": "Not this week."}
            as_of(now() + HOUR, reject_contract, contract_id=contract.pk, **reject)
            holder.execute("SELECT pg_advisory_unlock(16)")
            [(_, at)] = reading.result()
        assert at < now() + HOUR


class TestTimesOfAStep:
    """A step runs between the start of its job and now; the clocks may differ by 30 seconds."""

    @pytest.mark.parametrize(
        ("column", "from_start"),
        [("started_at", -SKEW - TICK), ("completed_at", MINUTE + SKEW + TICK)],
    )
    def test_result__outside_the_time_of_its_job__refused(
        self, users: Users, column: str, from_start: timedelta
    ) -> None:
        running = running_job(users, at=now() - MINUTE)
        times = {column: running.job.started_at + from_start}
        with violates_constraint("step_result_within_job"):
            forge_result(running.job.pk, 0, users.executor, **(self.within(running) | times))
        with pytest.raises(InvalidInputError) as refusal:
            running.record(running.report(0, **times))
        assert refusal.value.errors[0]["path"] == column

    @pytest.mark.parametrize(
        ("column", "from_start"), [("started_at", -SKEW), ("completed_at", MINUTE + SKEW)]
    )
    def test_result__at_the_bounds__accepted(
        self, users: Users, column: str, from_start: timedelta
    ) -> None:
        running = running_job(users, at=now() - MINUTE)
        times = {column: running.job.started_at + from_start}
        with taken_back():
            forge_result(running.job.pk, 0, users.executor, **(self.within(running) | times))
        result, is_new = running.record(running.report(0, **times))
        assert (is_new, getattr(result, column)) == (True, times[column])

    @staticmethod
    def within(running: Any) -> dict[str, datetime]:
        return dict.fromkeys(("started_at", "completed_at"), running.job.started_at)


class TestTheClockItself:
    def test_clock__of_the_suite_or_with_any_other_body__is_named(self, users: Users) -> None:
        assert is_clock_replaced()
        [installed, *_] = installable_statements("now")
        with as_owner():
            run_sql(installed)
            assert not is_clock_replaced()
            run_sql(installed.replace("clock_timestamp()", "clock_timestamp() - interval '1 h'"))
            assert is_clock_replaced()

    def test_adjustable_clock__is_seen_by_no_other_session_and_restored(
        self, committed: Users
    ) -> None:
        with as_owner():
            run_sql(installable_statements("now")[0])
        with app_session() as other:
            with adjustable_clock():
                set_time(NOON)
                assert database_now() == NOON
                assert is_clock_replaced()
                [(elsewhere,)] = other.execute("SELECT governance_now()").fetchall()
            assert not is_clock_replaced()
            assert elsewhere > NOON + HOUR
            assert database_now() >= elsewhere

    def test_adjustable_clock__after_an_error__is_restored(self, committed: Users) -> None:
        with as_owner():
            run_sql(installable_statements("now")[0])
        with pytest.raises(ZeroDivisionError), adjustable_clock():  # noqa: PT012
            set_time(NOON)
            raise ZeroDivisionError
        assert not is_clock_replaced()
        assert database_now() > NOON + HOUR

    def test_chain_now__of_no_contract__is_now(self, users: Users) -> None:
        with clock_at(NOON):
            assert run_sql("SELECT governance_chain_now(%s)", uuid4()) == [(NOON,)]
            assert run_sql("SELECT governance_chain_now(NULL)") == [(NOON,)]


def test_contract__made_at_another_time__has_it(users: Users) -> None:
    """A control: the clock of the suite decides the times that the operations write."""
    contract = as_of(NOON, draft, users)
    assert SystemContract.objects.get(pk=contract.pk).created_at == NOON
