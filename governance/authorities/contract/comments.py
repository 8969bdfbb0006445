"""Comments on a contract: the only writer of comments, which change no status."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from governance.db.transactions import retried, write_transaction
from governance.domain.texts import require_text
from governance.models import ContractComment, SystemContract


@retried
def add_comment(*, contract_id: UUID, person: Any, text: str, at: datetime) -> ContractComment:
    """Add a comment to a contract of any status, terminal ones included.

    A comment cannot be changed or deleted, but it has no ledger entry.
    `authorities/review/policy.py` decides who may comment.

    Raises:
        InvalidInputError: the text is empty or too long.
        NotFoundError: no such contract.
    """
    text = require_text(text, "text")
    with write_transaction():
        contract = SystemContract.objects.lock(contract_id)
        return ContractComment.objects.create(contract=contract, text=text, by=person, at=at)
