"""Questions about the ledger."""

from __future__ import annotations

import json
from collections.abc import Collection
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from governance.models import LedgerEntry, SystemContract


def entries_of(contract_id: UUID) -> QuerySet[LedgerEntry]:
    """The contract's chain, from its first entry on."""
    return LedgerEntry.objects.filter(contract_id=contract_id).order_by("seq")


def heads_of(contract_ids: Collection[UUID]) -> dict[UUID, int]:
    """How far each contract's chain goes, as the `seq` of its last entry.

    One query, in which a chain costs as much as any other, however long.
    """
    last = LedgerEntry.objects.filter(contract_id=OuterRef("pk")).order_by("-seq").values("seq")
    chains = SystemContract.objects.filter(pk__in=contract_ids).annotate(head=Subquery(last[:1]))
    return dict(chains.values_list("pk", "head"))


def signature_entry(contract_id: UUID, number: int) -> LedgerEntry | None:
    """The entry that tells a contract's `number`-th signature."""
    signing = entries_of(contract_id).filter(
        event__in=("contract.review.signed", "contract.review.approved")
    )
    with_signature = [
        one for one in signing if "signature_sha256" in json.loads(one.body)["records"]
    ]
    return with_signature[number - 1] if 0 < number <= len(with_signature) else None
