"""The validator's and the gate's verdict, for the contract's page."""

from __future__ import annotations

from typing import Any

from governance.admin.wording import pretty_json
from governance.domain.rules import rule_results
from governance.models import SystemContract


def verdicts_in_words(contract: SystemContract) -> dict[str, Any]:
    """What the page says of both verdicts; of one that has not come yet, only that."""
    validator, eligibility = contract.validator_verdict, contract.eligibility_verdict
    words: dict[str, Any] = {"validator": validator, "eligibility": eligibility}
    if validator:
        words |= {
            "confidence": f"{float(validator['confidence_score']):.0%}",
            "kind": _spaced(validator["issue_type"]),
            "recommends": _spaced(validator["recommended_action"]),
            "validator_json": pretty_json(validator),
            "validator_evidence": _evidence(validator.get("evidence")),
        }
    if eligibility:
        rules, listed = rule_results(eligibility)
        asked = eligibility["rules_evaluated"]
        words |= {
            "rules": rules,
            "rules_listed": listed,
            # Verdicts come with the number, or with the rules.
            "rules_evaluated": len(asked) if isinstance(asked, list) else asked,
            "blocking_json": pretty_json(eligibility["blocking_signals"]),
            "missing_json": pretty_json(eligibility["missing_prerequisites"]),
            "eligibility_json": pretty_json(eligibility),
        }
    return words


def _evidence(evidence: Any) -> str:
    if not evidence:
        return ""
    return evidence if isinstance(evidence, str) else pretty_json(evidence)


def _spaced(word: str) -> str:
    return word.replace("_", " ")
