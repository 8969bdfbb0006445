"""What people remark on a contract: the only writer of comments. They decide and move nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from governance.db.transactions import retried, write_transaction
from governance.domain.texts import require_text
from governance.models import ContractComment, SystemContract


@retried
def add_comment(*, contract_id: UUID, person: Any, text: str, at: datetime) -> ContractComment:
    """Add a remark to a contract in whatever state, ended ones included.

    It is kept for good, but the ledger does not tell it. Refused: an empty one (InvalidInputError),
    no such contract (NotFoundError). `governance.authorities.review` says who may.
    """
    text = require_text(text, "text")
    with write_transaction():
        contract = SystemContract.objects.lock(contract_id)
        return ContractComment.objects.create(contract=contract, text=text, by=person, at=at)
