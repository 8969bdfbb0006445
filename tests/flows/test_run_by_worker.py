"""The run of a job by a worker, in this process: what it runs, records, repeats, leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError, connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from governance.authorities.executor.machine import LeaseOver
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.tracking import JobStateTracker
from governance.domain.breaker import BreakerState
from governance.domain.errors import InvalidInputError
from governance.domain.roles import MachineAccount
from governance.domain.values import ActivationWindow, HealthDecision, JobStatus
from governance.flows import run_by_worker
from governance.flows.activate_contract import activate_contract
from governance.flows.lift_freezes import lift_freezes
from governance.flows.registry_steps import RegistryHandler
from governance.flows.run_by_worker import run_job_by_worker
from governance.models import GovernanceJob, HandlerBreaker, StepResult
from governance.services.access.accounts import machine_account
from governance.services.breakers.operations import record_run
from governance.services.registry.operations import register_capabilities
from governance.workers import tasks
from tests.support.attacks import run_sql
from tests.support.clock import as_of
from tests.support.factories import approved, eligible, now, pending_job, running_job
from tests.support.freezes import frozen
from tests.support.platform import signal
from tests.support.routing import EVERYTHING_TO_REGISTRY, routes_file
from tests.support.users import Users

CURRENT_ID = "SELECT pg_current_xact_id()::text::bigint"
ONLY_PARAMETERS = EVERYTHING_TO_REGISTRY.replace('"*"\nhandler', '["parameter_change"]\nhandler')


@pytest.fixture
def by_itself(committed: Users) -> Iterator[Users]:
    register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 20}}])
    with routes_file():
        yield committed


def results_of(job: GovernanceJob) -> list[StepResult]:
    return list(StepResult.objects.filter(job=job).order_by("step_index"))


def status_of(job: GovernanceJob) -> str:
    return str(GovernanceJob.objects.values_list("status", flat=True).get(pk=job.pk))


# --- a run ---
def test_run__of_three_steps__records_each_and_completes(by_itself: Users) -> None:
    job = pending_job(by_itself)
    assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED
    ended = GovernanceJob.objects.get(pk=job.pk)
    assert ended.started_by == ended.ended_by == machine_account(MachineAccount.EXECUTOR)
    outputs = [result.output for result in results_of(job)]
    assert [(one["state_before"], one["state_after"]) for one in outputs] == [
        ({"lifecycle": "DISABLED"}, {"lifecycle": "PREVIEW"}),
        ({"page_size": 20}, {"page_size": 50}),
        ({"timeout_seconds": None}, {"timeout_seconds": 2.5}),
    ]
    assert [one["rollback_action"] for one in outputs] == [
        step["rollback_action"] for step in job.contract.plan
    ]
    assert results_of(job)[0].health_after == {"system": "HEALTHY", "target": "HEALTHY"}


def test_run__whose_target_is_not_registered__fails_at_its_step(by_itself: Users) -> None:
    changes = [{"type": "parameter_change", "scope": "Other", "parameters": {"limit": 1}}]
    job = pending_job(by_itself, affected_capabilities=["Other"], proposed_changes=changes)
    assert run_job_by_worker(job_id=job.pk) is JobStatus.FAILED
    [result] = results_of(job)
    assert result.error == "Other is not registered."
    assert not HandlerBreaker.objects.exclude(state=BreakerState.CLOSED).exists()


def test_log__of_a_run__has_a_line_for_each_step_with_its_error_if_it_has_one(
    by_itself: Users, caplog: pytest.LogCaptureFixture
) -> None:
    changes = [
        {"type": "parameter_change", "scope": name, "parameters": {"limit": 1}}
        for name in ("Search", "Other")
    ]
    job = pending_job(
        by_itself, affected_capabilities=["Search", "Other"], proposed_changes=changes
    )
    with caplog.at_level("INFO", logger="governance.flows.run_by_worker"):
        run_job_by_worker(job_id=job.pk)
    assert [one for one in caplog.messages if one.startswith(f"job {job.pk}: ")] == [
        f"job {job.pk}: 2 steps",
        f"job {job.pk}: step 1 of 2, parameter_change on Search: COMPLETED",
        f"job {job.pk}: step 2 of 2, parameter_change on Other: FAILED: Other is not registered.",
        f"job {job.pk}: FAILED",
    ]


def test_run__while_health_is_blocked__begins_no_step(by_itself: Users) -> None:
    job = pending_job(by_itself)
    signal(by_itself, HealthDecision.BLOCKED)
    assert run_job_by_worker(job_id=job.pk) is JobStatus.FAILED
    [result] = results_of(job)
    assert "Health is BLOCKED for Search" in result.error


def test_run__with_a_fault_of_the_handler__is_counted_by_its_circuit_breaker(
    by_itself: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Any, step: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(RegistryHandler, "run_step", broken)
    job = pending_job(by_itself)
    assert run_job_by_worker(job_id=job.pk) is JobStatus.FAILED
    breaker = HandlerBreaker.objects.get(handler="registry")
    assert (breaker.state, breaker.last_fault_job) == (BreakerState.CAREFUL, job.pk)
    ended = GovernanceJob.objects.get(pk=job.pk)
    assert breaker.last_fault_at
    assert ended.ended_at
    assert breaker.last_fault_at < ended.ended_at, (
        "another job could begin before the fault counted"
    )
    assert "a bug" in breaker.last_fault


# --- what is left alone ---
def test_run__twice__does_the_steps_once(by_itself: Users) -> None:
    job = pending_job(by_itself)
    assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED
    assert run_job_by_worker(job_id=job.pk) is None
    assert len(results_of(job)) == 3


def test_run__of_a_job_that_another_worker_started__leaves_it_alone(by_itself: Users) -> None:
    job = pending_job(by_itself)
    executor = machine_account(MachineAccount.EXECUTOR)
    GovernanceOrchestrator.start_job(job.pk, executor=executor)
    assert run_job_by_worker(job_id=job.pk) is None
    assert results_of(job) == []


def test_run__of_a_job_that_starts_meanwhile__leaves_it_alone(
    by_itself: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = pending_job(by_itself)
    to_run = run_by_worker.job_to_run(job.pk)
    monkeypatch.setattr(run_by_worker, "job_to_run", lambda job_id: to_run)
    assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED
    assert run_job_by_worker(job_id=job.pk) is None
    assert len(results_of(job)) == 3


def test_run__of_a_job_that_is_left_to_clients__leaves_it_alone(by_itself: Users) -> None:
    with routes_file(""):
        job = pending_job(by_itself)
    assert run_job_by_worker(job_id=job.pk) is None
    assert status_of(job) == JobStatus.PENDING


def test_run__with_a_step_that_no_handler_serves_any_more__leaves_it_alone(
    by_itself: Users, caplog: pytest.LogCaptureFixture
) -> None:
    job = pending_job(by_itself)
    with routes_file(ONLY_PARAMETERS), caplog.at_level("INFO"):
        assert run_job_by_worker(job_id=job.pk) is None
    assert status_of(job) == JobStatus.PENDING
    assert "No handler serves step 1, capability_enable on Search." in caplog.text


def test_run__whose_window_closes_too_soon__leaves_it_alone(
    by_itself: Users, caplog: pytest.LogCaptureFixture
) -> None:
    window = ActivationWindow(now() - timedelta(hours=1), now() + timedelta(minutes=10))
    contract = approved(by_itself, window=window)
    job = activate_contract(contract_id=contract.pk, actor=by_itself.operator)
    with caplog.at_level("INFO"):
        assert run_job_by_worker(job_id=job.pk) is None
    assert status_of(job) == JobStatus.PENDING
    assert "Its steps may take 900 s, but its window closes in" in caplog.text


def test_run__during_a_change_freeze__leaves_it_alone(by_itself: Users) -> None:
    job = pending_job(by_itself)
    frozen(by_itself)
    assert run_job_by_worker(job_id=job.pk) is None
    assert status_of(job) == JobStatus.PENDING


def test_run__left_alone_during_a_change_freeze__is_enqueued_when_it_is_lifted(
    by_itself: Users,
) -> None:
    job, freeze = pending_job(by_itself), frozen(by_itself)
    run_sql("DELETE FROM procrastinate_jobs")
    lift_freezes(freeze_id=freeze.pk, reason="It is back.", founder=by_itself.founder)
    assert run_sql("SELECT args ->> 'job_id' FROM procrastinate_jobs") == [(str(job.pk),)]


def test_run__left_alone_during_two_freezes__is_enqueued_when_all_are_lifted(
    by_itself: Users,
) -> None:
    job = pending_job(by_itself)
    frozen(by_itself)
    frozen(by_itself)
    run_sql("DELETE FROM procrastinate_jobs")
    lifts = lift_freezes(freeze_id=None, reason="It is back.", founder=by_itself.founder)
    assert len(lifts) == 2
    assert run_sql("SELECT args ->> 'job_id' FROM procrastinate_jobs") == [(str(job.pk),)]


def test_run__while_another_job_runs_on_its_capability__leaves_it_alone(by_itself: Users) -> None:
    running, job = pending_job(by_itself), pending_job(by_itself)
    executor = machine_account(MachineAccount.EXECUTOR)
    GovernanceOrchestrator.start_job(running.pk, executor=executor)
    assert run_job_by_worker(job_id=job.pk) is None
    assert status_of(job) == JobStatus.PENDING
    assert not HandlerBreaker.objects.filter(jobs_in_flight__contains=[job.pk]).exists()


def test_run__whose_handler_has_an_open_breaker__leaves_it_alone(by_itself: Users) -> None:
    job = pending_job(by_itself)
    for _ in range(2):
        record_run(handlers=["registry"], job_id=job.pk, faulty="registry", fault="a bug")
    assert run_job_by_worker(job_id=job.pk) is None
    assert status_of(job) == JobStatus.PENDING


# --- what gets in the way of a report ---
def test_report__while_the_database_is_unavailable__is_repeated_within_the_lease(
    by_itself: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, failures = pending_job(by_itself), iter([True, True])
    record = JobStateTracker.record_step_result

    def sometimes(*args: Any, **options: Any) -> Any:
        if next(failures, False):
            raise OperationalError("unavailable")
        return record(*args, **options)

    monkeypatch.setattr(GovernanceOrchestrator, "record_step_result", staticmethod(sometimes))
    monkeypatch.setattr(run_by_worker, "RETRY_SECONDS", 0.01)
    assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED
    assert len(results_of(job)) == 3


def test_health__while_the_database_is_unavailable__is_asked_again_within_the_lease(
    by_itself: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, failures = pending_job(by_itself), iter([True, True])
    capture = run_by_worker.read_health

    def sometimes(**options: Any) -> Any:
        if next(failures, False):
            raise OperationalError("unavailable")
        return capture(**options)

    monkeypatch.setattr(run_by_worker, "read_health", sometimes)
    monkeypatch.setattr(run_by_worker, "RETRY_SECONDS", 0.01)
    assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED


def test_report__after_the_lease__drops_the_job(
    by_itself: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*args: Any, **options: Any) -> Any:
        raise LeaseOver("too late")

    monkeypatch.setattr(GovernanceOrchestrator, "record_step_result", staticmethod(late))
    job = pending_job(by_itself)
    assert run_job_by_worker(job_id=job.pk) is None
    assert status_of(job) == JobStatus.RUNNING


def test_output__that_the_record_cannot_hold__fails_the_step(
    by_itself: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = pending_job(by_itself)
    record = JobStateTracker.record_step_result

    def refusing(job_id: UUID, *, report: Any, **options: Any) -> Any:
        if report.output is not None:
            raise InvalidInputError.at("output", "is not what it should be")
        return record(job_id, report=report, **options)

    monkeypatch.setattr(GovernanceOrchestrator, "record_step_result", staticmethod(refusing))
    assert run_job_by_worker(job_id=job.pk) is JobStatus.FAILED
    [result] = results_of(job)
    assert "The report of this step was refused" in result.error


# --- what it costs ---
def test_job__of_three_steps__uses_few_transaction_ids(by_itself: Users) -> None:
    def used_by_one_job() -> int:
        contract = approved(by_itself)
        before = run_sql(CURRENT_ID)[0][0]
        job = activate_contract(contract_id=contract.pk, actor=by_itself.operator)
        [(task,)] = run_sql("SELECT id FROM procrastinate_fetch_job_v2(NULL, NULL)")
        tasks.run_job(job_id=str(job.pk))
        run_sql("SELECT procrastinate_finish_job_v1(%s, 'succeeded', true)", task)
        return int(run_sql(CURRENT_ID)[0][0] - before)

    # Other tests use the same server at the same time; the best of five is not disturbed.
    assert min(used_by_one_job() for _ in range(5)) <= 14


def test_activation__of_a_job_that_runs_by_itself__sends_no_further_statement(
    by_itself: Users,
) -> None:
    def statements() -> int:
        contract = approved(by_itself)
        with CaptureQueriesContext(connection) as sent:
            activate_contract(contract_id=contract.pk, actor=by_itself.operator)
        return len(sent)

    with_task = statements()
    with routes_file(""):
        assert statements() == with_task


# --- what is due by time ---
def test_sweep__of_leases__fails_a_lost_job(by_itself: Users) -> None:
    with routes_file(""):
        job = running_job(by_itself).job
    as_of(now() + timedelta(hours=2), tasks.fail_lost_jobs, timestamp=0)
    assert status_of(job) == JobStatus.FAILED


def test_sweep__of_reviews__expires_a_contract(by_itself: Users) -> None:
    contract = eligible(by_itself)
    as_of(now() + timedelta(days=8), tasks.expire_reviews, timestamp=0)
    contract.refresh_from_db(fields=["closed_reason"])
    [(status,)] = run_sql("SELECT status FROM governance_systemcontract WHERE id = %s", contract.pk)
    assert status == "EXPIRED"


def test_task__that_was_lost__is_enqueued_again(by_itself: Users) -> None:
    job = pending_job(by_itself)
    run_sql("DELETE FROM procrastinate_jobs")
    tasks.enqueue_runs(timestamp=0)
    assert run_sql("SELECT args->>'job_id' FROM procrastinate_jobs") == [(str(job.pk),)]


def test_task__of_a_job_that_was_removed__does_nothing(by_itself: Users) -> None:
    tasks.run_job(job_id="00000000-0000-7000-8000-000000000001")
    assert not GovernanceJob.objects.exists()


def test_task__fetched_while_the_worker_stops__goes_back_to_the_queue(
    by_itself: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = pending_job(by_itself)
    run_sql("UPDATE procrastinate_jobs SET status = 'doing'")
    tasks.STOPPING.set()
    try:
        tasks.run_job(job_id=str(job.pk))
    finally:
        tasks.STOPPING.clear()
    assert status_of(job) == JobStatus.PENDING
    assert len(run_sql("SELECT id FROM procrastinate_jobs WHERE status = 'todo'")) == 1


def test_checkpoint__with_a_folder_for_it__is_written_and_verifies(
    by_itself: Users, tmp_path: Path
) -> None:
    pending_job(by_itself)
    tasks.write_checkpoint(timestamp=0)
    assert list(tmp_path.iterdir()) == []
    with override_settings(GOVSITE_CHECKPOINTS_DIR=str(tmp_path)):
        tasks.write_checkpoint(timestamp=0)
        tasks.write_checkpoint(timestamp=0)
    [written] = tmp_path.iterdir()
    assert written.name.endswith(".checkpoint")
    assert len(written.read_text().splitlines()) == 2


def test_queue__with_the_task_of_a_killed_worker__is_cleaned(by_itself: Users) -> None:
    job = pending_job(by_itself)
    run_sql("UPDATE procrastinate_jobs SET status = 'doing'")
    manager = tasks.app.job_manager
    async_to_sync(tasks.clean_queue.func)(timestamp=0)
    assert run_sql("SELECT status FROM procrastinate_jobs") == [("failed",)]
    assert async_to_sync(manager.get_stalled_jobs)() == []
    assert status_of(job) == JobStatus.PENDING
    tasks.enqueue_runs(timestamp=0)
    assert len(run_sql("SELECT id FROM procrastinate_jobs WHERE status = 'todo'")) == 1


def test_tasks__that_are_due_by_time__wait_at_most_once_and_hold_no_lock() -> None:
    """A lock of the queue would stay with a killed worker, and stop its task for ever."""
    periodic = tasks.app.periodic_registry.periodic_tasks.values()
    assert {one.task.name: one.cron for one in periodic} == {
        **dict.fromkeys(["enqueue_runs", "enqueue_audits", "activate_due"], "* * * * *"),
        **dict.fromkeys(["expire_reviews", "fail_lost_jobs"], "* * * * *"),
        **dict.fromkeys(["purge_stored_answers", "write_checkpoint", "clean_queue"], "7 * * * *"),
        "observe_platform": "7 * * * *",
    }
    assert all(one.task.queueing_lock == one.task.name for one in periodic)
    assert {one.task.lock for one in periodic} == {None}
    assert {one.task.queue for one in periodic} == {"sweeps"}
