"""A founder decides: approve, reject or modify. Before that they ask; others answer and comment."""

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
    """Sign a contract. `health`, `frozen` (names of frozen capabilities) and `freeze` (of the
    whole line) are what a flow read; `seen_digest` and `seen_view` are the digests of the content
    and of the view that the founder read, `seen_text` is that view, for a refusal to explain.

    Beside what `approve_contract` refuses: WrongPersonError, ChangeFreezeActiveError,
    CapabilityFrozenError, HealthBlocksError (`health_unknown`, `health_blocked`), and, when
    nothing else does, ViewChangedError.
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
    """Refuse an ELIGIBLE contract for good, with a reason of more than 10 characters.

    A contract that is not ELIGIBLE yet may end REJECTED too, but by its verdict, never by review.
    """
    require_founder(founder)
    with write_transaction():
        require_reviewable(SystemContract.objects.lock(contract_id))
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
    """Replace an ELIGIBLE contract by a DRAFT with other changes, whose plan a flow made.

    See `supersede_contract` for what is refused beside whoever may not review. A frozen line does
    not refuse it: to reject and to propose is taken then, and this is both.
    """
    require_founder(founder)
    with write_transaction():
        require_reviewable(SystemContract.objects.lock(contract_id))
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
    """Ask before deciding: the contract stays ELIGIBLE and its clock stands until the answer."""
    require_founder(founder)
    with write_transaction():
        require_reviewable(SystemContract.objects.lock(contract_id))
        return clarifications.record_clarification_request(
            contract_id=contract_id, founder=founder, question=question, at=at
        )


@retried
def answer_clarification(
    *, contract_id: UUID, person: Any, answer: str, at: datetime
) -> ClarificationAnswer:
    """Answer the open question, as the contract's proposer or an operator; the clock runs again."""
    with write_transaction():
        contract = SystemContract.objects.lock(contract_id)
        require_answerer(person, contract)
        require_reviewable(contract)
        return clarifications.record_clarification_answer(
            contract_id=contract_id, person=person, answer=answer, at=at
        )


def comment(*, contract_id: UUID, person: Any, text: str, at: datetime) -> ContractComment:
    """Remark on a contract, in whatever state it is."""
    require_commenter(person)
    return comments.add_comment(contract_id=contract_id, person=person, text=text, at=at)
