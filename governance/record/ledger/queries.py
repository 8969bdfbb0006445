"""Queries of the ledger."""

from __future__ import annotations

import json
from collections.abc import Collection
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from governance.models import LedgerEntry, SystemContract


def entries_of(contract_id: UUID) -> QuerySet[LedgerEntry]:
    """Return the entries of a contract's chain, the first one first."""
    return LedgerEntry.objects.filter(contract_id=contract_id).order_by("seq")


def heads_of(contract_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the `seq` of the last entry of each contract's chain.

    One query; the length of a chain does not matter.
    """
    last = LedgerEntry.objects.filter(contract_id=OuterRef("pk")).order_by("-seq").values("seq")
    chains = SystemContract.objects.filter(pk__in=contract_ids).annotate(head=Subquery(last[:1]))
    return dict(chains.values_list("pk", "head"))


def signature_entry(contract_id: UUID, number: int) -> LedgerEntry | None:
    """Find the entry of a contract's signature by the signature's number, counted from 1."""
    signing = entries_of(contract_id).filter(
        event__in=("contract.review.signed", "contract.review.approved")
    )
    with_signature = [
        one for one in signing if "signature_sha256" in json.loads(one.body)["records"]
    ]
    return with_signature[number - 1] if 0 < number <= len(with_signature) else None
