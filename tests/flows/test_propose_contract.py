"""Tests of `propose_contract`: idempotent, atomic, and with a plan for the proposed changes."""

from __future__ import annotations

from typing import Any

import pytest

from governance.domain.errors import (
    InvalidChangesError,
    InvalidInputError,
    MayNotVerdictError,
    ReferenceTakenError,
    TargetOutOfScopeError,
)
from governance.flows.propose_contract import draft_contract, propose_contract
from governance.models import ConfigurationEntry, SystemContract
from governance.record.ledger.verification import verify_ledger
from governance.services.registry.operations import register_capabilities
from tests.support.attacks import nothing_written
from tests.support.contracts import refused
from tests.support.factories import (
    MAY,
    MAY_NOT,
    THREE_CHANGES,
    VALIDATOR_VERDICT,
    finished_job,
    proposal_document,
    reloaded,
)
from tests.support.registry import set_value
from tests.support.users import Users


def propose(users: Users, document: Any, **changes: Any) -> tuple[SystemContract, bool]:
    arguments = {
        "document": document,
        "validator_verdict": VALIDATOR_VERDICT,
        "eligibility_verdict": MAY,
        "proposer": users.operator,
    }
    return propose_contract(**(arguments | changes))


def test_propose__the_first_time__new_and_eligible(users: Users, commit_now: Any) -> None:
    contract, is_new = propose(users, proposal_document())
    commit_now()
    assert is_new
    assert reloaded(contract).status == "ELIGIBLE"


def test_propose__the_same_again__the_same_contract_and_nothing_written(users: Users) -> None:
    document = proposal_document()
    first, _ = propose(users, document)
    with nothing_written():
        second, is_new = propose(users, document)
    assert (second, is_new) == (first, False)


def test_propose__the_same_by_another_person_in_another_shape__the_same_contract(
    users: Users,
) -> None:
    document = proposal_document()
    first, _ = propose(users, document)
    wrapped = document | {"proposed_changes": {"changes": document["proposed_changes"]}}
    second, is_new = propose(users, wrapped, proposer=users.second_founder)
    assert (second, is_new) == (first, False)
    assert second.proposed_by == users.operator


@pytest.mark.parametrize(
    ("document", "verdicts"),
    [
        ({"title": "Another title"}, {}),
        ({"risk_level": "high"}, {}),
        ({}, {"validator_verdict": VALIDATOR_VERDICT | {"confidence_score": 0.9}}),
        ({}, {"eligibility_verdict": MAY | {"reason": "Looked at once more"}}),
    ],
)
def test_propose__other_content_under_the_same_reference__refused(
    users: Users, document: dict[str, Any], verdicts: dict[str, Any]
) -> None:
    original = proposal_document()
    first, _ = propose(users, original)
    with refused(ReferenceTakenError, "reference_taken") as refusal:
        propose(users, original | document, **verdicts)
    assert refusal.value.details["contract_id"] == str(first.pk)


def test_propose__the_same_content_under_another_reference__another_contract(users: Users) -> None:
    document = proposal_document()
    first, _ = propose(users, document)
    second, is_new = propose(users, document | {"reference": "OTHER"})
    assert is_new
    assert second != first


def test_propose__may_not_after_may__refused_and_the_first_is_kept(users: Users) -> None:
    document = proposal_document()
    first, _ = propose(users, document)
    with refused(MayNotVerdictError, "may_not"):
        propose(users, document, eligibility_verdict=MAY_NOT)
    assert reloaded(first).status == "ELIGIBLE"


BAD = {
    "unknown type": ([{"type": "reboot"}], InvalidChangesError, "invalid_changes"),
    "empty": ([], InvalidChangesError, "invalid_changes"),
    "extra field": (
        {"type": "capability_disable", "capability_name": "Search", "reason": "x", "now": True},
        InvalidChangesError,
        "invalid_changes",
    ),
    "no shape": ("everything", InvalidChangesError, "invalid_changes"),
    "outside the scope": (
        {"type": "capability_disable", "capability_name": "Billing", "reason": "x"},
        TargetOutOfScopeError,
        "target_out_of_scope",
    ),
    "system, not named": (
        {"type": "parameter_change", "scope": "SYSTEM", "parameters": {"a": 1}},
        TargetOutOfScopeError,
        "target_out_of_scope",
    ),
}


