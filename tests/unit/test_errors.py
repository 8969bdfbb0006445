"""Error classes: each declares one stable code on which API clients and scripts may rely."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.api import errors as api_errors
from governance.domain import errors
from governance.domain.errors import (
    ContractActivationError,
    GovernanceError,
    InvalidInputError,
    NotFoundError,
    every_error,
)

# Clients and scripts branch on these codes: add a code with its error, and never change one.
ERROR_CODES = {
    "AddressTooLongError": "address_too_long",
    "AlreadySignedError": "already_signed",
    "ApprovedTargetOutOfScopeError": "target_out_of_scope",
    "ApproverMissingError": "approver_missing",
    "ArchiveInUseError": "archive_in_use",
    "ArchiveUnfinishedError": "archive_unfinished",
    "AttemptConflictError": "attempt_conflict",
    "AuditNotFoundError": "audit_not_found",
    "AuditorInsideError": "auditor_inside",
    "AuditorNotIndependentError": "auditor_not_independent",
    "BadArchiveError": "bad_archive",
    "BadCheckpointError": "bad_checkpoint",
    "BadEnvelopeError": "bad_envelope",
    "BadRequestError": "bad_request",
    "BadSignatureError": "bad_signature",
    "BusyError": "busy",
    "CannotServeError": "cannot_serve",
    "CapabilityFrozenError": "capability_frozen",
    "BreakerNotFoundError": "breaker_not_found",
    "BreakerNotOpenError": "breaker_not_open",
    "ChangeFreezeActiveError": "change_freeze_active",
    "ClarificationConflictError": "clarification_conflict",
    "ClarificationOpenError": "clarification_open",
    "ConfirmationRequiredError": "confirmation_required",
    "ContentChangedError": "content_changed",
    "ContractArchivedError": "contract_archived",
    "ContractExpiredError": "contract_expired",
    "ContractImmutableError": "contract_immutable",
    "ContractNotApprovedError": "contract_not_approved",
    "ContractNotFoundError": "contract_not_found",
    "DatabaseUnavailableError": "database_unavailable",
    "DocumentTooLargeError": "document_too_large",
    "DuplicateContractError": "duplicate_contract",
    "EarlierVersionError": "earlier_version",
    "EndingsChangedError": "endings_changed",
    "EvidenceMismatchError": "evidence_mismatch",
    "EvidenceNotSealedError": "evidence_not_sealed",
    "FileExistsAlreadyError": "file_exists",
    "FourEyesError": "four_eyes",
    "FreezeNotFoundError": "freeze_not_found",
    "FreezeOverError": "freeze_over",
    "GroupNotFoundError": "group_not_found",
    "HealthBlocksError": "health_blocked",
    "HealthUnknownError": "health_unknown",
    "InTheFutureError": "in_the_future",
    "IntegrityViolationError": "integrity_violation",
    "InvalidChangesError": "invalid_changes",
    "InvalidHeaderError": "invalid_header",
    "InvalidIdempotencyKeyError": "invalid_idempotency_key",
    "InvalidInputError": "invalid_input",
    "InvalidJobTransitionError": "invalid_job_transition",
    "InvalidJsonError": "invalid_json",
    "NumberNotExactError": "number_not_exact",
    "InvalidParameterError": "invalid_parameter",
    "InvalidNameError": "invalid_name",
    "InvalidHealthRulesError": "invalid_health_rules",
    "InvalidRoutesError": "invalid_routes",
    "InvalidPlanError": "invalid_plan",
    "InvalidTransitionError": "invalid_transition",
    "InvalidVerdictError": "invalid_verdict",
    "InvalidWindowError": "invalid_window",
    "JobImmutableError": "job_immutable",
    "JobRunsByItselfError": "runs_by_itself",
    "JobLeftAloneError": "job_left_alone",
    "JobNotFoundError": "job_not_found",
    "KeyReusedError": "idempotency_key_reused",
    "LeaseExpiredError": "lease_expired",
    "LeaseNotOverError": "not_timed_out",
    "LengthRequiredError": "length_required",
    "MalformedJsonError": "malformed_json",
    "MayNotVerdictError": "may_not",
    "MethodNotAllowedError": "method_not_allowed",
    "NoActiveFreezeError": "no_active_freeze",
    "NoLongerEligibleError": "no_longer_eligible",
    "NoOpenClarificationError": "no_open_clarification",
    "NoTokenError": "no_token",
    "MachineAccountError": "machine_account",
    "NotAServiceAccountError": "not_a_service_account",
    "NotAcceptableError": "not_acceptable",
    "NotActiveError": "not_active",
    "NotAuthenticatedError": "not_authenticated",
    "NotEligibleError": "not_eligible",
    "NotEmptyError": "not_empty",
    "NotFoundError": "not_found",
    "NotLapsedError": "not_lapsed",
    "NotMigratedError": "not_migrated",
    "NotOwnNoticeError": "not_own_notice",
    "NotPreAuthorisedError": "not_pre_authorised",
    "NotPreviewedError": "not_previewed",
    "NotRepeatableError": "not_repeatable",
    "NotRolledBackError": "not_rolled_back",
    "NotTheOwnerError": "not_the_owner",
    "NotUtf8Error": "not_utf8",
    "NothingModifiedError": "nothing_modified",
    "NothingToRollBackError": "nothing_to_roll_back",
    "OrphanJobError": "orphan_job",
    "PermissionDeniedError": "permission_denied",
    "PlanMismatchError": "plan_mismatch",
    "PlatformChangedError": "platform_changed",
    "ReasonRequiredError": "reason_required",
    "ReferenceTakenError": "reference_taken",
    "RequestInProgressError": "request_in_progress",
    "RequestTokenExpiredError": "token_expired",
    "RequestTokenRevokedError": "token_revoked",
    "RequestUserInactiveError": "user_inactive",
    "ResponseLostError": "answer_lost",
    "ResultConflictError": "result_conflict",
    "ReviewOpenError": "review_open",
    "ReviewPausedError": "review_paused",
    "RollbackOpenError": "rollback_open",
    "RoutesUnusableError": "routes_unusable",
    "RoleMissingError": "role_missing",
    "RoleTooStrongError": "role_too_strong",
    "SiblingNoteRequiredError": "sibling_note_required",
    "SignerNotActiveError": "signer_not_active",
    "SimilarNameError": "similar_name",
    "ScopeBusyError": "scope_busy",
    "SecretInClearError": "secret_in_clear",
    "StaleCopyError": "stale_copy",
    "StaleExecutionError": "stale_execution",
    "StepOutOfOrderError": "step_out_of_order",
    "StepsOutstandingError": "steps_outstanding",
    "TargetOutOfScopeError": "target_out_of_scope",
    "ThrottledError": "throttled",
    "TokenExpiredError": "token_expired",
    "TokenIssuedError": "token_issued",
    "TokenNotFoundError": "token_not_found",
    "TokenRevokedError": "token_revoked",
    "TokenRotatedError": "token_rotated",
    "TooManyEndingsError": "too_many_endings",
    "TooManyStreamsError": "too_many_streams",
    "UnexpectedError": "internal_error",
    "UnknownTokenError": "authentication_failed",
    "UnreadableFileError": "unreadable_file",
    "UnusableSecretError": "unusable_secret",
    "UnsupportedMediaTypeError": "unsupported_media_type",
    "UnusableKeyError": "unusable_key",
    "UnwritableFileError": "unwritable_file",
    "UserInactiveError": "user_inactive",
    "UserNotFoundError": "user_not_found",
    "VerdictConflictError": "verdict_conflict",
    "VerdictExistsError": "verdict_exists",
    "VerdictFinalError": "verdict_final",
    "VerdictNotPassError": "verdict_not_pass",
    "VersionMismatchError": "precondition_failed",
    "ViewChangedError": "view_changed",
    "WindowClosedError": "window_closed",
    "WindowOpenError": "window_open",
    "WrongPersonError": "not_permitted",
    "WrongStateError": "wrong_state",
}
# The same fault, refused by the API with another status than by a form or a command.
SHARED_CODES = {"target_out_of_scope", "token_expired", "token_revoked", "user_inactive"}
# Each family calls for one reaction of the caller; each error belongs to exactly one.
FAMILIES = (
    errors.InvalidInputError,
    errors.WrongStateError,
    errors.WrongPersonError,
    errors.StaleCopyError,
    errors.BusyError,
    errors.NotFoundError,
    api_errors.NotAuthenticatedError,
    api_errors.UnexpectedError,
)
ROOT = Path(__file__).resolve().parents[2]
DECLARATIONS = [*ROOT.glob("governance/domain/errors/*.py"), ROOT / "governance/api/errors.py"]


def declared_errors() -> list[type[GovernanceError]]:
    """Return the product's errors; a test module may declare some of its own."""
    return [error for error in every_error() if error.__module__.startswith("governance.")]


