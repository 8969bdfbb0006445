"""Translation of PostgreSQL's errors into errors of the domain, by constraint or database guard.

The Python guards check first and have better messages. This translation is for writes that pass
them, such as two requests that race: the caller still gets an error of the domain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, OperationalError

from governance.domain import errors

CONSTRAINT_ERRORS: dict[str, type[errors.GovernanceError]] = {
    "contract_moves": errors.InvalidTransitionError,
    "contract_terminal_immutable": errors.ContractImmutableError,
    "contract_eligible_means_may": errors.MayNotVerdictError,
    "contract_proposed_once": errors.DuplicateContractError,
    "contract_revision_named_once": errors.DuplicateContractError,
    "contract_succession": errors.WrongStateError,
    "governance_systemcontract_parent_id_key": errors.ContractImmutableError,
    "contract_four_eyes": errors.FourEyesError,
    "contract_approves_its_content": errors.StaleCopyError,
    "contract_window_in_bounds": errors.InvalidWindowError,
    "signature_in_turn": errors.WrongStateError,
    "signature_numbered_once": errors.WrongStateError,
    "signature_four_eyes": errors.FourEyesError,
    "signature_signs_content": errors.StaleCopyError,
    "signature_counts_once": errors.AlreadySignedError,
    "signature_window_in_bounds": errors.InvalidWindowError,
    "change_freeze_active": errors.ChangeFreezeActiveError,
    "freeze_lift_in_time": errors.WrongStateError,
    "governance_freezelift_freeze_id_key": errors.WrongStateError,
    "clarification_in_turn": errors.ClarificationConflictError,
    "clarification_numbered_once": errors.ClarificationConflictError,
    "governance_clarificationanswer_request_id_key": errors.ClarificationConflictError,
    "clarification_four_eyes": errors.FourEyesError,
    "job_moves": errors.InvalidJobTransitionError,
    "job_terminal_immutable": errors.JobImmutableError,
    "job_belongs_to_active_contract": errors.OrphanJobError,
    "governance_governancejob_contract_id_key": errors.OrphanJobError,
    "step_results_in_order": errors.StepOutOfOrderError,
    "step_result_needs_running_job": errors.InvalidJobTransitionError,
    "step_result_in_lease": errors.LeaseExpiredError,
    "job_completed_in_lease": errors.LeaseExpiredError,
    "result_once_per_step": errors.ResultConflictError,
    "audit_fits_job": errors.VerdictConflictError,
    "governance_governanceaudit_job_id_key": errors.VerdictConflictError,
    "governance_auditresolution_audit_id_key": errors.VerdictConflictError,
    "resolution_of_inconclusive": errors.VerdictConflictError,
    "audit_names_evidence": errors.EvidenceMismatchError,
    "audit_independent": errors.AuditorNotIndependentError,
    "governance_idempotencyrecord_pkey": errors.RequestInProgressError,
}

# The SQLSTATEs with which PostgreSQL rolls back a transaction because of others or of a limit.
UNDONE_BY: dict[str, str] = {
    "40001": "serialization_failure",
    "40P01": "deadlock",
    "55P03": "lock_timeout",
    "57014": "statement_timeout",
}


@contextmanager
def translated_errors() -> Iterator[None]:
    """Translate an error of PostgreSQL inside the block into an error of the domain.

    Raises:
        GovernanceError: the class that `CONSTRAINT_ERRORS` has for the constraint; otherwise
            IntegrityViolationError.
        BusyError: if PostgreSQL rolled back with an SQLSTATE of `UNDONE_BY`.
    """
    try:
        yield
    except IntegrityError as error:
        constraint = constraint_name(error)
        if constraint is None:
            raise
        error_class = CONSTRAINT_ERRORS.get(constraint, errors.IntegrityViolationError)
        refusal = error_class(str(error).splitlines()[0])
        refusal.details["constraint"] = constraint
        raise refusal from error
    except OperationalError as error:
        undone_by = UNDONE_BY.get(getattr(error.__cause__, "sqlstate", None) or "")
        if undone_by is None:
            raise
        raise errors.BusyError(
            "Another transaction was in the way, and nothing was written; retry.",
            details={"undone_by": undone_by},
        ) from error


def constraint_name(error: IntegrityError) -> str | None:
    """Return the constraint or database guard that PostgreSQL named, if any."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return diagnosis.constraint_name if diagnosis else None
