"""The moves of a contract: the only writer of its status.

Each move is one transaction: lock, guards, move, ledger entry. `at` is the time that the caller
took once, when the request arrived. A refusal is a GovernanceError, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from governance.authorities.contract import ledger_entries
from governance.authorities.contract.earlier_decisions import require_decidable
from governance.authorities.contract.guards import (
    refuse_expired,
    refuse_may_not,
    refuse_proposer,
    refuse_second_signature,
    require_confirmation,
    require_decision_reason,
    require_move,
    require_window,
    require_window_inside,
)
from governance.authorities.contract.proposals import Proposal, proposal_digest
from governance.authorities.contract.signatures import signing_progress, write_signature
from governance.db.transactions import retried, write_transaction
from governance.domain.canonical import digest
from governance.domain.errors import (
    InvalidInputError,
    StaleCopyError,
    WrongStateError,
)
from governance.domain.texts import clean_text
from governance.domain.values import (
    ActivationWindow,
    AuditVerdict,
    ContractStatus,
    SeenPage,
)
from governance.domain.verdicts import parse_eligibility_verdict, parse_validator_verdict
from governance.models import SystemContract
from governance.record.ledger.chain import NewEntry, append_entries

# The fields that a move to each status saves, besides the status and the time of the change.
_WRITTEN_BY_MOVE: Mapping[ContractStatus, Sequence[str]] = {
    ContractStatus.VALIDATED: ("validator_verdict", "confidence_score"),
    ContractStatus.ELIGIBLE: ("eligibility_verdict", "eligibility_decision", "content_digest"),
    ContractStatus.APPROVED: (
        "approved_by",
        "approved_at",
        "approved_digest",
        "approval_note",
        "window_opens_at",
        "window_closes_at",
    ),
    ContractStatus.ACTIVE: (),
    ContractStatus.COMPLETED: ("audit_verdict", "closed_at", "closed_by", "closed_reason"),
    ContractStatus.FAILED: ("audit_verdict", "closed_at", "closed_by", "closed_reason"),
    ContractStatus.REJECTED: (
        "eligibility_verdict",
        "eligibility_decision",
        "closed_at",
        "closed_by",
        "closed_reason",
    ),
    ContractStatus.EXPIRED: ("closed_at", "closed_by", "closed_reason"),
}


@retried
def create_contract(
    *,
    proposal: Proposal,
    plan: Sequence[Mapping[str, Any]],
    validator_verdict: Mapping[str, Any],
    eligibility_verdict: Mapping[str, Any],
    proposer: Any,
    at: datetime,
) -> SystemContract:
    """Create an ELIGIBLE contract, with DRAFT → VALIDATED → ELIGIBLE as entries in the ledger.

    Args:
        plan: the result of `ExecutionOrchestrator.plan_changes` for the proposal.

    Raises:
        InvalidVerdictError: a verdict does not fit its form.
        MayNotVerdictError: the eligibility decision is MAY_NOT.
        InvalidInputError: the plan has not one step for each change (`invalid_plan`).
        DuplicateContractError: the same proposal is a contract already.
    """
    parse_validator_verdict(validator_verdict)
    refuse_may_not(eligibility_verdict)
    contract = _new_contract(
        ContractStatus.ELIGIBLE,
        proposal=proposal,
        plan=plan,
        verdicts=(validator_verdict, eligibility_verdict),
        proposer=proposer,
        at=at,
    )
    contract.validator_verdict = dict(validator_verdict)
    contract.confidence_score = float(validator_verdict["confidence_score"])
    contract.eligibility_verdict = dict(eligibility_verdict)
    contract.eligibility_decision = eligibility_verdict["decision"]
    contract.content_digest = digest(contract.content_record())
    with write_transaction():
        contract.save(force_insert=True)
        append_entries(
            contract_id=contract.pk,
            actor=proposer,
            at=at,
            entries=[
                ledger_entries.draft_entry(contract),
                ledger_entries.validation_entry(contract),
                ledger_entries.eligibility_entry(contract),
            ],
        )
    return contract


@retried
def draft_contract(
    *,
    proposal: Proposal,
    plan: Sequence[Mapping[str, Any]],
    proposer: Any,
    at: datetime,
    parent: SystemContract | None = None,
    reason: str = "",
) -> SystemContract:
    """Create a DRAFT, which waits for its verdicts (`record_review_verdicts`).

    Args:
        parent: the contract that the draft replaces; `supersede` ends it in the same transaction.
        reason: why the draft replaces its parent.

    Raises:
        InvalidInputError: the plan has not one step for each change (`invalid_plan`).
        DuplicateContractError: the same proposal, or this revision, is a contract already.
    """
    contract = _new_contract(
        ContractStatus.DRAFT,
        proposal=proposal,
        plan=plan,
        verdicts=(None, None),
        proposer=proposer,
        at=at,
    )
    contract.parent = parent
    with write_transaction():
        contract.save(force_insert=True)
        new_entries = [ledger_entries.draft_entry(contract, reason=reason)]
        append_entries(contract_id=contract.pk, actor=proposer, at=at, entries=new_entries)
    return contract


@retried
def record_review_verdicts(
    *,
    contract_id: UUID,
    validator_verdict: Mapping[str, Any],
    eligibility_verdict: Mapping[str, Any],
    actor: Any,
    at: datetime,
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
        contract = SystemContract.objects.lock(contract_id)
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
def approve_contract(
    *,
    contract_id: UUID,
    founder: Any,
    window: ActivationWindow,
    seen_digest: str,
    current_page: Callable[[SystemContract], SeenPage],
    at: datetime,
    note: str = "",
    confirmation: str = "",
) -> SystemContract:
    """Record a founder's signature; the last one that the risk needs moves ELIGIBLE to APPROVED.

    Until then the contract stays ELIGIBLE. `GOVSITE["APPROVALS_REQUIRED"]` has the number of
    signatures by risk; `authorities/review/` decides who may sign.

    Args:
        seen_digest: the content digest on the page that the founder read.
        current_page: returns the page to sign as it is now, or refuses; it is called after all
            other guards, with the contract locked.
        confirmation: what the founder typed; a critical contract needs its reference.

    Raises:
        InvalidWindowError: the window ends before it starts, is over, lasts longer than 168 hours,
            or is not inside the windows of the signatures that count.
        NotFoundError: no such contract.
        InvalidTransitionError: the contract is not ELIGIBLE.
        ContractExpiredError: the time for review is over.
        FourEyesError: the founder is the proposer.
        StaleCopyError: the content digest is not `seen_digest`.
        AlreadySignedError: the founder has a signature that counts.
        ConfirmationRequiredError: the reference was not typed.
    """
    require_window(window, at)
    note = clean_text(note, "note")
    with write_transaction():
        contract = SystemContract.objects.lock(contract_id)
        require_decidable(contract, ContractStatus.APPROVED, at=at)
        refuse_expired(contract, at)
        refuse_proposer(contract, founder)
        if seen_digest != contract.content_digest:
            raise StaleCopyError(
                "The contract's content is not the one on the page that you read; reload the page."
            )
        signing = signing_progress(contract, at=at)
        refuse_second_signature(signing, founder)
        require_window_inside(window, signing)
        require_confirmation(contract, confirmation)
        signature = write_signature(
            contract=contract,
            signing=signing,
            founder=founder,
            window=window,
            page=current_page(contract),
            note=note,
            at=at,
        )
        records = {"signature_sha256": digest(signature.as_record())}
        if len(signing.active_signatures) + 1 < signing.quorum:
            contract.save_change(at=at)  # no field changed, but the signatures did
            entry = NewEntry("contract.review.signed", reason=note, records=records)
            append_entries(contract_id=contract.pk, actor=founder, at=at, entries=[entry])
            return contract
        contract.to_approved(founder=founder, at=at, window=window, note=note)
        _save_and_record(
            contract,
            "contract.review.approved",
            ContractStatus.ELIGIBLE,
            actor=founder,
            at=at,
            reason=note,
            records=records | {"approval_sha256": digest(contract.approval_record())},
        )
    return contract


@retried
def reject_contract(
    *, contract_id: UUID, founder: Any, reason: str, at: datetime
) -> SystemContract:
    """Move a DRAFT, VALIDATED or ELIGIBLE contract to REJECTED, with a reason for the requester.

    Raises:
        ReasonRequiredError: the reason has 10 characters or less.
        NotFoundError: no such contract.
        InvalidTransitionError: the contract has another status.
        FourEyesError: the founder is the proposer.
    """
    reason = require_decision_reason(reason)
    with write_transaction():
        contract = SystemContract.objects.lock(contract_id)
        before = require_decidable(contract, ContractStatus.REJECTED, at=at)
        refuse_proposer(contract, founder)
        contract.to_rejected(at=at, by=founder, reason=reason)
        _close_and_record(contract, "contract.review.rejected", before, actor=founder, at=at)
    return contract


@retried
def expire_contract(*, contract_id: UUID, actor: Any, at: datetime) -> SystemContract:
    """Move a DRAFT, VALIDATED or ELIGIBLE contract to EXPIRED after its time for review.

    Raises:
        NotFoundError: no such contract.
        InvalidTransitionError: the contract has another status.
        WrongStateError: the review is not over (`review_open`), or is paused (`review_paused`).
    """
    with write_transaction():
        contract = SystemContract.objects.lock(contract_id)
        before = require_move(contract, ContractStatus.EXPIRED)
        ends_at = contract.review_ends_at
        if ends_at is None:
            raise WrongStateError("A question is open; the review is paused.", code="review_paused")
        if at <= ends_at:
            raise WrongStateError(
                f"The time for review runs until {ends_at:%Y-%m-%d %H:%M} UTC.",
                code="review_open",
            )
        contract.to_expired(at=at, by=actor, reason="review_ttl_passed")
        _close_and_record(contract, "contract.review.expired", before, actor=actor, at=at)
    return contract


@retried
def fail_contract_past_window(*, contract_id: UUID, actor: Any, at: datetime) -> SystemContract:
    """Move an APPROVED contract to FAILED (`window_lapsed`) after its activation window.

    Raises:
        NotFoundError: no such contract.
        InvalidTransitionError: the contract cannot fail.
        WrongStateError: the contract is ACTIVE (`not_lapsed`), or the window is not over
            (`window_open`).
    """
    with write_transaction():
        contract = SystemContract.objects.lock(contract_id)
        if contract.status != ContractStatus.APPROVED:
            require_move(contract, ContractStatus.FAILED)
            raise WrongStateError("An ACTIVE contract ends only by its verdict.", code="not_lapsed")
        if contract.window is None or at <= contract.window.closes_at:
            raise WrongStateError("The activation window is not over.", code="window_open")
        contract.to_failed(at=at, by=actor, reason="window_lapsed")
        _close_and_record(
            contract, "contract.window.lapsed", ContractStatus.APPROVED, actor=actor, at=at
        )
    return contract


# --- moves inside another authority's transaction ---
def activate(*, contract: SystemContract, at: datetime) -> NewEntry:
    """Move the APPROVED contract to ACTIVE in memory, and return the ledger entry.

    The SQL call of the activation (`activate_contract.sql`) writes the row and the entry.
    """
    before = require_move(contract, ContractStatus.ACTIVE)
    contract.to_active()
    contract.mark_changed(at)
    return ledger_entries.transition_entry(contract, "contract.activation.activated", before)


# The caller of the following moves has locked `contract` in its transaction.
def complete(
    *,
    contract: SystemContract,
    verdict: AuditVerdict,
    actor: Any,
    at: datetime,
    reason: str,
    records: Mapping[str, str],
) -> None:
    """Move an ACTIVE contract to COMPLETED, only on PASS (CONTRACT-004), with its verdict."""
    before = require_move(contract, ContractStatus.COMPLETED)
    if verdict is not AuditVerdict.PASS:
        raise WrongStateError(
            f"A contract is completed on PASS, not on {verdict}.", code="verdict_not_pass"
        )
    contract.to_completed(at=at, by=actor, reason=reason)
    _close_and_record(
        contract, "contract.audit.passed", before, actor=actor, at=at, records=records
    )


def fail(
    *,
    contract: SystemContract,
    actor: Any,
    at: datetime,
    reason: str,
    records: Mapping[str, str],
) -> None:
    """Move an ACTIVE contract to FAILED on a verdict of FAIL."""
    before = contract.status
    if before != ContractStatus.ACTIVE:
        require_move(contract, ContractStatus.FAILED)
        raise WrongStateError("Only an ACTIVE contract fails by its verdict.", code="not_active")
    contract.to_failed(at=at, by=actor, reason=reason)
    _close_and_record(
        contract, "contract.audit.failed", before, actor=actor, at=at, records=records
    )


def mark_inconclusive(
    *,
    contract: SystemContract,
    actor: Any,
    at: datetime,
    reason: str,
    records: Mapping[str, str],
) -> None:
    """Record an INCONCLUSIVE verdict; the contract stays ACTIVE and waits for a resolution."""
    if contract.status != ContractStatus.ACTIVE:
        raise WrongStateError(
            f"Only an ACTIVE contract takes a verdict; this one is {contract.status}.",
            code="not_active",
        )
    contract.audit_verdict = AuditVerdict.INCONCLUSIVE
    contract.save_change(["audit_verdict"], at=at)
    append_entries(
        contract_id=contract.pk,
        actor=actor,
        at=at,
        entries=[NewEntry("contract.audit.inconclusive", reason=reason, records=records)],
    )


def supersede(
    *,
    contract: SystemContract,
    successor: SystemContract,
    founder: Any,
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


def set_review_clock(*, contract: SystemContract, ends_at: datetime | None, at: datetime) -> None:
    """Pause the review of a locked contract (None), or set its end to `ends_at`.

    `clarifications.py` writes the question or answer that causes this, with its ledger entry.
    """
    contract.review_ends_at = ends_at
    contract.save_change(["review_ends_at"], at=at)


# --- pieces -------------------------------------------------------------------------------------
def _new_contract(
    status: ContractStatus,
    *,
    proposal: Proposal,
    plan: Sequence[Mapping[str, Any]],
    verdicts: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None],
    proposer: Any,
    at: datetime,
) -> SystemContract:
    if len(plan) != len(proposal.changes):
        raise InvalidInputError("The plan must have one step for each change.", code="invalid_plan")
    expires_at = at + timedelta(hours=settings.GOVSITE["REVIEW_TTL_HOURS"])
    contract = SystemContract(
        status=status,
        reference=proposal.reference,
        source=proposal.source,
        title=proposal.title,
        description=proposal.description,
        requested_by=proposal.requested_by,
        proposed_by=proposer,
        proposed_changes=[change.document() for change in proposal.changes],
        affected_capabilities=list(proposal.affected_capabilities),
        risk_level=proposal.risk_level,
        plan=[dict(step) for step in plan],
        created_at=at,
        updated_at=at,
        expires_at=expires_at,
        review_ends_at=expires_at,
    )
    contract.proposal_digest = proposal_digest(proposal, *verdicts)
    return contract


def _save_move(contract: SystemContract, *, at: datetime) -> None:
    written = _WRITTEN_BY_MOVE[ContractStatus(contract.status)]
    contract.save_change(["status", *written], at=at)


def _save_and_record(
    contract: SystemContract,
    event: str,
    before: str,
    *,
    actor: Any,
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
    actor: Any,
    at: datetime,
    records: Mapping[str, str] | None = None,
) -> None:
    records = dict(records or {}) | {"closing_sha256": digest(contract.closing_record())}
    _save_and_record(
        contract,
        event,
        before,
        actor=actor,
        at=at,
        reason=contract.closed_reason,
        records=records,
    )
