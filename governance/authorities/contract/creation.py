"""New contracts: DRAFTs, and ELIGIBLE contracts whose verdicts arrived with the proposal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings

from governance.authorities.contract.guards import refuse_may_not
from governance.authorities.contract.ledger_entries import (
    draft_entry,
    eligibility_entry,
    validation_entry,
)
from governance.authorities.contract.proposals import Proposal, proposal_digest
from governance.authorities.contract.references import take_reference
from governance.db.clock import database_now
from governance.db.transactions import retried, write_transaction
from governance.domain.canonical import digest
from governance.domain.errors import InvalidPlanError
from governance.domain.values import ContractStatus
from governance.domain.verdicts import parse_validator_verdict
from governance.models import Account, SystemContract
from governance.record.ledger.chain import append_entries


@retried
def create_contract(
    *,
    proposal: Proposal,
    plan: Sequence[Mapping[str, Any]],
    validator_verdict: Mapping[str, Any],
    eligibility_verdict: Mapping[str, Any],
    proposer: Account,
    rolls_back: SystemContract | None = None,
    reason: str = "",
) -> SystemContract:
    """Create an ELIGIBLE contract, with DRAFT → VALIDATED → ELIGIBLE as entries in the ledger.

    Args:
        plan: the result of `ExecutionOrchestrator.plan_changes` for the proposal.
        rolls_back: the FAILED contract that the new one undoes.
        reason: why the new one undoes another contract.

    Raises:
        InvalidVerdictError: a verdict does not fit its form.
        MayNotVerdictError: the eligibility decision is MAY_NOT.
        InvalidPlanError: the plan has not one step for each change.
        DuplicateContractError: the same proposal is a contract already.
        ReferenceTakenError: another contract has the reference, or one that looks like it.
        RollbackOpenError: another rollback of that contract is open.
    """
    parse_validator_verdict(validator_verdict)
    refuse_may_not(eligibility_verdict)
    contract = _new_contract(
        ContractStatus.ELIGIBLE,
        proposal=proposal,
        plan=plan,
        verdicts=(validator_verdict, eligibility_verdict),
        proposer=proposer,
        rolls_back=rolls_back,
    )
    contract.validator_verdict = dict(validator_verdict)
    contract.confidence_score = float(validator_verdict["confidence_score"])
    contract.raise_risk()
    contract.eligibility_verdict = dict(eligibility_verdict)
    contract.eligibility_decision = eligibility_verdict["decision"]
    contract.content_digest = digest(contract.content_record())
    with write_transaction():
        take_reference(contract)
        contract.save(force_insert=True)
        append_entries(
            contract_id=contract.pk,
            actor=proposer,
            at=contract.created_at,
            entries=[
                draft_entry(contract, reason=reason),
                validation_entry(contract),
                eligibility_entry(contract),
            ],
        )
    return contract


@retried
def create_draft(
    *,
    proposal: Proposal,
    plan: Sequence[Mapping[str, Any]],
    proposer: Account,
    parent: SystemContract | None = None,
    repeats: SystemContract | None = None,
    reason: str = "",
) -> SystemContract:
    """Create a DRAFT, which waits for its verdicts (`record_review_verdicts`).

    Args:
        parent: the contract that the draft replaces; `supersede` ends it in the same transaction.
        repeats: the ended contract whose content the draft proposes again.
        reason: why the draft replaces or repeats another contract.

    Raises:
        InvalidPlanError: the plan has not one step for each change.
        DuplicateContractError: the same proposal is a contract already.
        ReferenceTakenError: another contract has the reference, or one that looks like it.
    """
    contract = _new_contract(
        ContractStatus.DRAFT,
        proposal=proposal,
        plan=plan,
        verdicts=(None, None),
        proposer=proposer,
    )
    contract.parent, contract.repeats = parent, repeats
    with write_transaction():
        take_reference(contract)
        contract.save(force_insert=True)
        new_entries = [draft_entry(contract, reason=reason)]
        append_entries(
            contract_id=contract.pk, actor=proposer, at=contract.created_at, entries=new_entries
        )
    return contract


def _new_contract(
    status: ContractStatus,
    *,
    proposal: Proposal,
    plan: Sequence[Mapping[str, Any]],
    verdicts: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None],
    proposer: Account,
    rolls_back: SystemContract | None = None,
) -> SystemContract:
    if len(plan) != len(proposal.changes):
        raise InvalidPlanError("The plan must have one step for each change.")
    at = database_now()
    expires_at = at + timedelta(hours=settings.GOVSITE["REVIEW_TTL_HOURS"])
    contract = SystemContract(
        status=status,
        reference=proposal.reference,
        proposal_digest=proposal_digest(proposal, *verdicts),
        source=proposal.source,
        title=proposal.title,
        description=proposal.description,
        requested_by=proposal.requested_by,
        proposed_by=proposer,
        # As planned: a change that arrived without `old_value` has the recorded value there.
        proposed_changes=[step["change"] for step in plan],
        affected_capabilities=list(proposal.affected_capabilities),
        risk_level=proposal.risk_level,
        rolls_back=rolls_back,
        plan=[dict(step) for step in plan],
        created_at=at,
        updated_at=at,
        expires_at=expires_at,
        review_ends_at=expires_at,
    )
    contract.raise_risk()
    return contract
