"""The flow of an expiry: the contract's own operation, and a notice to its proposer."""

from __future__ import annotations

from uuid import UUID

from governance.authorities.contract import operations
from governance.db.transactions import retried, write_transaction
from governance.flows.notify import notify_of_expiry
from governance.models import Account, SystemContract


@retried
def expire_review(*, contract_id: UUID, actor: Account) -> SystemContract:
    """Move a contract past its time for review to EXPIRED, and notify its proposer.

    Raises:
        GovernanceError: any error of the contract's `expire_contract`.
    """
    with write_transaction():
        contract = operations.expire_contract(contract_id=contract_id, actor=actor)
        notify_of_expiry(contract)
    return contract
