"""Errors of proposals, and of decisions on contracts."""

from __future__ import annotations

from typing import Any

from governance.domain.errors.base import (
    Advice,
    InvalidInputError,
    NotFoundError,
    StaleCopyError,
    WrongPersonError,
    WrongStateError,
)


# --- the input ---
class InvalidChangesError(InvalidInputError, code="invalid_changes"):
    """Proposed changes that do not fit the schema of changes."""


class NothingModifiedError(InvalidChangesError, code="nothing_modified"):
    """A modification that leaves the contract's changes as they are."""


class SecretInClearError(InvalidInputError, code="secret_in_clear"):
    """A secret in clear: the value of a secret's key must be a reference, `secret://NAME`."""


class TargetOutOfScopeError(InvalidInputError, code="target_out_of_scope"):
    """A change with a target outside the contract's affected capabilities."""


class InvalidPlanError(InvalidInputError, code="invalid_plan"):
    """A plan that does not have one step for each change."""


class InvalidVerdictError(InvalidInputError, code="invalid_verdict"):
    """A verdict that does not fit its form; usually the reason is missing."""


class InvalidWindowError(
    InvalidInputError,
    code="invalid_window",
    constraints=("contract_window_in_bounds", "signature_window_in_bounds"),
):
    """An activation window that ends before it opens, is over, is longer than 168 hours, or opens
    too far ahead.
    """


class ConfirmationRequiredError(InvalidInputError, code="confirmation_required"):
    """An approval of a critical contract without its reference, typed exactly."""


class SiblingNoteRequiredError(InvalidInputError, code="sibling_note_required"):
    """An approval without a note, beside another open contract on the same capabilities."""


# --- the state ---
class InvalidTransitionError(
    WrongStateError, code="invalid_transition", constraints=("contract_moves",)
):
    """A decision that the contract's status does not allow."""


class ContractImmutableError(
    InvalidTransitionError,
    code="contract_immutable",
    constraints=("contract_terminal_immutable", "governance_systemcontract_parent_id_key"),
):
    """A change of a contract that has ended."""


class DuplicateContractError(
    WrongStateError,
    code="duplicate_contract",
    constraints=("contract_proposed_once",),
):
    """A proposal that is a contract already, with the same reference and content."""


class ReferenceTakenError(
    WrongStateError,
    code="reference_taken",
    advice=Advice.FIX_REQUEST,
    constraints=(
        "contract_takes_reference",
        "governance_takenreference_contract_id_key",
        "governance_takenreference_pkey",
        "governance_takenreference_reference_key",
    ),
):
    """A proposal with the reference of another contract, or one that looks like it.

    `details.contract_id` is the other contract's id.
    """


class MayNotVerdictError(
    WrongStateError,
    code="may_not",
    advice=Advice.STOP,
    constraints=("contract_eligible_means_may", "contract_eligible_verdict_says_may"),
):
    """A contract whose eligibility decision is not MAY; nobody can override it."""


class NotEligibleError(WrongStateError, code="not_eligible"):
    """A review of a contract that is not ELIGIBLE; `details.status` is its status."""


class ContractExpiredError(WrongStateError, code="contract_expired"):
    """A decision on a contract whose time for review is over."""


class ReviewOpenError(WrongStateError, code="review_open"):
    """The expiry of a contract whose time for review is not over."""


class ReviewPausedError(WrongStateError, code="review_paused"):
    """The expiry of a contract with an open question, which pauses the review."""


class AlreadySignedError(
    WrongStateError, code="already_signed", constraints=("signature_counts_once",)
):
    """A second signature of a founder whose first one still counts."""


class ClarificationConflictError(
    WrongStateError,
    code="clarification_conflict",
    constraints=(
        "clarification_in_turn",
        "clarification_numbered_once",
        "governance_clarificationanswer_request_id_key",
    ),
):
    """A question or an answer that came at the same time as another one."""


class ClarificationOpenError(ClarificationConflictError, code="clarification_open"):
    """A question while another one is open."""


class NoOpenClarificationError(ClarificationConflictError, code="no_open_clarification"):
    """An answer while no question is open."""


class NotLapsedError(WrongStateError, code="not_lapsed"):
    """The lapse of an ACTIVE contract, which ends only by its verdict."""


class WindowOpenError(WrongStateError, code="window_open"):
    """The lapse of a contract whose activation window is not over."""


class NotRepeatableError(WrongStateError, code="not_repeatable", constraints=("contract_repeats",)):
    """A repetition of a contract that did not fail, expire or get rejected."""


class NotRolledBackError(
    WrongStateError, code="not_rolled_back", constraints=("contract_rolls_back",)
):
    """A rollback of a contract that did not fail with a completed step, or that does something
    else than undo its completed steps.
    """


class NothingToRollBackError(WrongStateError, code="nothing_to_roll_back"):
    """A rollback that would change nothing, because every setting was set again since; the message
    names them.
    """


class RollbackOpenError(
    WrongStateError, code="rollback_open", constraints=("contract_one_open_rollback",)
):
    """A second rollback of a contract while the first one is open."""


class NotPreAuthorisedError(
    WrongStateError, code="not_pre_authorised", constraints=("approval_pre_authorised",)
):
    """An approval without signatures of a rollback that was not authorised exactly so."""


class NotActiveError(WrongStateError, code="not_active"):
    """A verdict on a contract that is not ACTIVE."""


class VerdictNotPassError(WrongStateError, code="verdict_not_pass"):
    """The completion of a contract on another verdict than PASS."""


# --- the person ---
class FourEyesError(
    WrongPersonError,
    code="four_eyes",
    constraints=("contract_four_eyes", "signature_four_eyes", "clarification_four_eyes"),
):
    """A decision of a person on the contract that the person proposed, or an answer of a person to
    the question that the person asked.
    """


# --- what was read ---
class ViewChangedError(StaleCopyError, code="view_changed"):
    """A signature on a page that has changed since; `details.changed` lists the changes."""


class NotPreviewedError(StaleCopyError, code="not_previewed"):
    """A modification that differs from its last preview."""


# --- what does not exist ---
class ContractNotFoundError(NotFoundError, code="contract_not_found"):
    """A contract that does not exist, or is outside the token's capabilities."""

    def __init__(self, contract_id: Any) -> None:
        super().__init__(f"There is no contract {contract_id}.")


class ContractArchivedError(NotFoundError, code="contract_archived", http_status=410):
    """A contract that ended, was archived and removed; `details` identify its archive file.

    They have the head of its chain (`entries`, `head_sha256`) and its file (`file_sha256`).
    """
