"""Jobs that workers run on a journal, and what must be true of them after any kill."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from django.conf import settings
from django.test import override_settings

from governance.domain.roles import MachineAccount
from governance.domain.values import JobStatus, StepStatus
from governance.models import GovernanceJob, StepResult
from tests.stress.attack import BrokenError, require
from tests.support.announced_handlers import announced, effects_in
from tests.support.attacks import run_sql
from tests.support.factories import apart, pending_job
from tests.support.users import Users
from tests.support.worker_process import WorkerProcess

CONCURRENCY = 1
STEPS = 3  # of each job
MAX_WAIT_SECONDS = 180.0
# A worker ends lost jobs once in a minute; the sweep itself takes a moment.
MAX_RESOLVED_SECONDS = 60 + 5
# With what a kill adds, fewer than the 20 lost jobs that hold a sweep.
MAX_RUNNING = 15
OPEN = (JobStatus.PENDING, JobStatus.RUNNING)


class WorkerLoad:
    """Some workers, the jobs that they got, and the journal of what they did."""

    def __init__(
        self,
        users: Users,
        count: int,
        *,
        lease: tuple[int, int],
        journal: Path,
        routes: Path,
        found: dict[str, str],
    ) -> None:
        self._users = users
        self._step_seconds, self._grace_seconds = lease
        self._journal, self._routes, self._environment = journal, routes, found
        self.jobs: list[UUID] = []
        self.workers = [self._new_worker() for _ in range(count)]

    def _new_worker(self) -> WorkerProcess:
        grace = {"GOVSITE_LEASE_GRACE_SECONDS": str(self._grace_seconds)}
        arguments = ("--concurrency", str(CONCURRENCY))
        return WorkerProcess(self._routes, *arguments, **grace, **self._environment)

    def leave(self) -> None:
        for worker in self.workers:
            worker.leave()

    def fill(self) -> None:
        """Activate contracts until more jobs wait than the workers run at the same time."""
        waiting = GovernanceJob.objects.filter(status=JobStatus.PENDING).count()
        short_steps = settings.GOVSITE | {"STEP_TIMEOUT_SECONDS": self._step_seconds}
        with override_settings(GOVSITE=short_steps):
            for _ in range(2 * CONCURRENCY * len(self.workers) - waiting):
                self.jobs.append(pending_job(self._users, **apart()).pk)

    def wait_until_at_work(self, *, since: int) -> None:
        """Wait until steps began after the first `since`."""
        self._wait(lambda: self.begun() > since, "no step began")

    def wait_until_ended(self) -> None:
        """Wait until all jobs have ended; only the workers end them."""
        self._wait(lambda: not GovernanceJob.objects.filter(status__in=OPEN).exists(), "open jobs")

    def wait_until_all_listen(self) -> None:
        """Wait until a kill leaves other workers, and delays no sweep of lost jobs.

        A sweep that is killed comes a minute later, and one that would end too many waits for a
        person.
        """
        started = "worker: started"
        self._wait(
            lambda: (
                all(started in worker.output for worker in self.workers)
                and is_swept()
                and GovernanceJob.objects.filter(status=JobStatus.RUNNING).count() < MAX_RUNNING
            ),
            "not all workers listen, or none sweeps",
        )

    def kill(self, number: int) -> None:
        """Kill a worker, and start another one in its place."""
        self.workers[number].send(signal.SIGKILL)
        self.workers[number].ended()
        self.workers[number].leave()
        self.workers[number] = self._new_worker()

    def begun(self) -> int:
        """Return how many steps have begun."""
        return sum(len(steps) for steps in effects_in(self._journal, "begun").values())

    def _wait(self, condition: Callable[[], Any], trouble: str) -> None:
        give_up_at = time.monotonic() + MAX_WAIT_SECONDS
        while not condition():
            for worker in self.workers:
                require(worker.process.poll() is None, f"a worker ended: {worker.output[-2000:]}")
            if time.monotonic() > give_up_at:
                logs = "\n---\n".join(worker.output[-2000:] for worker in self.workers)
                raise BrokenError(f"{trouble}: {logs}")
            time.sleep(0.05)

    def require_resolved(self) -> tuple[Counter[str], float]:
        """Check every job against the journal.

        Returns:
            How many jobs ended in which way, and the seconds from a lease to the end of its job.
        """
        begun, ended = effects_in(self._journal, "begun"), effects_in(self._journal, "ended")
        for word, effects in (("begun", begun), ("ended", ended)):
            twice = [job_id for job_id, steps in effects.items() if len(steps) > len(set(steps))]
            require(not twice, f"{len(twice)} jobs have a step that {word} twice: {twice[:3]}")
        jobs = GovernanceJob.objects.filter(pk__in=self.jobs).select_related("ended_by")
        require(len(jobs) == len(self.jobs), f"{len(self.jobs) - len(jobs)} jobs are lost")
        ways: Counter[str] = Counter()
        slowest = 0.0
        for job in jobs:
            done = list(
                StepResult.objects.filter(job=job, status=StepStatus.COMPLETED)
                .order_by("step_index")
                .values_list("step_index", flat=True)
            )
            effects = ended[str(job.pk)]
            require(effects[: len(done)] == done, f"{job}: {done} reported, {effects} done")
            if job.status == JobStatus.COMPLETED:
                require(done == begun[str(job.pk)] == list(range(STEPS)), f"{job}: {done}")
                ways["completed"] += 1
            elif job.ended_by.machine == MachineAccount.SCHEDULER:
                # A worker can also be killed between its last report and the end of its job.
                why = "every step was reported" if len(done) == STEPS else "outcome unknown"
                require(why in job.end_reason, f"{job}: {job.end_reason}")
                slowest = max(slowest, self._seconds_after_lease(job))
                ways["lost"] += 1
            else:
                error = StepResult.objects.get(job=job, status=StepStatus.FAILED).error
                # Under load a step may time out.
                require(error.startswith("Timed out"), f"{job}: {error}")
                ways["failed"] += 1
        require(slowest < MAX_RESOLVED_SECONDS, f"a lost job was open for {slowest:.0f} s")
        return ways, slowest

    def _seconds_after_lease(self, job: GovernanceJob) -> float:
        """Return the time between the end of a lost job's lease and the job's end."""
        reported = StepResult.objects.filter(job=job, status=StepStatus.COMPLETED)
        latest = reported.order_by("-step_index").first()
        renewed = latest.recorded_at if latest else job.started_at
        lease = timedelta(seconds=self._step_seconds + self._grace_seconds)
        return (job.ended_at - renewed - lease).total_seconds()


@contextmanager
def worker_load(users: Users, count: int, *, lease: tuple[int, int]) -> Iterator[WorkerLoad]:
    """Run workers while the block runs.

    Args:
        lease: The timeout of a step and the grace, in seconds.
    """
    with TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        with announced("journal", journal) as (routes, found):
            load = WorkerLoad(
                users, count, lease=lease, journal=journal, routes=routes, found=found
            )
            try:
                yield load
            finally:
                load.leave()


def is_swept() -> bool:
    """Tell whether the sweep of lost jobs that was due at the last full minute is over."""
    minute = int(time.time() // 60 * 60)
    [(swept,)] = run_sql(
        "SELECT EXISTS (SELECT FROM procrastinate_periodic_defers"
        " WHERE task_name = 'fail_lost_jobs' AND defer_timestamp = %s)"
        " AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE task_name = 'fail_lost_jobs'"
        " AND status IN ('todo', 'doing') AND (args->>'timestamp')::bigint = %s)",
        minute,
        minute,
    )
    return bool(swept)
