"""The flow of a rollback that founders authorised with the signatures on the contract it undoes."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from governance.authorities.contract.due import enqueue_activation
from governance.authorities.contract.operations import approve_beforehand
from governance.authorities.contract.rollback_authorisations import (
    approval_window_of,
    require_pre_authorised,
    rollbacks_to_approve,
)
from governance.authorities.review.policy import require_platform_ready
from governance.db.clock import database_now
from governance.db.transactions import retried, write_transaction
from governance.domain.errors import NotPreAuthorisedError
from governance.domain.roles import MachineAccount
from governance.flows.propose_rollback import preview_rollback
from governance.flows.sweep import SweepResult, attempt_move
from governance.models import SystemContract
from governance.record.ledger.chain import lock_contract
from governance.services.access.accounts import machine_account
from governance.services.freezes.guards import refuse_active_freeze
from governance.services.freezes.queries import active_freeze
from governance.services.registry.queries import frozen_capabilities


@retried
def approve_pre_authorised(*, contract_id: UUID) -> SystemContract:
    """Approve a rollback that is, step for step, what founders authorised; it activates by itself.

    Its window runs from now to the end of the authorisation, and is at most 168 hours long.

    Raises:
        NotFoundError: no such contract.
        NotPreAuthorisedError: it is no such rollback, or a setting was set again since.
        ChangeFreezeActiveError: a change freeze is active; the rollback waits for its end.
        CapabilityFrozenError: an affected capability is frozen.
    """
    freeze = active_freeze()
    with write_transaction():
        contract, at = lock_contract(contract_id)
        if contract.rolls_back_id is None:
            raise NotPreAuthorisedError("This contract is no rollback.")
        undone = SystemContract.objects.get(pk=contract.rolls_back_id)
        authorisation = require_pre_authorised(contract, undone, at=at)
        rollback = preview_rollback(undone)
        if rollback is None or list(rollback.changes) != contract.proposed_changes:
            raise NotPreAuthorisedError("A setting was set again since the rollback was proposed.")
        if rollback.left_out:
            raise NotPreAuthorisedError(f"It leaves out {rollback.left_out_in_words}.")
        refuse_active_freeze(freeze)
        require_platform_ready(
            health=None,
            frozen=frozen_capabilities(contract.affected_capabilities),
            is_rollback=True,
        )
        approve_beforehand(
            contract=contract,
            authorisation=authorisation,
            window=approval_window_of(authorisation, at=at),
            note=f"Authorised with the approval of {undone.reference}.",
            actor=machine_account(MachineAccount.SCHEDULER),
            at=at,
        )
        enqueue_activation(contract)
    return contract


def approve_rollbacks(*, only: UUID | None = None) -> Iterator[SweepResult]:
    """Approve the rollbacks that were authorised before; one that was not so is passed over.

    Args:
        only: the one rollback that is approved, if it is among them.
    """
    waiting = rollbacks_to_approve(database_now())
    if only is not None:
        waiting = waiting.filter(pk=only)
    for contract_id in waiting.values_list("pk", flat=True):
        result = attempt_move(approve_pre_authorised, contract_id=contract_id)
        if not isinstance(result.refusal, NotPreAuthorisedError):
            yield result
