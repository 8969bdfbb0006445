"""Questions about the ledger."""

from __future__ import annotations

import json
from uuid import UUID

from django.db.models import QuerySet

from governance.models import LedgerEntry


def entries_of(contract_id: UUID) -> QuerySet[LedgerEntry]:
    """The contract's chain, from its first entry on."""
    return LedgerEntry.objects.filter(contract_id=contract_id).order_by("seq")


def signature_entry(contract_id: UUID, number: int) -> LedgerEntry | None:
    """The entry that tells a contract's `number`-th signature."""
    signing = entries_of(contract_id).filter(
        event__in=("contract.review.signed", "contract.review.approved")
    )
    telling = [one for one in signing if "signature_sha256" in json.loads(one.body)["records"]]
    return telling[number - 1] if 0 < number <= len(telling) else None
