"""Questions about the ledger."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from governance.models import LedgerEntry


def entries_of(contract_id: UUID) -> QuerySet[LedgerEntry]:
    """The contract's chain, from its first entry on."""
    return LedgerEntry.objects.filter(contract_id=contract_id).order_by("seq")
