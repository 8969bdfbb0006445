"""Signatures of founders: the only writer of signatures, which change no status by themselves.

A signature counts until its window closes. A contract is approved when the number of signatures
that count reaches the number for its risk. The window of each must be inside the earlier windows,
and a person counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from governance.authorities.contract.queries import signatures_of
from governance.authorities.contract.rollback_authorisations import (
    authorisation_body,
    write_authorisation,
)
from governance.domain.canonical import sha256_hex
from governance.domain.values import ActivationWindow, ContractStatus, SeenPage
from governance.domain.wording import plural
from governance.models import Account, ApprovalSignature, SystemContract


@dataclass(frozen=True, slots=True)
class SigningProgress:
    """The signatures of a contract: all of them, those that count, and the number that is needed.

    After the approval, `active_signatures` are the signatures that approved the contract.
    """

    signatures: Sequence[ApprovalSignature]
    active_signatures: Sequence[ApprovalSignature]
    quorum: int

    @property
    def people(self) -> list[str]:
        """The names of the founders whose signatures count."""
        return [signature.founder.get_username() for signature in self.active_signatures]

    @property
    def missing(self) -> int:
        return max(0, self.quorum - len(self.active_signatures))

    @property
    def window(self) -> ActivationWindow | None:
        """The window inside which the next window must be; None if no signature counts."""
        return common_window(self.active_signatures)

    def __str__(self) -> str:
        progress = f"{len(self.active_signatures)} of {plural(self.quorum, 'signature')}"
        return f"{progress}: {', '.join(self.people)}" if self.active_signatures else progress


def quorum_for(risk_level: str) -> int:
    """Return how many founders must sign a contract of this risk: `APPROVALS_REQUIRED`, or one."""
    return int(settings.GOVSITE["APPROVALS_REQUIRED"].get(str(risk_level), 1))


def signing_progress(contract: SystemContract, *, at: datetime) -> SigningProgress:
    """Return the signing progress of `contract` at `at`; one query."""
    return signing_progress_from(contract, signatures_of(contract), at=at)


def signing_progress_from(
    contract: SystemContract, signatures: Sequence[ApprovalSignature], *, at: datetime
) -> SigningProgress:
    """Return the signing progress, as `signing_progress` does, from signatures already read."""
    if contract.status == ContractStatus.ELIGIBLE or contract.approved_at is None:
        active_signatures = [one for one in signatures if at <= one.window_closes_at]
        return SigningProgress(signatures, active_signatures, quorum_for(contract.risk_level))
    approved_at = contract.approved_at
    active_signatures = [one for one in signatures if approved_at <= one.window_closes_at]
    return SigningProgress(
        signatures, active_signatures, signatures[-1].quorum if signatures else 1
    )


def common_window(signatures: Iterable[ApprovalSignature]) -> ActivationWindow | None:
    windows = [signature.window for signature in signatures]
    if not windows:
        return None
    return ActivationWindow(
        max(window.opens_at for window in windows), min(window.closes_at for window in windows)
    )


def write_signature(
    *,
    contract: SystemContract,
    signing: SigningProgress,
    founder: Account,
    window: ActivationWindow,
    page: SeenPage,
    note: str,
    activates_itself: bool,
    rollback_until: datetime | None,
    at: datetime,
) -> ApprovalSignature:
    """Write a founder's signature on a contract that the caller has locked and checked.

    Args:
        rollback_until: the end of the authorisation of the rollback that is given with it, or None.
    """
    number = len(signing.signatures) + 1
    authorised = ""
    if rollback_until:
        authorised = authorisation_body(
            contract, founder=founder, number=number, ends_at=rollback_until
        )
    signature = ApprovalSignature.objects.create(
        contract=contract,
        number=number,
        founder=founder,
        signed_at=at,
        note=note,
        window_opens_at=window.opens_at,
        window_closes_at=window.closes_at,
        content_digest=contract.content_digest,
        view_digest=sha256_hex(page.view),
        view=page.view,
        shown=page.shown,
        quorum=signing.quorum,
        activates_itself=activates_itself,
        authorisation_sha256=sha256_hex(authorised) if authorised else None,
    )
    if rollback_until:
        write_authorisation(signature, ends_at=rollback_until, body=authorised)
    return signature