class TestCONTRACT006Changes:
    @pytest.mark.parametrize(("changes", "kind", "code"), BAD.values(), ids=list(BAD))
    def test_propose__changes_that_do_not_fit__refused(
        self, users: Users, changes: Any, kind: Any, code: str
    ) -> None:
        with refused(kind, code):
            propose(users, proposal_document(proposed_changes=changes))

    @pytest.mark.parametrize(("changes", "kind", "code"), BAD.values(), ids=list(BAD))
    def test_draft__changes_that_do_not_fit__refused(
        self, users: Users, changes: Any, kind: Any, code: str
    ) -> None:
        with refused(kind, code):
            draft_contract(
                document=proposal_document(proposed_changes=changes),
                proposer=users.operator,
            )

    def test_propose__each_shape__kept_as_a_list_with_a_step_for_each(self, users: Users) -> None:
        changes = proposal_document()["proposed_changes"]
        for shape in (changes, {"changes": changes}, changes[0]):
            contract = reloaded(propose(users, proposal_document(proposed_changes=shape))[0])
            expected = [changes[0]] if shape is changes[0] else changes
            assert contract.proposed_changes == expected
            assert [step["change"] for step in contract.plan] == expected
            assert [step["step_index"] for step in contract.plan] == list(range(len(expected)))


def test_propose__against_a_known_platform__plan_has_rollback_actions(users: Users) -> None:
    configuration = {"timeout_seconds": 9, "page_size": 20}
    register_capabilities(documents=[{"name": "Search", "configuration": configuration}])
    contract, _ = propose(users, proposal_document())
    back = [step["rollback_action"] for step in contract.plan]
    assert back[0]["type"] == "capability_disable"
    assert (back[1]["old_value"], back[1]["new_value"]) == (50, 20)
    assert back[2]["parameters"] == {"timeout_seconds": 9}


def test_propose__without_an_old_value__has_the_recorded_one_and_is_recognised_again(
    users: Users,
) -> None:
    bare = {name: value for name, value in THREE_CHANGES[1].items() if name != "old_value"}
    document = proposal_document(proposed_changes=[bare])
    register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 25}}])
    contract, _ = propose(users, document)
    assert reloaded(contract).proposed_changes == [bare | {"old_value": 25}]
    assert contract.plan[0]["change"] == bare | {"old_value": 25}
    set_value("Search", "page_size", 30)
    assert propose(users, document) == (contract, False)
    named = document | {"proposed_changes": [bare | {"old_value": 25}]}
    with refused(ReferenceTakenError, "reference_taken"):
        propose(users, named)  # what arrived is something else
    draft = draft_contract(document=document | {"reference": "NEW"}, proposer=users.operator)
    assert draft.proposed_changes == [bare | {"old_value": 30}]


def test_register__null_in_the_configuration__stores_nothing(users: Users) -> None:
    configuration = {"page_size": None, "timeout_seconds": 9}
    register_capabilities(documents=[{"name": "Search", "configuration": configuration}])
    assert [entry.key for entry in ConfigurationEntry.objects.all()] == ["timeout_seconds"]


def test_contract__whose_plan_has_no_rollback__is_carried_out_and_verifies(users: Users) -> None:
    job = finished_job(users)
    assert [step.rollback_action for step in job.steps.all()] == [None] * 3
    assert [one.finding for one in verify_ledger()] == [None]


@pytest.mark.parametrize("number", [2**53, float("nan")])
def test_propose__verdict_that_cannot_be_written_down__refused(users: Users, number: float) -> None:
    with refused(InvalidInputError, "invalid_json"):
        propose(
            users, proposal_document(), validator_verdict=VALIDATOR_VERDICT | {"evidence": number}
        )
