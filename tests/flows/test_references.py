"""A reference is taken once, by whichever of its look-alikes comes first."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from governance.authorities.contract.guards import require_confirmation
from governance.authorities.contract.references import free_references
from governance.domain.errors import (
    ConfirmationRequiredError,
    DuplicateContractError,
    ReferenceTakenError,
    SimilarNameError,
)
from governance.domain.values import ContractStatus
from governance.flows.modify_scope import read_scope
from governance.flows.propose_contract import draft_contract, propose_contract
from governance.models import SystemContract, TakenReference
from governance.services.registry.operations import register_capabilities
from tests.support.archives import AT_REST, archive, remove
from tests.support.contracts import refused
from tests.support.factories import (
    MAY,
    VALIDATOR_VERDICT,
    contract_in,
    draft,
    eligible,
    proposal_document,
)
from tests.support.threads import overtaking
from tests.support.users import Users


def propose(users: Users, **changes: Any) -> SystemContract:
    contract, _ = propose_contract(
        document=proposal_document(**changes),
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=MAY,
        proposer=users.operator,
    )
    return contract


@pytest.mark.parametrize("reference", ["DUP-1", "dup-1", "DUP-l", "ＤＵＰ－１", "DUP‐1"])
@pytest.mark.parametrize("first", [draft, eligible])
def test_proposal__under_a_reference_that_resembles_a_taken_one__refused(
    users: Users, first: Any, reference: str
) -> None:
    other = first(users, reference="DUP-1")
    for proposing in (propose, draft):
        with refused(ReferenceTakenError, "reference_taken") as refusal:
            proposing(users, reference=reference, title="Another title")
        assert refusal.value.details == {"contract_id": str(other.pk), "reference": "DUP-1"}
        assert str(other.pk) in str(refusal.value)


@pytest.mark.parametrize("status", [ContractStatus.REJECTED, ContractStatus.EXPIRED])
def test_reference__of_a_contract_that_has_ended__stays_taken(
    users: Users, status: ContractStatus
) -> None:
    ended = contract_in(users, status)
    with refused(ReferenceTakenError, "reference_taken"):
        propose(users, reference=ended.reference, title="Another title")


def test_reference__of_a_contract_that_was_removed__stays_taken(
    committed: Users, tmp_path: Path
) -> None:
    ended = AT_REST["rejected"](committed)
    archive(tmp_path)
    remove(tmp_path)
    assert not SystemContract.objects.exists()
    with pytest.raises(ReferenceTakenError) as refusal:
        propose(committed, reference=ended.reference.lower())
    assert refusal.value.details["contract_id"] == str(ended.pk)
    assert [*islice(free_references(ended.reference, "rev"), 1)] == [f"{ended.reference} (rev 2)"]


def test_two_proposals__under_one_reference_at_once__one_is_refused(committed: Users) -> None:
    first, refusal = overtaking(
        lambda: propose(committed, reference="RACE-1"),
        lambda: propose(committed, reference="race-1", title="Another title"),
    )
    assert isinstance(refusal, ReferenceTakenError)
    assert refusal.details["contract_id"] == str(first.pk)
    assert SystemContract.objects.get() == first
    assert TakenReference.objects.get().contract_id == first.pk


def test_draft__the_same_again__is_there_already(users: Users) -> None:
    document = proposal_document()
    draft_contract(document=document, proposer=users.operator)
    with refused(DuplicateContractError, "duplicate_contract"):
        draft_contract(document=document, proposer=users.operator)


def test_free_references__pass_over_what_is_taken_or_resembles_it(users: Users) -> None:
    for reference in ("OPS-7", "OPS-7 (again 2)", "ops-7 (AGAIN 3)", "OPS-7 (again 5)"):
        eligible(users, reference=reference)
    names = free_references("OPS-7", "again")
    assert [*islice(names, 2)] == ["OPS-7 (again 4)", "OPS-7 (again 6)"]
    assert next(free_references("OPS-7 (again 3)", "again")) == "OPS-7 (again 4)"
    assert next(free_references("OPS-7 (rev 2)", "again")) == "OPS-7 (rev 2) (again 2)"


@pytest.mark.parametrize("typed", ["CRIT-2", "crit-1", "CRIT-l", ""])
def test_critical_contract__is_confirmed_by_its_own_reference_only(
    users: Users, typed: str
) -> None:
    contract = eligible(users, reference="CRIT-1", risk_level="critical")
    with refused(ConfirmationRequiredError, "confirmation_required"):
        require_confirmation(contract, typed)
    require_confirmation(contract, "CRIT-1")


# --- names of the registry ---
SETTING = {"type": "configuration_update", "scope": "GiftCards", "old_value": 1, "new_value": 2}


@pytest.fixture
def registry(users: Users) -> None:
    register_capabilities(
        documents=[
            {"name": "GiftCards", "configuration": {"daily_limit": 50}},
            {"name": "ExclusiveCPUs"},
            {"name": "ExclusiveCPUS"},
        ]
    )


@pytest.mark.parametrize(
    ("name", "similar_to"),
    [
        ("giftcards", "GiftCards"),
        ("ＧｉｆｔＣａｒｄｓ", "GiftCards"),
        ("exclusivecpus", "ExclusiveCPUs"),
        ("System", "SYSTEM"),
    ],
)
def test_capability__that_only_resembles_a_registered_one__refused(
    users: Users, registry: None, name: str, similar_to: str
) -> None:
    changes = [{"type": "capability_disable", "capability_name": name, "reason": "too many"}]
    for proposing in (propose, draft):
        with refused(SimilarNameError, "similar_name") as refusal:
            proposing(users, affected_capabilities=[name], proposed_changes=changes)
        assert refusal.value.errors[0]["path"] == "affected_capabilities[0]"
        assert refusal.value.details["similar_to"].casefold() == similar_to.casefold()
    with pytest.raises(SimilarNameError) as refused_scope:
        read_scope(changes)
    assert refused_scope.value.errors[0]["path"] == "proposed_changes[0].capability_name"


@pytest.mark.parametrize("key", ["Daily_Limit", "daiIy_limit", "ｄaily_limit", "dai1y_1imit"])
def test_key__that_only_resembles_a_registered_one__refused(
    users: Users, registry: None, key: str
) -> None:
    tuned = {"type": "parameter_change", "scope": "GiftCards", "parameters": {key: 5}}
    for change, path in ((SETTING | {"key": key}, "key"), (tuned, f"parameters.{key}")):
        for changes, where in (([change], "proposed_changes[0]"), (change, "proposed_changes")):
            with refused(SimilarNameError, "similar_name") as refusal:
                propose(users, affected_capabilities=["GiftCards"], proposed_changes=changes)
            assert refusal.value.errors[0]["path"] == f"{where}.{path}"
            assert refusal.value.details["similar_to"] == "daily_limit"


def test_names__that_are_registered_or_new__pass(users: Users, registry: None) -> None:
    keys = [SETTING | {"key": key} for key in ("daily_limit", "weekly_limit", "daily_limit")]
    propose(users, affected_capabilities=["GiftCards"], proposed_changes=keys)
    for name in ("ExclusiveCPUs", "ExclusiveCPUS", "Unknown"):
        changes = [{"type": "capability_disable", "capability_name": name, "reason": "too many"}]
        propose(users, affected_capabilities=[name], proposed_changes=changes)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        (
            {"affected_capabilities": ["GiftCards", "giftcards"]},
            "affected_capabilities[1]",
        ),
        (
            {"proposed_changes": [SETTING | {"key": "new_limit"}, SETTING | {"key": "new_Iimit"}]},
            "proposed_changes[1].key",
        ),
        (
            {
                "proposed_changes": [
                    SETTING | {"key": "new_limit"},
                    {
                        "type": "parameter_change",
                        "scope": "GiftCards",
                        "parameters": {"x": 1, "NEW_LIMIT": 2},
                    },
                ]
            },
            "proposed_changes[1].parameters.NEW_LIMIT",
        ),
    ],
)
def test_names__that_resemble_each_other_in_one_proposal__refused(
    users: Users, changes: dict[str, Any], path: str
) -> None:
    proposal = {
        "affected_capabilities": ["GiftCards"],
        "proposed_changes": [SETTING | {"key": "new_limit"}],
    }
    with refused(SimilarNameError, "similar_name") as refusal:
        propose(users, **(proposal | changes))
    assert refusal.value.errors[0]["path"] == path
