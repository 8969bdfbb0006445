"""Every error of the domain, each with a stable `code`.

Each error belongs to a family, which says what the caller does next: correct the input, wait for
another state, let another person act, read again, retry, or look for something else.
`governance/api/problems.py` maps the families to HTTP statuses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self


class GovernanceError(Exception):
    """An error of the domain: `str()` is a sentence for people, `code` is for programs.

    `details` holds JSON values that explain the error, such as the statuses involved.
    """

    code = "refused"

    def __init__(
        self, message: str, *, code: str | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.details = dict(details or {})


# --- the input is wrong: correct it -------------------------------------------------------------
class InvalidInputError(GovernanceError):
    """An invalid input; `errors` is a list of `{"path", "message"}`, one for each invalid field."""

    code = "invalid_input"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(message, code=code, details={"errors": [dict(e) for e in errors]})

    @classmethod
    def at(cls, path: str, message: str, *, code: str | None = None) -> Self:
        """Make the error of one field, from its path and a message without a subject."""
        return cls(
            f"{path or 'the document'}: {message}.",
            code=code,
            errors=[{"path": path, "message": message}],
        )

    @classmethod
    def whole(cls, message: str, *, code: str) -> Self:
        """Make the error of a whole document, whose path is empty."""
        return cls(message, code=code, errors=[{"path": "", "message": message}])

    @property
    def errors(self) -> list[dict[str, str]]:
        return list(self.details["errors"])


class InvalidChangesError(InvalidInputError):
    """Proposed changes that do not fit the schema (CONTRACT-006)."""

    code = "invalid_changes"


class InvalidVerdictError(InvalidInputError):
    """A verdict of the validator, of eligibility or of an auditor that does not fit its form."""

    code = "invalid_verdict"


class TargetOutOfScopeError(InvalidInputError):
    """A change of a target that is not among the affected capabilities."""

    code = "target_out_of_scope"


class InvalidWindowError(InvalidInputError):
    """An activation window that ends before it opens, is over, or is longer than 168 hours."""

    code = "invalid_window"


class ConfirmationRequiredError(InvalidInputError):
    """A decision on a critical contract that was not confirmed by typing its reference."""

    code = "confirmation_required"


class KeyReusedError(InvalidInputError):
    """An idempotency key that was used before with another body, path or account."""

    code = "idempotency_key_reused"


class ReasonRequiredError(InvalidInputError):
    """A missing or too short reason for a decision that needs one."""

    code = "reason_required"


# --- the state is wrong: wait for another state -------------------------------------------------
class WrongStateError(GovernanceError):
    """An operation that the present state does not allow."""

    code = "wrong_state"


class InvalidTransitionError(WrongStateError):
    """A move that the table of contract transitions does not have (CONTRACT-001)."""

    code = "invalid_transition"


class ContractImmutableError(InvalidTransitionError):
    """A change of a terminal contract (CONTRACT-005)."""

    code = "contract_immutable"


class ContractExpiredError(WrongStateError):
    """A decision on a contract whose review time passed."""

    code = "contract_expired"


class ClarificationConflictError(WrongStateError):
    """A question while another question is open, or an answer while none is."""

    code = "clarification_conflict"


class AlreadySignedError(WrongStateError):
    """A second signature of a founder whose first signature still counts (SIGN)."""

    code = "already_signed"


class MayNotVerdictError(WrongStateError):
    """A contract whose eligibility decision is MAY_NOT, which nobody can override."""

    code = "may_not"


class DuplicateContractError(WrongStateError):
    """A proposal that is a contract already, by reference and content."""

    code = "duplicate_contract"


class CapabilityFrozenError(WrongStateError):
    """A change of a frozen capability."""

    code = "capability_frozen"


class HealthBlocksError(WrongStateError):
    """A platform whose health is BLOCKED or unknown."""

    code = "health_blocked"


class ChangeFreezeActiveError(WrongStateError):
    """An operation that an active change freeze stops; `details` has its `until` and `reason`."""

    code = "change_freeze_active"


class ContractActivationError(WrongStateError):
    """An activation that a guard refused; `code` says which guard."""

    code = "activation_refused"


class InvalidJobTransitionError(WrongStateError):
    """A move that the table of job transitions does not have (JOB-003)."""

    code = "invalid_job_transition"


class JobImmutableError(InvalidJobTransitionError):
    """A change of a terminal job (JOB-003)."""

    code = "job_immutable"


class OrphanJobError(WrongStateError):
    """A job without an active contract, or a second job of a contract (JOB-001)."""

    code = "orphan_job"


class StepOutOfOrderError(WrongStateError):
    """A report of a step that is not due, or of any step after a failed one (JOB-002)."""

    code = "step_out_of_order"


class StepsOutstandingError(WrongStateError):
    """A completion of a job while a step has no result and none has failed."""

    code = "steps_outstanding"


class ResultConflictError(WrongStateError):
    """A different report of a step that has its result already (JOB-004)."""

    code = "result_conflict"


class VerdictConflictError(WrongStateError):
    """A verdict that does not fit the job, or a second verdict on a job (AUDIT)."""

    code = "verdict_conflict"


class IntegrityViolationError(WrongStateError):
    """A write that a database guard refused; `details["constraint"]` is the guard's name."""

    code = "integrity_violation"


class RequestInProgressError(WrongStateError):
    """A repeated request, by its idempotency key, while the first is in progress."""

    code = "request_in_progress"


# --- the person is wrong: let another person act ------------------------------------------------
class WrongPersonError(GovernanceError):
    """An operation that this actor may not carry out."""

    code = "not_permitted"


class FourEyesError(WrongPersonError):
    """A decision of a person on the contract that the person proposed (four eyes)."""

    code = "four_eyes"


class AuditorNotIndependentError(WrongPersonError):
    """A verdict of a person who took part in the contract or its job (AUDIT)."""

    code = "auditor_not_independent"


# --- the copy is stale: read again --------------------------------------------------------------
class StaleCopyError(GovernanceError):
    """A decision on data that changed after the caller read it."""

    code = "stale_copy"


class VersionMismatchError(StaleCopyError):
    """A request whose `If-Match` names another version than the current one."""

    code = "precondition_failed"


class ViewChangedError(StaleCopyError):
    """A page that changed after the founder read it; `details["changed"]` lists the changes."""

    code = "view_changed"


class StaleExecutionError(StaleCopyError):
    """A report under an execution token that is not the job's."""

    code = "stale_execution"


class LeaseExpiredError(StaleExecutionError):
    """A report after the lease expired: the executor counts as lost."""

    code = "lease_expired"


class EvidenceMismatchError(StaleCopyError):
    """A verdict on other evidence than the sealed evidence (AUDIT)."""

    code = "evidence_mismatch"


# --- another transaction interfered: retry ------------------------------------------------------
class BusyError(GovernanceError):
    """A transaction that PostgreSQL rolled back because of other transactions.

    `details["undone_by"]` says why: `deadlock`, `serialization_failure`, `lock_timeout` or
    `statement_timeout`.
    """

    code = "busy"


# --- it does not exist: look for something else -------------------------------------------------
class NotFoundError(GovernanceError):
    """A request for something that does not exist."""

    code = "not_found"


class ContractArchivedError(NotFoundError):
    """A contract that was archived and removed.

    `details` has the head of its chain (`entries`, `head_sha256`) and its file (`file_sha256`).
    """

    code = "contract_archived"
