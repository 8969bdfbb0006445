"""Eligibility is asked again at activation, if its rules changed since the contract's verdict."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.authorities.eligibility.asking_again import decide_again
from governance.authorities.eligibility.snapshot import RegisteredNames
from governance.authorities.eligibility.thresholds import EligibilityThresholds
from governance.authorities.eligibility.verdict import ROLLBACK_RULES
from governance.domain.errors import NoLongerEligibleError
from governance.domain.values import ContractStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.read_eligibility import site_thresholds
from governance.models import Capability, SystemContract
from governance.services.registry.operations import register_capabilities
from tests.support.attacks import nothing_written, trigger_off
from tests.support.eligibility import REPORT, decided
from tests.support.factories import MAY, VALIDATOR_VERDICT, approved, now, reloaded
from tests.support.roles import as_owner
from tests.support.users import Users

pytestmark = pytest.mark.usefixtures("search")
OTHER_RULES: dict[str, Any] = {"ELIGIBILITY_WINDOW_HOURS": 12}


@pytest.fixture
def search(users: Users) -> None:
    register_capabilities(documents=[{"name": "Search"}])


def own_verdict(**fields: Any) -> dict[str, Any]:
    """Return a MAY by the rules of this site, which the proposer's own right made possible."""
    fields = {"source": "manual", "proposer_may_propose": True} | fields
    verdict: dict[str, Any] = decided(site_thresholds(), **fields).model_dump()
    assert verdict["decision"] == "MAY"
    return verdict


def contract_of(users: Users, verdict: dict[str, Any], **fields: Any) -> SystemContract:
    return approved(users, eligibility_verdict=verdict, **fields)


def change_rules(settings: Any, **limits: Any) -> None:
    settings.GOVSITE = settings.GOVSITE | OTHER_RULES | limits


def activate(contract: SystemContract, users: Users) -> Any:
    return activate_contract(contract_id=contract.pk, actor=users.operator)


def refusal_of(contract: SystemContract, users: Users) -> NoLongerEligibleError:
    with nothing_written(), pytest.raises(NoLongerEligibleError) as refused:
        activate(contract, users)
    assert reloaded(contract).status == ContractStatus.APPROVED
    return refused.value


def freeze(name: str) -> None:
    """Mark a registered capability as frozen, which no operation of today does."""
    with trigger_off("governance_capability", "registry_row_kept"), as_owner():
        Capability.objects.filter(name=name).update(frozen=True)


def test_rules__unchanged__are_not_asked_again(users: Users) -> None:
    contract = contract_of(users, own_verdict())
    freeze("Search")
    assert activate(contract, users).status == "PENDING"


def test_rules__changed__that_still_let_it_pass__activate(users: Users, settings: Any) -> None:
    contract = contract_of(users, own_verdict())
    change_rules(settings)
    assert activate(contract, users).status == "PENDING"


def test_rules__changed__that_refuse_it__refuse_in_words(users: Users, settings: Any) -> None:
    contract = contract_of(users, own_verdict())
    change_rules(settings, ELIGIBILITY_CONFIDENCE="0.90")
    refusal = refusal_of(contract, users)
    assert refusal.code == "no_longer_eligible"
    assert "Confidence 0.85 is below the threshold of 0.90." in str(refusal)
    assert refusal.details == {
        "first_failing_rule": "E-001",
        "missing_prerequisites": ["E-001: Confidence 0.85 is below the threshold of 0.90."],
        "rules_version": site_thresholds().rules_version,
    }


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"ELIGIBILITY_MIN_CONFIDENCE": "0.9"}, "E-100"),
        ({"ELIGIBILITY_TYPES": ["bug_report"]}, "E-004"),
    ],
)
def test_threshold__changed__refuses_by_its_rule(
    users: Users, settings: Any, limits: dict[str, Any], rule: str
) -> None:
    contract = contract_of(users, own_verdict())
    change_rules(settings, **limits)
    assert refusal_of(contract, users).details["first_failing_rule"] == rule


def test_capability__frozen_since__is_refused(users: Users, settings: Any) -> None:
    contract = contract_of(users, own_verdict())
    change_rules(settings)
    freeze("Search")
    assert refusal_of(contract, users).details["first_failing_rule"] == "E-102"


