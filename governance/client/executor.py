"""The executor over HTTP: claims a job, lets the machine run its plan, and completes the job.

It drops the job when the lease expired, when the site refuses a call, or when the site does not
respond within the lease.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import uniform

from governance.authorities.executor.machine import LeaseOver, PlanRun, run_plan
from governance.authorities.executor.steps import StepHandler, StepInPlan
from governance.client.api import GovsiteClient
from governance.client.breaker import ExecutorBreaker
from governance.client.connection import new_key
from governance.client.job_reporter import JobReporter
from governance.client.problems import ChangeFreezeActive, GovsiteError, GovsiteProblem, NoAnswer
from governance.client.responses import StartedJob
from governance.domain.breaker import BreakerState
from governance.domain.errors import InvalidPlanError
from governance.domain.values import HealthDecision, HealthReading, StepReport

logger = logging.getLogger(__name__)

IDLE_SECONDS = 5.0
FREEZE_RETRY_SECONDS = 60.0
CAREFUL_RETRY_SECONDS = 0.5
# A question about health is no reason to lose a lease.
UNKNOWN_HEALTH = "the site cannot tell"
HEALTH_SECONDS = 5.0

# What follows a fault of the handler, by the state of the breaker after it.
_CONSEQUENCES = {
    BreakerState.CAREFUL: "one job at a time, until one ends without a fault",
    BreakerState.OPEN: "no other job is claimed, because it was at fault twice in a row",
}


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """How a job ended: `status` at the site; or None, and `lost_because` if it was dropped.

    `is_fault` says that the handler was at fault: it raised an exception, timed out, did not know
    the step's type, or returned what cannot be recorded. It is None if the run does not show it,
    because the handler was not called or the job was dropped.
    """

    job_id: str
    contract_id: str
    status: str | None
    steps_reported: int
    total_steps: int
    evidence_sha256: str | None = None
    lost_because: str = ""
    is_fault: bool | None = None


class Executor:
    """An executor that runs one job after another with one client and one handler.

    Once `stopping` is set, it finishes its job and claims no other. It does not stop between two
    steps: no other executor can continue the job, so the change would be left half done. After two
    faults of the handler in a row it claims no other either; executors of one handler share a
    `breaker`. `log` gets one line for each event.
    """

    def __init__(
        self,
        client: GovsiteClient,
        handler: StepHandler,
        *,
        stopping: threading.Event | None = None,
        breaker: ExecutorBreaker | None = None,
        log: Callable[[str], None] = logger.info,
    ) -> None:
        self._client = client
        self._handler = handler
        self._stopping = stopping or threading.Event()
        self._breaker = breaker or ExecutorBreaker()
        self._log = log
        self._claim_key = new_key()

    def run(self, *, at_most: int | None = None, until_idle: bool = False) -> Iterator[JobOutcome]:
        """Claim and run jobs, and yield the outcome of each, until the breaker is open.

        Args:
            at_most: stop after this many jobs; None means no limit.
            until_idle: stop when no job is PENDING, instead of waiting for one.

        Raises:
            GovsiteProblem: the site refuses the claim. Without `until_idle`, temporary errors are
                retried instead: ChangeFreezeActive, `busy` and the like.
            NoAnswer: only with `until_idle`.
        """
        ended = 0
        while ended != at_most and not (self._stopping.is_set() or self._breaker.is_open):
            if not self._breaker.admit():
                self._pause(CAREFUL_RETRY_SECONDS)
                continue
            try:
                outcome = self._run_next()
            except GovsiteError as trouble:
                if until_idle or not _is_temporary(trouble):
                    raise
                pause = (
                    FREEZE_RETRY_SECONDS
                    if isinstance(trouble, ChangeFreezeActive)
                    else IDLE_SECONDS
                )
                self._log(f"nothing claimed: {trouble}")
                self._pause(pause)
                continue
            if outcome is not None:
                ended += 1
                yield outcome
            elif until_idle:
                return
            else:
                self._pause(IDLE_SECONDS)

    def run_job(self, job: StartedJob) -> JobOutcome:
        """Run a claimed or started job until it ends or is dropped."""
        number = job["total_steps"]
        self._log(f"job {job['id']}: {number} {'step' if number == 1 else 'steps'}")
        reporter = JobReporter(self._client, job)
        status, evidence, lost_because = None, None, ""
        is_fault: bool | None = None
        try:
            run = self._run_plan(job, reporter)
            is_fault = run.is_fault if run.was_handler_called else None
            ended = self._client.complete(
                job["id"], token=job["execution_token"], within=reporter.seconds_left()
            )
            status, evidence = ended["status"], ended["evidence_sha256"]
        except (GovsiteError, LeaseOver, InvalidPlanError) as trouble:
            lost_because = str(trouble)
            is_fault = is_fault or None
        self._log(f"job {job['id']}: {status or f'dropped: {lost_because}'}")
        return JobOutcome(
            job_id=job["id"],
            contract_id=job["contract_id"],
            status=status,
            steps_reported=reporter.reported,
            total_steps=job["total_steps"],
            evidence_sha256=evidence,
            lost_because=lost_because,
            is_fault=is_fault,
        )

    def _run_next(self) -> JobOutcome | None:
        """Claim and run one job that the breaker has admitted; return None if none is PENDING."""
        outcome: JobOutcome | None = None
        try:
            job = self._claim()
            if job is not None:
                outcome = self.run_job(job)
        finally:
            state = self._breaker.end(is_fault=outcome.is_fault if outcome else None)
        if outcome is not None and outcome.is_fault:
            self._log(f"the handler was at fault: {_CONSEQUENCES[state]}")
        return outcome

    def _claim(self) -> StartedJob | None:
        """Claim the next job, with the same key until the site has responded.

        With a new key, a job whose claim got no response would be left without an executor until
        its lease ends.
        """
        job, has_response = None, True
        try:
            job = self._client.claim(step_types=self._handler.step_types, key=self._claim_key)
        except GovsiteError as trouble:
            has_response = isinstance(trouble, ChangeFreezeActive) or not _is_temporary(trouble)
            raise
        finally:
            if has_response:
                self._claim_key = new_key()
        return job

    def _run_plan(self, job: StartedJob, reporter: JobReporter) -> PlanRun:
        """Read the whole plan, and run it."""
        steps = self._client.steps(job["id"], within=reporter.seconds_left())
        plan = [
            StepInPlan(
                step_index=step["step_index"],
                step_type=step["step_type"],
                target=step["target"],
                change=step["change"],
                timeout_seconds=step["timeout_seconds"],
                rollback_action=step["rollback_action"],
            )
            for step in steps
        ]
        if len(plan) != job["total_steps"]:
            raise InvalidPlanError("the plan that was read is incomplete")

        def log_report(planned: StepInPlan, report: StepReport) -> None:
            error = f": {report.error}" if report.error else ""
            self._log(
                f"job {job['id']}: step {planned.step_index} {planned.step_type} on "
                f"{planned.target} {report.status}{error}"
            )

        return run_plan(
            plan,
            job_id=job["id"],
            contract_id=job["contract_id"],
            handler_for=lambda planned: self._handler,
            ask_health=self._ask_health,
            reporter=reporter,
            on_report=log_report,
            is_rollback=job["is_rollback"],
        )

    def _ask_health(self, target: str) -> HealthReading:
        """Ask the site; an error of the client or a health that is not known is an exception."""
        state = self._client.health(scope=target, within=HEALTH_SECONDS)
        if not state["known"] or state["system"] is None or state["observed_at"] is None:
            reasons = " ".join(one["reason"] for one in state.get("troubles", ()))
            raise GovsiteError(f"{UNKNOWN_HEALTH}: {reasons}" if reasons else UNKNOWN_HEALTH)
        return HealthReading(
            observed_at=datetime.fromisoformat(state["observed_at"]),
            system=HealthDecision(state["system"]),
            capabilities={
                name: HealthDecision(one) for name, one in (state["capabilities"] or {}).items()
            },
        )

    def _pause(self, seconds: float) -> None:
        """Wait a random time of `seconds / 2` to `seconds`, or until `stopping` is set."""
        self._stopping.wait(uniform(seconds / 2, seconds))  # noqa: S311


def _is_temporary(trouble: GovsiteError) -> bool:
    if isinstance(trouble, GovsiteProblem):
        return (
            trouble.is_retryable or trouble.status >= 500 or isinstance(trouble, ChangeFreezeActive)
        )
    return isinstance(trouble, NoAnswer)
