"""Arguments of an approval by a founder who has read the page as it is now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from governance.authorities.contract.approval import require_signable, sign_contract
from governance.authorities.review.signed_text import render_signed_text
from governance.authorities.review.view import review_view
from governance.db.transactions import write_transaction
from governance.domain.errors import ViewChangedError
from governance.domain.values import ActivationWindow, HealthDecision, HealthReading, SeenPage
from governance.flows.review_contract import approve_contract, view_contract
from governance.models import SystemContract
from tests.support.clock import as_of, clock_at

# The note of an approval beside other open contracts on the same capabilities.
BESIDE = "The others are meant too."
MAX_READINGS = 200


def as_seen(
    contract: SystemContract, *, at: datetime | None = None, note: str = ""
) -> dict[str, Any]:
    """Return digests, confirmation and note for the flow `approve_contract`."""
    view = as_of(at, view_contract, contract_id=contract.pk)
    return {
        "seen_digest": view.content_digest,
        "seen_view": view.digest(),
        "confirmation": contract.reference,
        "note": note or (BESIDE if view.has_siblings else ""),
    }


def approve_as_seen(
    contract: SystemContract, *, at: datetime | None = None, **arguments: Any
) -> SystemContract:
    """Approve as a founder who reads the page again when another contract came or ended meanwhile.

    Raises:
        ViewChangedError: the page never stays the same until it is signed.
    """
    for attempt in range(MAX_READINGS):
        seen = as_seen(contract, at=at)
        try:
            return as_of(at, approve_contract, contract_id=contract.pk, **(seen | arguments))
        except ViewChangedError:
            if attempt == MAX_READINGS - 1:
                raise
    raise AssertionError


def page_as_seen(contract: SystemContract) -> SeenPage:
    """Return the page for the contract's operation, on a platform where everything is HEALTHY."""
    names = contract.affected_capabilities
    health = HealthReading(
        contract.created_at, HealthDecision.HEALTHY, dict.fromkeys(names, HealthDecision.HEALTHY)
    )
    view = review_view(contract, health=health)
    return SeenPage(view=view.text(), shown=render_signed_text(contract, view))


def sign(
    contract: SystemContract, *, founder: Any, window: ActivationWindow, at: datetime
) -> SystemContract:
    """Sign past founder review, for attacks that the review would refuse first."""
    with clock_at(at), write_transaction():
        locked = SystemContract.objects.lock(contract.pk)
        signing = require_signable(
            locked,
            founder=founder,
            window=window,
            seen_digest=contract.content_digest or "",
            confirmation=contract.reference,
            at=at,
        )
        page = page_as_seen(locked)
        sign_contract(
            locked, signing=signing, founder=founder, window=window, page=page, note="", at=at
        )
    return locked
