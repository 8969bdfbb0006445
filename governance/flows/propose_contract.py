"""The flows of a proposal: parse it, plan it, create the contract; or propose an ended one again.

The verdicts of a draft concern only the contract, whose own operation records them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from governance.authorities.contract.creation import create_contract, create_draft
from governance.authorities.contract.operations import (
    record_review_verdicts as record_review_verdicts,
)
from governance.authorities.contract.proposals import Proposal, parse_proposal, proposal_digest
from governance.authorities.contract.queries import contract_of_proposal
from governance.authorities.contract.succession import repeat_contract
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.db.transactions import retried, write_transaction
from governance.domain.changes import change_paths, parse_changes, settings_in, targets_at
from governance.models import Account, SystemContract
from governance.record.ledger.chain import lock_contract
from governance.services.access.permissions import require_proposer
from governance.services.registry.guards import refuse_like_registered
from governance.services.registry.queries import platform_state_for


def propose_contract(
    *,
    document: Mapping[str, Any],
    validator_verdict: Mapping[str, Any],
    eligibility_verdict: Mapping[str, Any],
    proposer: Account,
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
    _refuse_like_registered(proposal, document)
    plan = GovernanceOrchestrator.plan_changes(
        proposal.changes, state=platform_state_for(proposal.changes)
    )
    contract = create_contract(
        proposal=proposal,
        plan=plan,
        validator_verdict=validator_verdict,
        eligibility_verdict=eligibility_verdict,
        proposer=proposer,
    )
    return contract, True


def draft_contract(*, document: Mapping[str, Any], proposer: Account) -> SystemContract:
    """Create a DRAFT, which waits for its verdicts.

    Raises:
        GovernanceError: any error of `parse_proposal` and `create_draft`.
    """
    proposal = parse_proposal(document)
    _refuse_like_registered(proposal, document)
    plan = GovernanceOrchestrator.plan_changes(
        proposal.changes, state=platform_state_for(proposal.changes)
    )
    return create_draft(proposal=proposal, plan=plan, proposer=proposer)


@retried
def propose_again(*, contract_id: UUID, proposer: Account) -> SystemContract:
    """Propose the content of a FAILED, EXPIRED or REJECTED contract again, as a DRAFT.

    The DRAFT is linked by `repeats`, and waits for verdicts and signatures of its own. A contract
    that was archived and removed cannot be repeated, because its content is only in the archive.

    Raises:
        WrongPersonError: the person is neither an operator nor a founder.
        NotFoundError: no such contract.
        GovernanceError: any error of the contract's `repeat_contract`.
    """
    require_proposer(proposer)
    with write_transaction():
        contract, _ = lock_contract(contract_id)
        changes = parse_changes(contract.proposed_changes)
        paths = change_paths(contract.proposed_changes)
        refuse_like_registered(targets_at(changes, paths), settings_in(changes, paths))
        plan = GovernanceOrchestrator.plan_changes(changes, state=platform_state_for(changes))
        return repeat_contract(contract=contract, plan=plan, proposer=proposer)


def _refuse_like_registered(proposal: Proposal, document: Mapping[str, Any]) -> None:
    names = [
        (f"affected_capabilities[{index}]", name)
        for index, name in enumerate(proposal.affected_capabilities)
    ]
    paths = change_paths(document["proposed_changes"])
    refuse_like_registered(names, settings_in(proposal.changes, paths))
