"""The flow of a run by a worker: start the job as the executor's own account, run it, end it.

The queue is only a hint, so a job that runs or has ended is left alone, and so is one that cannot
start now. The start takes a lease and an execution token; without them nothing is recorded. A
worker that loses its lease drops the job, and the sweep of leases ends it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from governance.authorities.executor.machine import (
    LeaseOver,
    obstacles_to,
    rejected_report,
    run_plan,
)
from governance.authorities.executor.routed_handlers import RoutedHandlers
from governance.authorities.executor.routes import Routes
from governance.authorities.executor.steps import StepHandler, StepInPlan
from governance.authorities.health.readings import read_health
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.queries import JobToRun, job_to_run
from governance.db.transactions import retried, write_transaction
from governance.domain.errors import (
    BusyError,
    GovernanceError,
    HealthUnknownError,
    InvalidInputError,
    JobLeftAloneError,
)
from governance.domain.health import UnknownHealth, in_words
from governance.domain.roles import MachineAccount
from governance.domain.values import HealthReading, JobStatus, StepReport
from governance.flows.observe_job import observe_before, observe_step
from governance.flows.record_fault import record_fault
from governance.flows.registry_steps import make_registry_handler
from governance.flows.route_steps import plan_of, site_handlers, site_routes
from governance.flows.run_job import complete_job
from governance.models import Account, GovernanceJob
from governance.services.access.accounts import machine_account
from governance.services.breakers.operations import admit_run, record_run

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
_R = TypeVar("_R")


def run_job_by_worker(*, job_id: UUID) -> JobStatus | None:
    """Run a job that waits for a worker; return how it ended, or None if it was left alone or lost.

    Raises:
        InvalidInputError: the routes of the site, or the secrets that they name, cannot be used.
        OperationalError: the database does not answer.
    """
    handlers = worker_handlers()
    job = job_to_run(job_id)
    if not job.waits_for_worker:
        return None
    try:
        run = start_run(job, handlers=handlers)
    except GovernanceError as refusal:
        logger.info("job %s: left alone: %s", job_id, refusal)
        return None
    logger.info("job %s: %s steps", job_id, len(job.steps))
    status = run.until_its_end(on_report=partial(_log_report, job))
    if status is not None:
        logger.info("job %s: %s", job_id, status)
    return status


def start_run(job: JobToRun, *, handlers: RoutedHandlers) -> JobRun:
    """Start a job as the executor's own account, and return its run, whose steps are to be done.

    Raises:
        JobLeftAloneError: no handler serves a step, the plan does not fit into its window, or the
            circuit breaker of a handler lets the job wait.
        GovernanceError: any error of `JobStateTracker.start_job`.
    """
    plan = plan_of(job.steps)
    if obstacles := obstacles_to(plan, handler_for=handlers, seconds_left=job.seconds_left):
        raise JobLeftAloneError(" ".join(obstacles))
    executor = machine_account(MachineAccount.EXECUTOR)
    started = _start(job.job_id, handlers=_names_of(handlers, plan), executor=executor)
    if started is None:
        raise JobLeftAloneError("The circuit breaker of a handler lets the job wait.")
    observe_before(started[0], scopes=job.scopes)
    return JobRun(job, plan, *started, handlers=handlers, executor=executor)


def worker_handlers() -> RoutedHandlers:
    """Return the handlers of this site's routes, among them `registry`.

    Raises:
        InvalidInputError: the routes, the options of one, or a secret that one names cannot be
            used.
    """
    return _handlers_of(site_routes())


@retried
def _start(
    job_id: UUID, *, handlers: set[str], executor: Account
) -> tuple[GovernanceJob, str] | None:
    """Start the job if the circuit breakers of its handlers admit it; one transaction."""
    with write_transaction():
        if not admit_run(handlers=handlers, job_id=job_id):
            return None
        return GovernanceOrchestrator.start_job(job_id, executor=executor)


class JobRun:
    """The run of a started job; it reports to the tracker of this process."""

    def __init__(
        self,
        job: JobToRun,
        plan: list[StepInPlan],
        started: GovernanceJob,
        token: str,
        *,
        handlers: RoutedHandlers,
        executor: Account,
    ) -> None:
        if started.started_at is None or started.lease_expires_at is None:
            raise ValueError("the job has not started")
        self._job, self._plan = job, plan
        self._token, self._executor = token, executor
        self._handlers = handlers
        self._called: list[str] = []
        # PostgreSQL's clock at the start, and what has passed since on this machine.
        self._started_at, self._begun = started.started_at, time.monotonic()
        self._lease_expires_at: datetime = started.lease_expires_at

    def until_its_end(
        self, *, on_report: Callable[[StepInPlan, StepReport], None]
    ) -> JobStatus | None:
        """Run the plan and end the job; return None if the job was lost.

        Args:
            on_report: called after each report, as for a line in a log.
        """
        job_id = self._job.job_id
        try:
            run = run_plan(
                self._plan,
                job_id=str(job_id),
                contract_id=str(self._job.contract_id),
                handler_for=self._handler_for,
                ask_health=self._ask_health,
                reporter=self,
                on_report=on_report,
                is_rollback=self._job.is_rollback,
            )
            if run.is_fault:
                # Before the end, which lets the next job of the handler begin.
                self._within_lease(lambda: self._record_run(fault=run.reason))
            ended = self._within_lease(
                lambda: complete_job(job_id=job_id, token=self._token, executor=self._executor)
            )
        except (GovernanceError, LeaseOver) as trouble:
            logger.warning("job %s: dropped: %s", job_id, trouble)
            return None
        if not run.is_fault:
            self._record_run()
        return JobStatus(ended.status)

    # --- the reporter of the machine ---
    def now(self) -> datetime:
        return self._started_at + timedelta(seconds=time.monotonic() - self._begun)

    def seconds_left(self) -> float:
        return (self._lease_expires_at - self.now()).total_seconds()

    def record(self, report: StepReport) -> StepReport:
        """Record a report within the lease, and return it as it was recorded."""
        try:
            self._send(report)
        except InvalidInputError as refusal:
            # The record has narrower limits than the machine. That the step ended is recorded.
            report = rejected_report(report, str(refusal))
            self._send(report)
        return report

    def _send(self, report: StepReport) -> None:
        result, _ = self._within_lease(
            lambda: GovernanceOrchestrator.record_step_result(
                self._job.job_id, token=self._token, report=report, executor=self._executor
            )
        )
        self._lease_expires_at = result.job.lease_expires_at or self._lease_expires_at
        step = self._plan[result.step_index]
        observe_step(
            self._job.job_id, step_index=step.step_index, target=step.target, now=result.recorded_at
        )

    # --- its parts ---
    def _handler_for(self, step: StepInPlan) -> StepHandler | None:
        self._called.append(self._handlers.routes.route_of(step.target, step.step_type).handler)
        return self._handlers(step)

    def _ask_health(self, target: str) -> HealthReading:
        reading = self._within_lease(lambda: read_health(scopes=[target], at=self.now()))
        if isinstance(reading, UnknownHealth):
            raise HealthUnknownError(in_words(reading.troubles))
        return reading

    def _within_lease(self, call: Callable[[], _R]) -> _R:
        """Call, and again while the database does not answer and the lease is not over.

        To record the same report again is harmless.
        """
        while True:
            try:
                return call()
            except (OperationalError, InterfaceError, BusyError) as trouble:
                if self.seconds_left() <= RETRY_SECONDS:
                    raise LeaseOver("the database did not answer within the lease") from trouble
                logger.warning("job %s: tried again: %s", self._job.job_id, trouble)
                connection.close()
                time.sleep(RETRY_SECONDS)

    def _record_run(self, *, fault: str = "") -> None:
        """Tell the circuit breakers how the run ended; a fault is that of the last handler."""
        if fault:
            record_fault(
                handlers=set(self._called),
                faulty=self._called[-1],
                fault=fault,
                job_id=self._job.job_id,
                contract_id=self._job.contract_id,
            )
        else:
            record_run(handlers=set(self._called), job_id=self._job.job_id)


def _log_report(job: JobToRun, step: StepInPlan, report: StepReport) -> None:
    logger.info(
        "job %s: step %s of %s, %s on %s: %s%s",
        job.job_id,
        step.step_index + 1,
        len(job.steps),
        step.step_type,
        step.target,
        report.status,
        f": {report.error}" if report.error else "",
    )


@lru_cache(maxsize=1)
def _handlers_of(routes: Routes) -> RoutedHandlers:
    """Make the handlers of the present routes; again only after the file has changed."""
    return site_handlers(provided={"registry": make_registry_handler})


def _names_of(handlers: RoutedHandlers, plan: Iterable[StepInPlan]) -> set[str]:
    return {handlers.routes.route_of(step.target, step.step_type).handler for step in plan}
