"""Comments on a contract: the only writer of comments, which change no status."""

from __future__ import annotations

from uuid import UUID

from governance.db.transactions import retried, write_transaction
from governance.domain.texts import require_text
from governance.models import Account, ContractComment
from governance.record.ledger.chain import lock_contract


@retried
def add_comment(*, contract_id: UUID, person: Account, text: str) -> ContractComment:
    """Add a comment to a contract of any status, terminal ones included.

    A comment cannot be changed or deleted, but it has no ledger entry.
    `authorities/review/policy.py` decides who may comment.

    Raises:
        InvalidInputError: the text is empty or too long.
        NotFoundError: no such contract.
    """
    text = require_text(text, "text")
    with write_transaction():
        contract, at = lock_contract(contract_id)
        return ContractComment.objects.create(contract=contract, text=text, by=person, at=at)
