"""The flow of a proposal: parse it, plan it, create the contract; and the verdicts of a draft."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.authorities.contract.operations import create_contract
from governance.authorities.contract.operations import draft_contract as _draft_contract
from governance.authorities.contract.operations import (
    record_review_verdicts as _record_review_verdicts,
)
from governance.authorities.contract.proposals import parse_proposal, proposal_digest
from governance.authorities.contract.queries import contract_of_proposal
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.models import SystemContract
from governance.services.registry.queries import platform_state_for


def propose_contract(
    *,
    document: Mapping[str, Any],
    validator_verdict: Mapping[str, Any],
    eligibility_verdict: Mapping[str, Any],
    proposer: Any,
    at: datetime,
) -> tuple[SystemContract, bool]:
    """Create the ELIGIBLE contract of a proposal; return it and whether it is new.

    If the same proposal with the same verdicts is a contract already, that contract is returned.

    Args:
        document: the proposal, in the form that `parse_proposal` reads.

    Raises:
        GovernanceError: any error of `parse_proposal` and `create_contract`, such as
            MayNotVerdictError.
    """
    proposal = parse_proposal(document)
    known = contract_of_proposal(
        reference=proposal.reference,
        proposal_digest=proposal_digest(proposal, validator_verdict, eligibility_verdict),
    )
    if known is not None:
        return known, False
    plan = GovernanceOrchestrator.plan_changes(
        proposal.changes, state=platform_state_for(proposal.changes)
    )
    contract = create_contract(
        proposal=proposal,
        plan=plan,
        validator_verdict=validator_verdict,
        eligibility_verdict=eligibility_verdict,
        proposer=proposer,
        at=at,
    )
    return contract, True


def draft_contract(*, document: Mapping[str, Any], proposer: Any, at: datetime) -> SystemContract:
    """Create a DRAFT, which waits for its verdicts.

    Raises:
        GovernanceError: any error of `parse_proposal` and the contract's `draft_contract`.
    """
    proposal = parse_proposal(document)
    plan = GovernanceOrchestrator.plan_changes(
        proposal.changes, state=platform_state_for(proposal.changes)
    )
    return _draft_contract(proposal=proposal, plan=plan, proposer=proposer, at=at)


def record_review_verdicts(
    *,
    contract_id: UUID,
    validator_verdict: Mapping[str, Any],
    eligibility_verdict: Mapping[str, Any],
    actor: Any,
    at: datetime,
) -> SystemContract:
    """Record the verdicts on a DRAFT: MAY moves it to ELIGIBLE, MAY_NOT to REJECTED.

    Raises:
        GovernanceError: any error of the contract's `record_review_verdicts`.
    """
    return _record_review_verdicts(
        contract_id=contract_id,
        validator_verdict=validator_verdict,
        eligibility_verdict=eligibility_verdict,
        actor=actor,
        at=at,
    )
