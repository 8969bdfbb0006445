"""Guards of a job's operations: pure checks that raise the error of the domain."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any

from governance.domain.errors import (
    InvalidInputError,
    InvalidJobTransitionError,
    JobImmutableError,
    JobNotFoundError,
    ReasonRequiredError,
    StaleExecutionError,
    StepOutOfOrderError,
)
from governance.domain.lifecycles import JOB_TERMINAL_STATES
from governance.domain.people import Actor
from governance.domain.strict_json import require_plain_json
from governance.domain.values import MAX_CLOCK_SKEW, JobStatus, StepReport, StepStatus
from governance.models import GovernanceJob


def require_own(job: GovernanceJob, executor: Actor) -> None:
    """Refuse a job that another account started.

    A job that is not started passes; `require_running` refuses it.

    Raises:
        NotFoundError: as for a missing job, so that an executor learns nothing about other jobs.
    """
    if job.started_by_id not in (None, executor.pk):
        raise JobNotFoundError(job.pk)


def require_running(job: GovernanceJob) -> None:
    """Refuse a job that is not RUNNING.

    Raises:
        JobImmutableError: the job has ended.
        InvalidJobTransitionError: the job has not started.
    """
    if job.status in JOB_TERMINAL_STATES:
        raise JobImmutableError(
            f"This job is {job.status} and can no longer change.",
            details={"status": str(job.status)},
        )
    if job.status != JobStatus.RUNNING:
        raise InvalidJobTransitionError(
            f"This job is {job.status}; it must be started first.",
            details={"status": str(job.status)},
        )


def require_token(job: GovernanceJob, token: str) -> None:
    """Refuse an execution token that is not the one that the job's start issued.

    Raises:
        StaleExecutionError: the token's hash is not the stored one.
    """
    known = job.execution_token_sha256 or ""
    if not isinstance(token, str) or not hmac.compare_digest(token_hash(token), known):
        raise StaleExecutionError("This execution token is not the job's current one.")


def require_due(job: GovernanceJob, step_index: int, *, last: StepStatus | None) -> None:
    """Refuse any step but the one that is due (JOB-002).

    Args:
        last: the status of the result before the job's cursor; None at the first step.

    Raises:
        StepOutOfOrderError: another step is due, every step is reported, or a step failed.
    """
    details = {"step_index": step_index, "current_step": job.current_step_index}
    if last == StepStatus.FAILED:
        raise StepOutOfOrderError(
            f"Step {job.current_step_index - 1} failed; no step runs after it.", details=details
        )
    if job.current_step_index == job.total_steps:
        raise StepOutOfOrderError("Every step is reported already.", details=details)
    if step_index != job.current_step_index:
        raise StepOutOfOrderError(
            f"Step {job.current_step_index} is due, not step {step_index}.", details=details
        )


def require_times(job: GovernanceJob, report: StepReport, *, now: datetime) -> None:
    """Refuse a report whose step began before the job's start, or ended after now.

    The executor's clock may differ from PostgreSQL's by `MAX_CLOCK_SKEW`.

    Raises:
        InvalidInputError: with the path `started_at` or `completed_at`.
    """
    if job.started_at is not None and report.started_at < job.started_at - MAX_CLOCK_SKEW:
        raise InvalidInputError.at("started_at", "must not be before the start of the job")
    if report.completed_at > now + MAX_CLOCK_SKEW:
        raise InvalidInputError.at("completed_at", "must not be in the future")


def require_cancellation_reason(reason: Any) -> str:
    """Return the reason without white space around it.

    Raises:
        ReasonRequiredError: it is not text of 1 to 4000 characters.
    """
    require_plain_json(reason, "reason")
    if not isinstance(reason, str) or not 1 <= len(reason.strip()) <= 4000:
        raise ReasonRequiredError.at("reason", "must be text of 1 to 4 000 characters")
    return reason.strip()


def token_hash(token: str) -> str:
    """Return what is stored of an execution token: its SHA-256 in hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
