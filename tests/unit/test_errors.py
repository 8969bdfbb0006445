"""Error classes: each has one stable code on which API clients may rely."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from governance.domain import errors
from governance.domain.errors import GovernanceError, InvalidInputError

# API clients branch on these codes: add a code with its error, and never change one.
ERROR_CODES = {
    "AlreadySignedError": "already_signed",
    "AuditorNotIndependentError": "auditor_not_independent",
    "BusyError": "busy",
    "CapabilityFrozenError": "capability_frozen",
    "ClarificationConflictError": "clarification_conflict",
    "ConfirmationRequiredError": "confirmation_required",
    "ContractActivationError": "activation_refused",
    "ContractArchivedError": "contract_archived",
    "ContractExpiredError": "contract_expired",
    "ContractImmutableError": "contract_immutable",
    "DuplicateContractError": "duplicate_contract",
    "EvidenceMismatchError": "evidence_mismatch",
    "FourEyesError": "four_eyes",
    "GovernanceError": "refused",
    "HealthBlocksError": "health_blocked",
    "InvalidChangesError": "invalid_changes",
    "InvalidInputError": "invalid_input",
    "InvalidJobTransitionError": "invalid_job_transition",
    "InvalidTransitionError": "invalid_transition",
    "InvalidVerdictError": "invalid_verdict",
    "InvalidWindowError": "invalid_window",
    "JobImmutableError": "job_immutable",
    "KeyReusedError": "idempotency_key_reused",
    "LeaseExpiredError": "lease_expired",
    "ChangeFreezeActiveError": "change_freeze_active",
    "MayNotVerdictError": "may_not",
    "NotFoundError": "not_found",
    "OrphanJobError": "orphan_job",
    "ReasonRequiredError": "reason_required",
    "IntegrityViolationError": "integrity_violation",
    "RequestInProgressError": "request_in_progress",
    "ResultConflictError": "result_conflict",
    "StaleCopyError": "stale_copy",
    "StaleExecutionError": "stale_execution",
    "StepOutOfOrderError": "step_out_of_order",
    "StepsOutstandingError": "steps_outstanding",
    "TargetOutOfScopeError": "target_out_of_scope",
    "VerdictConflictError": "verdict_conflict",
    "VersionMismatchError": "precondition_failed",
    "ViewChangedError": "view_changed",
    "WrongPersonError": "not_permitted",
    "WrongStateError": "wrong_state",
}
# Each family calls for one reaction of the caller; each error belongs to exactly one.
FAMILIES = (
    errors.InvalidInputError,
    errors.WrongStateError,
    errors.WrongPersonError,
    errors.StaleCopyError,
    errors.BusyError,
    errors.NotFoundError,
)


def every_error(kind: type[GovernanceError] = GovernanceError) -> Iterator[type[GovernanceError]]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from every_error(subclass)


def test_codes__of_every_error__stay_what_they_are() -> None:
    assert {kind.__name__: kind.code for kind in every_error()} == ERROR_CODES


def test_codes__of_every_error__are_its_own() -> None:
    assert all("code" in vars(kind) for kind in every_error())
    assert len(set(ERROR_CODES.values())) == len(ERROR_CODES)


def test_errors__every_one__belongs_to_one_family() -> None:
    for kind in set(every_error()) - {GovernanceError}:
        assert sum(issubclass(kind, family) for family in FAMILIES) == 1, kind


def test_errors__every_one__is_documented_beside_the_others() -> None:
    for kind in every_error():
        assert kind.__doc__, kind
        assert kind.__module__ == errors.__name__, kind


def test_error__with_a_code_of_its_own__carries_it_without_touching_its_kind() -> None:
    refusal = errors.HealthBlocksError("Nobody can tell.", code="health_unknown")
    assert (refusal.code, str(refusal)) == ("health_unknown", "Nobody can tell.")
    assert errors.HealthBlocksError("It blocks.").code == "health_blocked"


def test_error__details__are_a_copy() -> None:
    details = {"status": "DRAFT"}
    refusal = GovernanceError("No.", details=details)
    refusal.details["status"] = "ELIGIBLE"
    assert details == {"status": "DRAFT"}


@pytest.mark.parametrize("errors_given", [(), [{"path": "a", "message": "b"}]])
def test_invalid_input__errors__are_in_its_details(errors_given: list[dict[str, str]]) -> None:
    refusal = InvalidInputError("No.", errors=errors_given)
    assert refusal.errors == refusal.details["errors"] == list(errors_given)
