"""The rules E-001 to E-006, which must all be passed; all are asked, whatever the others found.

Each looks at a snapshot and finds whether the report passes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from governance.authorities.eligibility.findings import RuleFinding, found
from governance.authorities.eligibility.snapshot import EligibilitySnapshot, OpenContract
from governance.authorities.eligibility.thresholds import EligibilityThresholds
from governance.domain.texts import listed
from governance.domain.values import SYSTEM_SCOPE

CREATE_CONTRACT = "create_contract"


def ask_confidence(snapshot: EligibilitySnapshot, thresholds: EligibilityThresholds) -> RuleFinding:
    """E-001: find whether the validator was confident enough for a contract."""
    confidence, threshold = snapshot.exact_confidence, thresholds.confidence_threshold
    passed = confidence >= threshold
    return found(
        passed,
        f"Confidence {confidence} {'reaches' if passed else 'is below'} the threshold of "
        f"{threshold}.",
        confidence=str(confidence),
        threshold=str(threshold),
    )


def ask_known_capabilities(
    snapshot: EligibilitySnapshot, thresholds: EligibilityThresholds
) -> RuleFinding:
    """E-002: find whether the report names a capability, and only known ones; SYSTEM is known."""
    names, known = snapshot.scopes, snapshot.registered.known
    unknown = [name for name in names if name not in known and name != SYSTEM_SCOPE]
    if unknown:
        reason = f"Not registered: {listed(unknown)}."
    elif names:
        reason = f"Every capability is registered: {listed(names)}."
    else:
        reason = "The report names no capability."
    return found(bool(names) and not unknown, reason, capabilities=names, unknown=unknown)


def ask_blocking_signals(
    snapshot: EligibilitySnapshot, thresholds: EligibilityThresholds
) -> RuleFinding:
    """E-003: find whether no active signal blocks a capability of the report, or SYSTEM."""
    scopes = {*snapshot.affected_capabilities, SYSTEM_SCOPE}
    blocking = sorted({str(one) for one in snapshot.blocking_signals if one.scope in scopes})
    reason = f"Blocked by {listed(blocking)}." if blocking else "No signal blocks the change."
    return found(not blocking, reason, blocking_signals=blocking)


def ask_issue_type(snapshot: EligibilitySnapshot, thresholds: EligibilityThresholds) -> RuleFinding:
    """E-004: find whether the type may become a contract, and the validator recommends one."""
    issue_type, action = snapshot.verdict.issue_type, snapshot.verdict.recommended_action
    faults = []
    if issue_type not in thresholds.issue_types:
        faults.append(f"A report of the type {issue_type} cannot become a contract.")
    if action != CREATE_CONTRACT:
        faults.append(f"The validator recommends {action} and not a contract.")
    return found(
        not faults,
        " ".join(faults) or f"A report of the type {issue_type} may become a contract.",
        issue_type=issue_type,
        recommended_action=action,
    )


def ask_source(snapshot: EligibilitySnapshot, thresholds: EligibilityThresholds) -> RuleFinding:
    """E-005: find whether the source is on the allowlist, or the proposer has a right to propose.

    The snapshot says `proposer_may_propose` for an operator, or a token with that right.
    """
    source, may_propose = snapshot.source, snapshot.proposer_may_propose
    is_allowed = source in thresholds.sources
    if is_allowed:
        reason = f"The source {source} is on the allowlist."
    elif may_propose:
        reason = f"The source {source} is not on the allowlist, but its proposer may propose."
    else:
        reason = f"The source {source} is not on the allowlist."
    return found(
        is_allowed or may_propose,
        reason,
        source=source,
        allowlist=sorted(thresholds.sources),
        proposer_may_propose=may_propose,
    )


def ask_open_contracts(
    snapshot: EligibilitySnapshot, thresholds: EligibilityThresholds
) -> RuleFinding:
    """E-006: find whether no open contract on the capabilities is young; an old one is a warning.

    SYSTEM overlaps every capability. A contract that is exactly as old as the window is young.
    """
    window = timedelta(hours=thresholds.window_hours)
    young: list[OpenContract] = []
    old: list[OpenContract] = []
    for contract in snapshot.open_contracts:
        if _overlaps(snapshot, contract):
            is_young = snapshot.taken_at - contract.created_at <= window
            (young if is_young else old).append(contract)
    hours = f"{thresholds.window_hours} hours"
    sentences = []
    if young:
        sentences.append(f"Open on the same capabilities, from the last {hours}: {_named(young)}.")
    if old:
        sentences.append(f"Warning: still open on the same capabilities: {_named(old)}.")
    return found(
        not young,
        " ".join(sentences) or "No contract on these capabilities is open.",
        open_contracts=sorted(one.contract_id for one in young),
        older_open_contracts=sorted(one.contract_id for one in old),
        window_hours=thresholds.window_hours,
    )


def _named(contracts: Iterable[OpenContract]) -> str:
    return listed(sorted(one.name for one in contracts))


def _overlaps(snapshot: EligibilitySnapshot, contract: OpenContract) -> bool:
    if snapshot.is_about_system or SYSTEM_SCOPE in contract.affected_capabilities:
        return True
    return not set(snapshot.affected_capabilities).isdisjoint(contract.affected_capabilities)
