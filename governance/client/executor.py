"""The loop of an executor: claim a job, run its steps in order, report each, complete the job.

It decides nothing and runs no step twice. It stops at the first failed step. It drops the job when
the lease expired, when the site refuses a call, or when the site does not respond within the lease.
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
# At most this much of the lease is reserved for the report of a step with a long timeout.
MAX_RESERVE_SECONDS = 5.0
REJECTED_BODY_STATUSES = frozenset({400, 413})


class _Dropped(GovsiteError):  # noqa: N818 - named for what happened
    """The executor itself gave the job up."""


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """How a job ended: `status` at the site; or None, and `lost_because` if it was dropped."""

    job_id: str
    contract_id: str
    status: str | None
    steps_reported: int
    total_steps: int
    evidence_sha256: str | None = None
    lost_because: str = ""


@dataclass
class _Lease:
    """The lease of a job, measured by the site's clock."""

    client: GovsiteClient
    expires_at: datetime
    reported: int = 0

    def renew(self, text: str | None) -> None:
        if text is not None:
            self.expires_at = datetime.fromisoformat(text)

    def seconds_left(self) -> float:
        return self.client.clock.seconds_until(self.expires_at)


class Executor:
    """An executor that runs one job after another with one client and one handler.

    Once `stopping` is set, it finishes its job and claims no other. It does not stop between two
    steps: no other executor can continue the job, so the change would be left half done. `log`
    gets one line for each event.
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
        """Claim and run jobs, and yield the outcome of each.

        Args:
            at_most: stop after this many jobs; None means no limit.
            until_idle: stop when no job is PENDING, instead of waiting for one.

        Raises:
            GovsiteProblem: the site refuses the claim. Without `until_idle`, temporary errors are
                retried instead: ChangeFreezeActive, `busy` and the like.
            NoAnswer: only with `until_idle`.
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
        """Run a claimed or started job until it ends or is dropped."""
        number = job["total_steps"]
        self._log(f"job {job['id']}: {number} {'step' if number == 1 else 'steps'}")
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
        """Claim the next job, with the same key until the site has responded.

        With a new key, a job whose claim got no response would be left without an executor until
        its lease ends.
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
        """Read the whole plan, then run its steps in order until one fails."""
        plan = list(self._client.steps(job["id"], within=lease.seconds_left()))
        if [step["step_index"] for step in plan] != list(range(job["total_steps"])):
            raise _Dropped("the plan that was read is incomplete")
        for planned in plan:
            left = lease.seconds_left()
            if left <= 0:
                raise _Dropped(f"the lease expired before step {planned['step_index']}")
            seconds = min(planned["timeout_seconds"], left - min(left / 10, MAX_RESERVE_SECONDS))
            step = _step(job, planned, seconds)
            started_at = self._client.clock.now()
            report = run_step(self._handler, step, seconds=seconds, started_at=started_at)
            report = self._record(job, report, lease)
            lease.reported += 1
            error = f": {report.error}" if report.error else ""
            self._log(
                f"job {job['id']}: step {step.step_index} {step.step_type} on {step.target} "
                f"{report.status}{error}"
            )
            if report.status is StepStatus.FAILED:
                return

    def _record(self, job: StartedJob, report: StepReport, lease: _Lease) -> StepReport:
        """Report a step within the lease, and return the report that the site recorded."""
        try:
            self._send(job, report, lease)
        except GovsiteProblem as problem:
            if problem.status not in REJECTED_BODY_STATUSES:
                raise
            # The site has narrower limits than this client. That the step ended must be recorded.
            report = failed_report(report, f"The report of this step was refused: {problem}")
            self._send(job, report, lease)
        return report

    def _send(self, job: StartedJob, report: StepReport, lease: _Lease) -> None:
        recorded = self._client.report(
            job["id"], token=job["execution_token"], report=report, within=lease.seconds_left()
        )
        lease.renew(recorded["lease_expires_at"])

    def _pause(self, seconds: float) -> None:
        """Wait a random time of `seconds / 2` to `seconds`, or until `stopping` is set."""
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
