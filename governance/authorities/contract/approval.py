"""The approval of a contract: a founder's signature, the last of which approves."""

from __future__ import annotations

from datetime import datetime

from governance.authorities.contract.earlier_decisions import require_decidable
from governance.authorities.contract.guards import (
    refuse_expired,
    refuse_proposer,
    refuse_second_signature,
    require_confirmation,
    require_seen_content,
    require_window,
    require_window_inside,
)
from governance.authorities.contract.operations import approve
from governance.authorities.contract.rollback_authorisations import require_authorisable
from governance.authorities.contract.signatures import (
    SigningProgress,
    signing_progress,
    write_signature,
)
from governance.domain.canonical import digest
from governance.domain.texts import clean_text
from governance.domain.values import ActivationWindow, ContractStatus, SeenPage
from governance.models import Account, SystemContract
from governance.record.ledger.chain import NewEntry, append_entries


def require_signable(
    contract: SystemContract,
    *,
    founder: Account,
    window: ActivationWindow,
    seen_digest: str,
    confirmation: str,
    at: datetime,
) -> SigningProgress:
    """Refuse a signature that the locked contract cannot take; return the signatures so far.

    Args:
        seen_digest: the content digest on the page that the founder read.
        confirmation: what the founder typed; a critical contract needs its reference.

    Raises:
        InvalidWindowError: the window ends before it starts, is over, lasts longer than 168 hours,
            or is not inside the windows of the signatures that count.
        InvalidTransitionError: the contract is not ELIGIBLE.
        ContractExpiredError: the time for review is over.
        FourEyesError: the founder is the proposer.
        StaleCopyError: the content digest is not `seen_digest`.
        AlreadySignedError: the founder has a signature that counts.
        ConfirmationRequiredError: the reference was not typed.
    """
    require_window(window, at)
    require_decidable(contract, ContractStatus.APPROVED, at=at)
    refuse_expired(contract, at)
    refuse_proposer(contract, founder)
    require_seen_content(contract, seen_digest)
    signing = signing_progress(contract, at=at)
    refuse_second_signature(signing, founder)
    require_window_inside(window, signing)
    require_confirmation(contract, confirmation)
    return signing


def sign_contract(
    contract: SystemContract,
    *,
    signing: SigningProgress,
    founder: Account,
    window: ActivationWindow,
    page: SeenPage,
    note: str,
    activates_itself: bool = False,
    rollback_until: datetime | None = None,
    at: datetime,
) -> None:
    """Write a founder's signature; the last one that the risk needs moves ELIGIBLE to APPROVED.

    Until then the contract stays ELIGIBLE. `GOVSITE["APPROVALS_REQUIRED"]` has the number of
    signatures by risk.

    Args:
        signing: what `require_signable` returned for the same locked contract.
        activates_itself: whether the contract may be activated by itself when its window opens.
        rollback_until: until when the founder authorises the rollback of the whole plan, if the
            verdict is FAIL; None does not.

    Raises:
        InvalidInputError: the note is no text, or too long, or the rollback cannot be authorised.
    """
    note = clean_text(note, "note")
    if rollback_until is not None:
        require_authorisable(contract, ends_at=rollback_until, window=window, at=at)
    signature = write_signature(
        contract=contract,
        signing=signing,
        founder=founder,
        window=window,
        page=page,
        note=note,
        activates_itself=activates_itself,
        rollback_until=rollback_until,
        at=at,
    )
    records = {"signature_sha256": digest(signature.as_record())}
    if len(signing.active_signatures) + 1 < signing.quorum:
        contract.save_change(at=at)  # no field changed, but the signatures did
        entry = NewEntry("contract.review.signed", reason=note, records=records)
        append_entries(contract_id=contract.pk, actor=founder, at=at, entries=[entry])
    else:
        approve(
            contract=contract, founder=founder, window=window, note=note, records=records, at=at
        )