def test_codes__of_every_error__stay_what_they_are() -> None:
    codes = {error.__name__: error.code for error in declared_errors()}
    assert codes.pop("ContractActivationError") == "wrong_state"  # only its subclasses are raised
    assert codes == ERROR_CODES


def test_codes__of_every_error__are_declared_exactly_once() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in DECLARATIONS)
    codes = {error.code for error in declared_errors()}
    assert {code for code in codes if texts.count(f'code="{code}"') != 1} == set()


def test_codes__of_two_errors__are_shared_on_purpose() -> None:
    codes = [error.code for error in declared_errors() if error is not ContractActivationError]
    assert {code for code in codes if codes.count(code) > 1} == SHARED_CODES


def test_code__that_no_class_declares__cannot_be_raised() -> None:
    with pytest.raises(TypeError, match="code"):
        NotFoundError("There is no such thing.", code="thing_not_found")  # type: ignore[call-arg]


def test_class__without_a_code__cannot_be_declared() -> None:
    with pytest.raises(AttributeError, match="code"):
        type("NamelessError", (GovernanceError,), {})


def test_errors__every_one__belongs_to_one_family() -> None:
    for error in declared_errors():
        assert sum(issubclass(error, family) for family in FAMILIES) == 1, error


def test_errors__every_one__is_declared_beside_the_others_with_a_meaning() -> None:
    for error in declared_errors():
        assert error.__module__.startswith((f"{errors.__name__}.", api_errors.__name__)), error
        assert vars(error)["__doc__"], error
        assert error.meaning().endswith("."), error
        assert "\n" not in error.meaning(), error


