"""Errors of jobs: their execution, their evidence and their verdicts."""

from __future__ import annotations

from typing import Any

from governance.domain.errors.base import (
    Advice,
    NotFoundError,
    StaleCopyError,
    WrongPersonError,
    WrongStateError,
)


class JobNotFoundError(NotFoundError, code="job_not_found"):
    """A job that does not exist, is outside the token's capabilities, or was started by another
    account.
    """

    def __init__(self, job_id: Any) -> None:
        super().__init__(f"There is no job {job_id}.")


class OrphanJobError(
    WrongStateError,
    code="orphan_job",
    constraints=("job_belongs_to_active_contract", "governance_governancejob_contract_id_key"),
):
    """A job without an active contract, or a second job of a contract."""


# --- execution ---
class InvalidJobTransitionError(
    WrongStateError,
    code="invalid_job_transition",
    constraints=("job_moves", "step_result_needs_running_job"),
):
    """A call that the job's status does not allow; `details` name its status."""


class JobImmutableError(
    InvalidJobTransitionError,
    code="job_immutable",
    advice=Advice.STOP,
    constraints=("job_terminal_immutable",),
):
    """A job that has ended and can no longer change."""


class JobRunsByItselfError(
    WrongStateError,
    code="runs_by_itself",
    advice=Advice.STOP,
    constraints=("job_started_by_its_runner",),
):
    """The start of a job that a worker of the site runs, or by a worker of one that none runs."""


class ScopeBusyError(
    WrongStateError, code="scope_busy", advice=Advice.WAIT, constraints=("scope_busy",)
):
    """The start of a job while another one runs on a capability of it, or one of the two affects
    SYSTEM; `details.capability` is the busy capability, and `details.job_id` the running job.
    """


class JobLeftAloneError(WrongStateError, code="job_left_alone", advice=Advice.WAIT):
    """The run of a job that a worker would leave alone; the message says why."""


class StaleExecutionError(StaleCopyError, code="stale_execution", advice=Advice.STOP):
    """An execution token that is not the job's current one."""


class LeaseExpiredError(
    StaleExecutionError,
    code="lease_expired",
    constraints=("step_result_in_lease", "job_completed_in_lease"),
):
    """A report after the lease: the executor counts as lost, and must drop the job."""


class LeaseNotOverError(WrongStateError, code="not_timed_out"):
    """The timeout of a job whose lease is not over."""


class StepOutOfOrderError(
    WrongStateError, code="step_out_of_order", constraints=("step_results_in_order",)
):
    """A step that is not due: `details.current_step` is due, or no step is, because all are
    reported or one failed.
    """


class ResultConflictError(
    WrongStateError,
    code="result_conflict",
    advice=Advice.STOP,
    constraints=("result_once_per_step",),
):
    """A step that already has a different recorded result."""


class StepsOutstandingError(WrongStateError, code="steps_outstanding"):
    """A completion while a step is not reported, and none has failed."""


# --- circuit breakers ---
class BreakerNotFoundError(NotFoundError, code="breaker_not_found"):
    """A handler without a circuit breaker: no job has used it."""


class BreakerNotOpenError(
    WrongStateError, code="breaker_not_open", constraints=("breaker_event_in_turn",)
):
    """The closing of a circuit breaker that is not open; `details.state` is its state."""


# --- evidence and verdicts ---
class EvidenceNotSealedError(NotFoundError, code="evidence_not_sealed", advice=Advice.WAIT):
    """A job that has not ended, so its evidence is not sealed yet."""

    def __init__(self) -> None:
        super().__init__("This job has no sealed evidence yet: it has not ended.")


class EvidenceMismatchError(
    StaleCopyError, code="evidence_mismatch", constraints=("audit_names_evidence",)
):
    """An `evidence_sha256` that is not the digest of the sealed evidence."""


class AuditorNotIndependentError(
    WrongPersonError, code="auditor_not_independent", constraints=("audit_independent",)
):
    """A verdict of an auditor who took part in the contract or its job."""


class AuditorInsideError(WrongStateError, code="auditor_inside", advice=Advice.STOP):
    """A verdict from outside, on a site whose own auditor gives the verdicts
    (`GOVSITE_AUDITOR=inside`).
    """

    def __init__(self) -> None:
        super().__init__("The auditor of this site gives the verdicts.")


class AttemptConflictError(
    WrongStateError,
    code="attempt_conflict",
    advice=Advice.READ_AGAIN,
    constraints=("audit_attempt_in_turn", "attempt_numbered_once", "audit_follows_attempts"),
):
    """An attempt of an audit that is not INCONCLUSIVE, or is resolved, or goes on just now."""


class VerdictConflictError(
    WrongStateError,
    code="verdict_conflict",
    advice=Advice.FIX_REQUEST,
    constraints=(
        "audit_fits_job",
        "governance_governanceaudit_job_id_key",
        "governance_auditresolution_audit_id_key",
        "resolution_of_inconclusive",
    ),
):
    """Another verdict than FAIL on a job that did not complete."""


class VerdictExistsError(VerdictConflictError, code="verdict_exists", advice=Advice.STOP):
    """A job that already has its verdict, which is final."""


class VerdictFinalError(VerdictConflictError, code="verdict_final", advice=Advice.STOP):
    """The resolution of an audit that is not INCONCLUSIVE, or is resolved already."""


class AuditNotFoundError(NotFoundError, code="audit_not_found", advice=Advice.WAIT):
    """A job without a verdict, which therefore cannot be resolved."""
