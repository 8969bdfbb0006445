"""Who runs a job, an executor over HTTP or a worker: the activation decides, and nothing later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.queries import enqueue_run, enqueue_waiting_runs
from governance.domain.errors import JobRunsByItselfError, RoutesUnusableError
from governance.domain.roles import MachineAccount
from governance.domain.values import JobRunner, JobStatus
from governance.flows import run_job
from governance.models import GovernanceJob
from governance.services.access.accounts import machine_account
from tests.support.attacks import run_sql, update_row, violates_constraint
from tests.support.clock import as_of
from tests.support.factories import Running, pending_job, running_job
from tests.support.forgery import JOB
from tests.support.routing import EVERYTHING_TO_REGISTRY, routes_file
from tests.support.users import Users

SEARCH_TO_CLIENTS = """
[[route]]
scopes = ["Search"]
change_types = ["parameter_change"]
handler = "client"
"""


@pytest.fixture
def by_itself() -> Iterator[None]:
    with routes_file():
        yield


def waiting_tasks() -> list[str]:
    rows = run_sql("SELECT args->>'job_id' FROM procrastinate_jobs WHERE status = 'todo'")
    return sorted(job_id for (job_id,) in rows)


def started_by_worker(job: GovernanceJob) -> tuple[GovernanceJob, str]:
    executor = machine_account(MachineAccount.EXECUTOR)
    return GovernanceOrchestrator.start_job(job.pk, executor=executor)


# --- the activation decides ---
def test_activation__without_routes__leaves_the_job_to_clients(users: Users) -> None:
    job = pending_job(users)
    assert GovernanceJob.objects.get(pk=job.pk).run_by == JobRunner.CLIENT
    assert waiting_tasks() == []


def test_activation__with_all_steps_routed__enqueues_the_run(users: Users, by_itself: None) -> None:
    job = pending_job(users)
    assert job.run_by == JobRunner.WORKER
    assert GovernanceJob.objects.get(pk=job.pk).run_by == JobRunner.WORKER
    assert waiting_tasks() == [str(job.pk)]


def test_activation__with_one_step_left_to_clients__leaves_all_to_clients(users: Users) -> None:
    with routes_file(SEARCH_TO_CLIENTS + EVERYTHING_TO_REGISTRY):
        assert pending_job(users).run_by == JobRunner.CLIENT
    assert waiting_tasks() == []


def test_activation__with_routes_that_cannot_be_read__refused(users: Users) -> None:
    with routes_file("[[route]]\nhandler = 1\n"), pytest.raises(RoutesUnusableError):
        pending_job(users)


def test_activation__whose_job_runs_by_itself__has_the_same_record(users: Users) -> None:
    left = pending_job(users)
    record = left.creation_record([])
    left.run_by = JobRunner.WORKER
    assert left.creation_record([]) == record


# --- claims and starts over HTTP ---
def test_claim__while_only_jobs_of_workers_wait__finds_none(users: Users, by_itself: None) -> None:
    pending_job(users)
    assert GovernanceOrchestrator.claim_job(executor=users.executor) is None
    assert (
        GovernanceOrchestrator.claim_job(executor=users.executor, capabilities=["Search"]) is None
    )


def test_claim__beside_a_job_of_workers__gets_the_other(users: Users) -> None:
    with routes_file():
        pending_job(users)
    left = pending_job(users)
    claimed = GovernanceOrchestrator.claim_job(executor=users.executor)
    assert claimed is not None
    assert claimed[0].pk == left.pk


def test_start__of_a_job_of_workers_by_an_executor__refused(users: Users, by_itself: None) -> None:
    job = pending_job(users)
    with pytest.raises(JobRunsByItselfError, match="a worker starts it"):
        GovernanceOrchestrator.start_job(job.pk, executor=users.executor)


def test_start__of_a_job_of_clients_by_a_worker__refused(users: Users) -> None:
    job = pending_job(users)
    with pytest.raises(JobRunsByItselfError, match="no worker starts it"):
        started_by_worker(job)


def test_start__by_another_authority__refused(users: Users, by_itself: None) -> None:
    job = pending_job(users)
    with pytest.raises(JobRunsByItselfError):
        GovernanceOrchestrator.start_job(job.pk, executor=machine_account(MachineAccount.SCHEDULER))


# --- raw SQL ---
@pytest.mark.parametrize("run_by", JobRunner)
def test_sql_update__who_runs_a_job__refused(users: Users, run_by: JobRunner) -> None:
    with routes_file(EVERYTHING_TO_REGISTRY if run_by == JobRunner.CLIENT else ""):
        job = pending_job(users)
    with violates_constraint("job_run_by_fixed"):
        update_row(JOB, job.pk, run_by=str(run_by))


def test_sql_update__unknown_runner__refused(users: Users) -> None:
    job = pending_job(users)
    with violates_constraint("job_run_by_known"):
        run_sql(f"ALTER TABLE {JOB} DISABLE TRIGGER job_runner")
        update_row(JOB, job.pk, run_by="nobody")


def ended_by(machine: MachineAccount, status: JobStatus, **columns: Any) -> dict[str, Any]:
    account = machine_account(machine)
    return {"status": str(status), "ended_by_id": account.pk, "lease_expires_at": None} | columns


@pytest.mark.parametrize(
    ("machine", "status"),
    [
        (MachineAccount.EXECUTOR, JobStatus.COMPLETED),
        (MachineAccount.EXECUTOR, JobStatus.CANCELLED),
        (MachineAccount.SCHEDULER, JobStatus.COMPLETED),
        (MachineAccount.SCHEDULER, JobStatus.CANCELLED),
        (MachineAccount.SCHEDULER, JobStatus.FAILED),
    ],
)
def test_sql_update__job_ended_by_an_authority_that_does_not__refused(
    users: Users, machine: MachineAccount, status: JobStatus
) -> None:
    job = running_job(users).job
    with violates_constraint("job_ended_by_its_authority"):
        update_row(JOB, job.pk, **ended_by(machine, status, ended_at=job.started_at))


# --- what the machine accounts may do ---
def test_job__started_by_a_worker__is_ended_by_it(users: Users, by_itself: None) -> None:
    job, token = started_by_worker(pending_job(users))
    executor = machine_account(MachineAccount.EXECUTOR)
    running = Running(job, token, users)
    for index in range(job.total_steps):
        GovernanceOrchestrator.record_step_result(
            job.pk, token=token, report=running.report(index), executor=executor
        )
    ended = run_job.complete_job(job_id=job.pk, token=token, executor=executor)
    assert ended.status == JobStatus.COMPLETED


def test_job__whose_lease_is_over__is_ended_by_the_scheduler(users: Users) -> None:
    job = running_job(users).job
    assert job.lease_expires_at is not None
    ended = as_of(
        job.lease_expires_at + timedelta(seconds=1),
        run_job.fail_timed_out_job,
        job_id=job.pk,
        actor=machine_account(MachineAccount.SCHEDULER),
    )
    assert ended.status == JobStatus.FAILED


# --- the queue is a hint ---
def test_queue__of_a_job_whose_task_waits__gets_no_second_one(
    users: Users, by_itself: None
) -> None:
    job = pending_job(users)
    enqueue_run(job.pk)
    assert enqueue_waiting_runs() == 0
    assert waiting_tasks() == [str(job.pk)]


def test_queue__whose_task_was_deleted__gets_it_again(users: Users, by_itself: None) -> None:
    job = pending_job(users)
    run_sql("DELETE FROM procrastinate_jobs")
    assert enqueue_waiting_runs() == 1
    assert waiting_tasks() == [str(job.pk)]


def test_queue__after_a_job_has_ended__gets_the_oldest_on_its_capabilities(
    users: Users, by_itself: None
) -> None:
    def job_on(*capabilities: str) -> GovernanceJob:
        changes = [
            {"type": "parameter_change", "scope": name, "parameters": {"limit": 1}}
            for name in capabilities
        ]
        verdict = {"affected_capabilities": list(capabilities), "proposed_changes": changes}
        return pending_job(users, **verdict)

    def enqueued_by_the_end_of(job: GovernanceJob) -> list[str]:
        run_sql("DELETE FROM procrastinate_jobs")
        run_job.cancel_job(job_id=job.pk, reason="The test ends it.", actor=users.operator)
        return waiting_tasks()

    ended, oldest = job_on("Search", "Billing"), job_on("Other")
    billing, search, later = job_on("Billing"), job_on("Search"), job_on("Search")
    system = job_on("SYSTEM")
    started_by_worker(ended)
    found = enqueued_by_the_end_of(ended)
    assert found == sorted(str(one.pk) for one in [oldest, billing, search, system])
    found = enqueued_by_the_end_of(system)
    assert found == sorted(str(one.pk) for one in [oldest, billing, search, later])
    for job in [oldest, billing, search]:
        run_job.cancel_job(job_id=job.pk, reason="The test ends it.", actor=users.operator)
    assert enqueued_by_the_end_of(later) == []
