"""Queries about contracts that are due by time alone: for activation, or for their end."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from governance.db.rows import fetch_rows
from governance.domain.values import ApprovalKind, ContractStatus
from governance.models import ApprovalSignature, SystemContract


def contracts_due_for_activation(at: datetime) -> QuerySet[SystemContract]:
    """Return the APPROVED contracts inside their window, ordered by its end."""
    return SystemContract.objects.filter(
        status=ContractStatus.APPROVED, window_opens_at__lte=at, window_closes_at__gte=at
    ).order_by("window_closes_at", "id")


def contracts_that_activate_themselves(at: datetime) -> QuerySet[SystemContract]:
    """Return those due for activation of which every signature that counts allows it by itself.

    A rollback that was authorised before is always activated so.
    """
    counted = ApprovalSignature.objects.filter(
        contract=OuterRef("pk"), window_closes_at__gte=OuterRef("approved_at")
    )
    return contracts_due_for_activation(at).filter(
        Q(Exists(counted), ~Exists(counted.filter(activates_itself=False)))
        | Q(approval_kind=ApprovalKind.PRE_AUTHORISED)
    )


def enqueue_activation(contract: SystemContract) -> None:
    """Enqueue the task that activates a contract by itself when its window opens."""
    fetch_rows(
        "SELECT governance_enqueue_activation(%s, %s)", [contract.pk, contract.window_opens_at]
    )


def contracts_past_review(at: datetime) -> QuerySet[SystemContract]:
    """Return the undecided contracts whose time for review is over; none whose review is paused."""
    return SystemContract.objects.filter(
        status__in=[ContractStatus.DRAFT, ContractStatus.VALIDATED, ContractStatus.ELIGIBLE],
        review_ends_at__lt=at,
    ).order_by("review_ends_at", "id")


def contracts_past_window(at: datetime) -> QuerySet[SystemContract]:
    """Return the APPROVED contracts whose window passed unused, ordered by its end."""
    return SystemContract.objects.filter(
        status=ContractStatus.APPROVED, window_closes_at__lt=at
    ).order_by("window_closes_at", "id")
