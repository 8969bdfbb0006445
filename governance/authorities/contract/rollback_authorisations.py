"""Authorisations of rollbacks, which founders give with their signatures; and what they approve.

A signature writes its authorisation (`signatures.py`). It counts only if every founder whose
signature counted gave one, and only for exactly the rollback of the plan that they signed, or for
its end where the later steps did not run.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from governance.authorities.contract.queries import signatures_of
from governance.db.rows import fetch_rows
from governance.domain.canonical import canonical_text, sha256_hex, timestamp
from governance.domain.errors import InvalidInputError, NotPreAuthorisedError
from governance.domain.rollbacks import planned_rollback
from governance.domain.values import MAX_WINDOW, ActivationWindow, ContractStatus
from governance.domain.wording import format_time
from governance.models import Account, ApprovalSignature, RollbackAuthorisation, SystemContract

# How long after the activation window an authorisation ends unless a founder says less.
MAX_AFTER_WINDOW = timedelta(hours=168)


def require_authorisable(
    contract: SystemContract, *, ends_at: datetime, window: ActivationWindow, at: datetime
) -> None:
    """Refuse to authorise the rollback of a contract that has none, or until a wrong time.

    Raises:
        InvalidInputError: with the path `rollback_until`.
    """
    if contract.is_rollback:
        message = "a rollback of a rollback always waits for founders"
    elif planned_rollback(contract.plan) is None:
        message = "a step of this plan has no known rollback"
    elif ends_at <= at:
        message = "has already passed"
    elif ends_at > window.closes_at + MAX_AFTER_WINDOW:
        message = "is more than 168 hours after the end of the window"
    else:
        return
    raise InvalidInputError.at("rollback_until", message)


def authorisation_body(
    contract: SystemContract, *, founder: Account, number: int, ends_at: datetime
) -> str:
    """Return the text that a founder authorises: the rollback of the whole plan, and its end.

    Args:
        number: that of the signature with which it is given.
    """
    return canonical_text(
        {
            "contract_id": str(contract.pk),
            "founder": founder.pk,
            "signature": number,
            "steps": planned_rollback(contract.plan),
            "ends_at": timestamp(ends_at),
        }
    )


def write_authorisation(signature: ApprovalSignature, *, ends_at: datetime, body: str) -> None:
    """Write the authorisation that a new signature names by the digest of `body`."""
    RollbackAuthorisation.objects.create(
        contract=signature.contract,
        signature=signature,
        founder=signature.founder,
        ends_at=ends_at,
        body=body,
        sha256=sha256_hex(body),
    )


def authorisations_of(contract: SystemContract) -> list[RollbackAuthorisation]:
    """Return the authorisations of a contract's rollback that count, the first to end first.

    They are those of the signatures that approved it. The list is empty if one is missing.
    """
    approved_at = contract.approved_at
    counted = [
        one.pk
        for one in signatures_of(contract)
        if approved_at is not None and one.window_closes_at >= approved_at
    ]
    found = RollbackAuthorisation.objects.filter(signature__in=counted).select_related("founder")
    given = list(found.order_by("ends_at", "id"))
    return given if len(given) == len(counted) else []


def require_pre_authorised(
    rollback: SystemContract, undone: SystemContract, *, at: datetime
) -> RollbackAuthorisation:
    """Return the authorisation that approves a rollback; of several the one that ends first.

    Raises:
        NotPreAuthorisedError: founders did not authorise exactly this rollback, or not until now.
    """
    if rollback.status != ContractStatus.ELIGIBLE or rollback.review_ends_at is None:
        raise NotPreAuthorisedError("Only an ELIGIBLE rollback without a question is approved so.")
    if undone.is_rollback:
        raise NotPreAuthorisedError("A rollback of a rollback always waits for founders.")
    given = authorisations_of(undone)
    if not given:
        raise NotPreAuthorisedError(
            "Not every founder whose signature counted authorised the rollback."
        )
    first = given[0]
    if at > first.ends_at:
        raise NotPreAuthorisedError(
            f"The authorisation of {first.founder} ended at {format_time(first.ends_at)}."
        )
    [(inactive,)] = fetch_rows("SELECT governance_inactive_signers(%s)", [undone.pk])
    if inactive:
        raise NotPreAuthorisedError(f"No active founder any more: {', '.join(inactive)}.")
    changes = rollback.proposed_changes
    tails = [one.steps[len(one.steps) - len(changes) :] for one in given]
    if any(canonical_text(tail) != canonical_text(changes) for tail in tails):
        raise NotPreAuthorisedError("The rollback is not, step for step, what was authorised.")
    return first


def approval_window_of(authorisation: RollbackAuthorisation, *, at: datetime) -> ActivationWindow:
    """Return the window of an approval by this authorisation: from now to its end."""
    return ActivationWindow(at, min(authorisation.ends_at, at + MAX_WINDOW))


def rollbacks_to_approve(at: datetime) -> QuerySet[SystemContract]:
    """Return the ELIGIBLE rollbacks for which an authorisation has not ended."""
    given = RollbackAuthorisation.objects.filter(contract=OuterRef("rolls_back"), ends_at__gte=at)
    return SystemContract.objects.filter(
        Exists(given), status=ContractStatus.ELIGIBLE, rolls_back__isnull=False
    ).order_by("id")


def enqueue_approval(rollback: SystemContract) -> None:
    """Enqueue the task that approves a rollback by its authorisation."""
    fetch_rows("SELECT governance_enqueue_rollback(%s)", [rollback.pk])
