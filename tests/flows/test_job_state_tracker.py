"""Tests of `JobStateTracker`: start, claim, report, complete, cancel and time out a job."""

from __future__ import annotations

import json
from dataclasses import astuple, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.authorities.orchestrator import tracking
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.queries import jobs_past_lease, steps_with_status
from governance.authorities.orchestrator.tracking import JobStateTracker
from governance.domain.canonical import canonical_text, digest
from governance.domain.errors import (
    GovernanceError,
    InvalidInputError,
    InvalidJobTransitionError,
    NotFoundError,
    StaleExecutionError,
    StepsOutstandingError,
    WrongStateError,
)
from governance.domain.values import JobStatus, StepStatus
from governance.flows import run_job
from governance.models import GovernanceJob, LedgerEntry, StepResult
from governance.record.ledger.verification import verify_ledger
from tests.support.attacks import nothing_written
from tests.support.clock import as_of
from tests.support.factories import Running, affecting, now, pending_job, reloaded, running_job
from tests.support.users import Users

TICK = timedelta(microseconds=1)
ODD_TEXT = 'Gr\u00f6\u00dfe "\\/ \b\f\n\r\t\x01\x1f\x7f\x80 \u2028\ud7ff\ufb33\uffff\U0001f600'


def progress(job: GovernanceJob) -> tuple[Any, ...]:
    """Return (status, current_step, total_steps, completed_steps, failed_steps)."""
    return astuple(JobStateTracker.get_job_progress(job.pk))[1:]


def time_out(job: GovernanceJob, users: Users, late: timedelta = TICK) -> GovernanceJob:
    return as_of(
        reloaded(job).deadline_at + late,
        run_job.fail_timed_out_job,
        job_id=job.pk,
        actor=users.operator,
    )


