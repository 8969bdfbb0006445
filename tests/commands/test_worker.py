"""Processes of `manage.py worker`: jobs that run by themselves, stops, kills, several workers."""

from __future__ import annotations

import os
import pwd
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp

import pytest
from django.conf import settings
from django.test import override_settings

from governance.domain.roles import MachineAccount
from governance.domain.values import JobStatus
from governance.models import GovernanceJob
from governance.services.access.accounts import machine_account
from governance.services.registry.operations import register_capabilities
from governance.workers import tasks
from tests.support.attacks import run_sql
from tests.support.factories import now, pending_job
from tests.support.roles import as_owner
from tests.support.routing import routes_file
from tests.support.users import Users
from tests.support.worker_process import WorkerProcess, eventually, working

# Writes a line into a file when it begins and when it ends, and takes a while between them.
SLOW = """
[[route]]
scopes = "*"
change_types = "*"
handler = "command"

[route.options]
user = "{user}"
argv = ["/bin/sh", "-c", "{program}"]
"""
STATE = r"{\"state_before\": null, \"state_after\": null}"


def job_on(users: Users, *capabilities: str, steps: int = 1) -> GovernanceJob:
    changes = [
        {"type": "parameter_change", "scope": name, "parameters": {"limit": number}}
        for name in capabilities
        for number in range(steps)
    ]
    return pending_job(users, affected_capabilities=list(capabilities), proposed_changes=changes)


@pytest.fixture
def journal() -> Iterator[Path]:
    """A file into which the programs of steps write, whoever they run as."""
    handle, name = mkstemp(prefix="govsite-journal-")
    os.fchmod(handle, 0o666)
    os.close(handle)
    yield Path(name)
    Path(name).unlink()


def slow_steps(journal: Path, *, seconds: float) -> str:
    user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    program = f"echo begun >> {journal}; sleep {seconds}; echo ended >> {journal}; echo '{STATE}'"
    return SLOW.format(user=user, program=program)


@contextmanager
def short_steps() -> Iterator[None]:
    """Plan steps that time out after two seconds."""
    with override_settings(GOVSITE=settings.GOVSITE | {"STEP_TIMEOUT_SECONDS": 2}):
        yield


def register(*names: str) -> None:
    register_capabilities(documents=[{"name": name} for name in names])


def waiting_for_a_worker() -> list[str]:
    rows = run_sql("SELECT args->>'job_id' FROM procrastinate_jobs WHERE queue_name = 'runs'")
    return [job_id for (job_id,) in rows]


def lease_is_over(job: GovernanceJob) -> bool:
    expires_at = GovernanceJob.objects.values_list("lease_expires_at", flat=True).get(pk=job.pk)
    return expires_at is not None and expires_at < now()


def status_of(job: GovernanceJob) -> str:
    return str(GovernanceJob.objects.values_list("status", flat=True).get(pk=job.pk))


def test_worker__while_a_contract_is_activated__runs_its_job_to_the_end(committed: Users) -> None:
    register("Search")
    with routes_file() as routes, working(routes) as worker:
        job = pending_job(committed)
        eventually(lambda: status_of(job) == JobStatus.COMPLETED, worker)
        worker.send(signal.SIGTERM)
        assert worker.ended() == 0
        assert "worker: stopped" in worker.output
    ended = GovernanceJob.objects.get(pk=job.pk)
    executor = machine_account(MachineAccount.EXECUTOR)
    assert (ended.started_by, ended.ended_by) == (executor, executor)
    [first, second, third] = ended.results.order_by("step_index")
    assert first.output["state_after"] == {"lifecycle": "PREVIEW"}
    assert second.output["state_after"] == {"page_size": 50}
    assert third.output["rollback_action"] is not None
    assert run_sql("SELECT id FROM procrastinate_jobs WHERE queue_name = 'runs'") == []


def test_worker__asked_to_stop_in_a_step__ends_the_job_and_takes_no_other(
    committed: Users, journal: Path
) -> None:
    with (
        routes_file(slow_steps(journal, seconds=1.5)) as routes,
        working(routes, "--concurrency", "1") as worker,
    ):
        job, other = job_on(committed, "Search"), job_on(committed, "Billing")
        eventually(lambda: "begun" in journal.read_text(), worker)
        worker.send(signal.SIGTERM)
        assert worker.ended() == 0
        assert (status_of(job), status_of(other)) == (JobStatus.COMPLETED, JobStatus.PENDING)
        assert waiting_for_a_worker() == [str(other.pk)]
        with working(routes) as second:
            eventually(lambda: status_of(other) == JobStatus.COMPLETED, second)
    assert journal.read_text().split() == ["begun", "ended"] * 2


