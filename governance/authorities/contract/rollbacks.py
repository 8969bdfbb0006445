"""Rollbacks: contracts that undo the completed steps of a FAILED one, linked by `rolls_back`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from governance.authorities.contract.creation import create_contract
from governance.authorities.contract.proposals import (
    MAX_DESCRIPTION_LENGTH,
    MAX_TITLE_LENGTH,
    Proposal,
)
from governance.authorities.contract.references import ROLLBACK, free_references
from governance.domain.changes import parse_changes
from governance.domain.errors import NotRolledBackError, ReferenceTakenError, RollbackOpenError
from governance.domain.recorded_changes import targets_of
from governance.domain.rollbacks import ComputedRollback
from governance.domain.texts import cut_text
from governance.domain.values import ContractStatus, RiskLevel, Source
from governance.models import Account, SystemContract
from governance.models.contract_indexes import OPEN_STATUSES

HOUR = timedelta(hours=1)


def require_rollback_possible(contract: SystemContract, completed_steps: int) -> None:
    """Refuse to roll back a contract that did not fail, or of which no step was completed.

    Raises:
        NotRolledBackError: there is nothing to undo.
        RollbackOpenError: a rollback of the contract is open.
    """
    if contract.status != ContractStatus.FAILED:
        raise NotRolledBackError(
            f"Only a contract that failed is rolled back; this one is {contract.status}.",
            details={"status": str(contract.status)},
        )
    if completed_steps == 0:
        raise NotRolledBackError("No step of this contract was completed, so there is no rollback.")
    if is_open := open_rollback_of(contract):
        raise RollbackOpenError(
            f"The rollback {is_open.reference} is open.", details={"contract_id": str(is_open.pk)}
        )


def create_rollback(
    *,
    undone: SystemContract,
    rollback: ComputedRollback,
    plan: Sequence[Mapping[str, Any]],
    eligibility_verdict: Mapping[str, Any],
    proposer: Account,
    asked_by: Account | None,
) -> SystemContract:
    """Create the ELIGIBLE rollback of a FAILED contract that the caller has locked.

    It has the risk, the requester and the validator's verdict of that contract. If a concurrent
    transaction takes its reference first, the next one is tried.

    Args:
        plan: the result of `ExecutionOrchestrator.plan_changes` for the changes of `rollback`.
        asked_by: the person who asked for it; None if the verdict did.

    Raises:
        MayNotVerdictError: a capability is frozen, or not registered.
        GovernanceError: any other error of `create_contract`.
    """
    why = f"Rolls back {undone.reference}"
    reason = f"{why}, as {asked_by.get_username()} asked." if asked_by else f"{why}."
    names = free_references(undone.reference, ROLLBACK)
    while True:
        try:
            return create_contract(
                proposal=_proposal(undone, rollback, next(names)),
                plan=plan,
                validator_verdict=undone.validator_verdict or {},
                eligibility_verdict=eligibility_verdict,
                proposer=proposer,
                rolls_back=undone,
                reason=reason,
            )
        except ReferenceTakenError:
            continue


def rollbacks_of(contract: SystemContract) -> QuerySet[SystemContract]:
    """Return the rollbacks of a contract in order; none of one that did not fail."""
    if contract.status != ContractStatus.FAILED:
        return SystemContract.objects.none()
    return contract.rollbacks.only("id", "reference", "status", "rolls_back").order_by("id")


def open_rollback_of(contract: SystemContract) -> SystemContract | None:
    """Return the open rollback of a contract, or None; there is at most one."""
    return rollbacks_of(contract).filter(status__in=OPEN_STATUSES).first()


def count_rollbacks_of_last_hour(at: datetime) -> int:
    """Count the rollbacks that were proposed in the hour before `at`."""
    return SystemContract.objects.filter(rolls_back__isnull=False, created_at__gt=at - HOUR).count()


def _proposal(undone: SystemContract, rollback: ComputedRollback, reference: str) -> Proposal:
    targets = set(targets_of(rollback.changes))
    left_out = rollback.left_out_in_words
    description = f"Undoes the completed steps of {undone.reference}, the last one first."
    if left_out:
        description += f" Left out, so that a person decides: {left_out}."
    return Proposal(
        reference=reference,
        title=cut_text(f"Roll back: {undone.title}", MAX_TITLE_LENGTH),
        description=cut_text(description, MAX_DESCRIPTION_LENGTH),
        source=Source(undone.source),
        requested_by=undone.requested_by,
        affected_capabilities=tuple(
            name for name in undone.affected_capabilities if name in targets
        ),
        changes=parse_changes([dict(change) for change in rollback.changes]),
        risk_level=RiskLevel(undone.risk_level),
    )