def test_capability__that_is_not_registered__is_refused(users: Users, settings: Any) -> None:
    verdict = own_verdict(affected_capabilities=["Ghost"], known=["Ghost"])
    fields: dict[str, Any] = {
        "affected_capabilities": ["Ghost"],
        "proposed_changes": [
            {"type": "parameter_change", "scope": "Ghost", "parameters": {"n": 1}}
        ],
    }
    contract = contract_of(users, verdict, **fields)
    change_rules(settings)
    assert refusal_of(contract, users).details["first_failing_rule"] == "E-002"


def test_critical_report__that_was_recorded_so__is_refused(users: Users, settings: Any) -> None:
    critical = VALIDATOR_VERDICT | {"severity": "critical"}
    contract = contract_of(users, own_verdict(), validator_verdict=critical)
    change_rules(settings)
    assert refusal_of(contract, users).details["first_failing_rule"] == "E-101"


def test_proposer__who_had_no_right__needs_a_source(users: Users, settings: Any) -> None:
    verdict = own_verdict(source="support_ticket", proposer_may_propose=False)
    contract = contract_of(users, verdict, source="support_ticket")
    change_rules(settings, ELIGIBILITY_SOURCES=["ops_alert"])
    assert refusal_of(contract, users).details["first_failing_rule"] == "E-005"


@pytest.mark.parametrize("pre_approved", [True, False])
def test_system__pre_approved_in_the_verdict__passes_again(
    users: Users, settings: Any, pre_approved: bool
) -> None:
    verdict = own_verdict(affected_capabilities=["SYSTEM"], pre_approved=[REPORT])
    if not pre_approved:
        verdict["rule_results"][4]["evidence"]["pre_approved"] = False
    change = {"type": "parameter_change", "scope": "SYSTEM", "parameters": {"n": 1}}
    fields = {"affected_capabilities": ["SYSTEM"], "proposed_changes": [change]}
    contract = contract_of(users, verdict, **fields)
    change_rules(settings)
    if pre_approved:
        assert activate(contract, users).status == "PENDING"
    else:
        assert refusal_of(contract, users).details["first_failing_rule"] == "E-103"


def test_verdict__from_outside__is_not_asked_again(users: Users, settings: Any) -> None:
    contract = contract_of(users, MAY)
    change_rules(settings, ELIGIBILITY_CONFIDENCE="0.99")
    assert activate(contract, users).status == "PENDING"


def test_verdict__of_ours_without_its_results__is_asked_all(users: Users, settings: Any) -> None:
    verdict = own_verdict(source="support_ticket") | {"rule_results": "lost"}
    contract = contract_of(users, verdict, source="support_ticket")
    change_rules(settings, ELIGIBILITY_CONFIDENCE="0.99")
    assert refusal_of(contract, users).details["first_failing_rule"] == "E-001"


@pytest.mark.parametrize(("frozen", "refused_by"), [([], None), (["Search"], "E-102")])
def test_rollback__is_asked_its_two_rules_alone(frozen: list[str], refused_by: str | None) -> None:
    verdict = decide_again(
        report="TEST-1",
        source="manual",
        affected_capabilities=["Search"],
        validator_verdict=VALIDATOR_VERDICT | {"confidence_score": 0.1},
        recorded=own_verdict(only=ROLLBACK_RULES),
        is_rollback=True,
        registered=RegisteredNames(known=["Search"], frozen=frozen),
        at=now(),
        thresholds=EligibilityThresholds(window_hours=1),
    )
    assert verdict is not None
    assert verdict.first_failing_rule == refused_by


def test_question__asked_again__costs_no_statement(users: Users, settings: Any) -> None:
    first, second = contract_of(users, own_verdict()), contract_of(users, own_verdict())
    activate(contract_of(users, own_verdict()), users)  # prepares the statements
    with CaptureQueriesContext(connection) as unasked:
        activate(first, users)
    change_rules(settings)
    with CaptureQueriesContext(connection) as asked:
        activate(second, users)
    assert len(asked) == len(unasked)
