"""The flows of a review: view, approve, reject, ask, answer and comment.

Each asks founder review who may act on what (`authorities/review/`), and the contract to act. The
contract is locked before the first check of its state.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from governance.authorities.contract.approval import require_signable, sign_contract
from governance.authorities.contract.clarifications import (
    record_clarification_answer,
    record_clarification_request,
)
from governance.authorities.contract.comments import add_comment
from governance.authorities.contract.due import enqueue_activation
from governance.authorities.contract.operations import reject, withdraw
from governance.authorities.contract.queries import affected_capabilities_of
from governance.authorities.health.readings import capture_health_snapshot, read_health
from governance.authorities.review.policy import (
    require_answerer,
    require_commenter,
    require_platform_ready,
    require_reviewable,
    require_sibling_note,
)
from governance.authorities.review.signed_text import render_signed_text
from governance.authorities.review.view import ReviewView, require_same_view, review_view
from governance.db.transactions import retried, write_transaction
from governance.domain.texts import clean_text
from governance.domain.values import ActivationWindow, ContractStatus, HealthReading, SeenPage
from governance.flows.notify import notify_of_answer, notify_of_question
from governance.models import (
    Account,
    ClarificationAnswer,
    ClarificationRequest,
    ContractComment,
    SystemContract,
)
from governance.record.ledger.chain import lock_contract
from governance.services.access.permissions import require_founder
from governance.services.freezes.guards import refuse_active_freeze
from governance.services.freezes.queries import active_freeze
from governance.services.registry.queries import frozen_capabilities


def view_contract(*, contract_id: UUID) -> ReviewView:
    """Return the current view of a contract, with health read now.

    Raises:
        NotFoundError: no such contract.
    """
    capabilities = affected_capabilities_of(contract_id)
    return review_view(
        SystemContract.objects.get(pk=contract_id),
        health=capture_health_snapshot(scopes=capabilities),
    )


@retried
def approve_contract(
    *,
    contract_id: UUID,
    founder: Account,
    window: ActivationWindow,
    seen_digest: str,
    seen_view: str,
    note: str = "",
    confirmation: str = "",
    seen_text: str = "",
    activates_itself: bool = False,
    rollback_until: datetime | None = None,
) -> SystemContract:
    """Sign the view that a founder read (`view_contract`); the last signature approves.

    Args:
        seen_digest: the content digest on the page that the founder read.
        seen_view: the view digest on that page.
        seen_text: the view on that page as text; only a refusal uses it, to say what changed.
        activates_itself: whether the contract may be activated by itself when its window opens. It
            is, if every founder whose signature counts says so.
        rollback_until: until when the founder authorises the rollback of the plan; None does not.
            It counts, if every founder whose signature counts authorises it.

    Raises:
        WrongPersonError: the person is no founder.
        NotFoundError: no such contract.
        ChangeFreezeActiveError: a change freeze is active.
        CapabilityFrozenError: an affected capability is frozen.
        HealthBlocksError: health is BLOCKED, and the contract is no rollback.
        HealthUnknownError: health could not be read, and the contract is no rollback.
        ViewChangedError: the view has changed; checked after everything else but the note.
        SiblingNoteRequiredError: other contracts on the capabilities are open; there is no note.
        GovernanceError: any error of `require_signable` and `sign_contract`.
    """
    require_founder(founder)
    capabilities = affected_capabilities_of(contract_id)
    health = read_health(scopes=capabilities)
    refuse_active_freeze(active_freeze())
    frozen = frozen_capabilities(capabilities)
    with write_transaction():
        contract, at = lock_contract(contract_id)
        require_platform_ready(health=health, frozen=frozen, is_rollback=contract.is_rollback)
        signing = require_signable(
            contract,
            founder=founder,
            window=window,
            seen_digest=seen_digest,
            confirmation=confirmation,
            at=at,
        )
        known = health if isinstance(health, HealthReading) else None
        view = review_view(contract, health=known)
        require_same_view(view, seen_view=seen_view, seen_text=seen_text)
        require_sibling_note(clean_text(note, "note"), has_siblings=view.has_siblings)
        sign_contract(
            contract,
            signing=signing,
            founder=founder,
            window=window,
            page=SeenPage(view=view.text(), shown=render_signed_text(contract, view)),
            note=note,
            activates_itself=activates_itself,
            rollback_until=rollback_until,
            at=at,
        )
        if contract.status == ContractStatus.APPROVED and activates_itself:
            enqueue_activation(contract)
    return contract


@retried
def reject_contract(*, contract_id: UUID, founder: Account, reason: str) -> SystemContract:
    """Reject an ELIGIBLE contract, with a reason of more than 10 characters.

    A contract that is not ELIGIBLE yet can only be rejected by its eligibility verdict.

    Raises:
        WrongPersonError: the person is no founder.
        NotFoundError: no such contract.
        WrongStateError: the contract is not ELIGIBLE (see `require_reviewable`).
        GovernanceError: any error of the contract's `reject`.
    """
    require_founder(founder)
    with write_transaction():
        contract, at = lock_contract(contract_id)
        require_reviewable(contract, at)
        reject(contract=contract, founder=founder, reason=reason, at=at)
    return contract


@retried
def withdraw_approval(*, contract_id: UUID, founder: Account, reason: str) -> SystemContract:
    """Withdraw the approval of a contract before its activation, with a reason.

    Changes may be frozen meanwhile, because a withdrawal changes nothing on the platform.

    Raises:
        WrongPersonError: the person is no founder.
        NotFoundError: no such contract.
        GovernanceError: any error of the contract's `withdraw`.
    """
    require_founder(founder)
    with write_transaction():
        contract, at = lock_contract(contract_id)
        withdraw(contract=contract, founder=founder, reason=reason, at=at)
    return contract


@retried
def request_clarification(
    *, contract_id: UUID, founder: Account, question: str
) -> ClarificationRequest:
    """Ask about an ELIGIBLE contract as a founder; its review is paused until the answer.

    Its proposer gets a notice.

    Raises:
        WrongPersonError: the person is no founder.
        NotFoundError: no such contract.
        WrongStateError: the contract is not ELIGIBLE (see `require_reviewable`).
        GovernanceError: any error of `record_clarification_request`.
    """
    require_founder(founder)
    with write_transaction():
        contract, at = lock_contract(contract_id)
        require_reviewable(contract, at)
        asked = record_clarification_request(
            contract=contract, founder=founder, question=question, at=at
        )
        notify_of_question(contract, asked)
    return asked


@retried
def answer_clarification(*, contract_id: UUID, person: Account, answer: str) -> ClarificationAnswer:
    """Answer the open question of a contract; its review continues with the remaining time.

    The founder who asked gets a notice.

    Raises:
        NotFoundError: no such contract.
        WrongPersonError: the person is neither the contract's proposer nor an operator.
        WrongStateError: the contract is not ELIGIBLE (see `require_reviewable`).
        GovernanceError: any error of `record_clarification_answer`.
    """
    with write_transaction():
        contract, at = lock_contract(contract_id)
        require_answerer(person, contract)
        require_reviewable(contract, at)
        given = record_clarification_answer(contract=contract, person=person, answer=answer, at=at)
        notify_of_answer(contract, given)
    return given


def comment_on_contract(*, contract_id: UUID, person: Account, text: str) -> ContractComment:
    """Comment on a contract of any status.

    Raises:
        WrongPersonError: the person is not staff who may see contracts.
        GovernanceError: any error of `add_comment`.
    """
    require_commenter(person)
    return add_comment(contract_id=contract_id, person=person, text=text)
