"""The loop of a worker: claim a job, run its steps in order, report each, end the job.

It decides nothing, and does no step twice. It stops a job at its first failed step, and drops it
when it is not ours any more: the lease is over, or the site says so.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import uniform

from governance.client.api import GovsiteClient
from governance.client.connection import new_key
from governance.client.handlers import Step, StepHandler
from governance.client.problems import ChangeFreezeActive, GovsiteError, GovsiteProblem, NoAnswer
from governance.client.responses import JobStepData, StartedJob
from governance.client.steps import failed_report, run_step
from governance.domain.values import StepReport, StepStatus

logger = logging.getLogger(__name__)

IDLE_SECONDS = 5.0
FREEZE_RETRY_SECONDS = 60.0
# What is left of a lease for the report, where a step's timeout would use all of it.
MAX_RESERVE_SECONDS = 5.0
REJECTED_BODY_STATUSES = frozenset({400, 413})


class _Dropped(GovsiteError):  # noqa: N818 - named for what happened
    """We gave the job up ourselves."""


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """How a job went: its `status` at the site, or None and `lost_because` where we dropped it."""

    job_id: str
    contract_id: str
    status: str | None
    steps_reported: int
    total_steps: int
    evidence_sha256: str | None = None
    lost_because: str = ""


@dataclass
class _Lease:
    """Until when the job is ours, by the site's clock."""

    client: GovsiteClient
    expires_at: datetime
    reported: int = 0

    def renew(self, text: str | None) -> None:
        if text is not None:
            self.expires_at = datetime.fromisoformat(text)

    def seconds_left(self) -> float:
        return self.client.clock.seconds_until(self.expires_at)


class Executor:
    """Runs jobs one after the other with one client and one handler.

    `stopping`, once set, lets it finish the job that it has and claim no other: nobody else can go
    on with a job, so leaving between two steps would leave a change half done. `log` gets a line
    for everything that happens.
    """

    def __init__(
        self,
        client: GovsiteClient,
        handler: StepHandler,
        *,
        stopping: threading.Event | None = None,
        log: Callable[[str], None] = logger.info,
    ) -> None:
        self._client = client
        self._handler = handler
        self._stopping = stopping or threading.Event()
        self._log = log
        self._claim_key = new_key()

    def run(self, *, at_most: int | None = None, until_idle: bool = False) -> Iterator[JobOutcome]:
        """Each job as it has ended; without an end, unless one of the arguments gives it one.

        Raises GovsiteProblem when the site refuses us; with `until_idle` also for what may pass:
        NoAnswer, ChangeFreezeActive.
        """
        ended = 0
        while ended != at_most and not self._stopping.is_set():
            try:
                job = self._claim()
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
            if job is not None:
                ended += 1
                yield self.run_job(job)
            elif until_idle:
                return
            else:
                self._pause(IDLE_SECONDS)

    def run_job(self, job: StartedJob) -> JobOutcome:
        """Run a job that was claimed or started, to its end or to where it is lost."""
        self._log(f"job {job['id']}: {job['total_steps']} steps")
        lease = _Lease(self._client, datetime.now(UTC))
        lease.renew(job["lease_expires_at"])
        status, evidence, lost_because = None, None, ""
        try:
            self._run_steps(job, lease)
            ended = self._client.complete(
                job["id"], token=job["execution_token"], within=lease.seconds_left()
            )
            status, evidence = ended["status"], ended["evidence_sha256"]
        except GovsiteError as trouble:
            lost_because = str(trouble)
        self._log(f"job {job['id']}: {status or f'dropped: {lost_because}'}")
        return JobOutcome(
            job_id=job["id"],
            contract_id=job["contract_id"],
            status=status,
            steps_reported=lease.reported,
            total_steps=job["total_steps"],
            evidence_sha256=evidence,
            lost_because=lost_because,
        )

    def _claim(self) -> StartedJob | None:
        """The next job. Until the site has answered, it is asked the same question.

        Otherwise a job that we got without hearing of it would wait until its lease ends.
        """
        job, has_response = None, True
        try:
            job = self._client.claim(key=self._claim_key)
        except GovsiteError as trouble:
            has_response = isinstance(trouble, ChangeFreezeActive) or not _is_temporary(trouble)
            raise
        finally:
            if has_response:
                self._claim_key = new_key()
        return job

    def _run_steps(self, job: StartedJob, lease: _Lease) -> None:
        """Every step in its order, or until one fails. The whole plan is there before the first."""
        plan = list(self._client.steps(job["id"], within=lease.seconds_left()))
        if [step["step_index"] for step in plan] != list(range(job["total_steps"])):
            raise _Dropped("the plan that was read is not whole")
        for planned in plan:
            left = lease.seconds_left()
            if left <= 0:
                raise _Dropped(f"the lease lapsed before step {planned['step_index']}")
            seconds = min(planned["timeout_seconds"], left - min(left / 10, MAX_RESERVE_SECONDS))
            step = _step(job, planned, seconds)
            report = self._record(job, run_step(self._handler, step, seconds=seconds), lease)
            lease.reported += 1
            error = f": {report.error}" if report.error else ""
            self._log(
                f"job {job['id']}: step {step.step_index} {step.step_type} on {step.target} "
                f"{report.status}{error}"
            )
            if report.status is StepStatus.FAILED:
                return

    def _record(self, job: StartedJob, report: StepReport, lease: _Lease) -> StepReport:
        """Report a step for as long as the lease lasts; what the site keeps of it."""
        try:
            self._send(job, report, lease)
        except GovsiteProblem as problem:
            if problem.status not in REJECTED_BODY_STATUSES:
                raise
            # Its limits are narrower than we know. That the step ended must be on record.
            report = failed_report(report, f"The report of this step was refused: {problem}")
            self._send(job, report, lease)
        return report

    def _send(self, job: StartedJob, report: StepReport, lease: _Lease) -> None:
        recorded = self._client.report(
            job["id"], token=job["execution_token"], report=report, within=lease.seconds_left()
        )
        lease.renew(recorded["lease_expires_at"])

    def _pause(self, seconds: float) -> None:
        """Wait, by lot from half of it to all of it, unless we are to stop."""
        self._stopping.wait(uniform(seconds / 2, seconds))  # noqa: S311


def _is_temporary(trouble: GovsiteError) -> bool:
    if isinstance(trouble, GovsiteProblem):
        return (
            trouble.is_retryable or trouble.status >= 500 or isinstance(trouble, ChangeFreezeActive)
        )
    return isinstance(trouble, NoAnswer)


def _step(job: StartedJob, planned: JobStepData, seconds: float) -> Step:
    return Step(
        job_id=job["id"],
        contract_id=job["contract_id"],
        step_index=planned["step_index"],
        step_type=planned["step_type"],
        target=planned["target"],
        change=planned["change"],
        rollback_action=planned["rollback_action"],
        timeout_seconds=planned["timeout_seconds"],
        deadline=datetime.now(UTC) + timedelta(seconds=seconds),
    )
