"""Operations of a review: approve, reject, modify the scope, ask, answer and comment."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.authorities.contract import (
    clarifications,
    comments,
    succession,
)
from governance.authorities.contract import operations as contract_operations
from governance.authorities.review.policy import (
    require_answerer,
    require_commenter,
    require_platform_ready,
    require_reviewable,
)
from governance.authorities.review.signed_text import render_signed_text
from governance.authorities.review.view import require_same_view, review_view
from governance.db.transactions import retried, write_transaction
from governance.domain.changes import Change
from governance.domain.values import (
    ActivationWindow,
    ActiveFreeze,
    HealthReading,
    SeenPage,
)
from governance.models import (
    ClarificationAnswer,
    ClarificationRequest,
    ContractComment,
    SystemContract,
)
from governance.services.access.permissions import require_founder
from governance.services.freezes.guards import refuse_active_freeze


def approve(
    *,
    contract_id: UUID,
    founder: Any,
    window: ActivationWindow,
    seen_digest: str,
    seen_view: str,
    health: HealthReading | None,
    frozen: Collection[str],
    at: datetime,
    note: str = "",
    confirmation: str = "",
    seen_text: str = "",
    freeze: ActiveFreeze | None = None,
) -> SystemContract:
    """Sign a contract as a founder; the last signature that its risk requires approves it.

    Args:
        seen_digest: the content digest on the page that the founder read.
        seen_view: the view digest on that page.
        seen_text: the view on that page as text; only a refusal uses it, to say what changed.
        health: what a flow read; None if the health could not be read.
        frozen: the affected capabilities that are frozen, as a flow read them.
        freeze: the active change freeze, as a flow read it.

    Raises:
        WrongPersonError: the person is no founder.
        ChangeFreezeActiveError: a change freeze is active.
        CapabilityFrozenError: an affected capability is frozen.
        HealthBlocksError: health is BLOCKED or unknown (`health_blocked`, `health_unknown`).
        ViewChangedError: the view has changed; checked after everything else.
        GovernanceError: any error of the contract's `approve_contract`.
    """
    require_founder(founder)
    refuse_active_freeze(freeze)
    require_platform_ready(health=health, frozen=frozen)

    def current_page(contract: SystemContract) -> SeenPage:
        view = review_view(contract, health=health)
        require_same_view(view, seen_view=seen_view, seen_text=seen_text)
        return SeenPage(view=view.text(), shown=render_signed_text(contract, view))

    return contract_operations.approve_contract(
        contract_id=contract_id,
        founder=founder,
        window=window,
        seen_digest=seen_digest,
        current_page=current_page,
        at=at,
        note=note,
        confirmation=confirmation,
    )


@retried
def reject(*, contract_id: UUID, founder: Any, reason: str, at: datetime) -> SystemContract:
    """Reject an ELIGIBLE contract, with a reason of more than 10 characters.

    A contract that is not ELIGIBLE yet can only be rejected by its eligibility verdict.

    Raises:
        WrongPersonError: the person is no founder.
        WrongStateError: the contract is not ELIGIBLE (see `require_reviewable`).
        GovernanceError: any error of the contract's `reject_contract`.
    """
    require_founder(founder)
    with write_transaction():
        require_reviewable(SystemContract.objects.lock(contract_id), at)
        return contract_operations.reject_contract(
            contract_id=contract_id, founder=founder, reason=reason, at=at
        )


@retried
def modify_scope(
    *,
    contract_id: UUID,
    changes: Sequence[Change],
    plan: Sequence[Mapping[str, Any]],
    founder: Any,
    reason: str,
    seen_digest: str,
    at: datetime,
) -> SystemContract:
    """Replace an ELIGIBLE contract by a DRAFT with other changes, and return the DRAFT.

    A change freeze does not stop this: it stops neither rejections nor proposals.

    Args:
        plan: the plan of `changes`, which a flow made.

    Raises:
        WrongPersonError: the person is no founder.
        WrongStateError: the contract is not ELIGIBLE (see `require_reviewable`).
        GovernanceError: any error of `supersede_contract`.
    """
    require_founder(founder)
    with write_transaction():
        require_reviewable(SystemContract.objects.lock(contract_id), at)
        return succession.supersede_contract(
            contract_id=contract_id,
            changes=changes,
            plan=plan,
            founder=founder,
            reason=reason,
            seen_digest=seen_digest,
            at=at,
        )


@retried
def request_clarification(
    *, contract_id: UUID, founder: Any, question: str, at: datetime
) -> ClarificationRequest:
    """Ask about an ELIGIBLE contract as a founder; its review is paused until the answer.

    Raises:
        WrongPersonError: the person is no founder.
        WrongStateError: the contract is not ELIGIBLE (see `require_reviewable`).
        GovernanceError: any error of `record_clarification_request`.
    """
    require_founder(founder)
    with write_transaction():
        require_reviewable(SystemContract.objects.lock(contract_id), at)
        return clarifications.record_clarification_request(
            contract_id=contract_id, founder=founder, question=question, at=at
        )


@retried
def answer_clarification(
    *, contract_id: UUID, person: Any, answer: str, at: datetime
) -> ClarificationAnswer:
    """Answer the open question of a contract; its review continues.

    Raises:
        WrongPersonError: the person is neither the contract's proposer nor an operator.
        WrongStateError: the contract is not ELIGIBLE (see `require_reviewable`).
        GovernanceError: any error of `record_clarification_answer`.
    """
    with write_transaction():
        contract = SystemContract.objects.lock(contract_id)
        require_answerer(person, contract)
        require_reviewable(contract, at)
        return clarifications.record_clarification_answer(
            contract_id=contract_id, person=person, answer=answer, at=at
        )


def comment(*, contract_id: UUID, person: Any, text: str, at: datetime) -> ContractComment:
    """Comment on a contract of any status.

    Raises:
        WrongPersonError: the person is not staff who may see contracts.
        GovernanceError: any error of `add_comment`.
    """
    require_commenter(person)
    return comments.add_comment(contract_id=contract_id, person=person, text=text, at=at)
