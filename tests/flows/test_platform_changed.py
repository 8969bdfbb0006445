"""Activation compares each place that the changes touch with the view that the founders signed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.authorities.orchestrator.job_state import read_contract
from governance.authorities.review.signed_settings import changed_settings
from governance.domain.errors import PlatformChangedError
from governance.domain.values import ContractStatus
from governance.flows.activate_contract import activate_contract
from governance.models import ApprovalSignature, SystemContract
from governance.services.registry.operations import register_capabilities
from tests.support import registry
from tests.support.attacks import nothing_written
from tests.support.factories import THREE_CHANGES, approved, eligible, reloaded, signed
from tests.support.tampering import triggers_off
from tests.support.users import Users

UPDATE, TUNE = THREE_CHANGES[1:]


@pytest.fixture
def search(users: Users) -> None:
    configuration = {"page_size": 20, "timeout_seconds": 9, "other": 1}
    register_capabilities(
        documents=[
            {"name": "Search", "lifecycle": "DISABLED", "configuration": configuration},
            {"name": "Other", "configuration": {"page_size": 1}},
        ]
    )


def set_value(key: str, value: Any, *, scope: str = "Search") -> None:
    registry.set_value(scope, key, value)


def remove_key(key: str) -> None:
    registry.set_value("Search", key, None)


def set_lifecycle(lifecycle: str) -> None:
    registry.set_lifecycle("Search", lifecycle)


def activate(users: Users, contract: SystemContract) -> Any:
    return activate_contract(contract_id=contract.pk, actor=users.operator)


def changed_on_activation(users: Users, contract: SystemContract) -> list[dict[str, str]]:
    with nothing_written(), pytest.raises(PlatformChangedError) as refusal:
        activate(users, contract)
    assert "propose the change again" in str(refusal.value)
    changed: list[dict[str, str]] = refusal.value.details["changed"]
    return changed


@pytest.mark.usefixtures("search")
@pytest.mark.parametrize(
    ("move", "name", "was", "now"),
    [
        (lambda: set_value("page_size", 25), "Search · page_size", "20", "25"),
        (lambda: set_value("page_size", "20"), "Search · page_size", "20", '"20"'),
        (lambda: set_value("timeout_seconds", 2.5), "Search · timeout_seconds", "9", "2.5"),
        (lambda: remove_key("page_size"), "Search · page_size", "20", "null"),
        (lambda: set_lifecycle("LAUNCHED"), "Lifecycle of Search", "DISABLED", "LAUNCHED"),
    ],
)
def test_activation__of_a_setting_that_moved__refused_with_both_values(
    users: Users, move: Any, name: str, was: str, now: str
) -> None:
    contract = approved(users)
    move()
    assert changed_on_activation(users, contract) == [
        {"place": name, "by": "founder", "signed": was, "current": now}
    ]
    assert reloaded(contract).status == ContractStatus.APPROVED


@pytest.mark.usefixtures("search")
@pytest.mark.parametrize(
    "move",
    [
        lambda: set_value("page_size", 20.0),
        lambda: set_value("other", 2),
        lambda: set_value("page_size", 2, scope="Other"),
        lambda: None,
    ],
)
def test_activation__of_settings_that_stand_as_signed__goes_on(users: Users, move: Any) -> None:
    contract = approved(users)
    move()
    assert activate(users, contract)


@pytest.mark.usefixtures("search")
def test_activation__of_a_setting_that_moved_and_returned__goes_on(users: Users) -> None:
    contract = approved(users)
    set_value("page_size", 25)
    changed_on_activation(users, contract)
    set_value("page_size", 20)
    assert activate(users, contract)


@pytest.mark.usefixtures("search")
def test_activation__of_a_setting_that_several_steps_touch__compares_it_before_the_first(
    users: Users,
) -> None:
    again = UPDATE | {"old_value": 50, "new_value": 70}
    contract = approved(users, proposed_changes=[UPDATE, again])
    set_value("page_size", 50)  # what the first step leaves
    assert [one["current"] for one in changed_on_activation(users, contract)] == ["50"]
    set_value("page_size", 20)
    assert activate(users, contract)


@pytest.mark.usefixtures("search")
def test_activation__where_only_an_earlier_founder_saw_another_value__refused(
    users: Users, settings: Any
) -> None:
    settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}
    contract = signed(users, eligible(users))
    set_value("page_size", 25)
    contract = signed(users, contract, founder=users.second_founder)
    assert reloaded(contract).status == ContractStatus.APPROVED
    assert changed_on_activation(users, contract) == [
        {"place": "Search · page_size", "by": "founder", "signed": "20", "current": "25"}
    ]


def test_activation__of_a_key_that_was_absent__refused_once_it_has_a_value(users: Users) -> None:
    register_capabilities(documents=[{"name": "Search"}])
    contract = approved(users, proposed_changes=[UPDATE])
    set_value("page_size", 25)
    changed = changed_on_activation(users, contract)
    assert [(one["signed"], one["current"]) for one in changed] == [("null", "25")]


def test_activation__of_what_was_not_registered__refused_once_it_has_a_value(users: Users) -> None:
    contract = approved(users)
    register_capabilities(documents=[{"name": "Search"}])
    changed = changed_on_activation(users, contract)  # an absent key still reads as no value
    assert [(one["place"], one["current"]) for one in changed] == [
        ("Lifecycle of Search", "DISABLED")
    ]


@pytest.mark.usefixtures("search")
def test_activation__with_an_older_view_that_lacks_a_setting__compares_the_others(
    users: Users,
) -> None:
    contract = approved(users)
    signature = ApprovalSignature.objects.get()
    view = json.loads(signature.view)
    del view["facts"]["Search · page_size"]
    with triggers_off():
        ApprovalSignature.objects.update(view=json.dumps(view))
    set_value("page_size", 25)
    set_value("timeout_seconds", 8)
    assert [one["place"] for one in changed_on_activation(users, contract)] == [
        "Search · timeout_seconds"
    ]


@pytest.mark.parametrize("is_masked", [True, False])
def test_activation__of_a_secret_that_an_earlier_version_recorded__shows_it_nowhere(
    users: Users, is_masked: bool
) -> None:
    register_capabilities(documents=[{"name": "Search"}])
    set_value("smtp_password", "hunter2")
    change = UPDATE | {"key": "smtp_password", "old_value": None, "new_value": "secret://SMTP"}
    contract = approved(users, proposed_changes=[change])
    signature = ApprovalSignature.objects.get()
    if not is_masked:
        with triggers_off():
            view = signature.view.replace("secret://?", "hunter2")
            ApprovalSignature.objects.update(view=view)
    assert "hunter2" not in signature.view + signature.shown
    state = read_contract(contract.pk)
    assert changed_settings(state.contract, state.platform) == []
    set_value("smtp_password", "secret://OLD")
    assert "hunter2" not in repr(changed_on_activation(users, contract))


@pytest.mark.usefixtures("search")
def test_comparison__costs_no_statement_however_much_is_touched(users: Users) -> None:
    def queries(number: int) -> int:
        changes = [UPDATE | {"key": f"key_{index}"} for index in range(number)]
        contract = approved(users, proposed_changes=changes)
        with CaptureQueriesContext(connection) as seen:
            activate(users, contract)
        return len(seen)

    assert queries(1) == queries(100)
