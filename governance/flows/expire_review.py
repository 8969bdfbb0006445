"""The flows of an expiry: the contract's own operation, and a notice to whom it concerns."""

from __future__ import annotations

from uuid import UUID

from governance.authorities.contract import operations
from governance.db.transactions import retried, write_transaction
from governance.flows.notify import notify_of_expiry, notify_of_unused_window
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


@retried
def expire_window(*, contract_id: UUID, actor: Account) -> SystemContract:
    """Move a contract past its activation window to FAILED, and notify proposer and founders.

    Raises:
        GovernanceError: any error of the contract's `fail_contract_past_window`.
    """
    with write_transaction():
        contract = operations.fail_contract_past_window(contract_id=contract_id, actor=actor)
        notify_of_unused_window(contract)
    return contract
