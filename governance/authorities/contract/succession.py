"""Succession: a DRAFT takes the place of a contract that a founder modified, or repeats one.

One transaction ends the modified contract and creates the draft (`flows/modify_scope.py` opens it).
Only the old contract is locked, because no other transaction sees the draft before the commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from governance.authorities.contract.creation import create_draft
from governance.authorities.contract.guards import (
    refuse_expired,
    refuse_proposer,
    require_decision_reason,
    require_repeatable,
    require_seen_content,
)
from governance.authorities.contract.operations import supersede
from governance.authorities.contract.proposals import Proposal, parse_proposal
from governance.authorities.contract.references import REPETITION, REVISION, free_references
from governance.domain.canonical import canonical_text
from governance.domain.changes import Change, parse_changes
from governance.domain.errors import NothingModifiedError, ReferenceTakenError
from governance.models import Account, SystemContract


def supersede_contract(
    *,
    contract: SystemContract,
    changes: Sequence[Change],
    plan: Sequence[Mapping[str, Any]],
    founder: Account,
    reason: str,
    seen_digest: str,
    at: datetime,
) -> SystemContract:
    """Replace a locked ELIGIBLE contract by a DRAFT with other changes, and return the DRAFT.

    The DRAFT is the founder's own proposal, linked to the old contract by `parent`. It takes over
    title, origin and risk, and waits for verdicts of its own. The old contract ends REJECTED.

    Args:
        seen_digest: the content digest of the contract that the founder modified.

    Raises:
        ReasonRequiredError: the reason has 10 characters or less.
        ContractExpiredError: the time for review is over.
        FourEyesError: the founder is the proposer.
        StaleCopyError: the content digest is not `seen_digest`.
        NothingModifiedError: the changes are those of the old contract.
        InvalidInputError: the changes do not fit a contract.
    """
    reason = require_decision_reason(reason)
    refuse_expired(contract, at)
    refuse_proposer(contract, founder)
    require_seen_content(contract, seen_digest)
    refuse_unmodified(contract, changes)
    successor = _draft_under_free_reference(
        contract,
        REVISION,
        proposal=revised_proposal(contract, changes),
        plan=plan,
        proposer=founder,
        parent=contract,
        reason=f"In place of {contract.reference}: {reason}",
    )
    supersede(
        contract=contract,
        successor=successor,
        founder=founder,
        reason=f"Superseded by {successor.reference}: {reason}",
        at=at,
    )
    return successor


def repeat_contract(
    *, contract: SystemContract, plan: Sequence[Mapping[str, Any]], proposer: Account
) -> SystemContract:
    """Propose the content of an ended contract again, as a DRAFT that waits for new verdicts.

    Raises:
        NotRepeatableError: the contract did not fail, expire or get rejected.
        InvalidInputError: what was proposed does not fit a contract any more.
    """
    require_repeatable(contract)
    return _draft_under_free_reference(
        contract,
        REPETITION,
        proposal=revised_proposal(contract, parse_changes(contract.proposed_changes)),
        plan=plan,
        proposer=proposer,
        repeats=contract,
        reason=f"Proposes {contract.reference} again.",
    )


def refuse_unmodified(contract: SystemContract, changes: Sequence[Change]) -> None:
    """Refuse changes that equal the contract's own.

    Raises:
        NothingModifiedError: nothing was modified.
    """
    documents = [change.document() for change in changes]
    if canonical_text(documents) == canonical_text(contract.proposed_changes):
        raise NothingModifiedError.whole(
            "These are the contract's current changes; nothing was modified."
        )


def revised_proposal(contract: SystemContract, changes: Sequence[Change]) -> Proposal:
    """Return the contract's proposal with other changes, still under the same reference.

    Its affected capabilities are the targets of the new changes, and those that the old proposal
    named without targeting them.

    Raises:
        InvalidInputError: the result does not fit a contract.
    """
    before = {change.target for change in parse_changes(contract.proposed_changes)}
    targets = dict.fromkeys(change.target for change in changes)
    kept = [
        name for name in contract.affected_capabilities if name in targets or name not in before
    ]
    return parse_proposal(
        {
            "reference": contract.reference,
            "title": contract.title,
            "description": contract.description,
            "source": contract.source,
            "requested_by": contract.requested_by,
            "affected_capabilities": list(dict.fromkeys([*kept, *targets])),
            "proposed_changes": [change.document() for change in changes],
            "risk_level": contract.risk_level,
        }
    )


def _draft_under_free_reference(
    old: SystemContract, word: str, *, proposal: Proposal, **draft: Any
) -> SystemContract:
    """Create a draft under the first free reference with `word`.

    If a concurrent transaction takes that reference first, the next one is tried.
    """
    names = free_references(old.reference, word)
    while True:
        try:
            return create_draft(proposal=replace(proposal, reference=next(names)), **draft)
        except ReferenceTakenError:
            continue