@pytest.mark.long
def test_worker__asked_twice_to_stop__exits_at_once(committed: Users, journal: Path) -> None:
    with routes_file(slow_steps(journal, seconds=20)) as routes, working(routes) as worker:
        job = job_on(committed, "Search")
        eventually(lambda: "begun" in journal.read_text(), worker)
        worker.send(signal.SIGTERM)
        eventually(lambda: "stopping" in worker.output, worker)
        worker.send(signal.SIGTERM)
        assert worker.ended() == 128 + signal.SIGTERM
    assert status_of(job) == JobStatus.RUNNING


@pytest.mark.long
def test_worker__killed_in_a_step__loses_the_job_to_its_lease_and_repeats_nothing(
    committed: Users, journal: Path
) -> None:
    grace = {"GOVSITE_LEASE_GRACE_SECONDS": "0"}
    with routes_file(slow_steps(journal, seconds=20)) as routes:
        with working(routes, **grace) as worker, short_steps():
            job = job_on(committed, "Search", steps=2)
            eventually(lambda: "begun" in journal.read_text(), worker)
            worker.send(signal.SIGKILL)
            worker.ended()
        with working(routes, **grace) as second:
            eventually(lambda: lease_is_over(job), second)
            tasks.enqueue_runs(timestamp=0)
            tasks.fail_lost_jobs(timestamp=0)
    ended = GovernanceJob.objects.get(pk=job.pk)
    assert ended.status == JobStatus.FAILED
    assert ended.ended_by == machine_account(MachineAccount.SCHEDULER)
    assert ended.end_reason.endswith("executor lost at step 0, outcome unknown.")
    assert journal.read_text().split() == ["begun"]


@pytest.mark.long
def test_workers__two_with_twenty_jobs__run_each_once(committed: Users, journal: Path) -> None:
    with (
        routes_file(slow_steps(journal, seconds=0)) as routes,
        working(routes) as first,
        working(routes) as second,
    ):
        jobs = [job_on(committed, f"Capability-{number}") for number in range(20)]
        everyone = GovernanceJob.objects.filter(pk__in=[job.pk for job in jobs])
        eventually(lambda: everyone.filter(status=JobStatus.COMPLETED).count() == 20, first, second)
    assert sorted(journal.read_text().split()) == ["begun"] * 20 + ["ended"] * 20


@pytest.mark.long
def test_worker__while_jobs_wait_on_one_capability__runs_them_in_turn(committed: Users) -> None:
    register("Search")
    with routes_file() as routes:
        # Before the worker starts: a job that ends changes what the next contract's page showed.
        jobs = [job_on(committed, "Search") for _ in range(5)]
        everyone = GovernanceJob.objects.filter(pk__in=[job.pk for job in jobs])
        with working(routes) as worker:
            eventually(lambda: everyone.filter(status=JobStatus.COMPLETED).count() == 5, worker)


def test_worker__started_after_the_activation__finds_the_job(committed: Users) -> None:
    register("Search")
    with routes_file() as routes:
        job = job_on(committed, "Search")
        run_sql("DELETE FROM procrastinate_jobs")
        with working(routes) as worker:
            eventually(lambda: status_of(job) == JobStatus.COMPLETED, worker)


@pytest.mark.long
def test_worker__with_an_unknown_handler__says_so_and_exits(committed: Users) -> None:
    with routes_file("[[route]]\nscopes = '*'\nchange_types = '*'\nhandler = 'none'\n") as routes:
        worker = WorkerProcess(routes)
        try:
            assert worker.ended() == 1
            assert "is not a known handler" in worker.output
        finally:
            worker.leave()


@pytest.mark.long
def test_worker__without_a_database__exits(committed: Users) -> None:
    with routes_file() as routes:
        worker = WorkerProcess(routes, DATABASE_URL="postgresql://nobody@/none?host=/nowhere")
        try:
            assert worker.ended() == 3
            assert "The database cannot be reached" in worker.output
        finally:
            worker.leave()


@pytest.mark.long
def test_worker__whose_connections_are_cut__connects_again(committed: Users) -> None:
    register("Search", "Billing")
    with routes_file() as routes, working(routes) as worker:
        before = job_on(committed, "Search")
        eventually(lambda: status_of(before) == JobStatus.COMPLETED, worker)
        with as_owner():
            cut = run_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert len(cut) > 1
        after = job_on(committed, "Billing")
        eventually(lambda: status_of(after) == JobStatus.COMPLETED, worker)
        worker.send(signal.SIGTERM)
        assert worker.ended() == 0
