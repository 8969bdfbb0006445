"""The flows of a review: view, approve, reject, ask, answer and comment."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from governance.authorities.contract.queries import affected_capabilities_of
from governance.authorities.health.readings import capture_health_snapshot
from governance.authorities.review import operations as review
from governance.authorities.review.queries import capabilities_and_freeze_of
from governance.authorities.review.view import ReviewView, review_view
from governance.domain.values import ActivationWindow
from governance.models import (
    ClarificationAnswer,
    ClarificationRequest,
    ContractComment,
    SystemContract,
)
from governance.services.freezes.guards import freeze_error_details
from governance.services.registry.queries import frozen_capabilities


def view_contract(*, contract_id: UUID, at: datetime) -> ReviewView:
    """Return the current view of a contract, with health read now.

    Raises:
        NotFoundError: no such contract.
    """
    capabilities = affected_capabilities_of(contract_id)
    return review_view(
        SystemContract.objects.get(pk=contract_id),
        health=capture_health_snapshot(scopes=capabilities, at=at),
    )


def approve_contract(
    *,
    contract_id: UUID,
    founder: Any,
    window: ActivationWindow,
    seen_digest: str,
    seen_view: str,
    at: datetime,
    note: str = "",
    confirmation: str = "",
    seen_text: str = "",
) -> SystemContract:
    """Sign the view that a founder read (`view_contract`); the last signature approves.

    Raises:
        GovernanceError: any error of `approve` in `authorities/review/operations.py`.
    """
    capabilities, freeze = capabilities_and_freeze_of(contract_id, at)
    with freeze_error_details(at):
        return review.approve(
            contract_id=contract_id,
            founder=founder,
            window=window,
            seen_digest=seen_digest,
            seen_view=seen_view,
            seen_text=seen_text,
            health=capture_health_snapshot(scopes=capabilities, at=at),
            frozen=frozen_capabilities(capabilities),
            freeze=freeze,
            at=at,
            note=note,
            confirmation=confirmation,
        )


def reject_contract(
    *, contract_id: UUID, founder: Any, reason: str, at: datetime
) -> SystemContract:
    """Reject an ELIGIBLE contract.

    Raises:
        GovernanceError: any error of `reject` in `authorities/review/operations.py`.
    """
    return review.reject(contract_id=contract_id, founder=founder, reason=reason, at=at)


def request_clarification(
    *, contract_id: UUID, founder: Any, question: str, at: datetime
) -> ClarificationRequest:
    """Ask about an ELIGIBLE contract; its review is paused until the answer."""
    return review.request_clarification(
        contract_id=contract_id, founder=founder, question=question, at=at
    )


def answer_clarification(
    *, contract_id: UUID, person: Any, answer: str, at: datetime
) -> ClarificationAnswer:
    """Answer the open question of a contract; its review continues with the remaining time."""
    return review.answer_clarification(contract_id=contract_id, person=person, answer=answer, at=at)


def comment_on_contract(
    *, contract_id: UUID, person: Any, text: str, at: datetime
) -> ContractComment:
    """Comment on a contract of any status."""
    return review.comment(contract_id=contract_id, person=person, text=text, at=at)