def test_errors__constraints__become_one_error_each() -> None:
    constraints = [name for error in declared_errors() for name in error.constraints]
    assert len(set(constraints)) == len(constraints) > 30


def test_meaning__is_the_first_paragraph_on_one_line() -> None:
    meaning = errors.IntegrityViolationError.meaning()
    assert meaning.startswith("A write that PostgreSQL refused, so nothing was written;")
    assert errors.InvalidInputError.meaning().endswith("`errors` names each.")


def test_error__without_its_own_advice_and_status__has_those_of_its_family() -> None:
    assert errors.JobNotFoundError.http_status == NotFoundError.http_status == 404
    assert errors.JobNotFoundError.advice is NotFoundError.advice is errors.Advice.STOP
    assert errors.ContractArchivedError.http_status == 410
    assert errors.LeaseExpiredError.advice is errors.StaleExecutionError.advice
    assert errors.JobImmutableError.constraints != errors.InvalidJobTransitionError.constraints


def test_error__details__are_a_copy() -> None:
    details = {"status": "DRAFT"}
    refusal = errors.WrongStateError("No.", details=details)
    refusal.details["status"] = "ELIGIBLE"
    assert details == {"status": "DRAFT"}


@pytest.mark.parametrize("errors_given", [(), [{"path": "a", "message": "b"}]])
def test_invalid_input__errors__are_in_its_details(errors_given: list[dict[str, str]]) -> None:
    refusal = InvalidInputError("No.", errors=errors_given)
    assert refusal.errors == refusal.details["errors"] == list(errors_given)
