"""The validator's verdict and the eligibility verdict, for the contract's page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from governance.admin.wording import pretty_json, verdict_time
from governance.authorities.eligibility.snapshot import RegisteredNames
from governance.domain.rules import rule_results
from governance.domain.values import ContractStatus
from governance.flows.read_eligibility import eligibility_today
from governance.models import Capability, SystemContract


def verdicts_in_words(contract: SystemContract, at: datetime) -> dict[str, Any]:
    """Return the template variables for both verdicts; a missing verdict gives only None."""
    validator, eligibility = contract.validator_verdict, contract.eligibility_verdict
    words: dict[str, Any] = {"validator": validator, "eligibility": eligibility}
    if validator:
        words |= {
            "confidence": f"{float(validator['confidence_score']):.0%}",
            "analyzed_at": verdict_time(validator["analyzed_at"], at),
            "kind": _spaced(validator["issue_type"]),
            "recommends": _spaced(validator["recommended_action"]),
            "validator_json": pretty_json(validator),
            "validator_evidence": _evidence(validator.get("evidence")),
        }
    if eligibility:
        evaluated = eligibility["rules_evaluated"]
        words |= {
            "rules": rule_results(eligibility),
            "evaluated_at": verdict_time(eligibility["evaluated_at"], at),
            # A verdict gives the number of rules, or lists them.
            "rules_evaluated": len(evaluated) if isinstance(evaluated, list) else evaluated,
            "blocking_json": pretty_json(eligibility["blocking_signals"]),
            "missing_json": pretty_json(eligibility["missing_prerequisites"]),
            "eligibility_json": pretty_json(eligibility),
        }
    return words


def refusal_of_today(
    contract: SystemContract, known: Mapping[str, Capability], at: datetime
) -> str:
    """Return why today's rules would stop the activation of a contract, if they changed; or "".

    Args:
        known: the registered capabilities among those that the contract affects, by name.
    """
    if contract.status not in (ContractStatus.ELIGIBLE, ContractStatus.APPROVED):
        return ""
    frozen = {name for name, capability in known.items() if capability.frozen}
    registered = RegisteredNames(known=known.keys(), frozen=frozen)
    verdict = eligibility_today(contract, registered=registered, at=at)
    return "" if verdict is None or verdict.may else verdict.reason


def _evidence(evidence: Any) -> str:
    if not evidence:
        return ""
    return evidence if isinstance(evidence, str) else pretty_json(evidence)


def _spaced(word: str) -> str:
    return word.replace("_", " ")
