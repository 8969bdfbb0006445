"""`explain_eligibility`: the rules of a contract as of then and as of now."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from governance.authorities.eligibility.verdict import ROLLBACK_RULES
from governance.domain.rules import RULES
from governance.domain.values import HealthDecision
from governance.flows.read_eligibility import site_thresholds
from tests.support.attacks import nothing_written
from tests.support.commands import CommandResult, run
from tests.support.eligibility import REPORT, decided
from tests.support.factories import draft, eligible
from tests.support.platform import Broken, signal
from tests.support.rollbacks import failed_contract, register_search, rollback_of
from tests.support.users import Users

CODES = [rule.code for rule in RULES]


@pytest.fixture(autouse=True)
def _search(users: Users) -> None:
    register_search(users)


def explained(contract: Any, *arguments: str) -> CommandResult:
    with nothing_written():
        result = run("explain_eligibility", contract.pk, *arguments)
    assert (result.code, result.err) == (0, "")
    return result


def today(contract: Any) -> dict[str, Any]:
    now: dict[str, Any] = explained(contract, "--json").json()["now"]
    return now


def failing(verdict: dict[str, Any]) -> list[str]:
    return [row["rule_id"] for row in verdict["rule_results"] if not row["passed"]]


def test_contract__with_a_verdict_from_outside__shows_the_rules_of_today(users: Users) -> None:
    lines = explained(eligible(users)).out.splitlines()
    assert lines[0].startswith("Then: MAY, rules version 1.0.0, at 2026-11-02T09:00:01Z")
    assert lines[1:3] == ["The verdict does not list its rules.", ""]
    version = site_thresholds().rules_version
    assert lines[3].startswith(f"Now: MAY, rules version {version}, at ")
    assert lines[4].split() == ["rule", "result", "condition", "reason"]
    assert [line[:5] for line in lines[5:]] == CODES
    assert "not triggered" in lines[5]
    assert "passed" in lines[-1]


def test_contract__with_a_verdict_of_ours__shows_both_tables(users: Users) -> None:
    verdict = decided(source="manual", proposer_may_propose=True).model_dump()
    document = explained(eligible(users, eligibility_verdict=verdict), "--json").json()
    assert document["then"] == verdict
    assert [row["rule_id"] for row in document["now"]["rule_results"]] == CODES


def test_rule__that_refuses_now__says_why(users: Users) -> None:
    contract = eligible(users)
    signal(users, HealthDecision.BLOCKED)
    out = explained(contract).out
    assert "Blocked by Search:latency." in out
    assert "refused" in out
    assert today(contract)["blocking_signals"] == ["Search:latency"]


def test_health__that_nobody_knows__refuses_now(users: Users, settings: Any) -> None:
    settings.GOVSITE = settings.GOVSITE | {
        "HEALTH_PROVIDER": f"{Broken.__module__}.{Broken.__name__}"
    }
    contract = eligible(users)
    with nothing_written():
        verdict = run("explain_eligibility", contract.pk, "--json").json()["now"]
    assert verdict["first_failing_rule"] == "E-104"


def test_degraded_signal__blocks_nothing(users: Users) -> None:
    contract = eligible(users)
    signal(users, HealthDecision.DEGRADED)
    assert today(contract)["decision"] == "MAY"


def test_open_contract__on_the_same_capability__is_named(users: Users) -> None:
    contract, other = eligible(users), eligible(users)
    verdict = today(contract)
    assert failing(verdict) == ["E-006"]
    assert verdict["reason"].endswith(f"{other.reference}.")
    assert verdict["rule_results"][-1]["evidence"]["open_contracts"] == [str(other.pk)]


def test_open_contract__elsewhere__is_none(users: Users) -> None:
    contract = eligible(users)
    change = {"type": "parameter_change", "scope": "Mail", "parameters": {"n": 1}}
    eligible(users, affected_capabilities=["Mail"], proposed_changes=[change])
    assert failing(today(contract)) == []


@pytest.mark.parametrize("pre_approved", [True, False])
def test_system__as_its_verdict_found_it__and_beside_every_other(
    users: Users, pre_approved: bool
) -> None:
    verdict = decided(
        affected_capabilities=["SYSTEM"], pre_approved=[REPORT], source="support_ticket"
    ).model_dump()
    verdict["rule_results"][4]["evidence"]["pre_approved"] = pre_approved
    change = {"type": "parameter_change", "scope": "SYSTEM", "parameters": {"n": 1}}
    contract = eligible(
        users,
        affected_capabilities=["SYSTEM"],
        proposed_changes=[change],
        eligibility_verdict=verdict,
    )
    eligible(users)
    assert failing(today(contract)) == (["E-006"] if pre_approved else ["E-103"])


def test_rollback__is_asked_two_rules(users: Users) -> None:
    rollback = rollback_of(failed_contract(users))
    document = explained(rollback, "--json").json()
    for verdict in (document["then"], document["now"]):
        assert [row["rule_id"] for row in verdict["rule_results"]] == [*ROLLBACK_RULES]


def test_draft__without_verdicts__says_so(users: Users) -> None:
    contract = draft(users)
    assert explained(contract).out.splitlines() == [
        "Then: no verdict yet",
        "",
        "Now: no validator verdict yet",
    ]
    assert explained(contract, "--json").json() == {
        "reference": contract.reference,
        "then": None,
        "now": None,
    }


def test_rule__that_is_not_known__is_called_so(users: Users) -> None:
    verdict = decided().model_dump()
    verdict["rule_results"].append({"rule_id": "X-1", "passed": True})
    contract = eligible(users, eligibility_verdict=verdict)
    assert "an unknown rule" in explained(contract).out


def test_contract__that_is_not_there__refused(users: Users) -> None:
    result = run("explain_eligibility", uuid4())
    assert result.code == 1
    assert "contract_not_found" in result.err
