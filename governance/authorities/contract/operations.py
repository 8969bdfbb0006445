"""The moves of a contract: the only writer of its status.

Each move is guards, move and ledger entry, on a contract that is locked. `at` is the time that was
read as the contract was locked. A refusal is a GovernanceError, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.authorities.contract import ledger_entries
from governance.authorities.contract.guards import (
    refuse_expired,
    refuse_proposer,
    require_decision_reason,
    require_move,
    require_withdrawable,
)
from governance.db.transactions import retried, write_transaction
from governance.domain.canonical import digest
from governance.domain.errors import (
    NotActiveError,
    NotLapsedError,
    ReviewOpenError,
    ReviewPausedError,
    VerdictNotPassError,
    WindowOpenError,
)
from governance.domain.values import WITHDRAWN, ActivationWindow, AuditVerdict, ContractStatus
from governance.domain.verdicts import parse_eligibility_verdict, parse_validator_verdict
from governance.models import Account, RollbackAuthorisation, SystemContract
from governance.record.ledger.chain import NewEntry, append_entries, lock_contract

_CLOSING = ("closed_at", "closed_by", "closed_reason")
# The fields that a move to each status saves, besides the status and the time of the change.
_WRITTEN_BY_MOVE: Mapping[ContractStatus, Sequence[str]] = {
    ContractStatus.VALIDATED: (
        *("validator_verdict", "confidence_score", "risk_level", "risk_asked"),
    ),
    ContractStatus.ELIGIBLE: ("eligibility_verdict", "eligibility_decision", "content_digest"),
    ContractStatus.APPROVED: (
        *("approved_by", "approved_at", "approved_digest", "approval_note"),
        *("window_opens_at", "window_closes_at", "approval_kind", "authorisation_sha256"),
    ),
    ContractStatus.ACTIVE: (),
    ContractStatus.COMPLETED: ("audit_verdict", *_CLOSING),
    ContractStatus.FAILED: ("audit_verdict", *_CLOSING),
    ContractStatus.REJECTED: ("eligibility_verdict", "eligibility_decision", *_CLOSING),
    ContractStatus.EXPIRED: _CLOSING,
}


@retried
def record_review_verdicts(
    *,
    contract_id: UUID,
    validator_verdict: Mapping[str, Any],
    eligibility_verdict: Mapping[str, Any],
    actor: Account,
) -> SystemContract:
    """Record the verdicts on a DRAFT: MAY moves it to ELIGIBLE, MAY_NOT to REJECTED.

    Raises:
        InvalidVerdictError: a verdict does not fit its form.
        NotFoundError: no such contract.
        InvalidTransitionError: the contract is not a DRAFT.
        ContractExpiredError: the time for review is over.
    """
    parse_validator_verdict(validator_verdict)
    verdict = parse_eligibility_verdict(eligibility_verdict)
    with write_transaction():
        contract, at = lock_contract(contract_id)
        require_move(contract, ContractStatus.VALIDATED)
        refuse_expired(contract, at)
        contract.to_validated(validator_verdict=validator_verdict)
        _save_move(contract, at=at)
        new_entries = [ledger_entries.validation_entry(contract)]
        if verdict.may:
            contract.to_eligible(eligibility_verdict=eligibility_verdict)
            new_entries.append(ledger_entries.eligibility_entry(contract))
        else:
            contract.eligibility_verdict = dict(eligibility_verdict)
            contract.eligibility_decision = verdict.decision
            contract.to_rejected(at=at, by=actor, reason=verdict.reason)
            new_entries.append(
                ledger_entries.transition_entry(
                    contract,
                    "contract.eligibility.refused",
                    ContractStatus.VALIDATED,
                    records={
                        "eligibility_verdict_sha256": digest(contract.eligibility_verdict),
                        "closing_sha256": digest(contract.closing_record()),
                    },
                )
            )
        _save_move(contract, at=at)
        append_entries(contract_id=contract.pk, actor=actor, at=at, entries=new_entries)
    return contract


@retried
def expire_contract(*, contract_id: UUID, actor: Account) -> SystemContract:
    """Move a DRAFT, VALIDATED or ELIGIBLE contract to EXPIRED after its time for review.

    Raises:
        NotFoundError: no such contract.
        InvalidTransitionError: the contract has another status.
        ReviewOpenError: the review is not over.
        ReviewPausedError: the review is paused.
    """
    with write_transaction():
        contract, at = lock_contract(contract_id)
        before = require_move(contract, ContractStatus.EXPIRED)
        ends_at = contract.review_ends_at
        if ends_at is None:
            raise ReviewPausedError("A question is open; the review is paused.")
        if at <= ends_at:
            raise ReviewOpenError(f"The time for review runs until {ends_at:%Y-%m-%d %H:%M} UTC.")
        contract.to_expired(at=at, by=actor, reason="review_ttl_passed")
        _close_and_record(contract, "contract.review.expired", before, actor=actor, at=at)
    return contract


@retried
def fail_contract_past_window(*, contract_id: UUID, actor: Account) -> SystemContract:
    """Move an APPROVED contract to FAILED (`window_lapsed`) after its activation window.

    Raises:
        NotFoundError: no such contract.
        InvalidTransitionError: the contract cannot fail.
        NotLapsedError: the contract is ACTIVE.
        WindowOpenError: the window is not over.
    """
    with write_transaction():
        contract, at = lock_contract(contract_id)
        if contract.status != ContractStatus.APPROVED:
            require_move(contract, ContractStatus.FAILED)
            raise NotLapsedError("An ACTIVE contract ends only by its verdict.")
        if contract.window is None or at <= contract.window.closes_at:
            raise WindowOpenError("The activation window is not over.")
        contract.to_failed(at=at, by=actor, reason="window_lapsed")
        _close_and_record(
            contract, "contract.window.lapsed", ContractStatus.APPROVED, actor=actor, at=at
        )
    return contract


# --- moves inside the transaction of a flow or of another operation ------------------------------
# The caller has locked `contract`.
def approve(
    *,
    contract: SystemContract,
    founder: Account,
    window: ActivationWindow,
    note: str,
    records: Mapping[str, str],
    at: datetime,
) -> None:
    """Move an ELIGIBLE contract to APPROVED; `sign_contract` wrote the last signature."""
    contract.to_approved(founder=founder, at=at, window=window, note=note)
    _save_and_record(
        contract,
        "contract.review.approved",
        ContractStatus.ELIGIBLE,
        actor=founder,
        at=at,
        reason=note,
        records={**records, "approval_sha256": digest(contract.approval_record())},
    )


def approve_beforehand(
    *,
    contract: SystemContract,
    authorisation: RollbackAuthorisation,
    window: ActivationWindow,
    note: str,
    actor: Account,
    at: datetime,
) -> None:
    """Move an ELIGIBLE rollback to APPROVED by an authorisation that founders gave before."""
    contract.to_approved(
        founder=authorisation.founder,
        at=at,
        window=window,
        note=note,
        authorisation_sha256=authorisation.sha256,
    )
    _save_and_record(
        contract,
        "contract.review.pre_authorised",
        ContractStatus.ELIGIBLE,
        actor=actor,
        at=at,
        reason=note,
        records={"approval_sha256": digest(contract.approval_record())},
    )


def reject(*, contract: SystemContract, founder: Account, reason: str, at: datetime) -> None:
    """Move a DRAFT, VALIDATED or ELIGIBLE contract to REJECTED, with a reason for the requester.

    Raises:
        ReasonRequiredError: the reason has 10 characters or less.
        InvalidTransitionError: the contract has another status.
        FourEyesError: the founder is the proposer.
    """
    reason = require_decision_reason(reason)
    before = require_move(contract, ContractStatus.REJECTED)
    refuse_proposer(contract, founder)
    contract.to_rejected(at=at, by=founder, reason=reason)
    _close_and_record(contract, "contract.review.rejected", before, actor=founder, at=at)


def withdraw(*, contract: SystemContract, founder: Account, reason: str, at: datetime) -> None:
    """Move an APPROVED contract to FAILED (`approval_withdrawn`), with a founder's reason.

    Every founder may, the proposer and the approvers too.

    Raises:
        ReasonRequiredError: the reason has 10 characters or less.
        InvalidTransitionError: the contract has another status.
    """
    reason = require_decision_reason(reason)
    require_withdrawable(contract)
    contract.to_failed(at=at, by=founder, reason=f"{WITHDRAWN}: {reason}")
    _close_and_record(
        contract, "contract.approval.withdrawn", ContractStatus.APPROVED, actor=founder, at=at
    )


def supersede(
    *,
    contract: SystemContract,
    successor: SystemContract,
    founder: Account,
    reason: str,
    at: datetime,
) -> None:
    """Move an ELIGIBLE contract to REJECTED because `successor` replaces it."""
    before = require_move(contract, ContractStatus.REJECTED)
    contract.to_rejected(at=at, by=founder, reason=reason)
    records = {"successor_id": str(successor.pk)}
    _close_and_record(
        contract, "contract.review.superseded", before, actor=founder, at=at, records=records
    )


def activate(*, contract: SystemContract, at: datetime) -> NewEntry:
    """Move the APPROVED contract to ACTIVE in memory, and return the ledger entry.

    The SQL call of the activation (`activate_contract.sql`) writes the row and the entry.
    """
    before = require_move(contract, ContractStatus.ACTIVE)
    contract.to_active()
    contract.updated_at = at
    return ledger_entries.transition_entry(contract, "contract.activation.activated", before)


def complete(
    *,
    contract: SystemContract,
    verdict: AuditVerdict,
    actor: Account,
    at: datetime,
    reason: str,
    records: Mapping[str, str],
) -> None:
    """Move an ACTIVE contract to COMPLETED, only on PASS (CONTRACT-004), with its verdict."""
    before = require_move(contract, ContractStatus.COMPLETED)
    if verdict is not AuditVerdict.PASS:
        raise VerdictNotPassError(f"A contract is completed on PASS, not on {verdict}.")
    contract.to_completed(at=at, by=actor, reason=reason)
    _close_and_record(
        contract, "contract.audit.passed", before, actor=actor, at=at, records=records
    )


def fail(
    *,
    contract: SystemContract,
    actor: Account,
    at: datetime,
    reason: str,
    records: Mapping[str, str],
) -> None:
    """Move an ACTIVE contract to FAILED on a verdict of FAIL."""
    before = contract.status
    if before != ContractStatus.ACTIVE:
        require_move(contract, ContractStatus.FAILED)
        raise NotActiveError("Only an ACTIVE contract fails by its verdict.")
    contract.to_failed(at=at, by=actor, reason=reason)
    _close_and_record(
        contract, "contract.audit.failed", before, actor=actor, at=at, records=records
    )


def mark_inconclusive(
    *,
    contract: SystemContract,
    actor: Account,
    at: datetime,
    reason: str,
    records: Mapping[str, str],
) -> None:
    """Record an INCONCLUSIVE verdict; the contract stays ACTIVE and waits for a resolution."""
    if contract.status != ContractStatus.ACTIVE:
        raise NotActiveError(
            f"Only an ACTIVE contract takes a verdict; this one is {contract.status}."
        )
    contract.audit_verdict = AuditVerdict.INCONCLUSIVE
    contract.save_change(["audit_verdict"], at=at)
    append_entries(
        contract_id=contract.pk,
        actor=actor,
        at=at,
        entries=[NewEntry("contract.audit.inconclusive", reason=reason, records=records)],
    )


def note_attempt(
    *,
    contract: SystemContract,
    actor: Account,
    at: datetime,
    reason: str,
    records: Mapping[str, str],
) -> None:
    """Record in the ledger an attempt of the audit; the contract stays as it is."""
    contract.save_change(at=at)
    append_entries(
        contract_id=contract.pk,
        actor=actor,
        at=at,
        entries=[NewEntry("contract.audit.attempted", reason=reason, records=records)],
    )


def set_review_clock(*, contract: SystemContract, ends_at: datetime | None, at: datetime) -> None:
    """Pause the review of a locked contract (None), or set its end to `ends_at`.

    `clarifications.py` writes the question or answer that causes this, with its ledger entry.
    """
    contract.review_ends_at = ends_at
    contract.save_change(["review_ends_at"], at=at)


# --- pieces -------------------------------------------------------------------------------------
def _save_move(contract: SystemContract, *, at: datetime) -> None:
    written = _WRITTEN_BY_MOVE[ContractStatus(contract.status)]
    contract.save_change(["status", *written], at=at)


def _save_and_record(
    contract: SystemContract,
    event: str,
    before: str,
    *,
    actor: Account,
    at: datetime,
    reason: str = "",
    records: Mapping[str, str] | None = None,
) -> None:
    _save_move(contract, at=at)
    entry = ledger_entries.transition_entry(contract, event, before, reason=reason, records=records)
    append_entries(contract_id=contract.pk, actor=actor, at=at, entries=[entry])


def _close_and_record(
    contract: SystemContract,
    event: str,
    before: str,
    *,
    actor: Account,
    at: datetime,
    records: Mapping[str, str] | None = None,
) -> None:
    records = {**(records or {}), "closing_sha256": digest(contract.closing_record())}
    _save_and_record(contract, event, before, actor=actor, at=at, records=records)