class TestJobStateTracker:
    # --- start ---
    def test_start__pending_job__runs_under_a_fresh_token(self, users: Users) -> None:
        pending = pending_job(users, timeout_minutes=5)
        at = now()
        job, token = as_of(
            at, GovernanceOrchestrator.start_job, job_id=pending.pk, executor=users.executor
        )
        job = reloaded(job)
        assert (job.status, job.started_at, job.started_by) == ("RUNNING", at, users.executor)
        assert job.deadline_at == at + timedelta(minutes=5)
        assert len(token) >= 32
        assert token != running_job(users, **affecting("Stock")).token

    def test_start__token__is_kept_nowhere_but_as_a_hash(self, users: Users) -> None:
        running = running_job(users)
        row = GovernanceJob.objects.filter(pk=running.job.pk).values().get()
        entries = LedgerEntry.objects.filter(contract=running.job.contract_id).values()
        assert running.token not in str(row) + str(list(entries))

    def test_start__running_job__refused(self, users: Users) -> None:
        job = running_job(users).job
        with nothing_written(), pytest.raises(InvalidJobTransitionError) as refusal:
            GovernanceOrchestrator.start_job(job_id=job.pk, executor=users.outsider)
        assert refusal.value.code == "invalid_job_transition"

    # --- claim ---
    def test_claim__several_pending__oldest_first_and_then_none(self, users: Users) -> None:
        jobs = [pending_job(users, **affecting(name)) for name in ("Search", "Stock", "Maps")]
        claimed = [GovernanceOrchestrator.claim_job(executor=users.executor) for _ in range(4)]
        assert [claim and claim[0].pk for claim in claimed] == [*(j.pk for j in jobs), None]
        assert {reloaded(job).status for job in jobs} == {JobStatus.RUNNING}

    def test_claim__its_token__is_the_one_that_counts(self, users: Users) -> None:
        pending_job(users)
        job, token = GovernanceOrchestrator.claim_job(executor=users.executor) or (None, "")
        assert job
        running = Running(job, token, users)
        running.complete_steps()
        assert running.complete().status == JobStatus.COMPLETED

    @pytest.mark.parametrize(
        "capabilities", [["Search"], ["Search", "Checkout"], ["SYSTEM", "Search"]]
    )
    def test_claim__within_a_token_scope__passes_over_what_affects_more(
        self, users: Users, capabilities: list[str]
    ) -> None:
        pending_job(users, affected_capabilities=["Search", "Stock"])
        pending_job(users, affected_capabilities=["SYSTEM", "Search", "Stock"])
        inside = pending_job(users)
        claim = {"executor": users.executor, "capabilities": capabilities}
        claimed, _ = GovernanceOrchestrator.claim_job(**claim) or (None, "")
        assert claimed == inside
        assert GovernanceOrchestrator.claim_job(**claim) is None

    def test_claim__nothing_within_its_token_scope__does_not_ask_again(
        self, users: Users, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pending_job(users)
        slept: list[float] = []
        monkeypatch.setattr(tracking, "sleep", slept.append)
        claimed = GovernanceOrchestrator.claim_job(executor=users.executor, capabilities=["Stock"])
        assert (claimed, slept) == (None, [])

    # --- a job of another executor ---
    @pytest.mark.parametrize("token", ["own", "another"])
    @pytest.mark.parametrize("write", [lambda r: r.record(r.report(0)), Running.complete])
    @pytest.mark.parametrize(
        "end", [lambda r: None, Running.cancel, lambda r: (r.complete_steps(), r.complete())]
    )
    def test_job__that_another_executor_started__not_found(
        self, users: Users, end: Any, write: Any, token: str
    ) -> None:
        running = running_job(users)
        end(running)
        users.outsider.is_superuser = True
        shown = running.token if token == "own" else "stolen"
        other = Running(running.job, shown, replace(users, executor=users.outsider))
        nowhere = Running(GovernanceJob(), shown, users)
        for job in (other, nowhere):
            with nothing_written(), pytest.raises(NotFoundError) as refusal:
                write(job)
            assert refusal.value.code == "job_not_found"
            assert str(refusal.value) == f"There is no job {job.job.pk}."

    # --- tokens ---
    @pytest.mark.parametrize("token", ["", "x", "\ud800", None, 7])
    def test_report__token_that_is_none__stale(self, users: Users, token: Any) -> None:
        running = running_job(users)
        running.token = token
        with nothing_written(), pytest.raises(StaleExecutionError) as refusal:
            running.record(running.report(0))
        assert refusal.value.code == "stale_execution"

    def test_report__token_of_another_job__stale(self, users: Users) -> None:
        running = running_job(users)
        other = running_job(users, **affecting("Stock"))
        running.token = other.token
        with nothing_written(), pytest.raises(StaleExecutionError):
            running.record(running.report(0))

    def test_repeated_report__under_another_token__stale(self, users: Users) -> None:
        running = running_job(users)
        report = running.report(0)
        running.record(report)
        running.token = "another"
        with nothing_written(), pytest.raises(StaleExecutionError):
            running.record(report)

    def test_complete__stale_token__refused(self, users: Users) -> None:
        running = running_job(users)
        running.complete_steps()
        running.token = "another"
        with nothing_written(), pytest.raises(StaleExecutionError):
            running.complete()

    @pytest.mark.parametrize("write", [lambda r: r.record(r.report(0)), Running.complete])
    def test_pending_job__reported_or_completed__must_be_started_first(
        self, users: Users, write: Any
    ) -> None:
        running = Running(pending_job(users), "any", users)
        with nothing_written(), pytest.raises(InvalidJobTransitionError) as refusal:
            write(running)
        assert refusal.value.code == "invalid_job_transition"

    # --- complete ---
    def test_complete__every_step_completed__completed(self, users: Users) -> None:
        running = running_job(users)
        running.complete_steps()
        job = reloaded(running.complete())
        assert (job.status, job.end_reason) == ("COMPLETED", "Every step completed.")
        assert job.ended_by == users.executor

    @pytest.mark.parametrize("failing", [0, 1, 2])
    def test_complete__a_step_failed__failed(self, users: Users, failing: int) -> None:
        running = running_job(users)
        running.complete_steps(failing)
        running.record(running.report(failing, StepStatus.FAILED))
        job = reloaded(running.complete())
        assert (job.status, job.end_reason) == ("FAILED", f"Step {failing} failed.")

    @pytest.mark.parametrize("reported", [0, 1, 2])
    def test_complete__steps_outstanding_and_none_failed__refused(
        self, users: Users, reported: int
    ) -> None:
        running = running_job(users)
        running.complete_steps(reported)
        with nothing_written(), pytest.raises(StepsOutstandingError) as refusal:
            running.complete()
        assert refusal.value.code == "steps_outstanding"
        assert refusal.value.details == {"current_step": reported}

    # --- cancel ---
    @pytest.mark.parametrize("start", [False, True])
    def test_cancel__pending_or_running__cancelled_with_its_reason(
        self, users: Users, start: bool
    ) -> None:
        job = running_job(users).job if start else pending_job(users)
        run_job.cancel_job(job_id=job.pk, reason="  Changed plans. ", actor=users.operator)
        job = reloaded(job)
        assert (job.status, job.end_reason) == ("CANCELLED", "Changed plans.")
        assert (job.ended_by, job.started_at is not None) == (users.operator, start)

    @pytest.mark.parametrize("reason", ["", "   ", "x" * 4001, None, 7, "\x00"])
    def test_cancel__without_a_usable_reason__refused(self, users: Users, reason: Any) -> None:
        running = running_job(users)
        with nothing_written(), pytest.raises(InvalidInputError) as refusal:
            running.cancel(reason)
        assert refusal.value.errors[0]["path"] == "reason"

    # --- timeout ---
    def test_timed_out_job__failed__outcome_unknown(self, users: Users) -> None:
        running = running_job(users, timeout_minutes=2)
        running.complete_steps(1)
        job = reloaded(time_out(running.job, users))
        assert job.status == JobStatus.FAILED
        assert job.end_reason == (
            "Timed out after 2 minutes: executor lost at step 1, outcome unknown."
        )
        assert job.ended_by == users.operator

    def test_timed_out_job__all_reported_or_one_failed__says_so(self, users: Users) -> None:
        done = running_job(users)
        done.complete_steps()
        assert "every step was reported" in time_out(done.job, users).end_reason
        broken = running_job(users)
        broken.record(broken.report(0, StepStatus.FAILED))
        assert "step 0 failed" in time_out(broken.job, users).end_reason

    def test_job__at_its_deadline__still_has_time(self, users: Users) -> None:
        job = reloaded(running_job(users, timeout_minutes=1).job)
        assert not jobs_past_lease(job.deadline_at).exists()
        with nothing_written(), pytest.raises(WrongStateError) as refusal:
            time_out(job, users, late=timedelta(0))
        assert refusal.value.code == "not_timed_out"
        assert jobs_past_lease(job.deadline_at + TICK).get() == job

    def test_pending_job__timed_out__refused(self, users: Users) -> None:
        job = pending_job(users)
        with nothing_written(), pytest.raises(InvalidJobTransitionError):
            run_job.fail_timed_out_job(job_id=job.pk, actor=users.operator)

    # --- progress ---
    def test_progress__from_pending_to_failed__counts(self, users: Users) -> None:
        job = pending_job(users)
        assert progress(job) == ("PENDING", 0, 3, 0, 0)
        job, token = GovernanceOrchestrator.start_job(job_id=job.pk, executor=users.executor)
        running = Running(job, token, users)
        running.complete_steps(1)
        assert progress(job) == ("RUNNING", 1, 3, 1, 0)
        running.record(running.report(1, StepStatus.FAILED))
        assert progress(job) == ("RUNNING", 2, 3, 1, 1)
        running.complete()
        assert progress(job) == ("FAILED", 2, 3, 1, 1)

    def test_progress__is_one_query(self, users: Users) -> None:
        job = running_job(users).job
        with CaptureQueriesContext(connection) as seen:
            progress(job)
        assert len(seen) == 1

    def test_steps__none_of_them_asked_for__none(self, users: Users) -> None:
        job = running_job(users).job
        assert steps_with_status(job, []) == []
        assert steps_with_status(job)[0]["status"] == "RUNNING"

    @pytest.mark.parametrize("error", ["", ODD_TEXT])
    def test_report__kept_by_one_call__has_the_entry_that_python_would_write(
        self, users: Users, error: str
    ) -> None:
        running = running_job(users)
        status = StepStatus.FAILED if error else StepStatus.COMPLETED
        output = {"odd": ODD_TEXT, "number": 1.5}
        report = replace(running.report(0), status=status, error=error, output=output)
        result, _ = running.record(report)
        entry = LedgerEntry.objects.latest("seq")
        assert entry.event == f"job.step.{status.lower()}"
        assert entry.body == canonical_text(json.loads(entry.body))
        assert json.loads(entry.body)["reason"] == error
        assert json.loads(entry.body)["records"] == {
            "step_result_sha256": digest(StepResult.objects.get(pk=result.pk).as_record())
        }
        assert [one.finding for one in verify_ledger()] == [None]

    @pytest.mark.parametrize(
        "ask",
        [
            lambda job_id, users: GovernanceOrchestrator.get_job_progress(job_id),
            lambda job_id, users: GovernanceOrchestrator.start_job(
                job_id=job_id, executor=users.executor
            ),
            lambda job_id, users: run_job.cancel_job(
                job_id=job_id, reason="Gone.", actor=users.operator
            ),
            lambda job_id, users: run_job.complete_job(
                job_id=job_id, token="any", executor=users.executor
            ),
            lambda job_id, users: run_job.fail_timed_out_job(job_id=job_id, actor=users.operator),
        ],
    )
    def test_unknown_job__asked_for__not_found(self, users: Users, ask: Any) -> None:
        with pytest.raises(GovernanceError) as refusal:
            ask(uuid4(), users)
        assert isinstance(refusal.value, NotFoundError)
        assert refusal.value.code == "job_not_found"
