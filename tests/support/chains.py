"""What a test asks of a chain, read from its rows."""

from __future__ import annotations

from uuid import UUID

from governance.models import LedgerEntry
from governance.record.ledger.chain import ChainHead


def chain_head(contract_id: UUID) -> ChainHead:
    """Read the head of the contract's chain."""
    head = (
        LedgerEntry.objects.filter(contract_id=contract_id)
        .order_by("-seq")
        .values_list("seq", "hash")
        .first()
    )
    return ChainHead(head[0], bytes(head[1])) if head else ChainHead()
