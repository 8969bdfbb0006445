"""Every refusal the chain can utter, each with a stable `code`.

Six families tell a caller what to do next: mend the input, pick another moment, send somebody
else, read again, ask again, or look elsewhere. `governance.api.problems` maps the families to HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self


class GovernanceError(Exception):
    """A refusal in the domain's words: `str()` is for people, `code` for programs.

    `details` holds JSON values that help the reader, such as the states involved.
    """

    code = "refused"

    def __init__(
        self, message: str, *, code: str | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.details = dict(details or {})


# --- the input is wrong: mend it ----------------------------------------------------------------
class InvalidInputError(GovernanceError):
    """What arrived does not fit. `errors` is a list of `{"path", "message"}`."""

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
        """The refusal of one field: `path` is where it stands, `message` what is wrong with it."""
        return cls(
            f"{path or 'the document'}: {message}.",
            code=code,
            errors=[{"path": path, "message": message}],
        )

    @classmethod
    def whole(cls, message: str, *, code: str) -> Self:
        """The refusal of a whole document: its path is the empty one."""
        return cls(message, code=code, errors=[{"path": "", "message": message}])

    @property
    def errors(self) -> list[dict[str, str]]:
        return list(self.details["errors"])


class InvalidChangesError(InvalidInputError):
    """`proposed_changes` does not fit the schema (CONTRACT-006)."""

    code = "invalid_changes"


class InvalidVerdictError(InvalidInputError):
    """A validator's, a gate's or an auditor's verdict does not fit its form."""

    code = "invalid_verdict"


class TargetOutOfScopeError(InvalidInputError):
    """A change names a target that is not among the affected capabilities."""

    code = "target_out_of_scope"


class InvalidWindowError(InvalidInputError):
    """An activation window that ends before it starts, is over, or is longer than 168 hours."""

    code = "invalid_window"


class ConfirmationRequiredError(InvalidInputError):
    """A critical change was not confirmed by typing the contract's reference."""

    code = "confirmation_required"


class KeyReusedError(InvalidInputError):
    """An idempotency key that stands for another call: another body, path or user."""

    code = "idempotency_key_reused"


class ReasonRequiredError(InvalidInputError):
    """A decision that must be explained came without an explanation."""

    code = "reason_required"


# --- the state is wrong: not now, or never ------------------------------------------------------
class WrongStateError(GovernanceError):
    """The thing asked for is legal, but not for what stands there now."""

    code = "wrong_state"


class InvalidTransitionError(WrongStateError):
    """A contract may not move that way (CONTRACT-001)."""

    code = "invalid_transition"


class ContractImmutableError(InvalidTransitionError):
    """A terminal contract is never touched again (CONTRACT-005)."""

    code = "contract_immutable"


class ContractExpiredError(WrongStateError):
    """The time in which a founder could decide is over."""

    code = "contract_expired"


class ClarificationConflictError(WrongStateError):
    """A question while another one is open, or an answer where none is."""

    code = "clarification_conflict"


class AlreadySignedError(WrongStateError):
    """A founder's signature on this contract still stands; a person counts once."""

    code = "already_signed"


class MayNotVerdictError(WrongStateError):
    """Eligibility said MAY_NOT, and nobody can override that."""

    code = "may_not"


class DuplicateContractError(WrongStateError):
    """The same proposal, by reference and content, is a contract already."""

    code = "duplicate_contract"


class CapabilityFrozenError(WrongStateError):
    """A frozen capability is not changed, whoever asks."""

    code = "capability_frozen"


class HealthBlocksError(WrongStateError):
    """The platform is not well enough, or nobody can tell how it is."""

    code = "health_blocked"


class ChangeFreezeActiveError(WrongStateError):
    """A founder stopped the line; `details` say until when (`until`) and why (`reason`)."""

    code = "change_freeze_active"


class ContractActivationError(WrongStateError):
    """A contract cannot become a job; `code` says which guard refused."""

    code = "activation_refused"


class InvalidJobTransitionError(WrongStateError):
    """A job may not move that way (JOB-003)."""

    code = "invalid_job_transition"


class JobImmutableError(InvalidJobTransitionError):
    """A terminal job is never touched again (JOB-003)."""

    code = "job_immutable"


class OrphanJobError(WrongStateError):
    """A job without a contract, or a second one for the same contract (JOB-001)."""

    code = "orphan_job"


class StepOutOfOrderError(WrongStateError):
    """Steps run in order, each once, and none after a failure (JOB-002)."""

    code = "step_out_of_order"


class StepsOutstandingError(WrongStateError):
    """A job cannot complete while steps are unreported and none has failed."""

    code = "steps_outstanding"


class ResultConflictError(WrongStateError):
    """A different report for a step whose result is already on record (JOB-004)."""

    code = "result_conflict"


class VerdictConflictError(WrongStateError):
    """The verdict does not fit the job, or the job has one already (AUDIT)."""

    code = "verdict_conflict"


class IntegrityViolationError(WrongStateError):
    """PostgreSQL refused to rewrite the record; `details["constraint"]` names the guard."""

    code = "integrity_violation"


class RequestInProgressError(WrongStateError):
    """The same call, by its idempotency key, is being carried out at this moment; ask again."""

    code = "request_in_progress"


# --- the person is wrong: send somebody else ----------------------------------------------------
class WrongPersonError(GovernanceError):
    """This actor may not do this."""

    code = "not_permitted"


class FourEyesError(WrongPersonError):
    """Who proposed a contract does not decide on it."""

    code = "four_eyes"


class AuditorNotIndependentError(WrongPersonError):
    """An auditor took part in what is audited (AUDIT)."""

    code = "auditor_not_independent"


# --- the copy is stale: read again --------------------------------------------------------------
class StaleCopyError(GovernanceError):
    """The caller decided on something that is no longer what stands there."""

    code = "stale_copy"


class VersionMismatchError(StaleCopyError):
    """What the caller named as the version it has read is not what stands there now."""

    code = "precondition_failed"


class ViewChangedError(StaleCopyError):
    """What a founder read has changed meanwhile; `details["changed"]` says what, in words."""

    code = "view_changed"


class StaleExecutionError(StaleCopyError):
    """A report under an execution token that is not the job's current one."""

    code = "stale_execution"


class LeaseExpiredError(StaleExecutionError):
    """A report from an executor that was silent longer than its lease, and counts as lost."""

    code = "lease_expired"


class EvidenceMismatchError(StaleCopyError):
    """A verdict names evidence other than what was sealed (AUDIT)."""

    code = "evidence_mismatch"


# --- others are at it: ask again ----------------------------------------------------------------
class BusyError(GovernanceError):
    """PostgreSQL undid this for the sake of others, or they took too long; nothing was written.

    `details["undone_by"]` says why: `deadlock`, `serialization_failure`, `lock_timeout` or
    `statement_timeout`.
    """

    code = "busy"


# --- it is not there: look elsewhere ------------------------------------------------------------
class NotFoundError(GovernanceError):
    """No such thing."""

    code = "not_found"


class ContractArchivedError(NotFoundError):
    """The contract was here; it was archived and removed. `details` say where its chain ended
    (`entries`, `head_sha256`) and which file holds it (`file_sha256`)."""

    code = "contract_archived"
