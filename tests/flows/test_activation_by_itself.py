"""A contract is activated by itself when every founder whose signature counts allowed it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from governance.domain.roles import MachineAccount
from governance.domain.values import ActivationWindow, ContractStatus
from governance.flows.review_contract import withdraw_approval
from governance.flows.sweep import activate_contracts_by_themselves
from governance.models import ApprovalSignature, GovernanceJob, LedgerEntry, SystemContract
from governance.record.ledger.verification import verify_contract
from governance.services.access.accounts import machine_account
from governance.services.freezes.operations import start_freeze
from governance.workers import tasks
from tests.support.admin import approval, contract_url
from tests.support.attacks import run_sql
from tests.support.factories import eligible, now, reloaded
from tests.support.routing import routes_file
from tests.support.signing import approve_as_seen
from tests.support.users import Users


def approved(
    users: Users, *, opens_in: timedelta = timedelta(0), by_itself: bool = True, **changes: Any
) -> SystemContract:
    at = now()
    window = ActivationWindow(at + opens_in, at + opens_in + timedelta(hours=24))
    return approve_as_seen(
        eligible(users, **changes), founder=users.founder, window=window, activates_itself=by_itself
    )


def activated() -> list[str]:
    scheduler = machine_account(MachineAccount.SCHEDULER)
    results = activate_contracts_by_themselves(actor=scheduler)
    return [one.refusal.code if one.refusal else one.status for one in results]


def waiting_tasks() -> list[tuple[Any, ...]]:
    return run_sql(
        "SELECT args, scheduled_at FROM procrastinate_jobs"
        " WHERE task_name = 'activate_contract' AND status = 'todo' ORDER BY id"
    )


def test_contract__that_the_founder_lets_go__is_activated_by_the_scheduler(users: Users) -> None:
    contract = approved(users)
    assert activated() == ["ACTIVE"]
    entry = LedgerEntry.objects.filter(contract=contract, event="job.activation.created").get()
    assert entry.actor.endswith(":scheduler")
    assert GovernanceJob.objects.get().contract_id == contract.pk
    assert activated() == []


def test_contract__without_the_box__waits_for_a_hand(users: Users) -> None:
    approved(users, by_itself=False)
    assert activated() == []
    assert waiting_tasks() == []


def test_contract__before_its_window__waits(users: Users) -> None:
    approved(users, opens_in=timedelta(hours=2))
    assert activated() == []


@pytest.mark.parametrize(("second_allows", "expected"), [(True, ["ACTIVE"]), (False, [])])
def test_contract__of_two_founders__needs_both_to_allow_it(
    users: Users, second_allows: bool, expected: list[str], settings: Any
) -> None:
    settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}
    contract = eligible(users)
    window = ActivationWindow(now(), now() + timedelta(hours=24))
    for founder, allows in ((users.founder, True), (users.second_founder, second_allows)):
        approve_as_seen(contract, founder=founder, window=window, activates_itself=allows)
    assert reloaded(contract).status == ContractStatus.APPROVED
    assert activated() == expected


def test_contract__withdrawn__is_not_activated(users: Users) -> None:
    contract = approved(users)
    withdraw_approval(contract_id=contract.pk, founder=users.founder, reason="Not today, sorry.")
    assert activated() == []


def test_contract__during_a_freeze__is_refused_and_stays_approved(committed: Users) -> None:
    approved(committed)
    start_freeze(reason="Stop.", ends_at=now() + timedelta(hours=1), founder=committed.founder)
    assert activated() == ["change_freeze_active"]
    assert SystemContract.objects.get().status == ContractStatus.APPROVED


# --- the task ---
def test_approval__that_allows_it__enqueues_the_activation_for_its_window(users: Users) -> None:
    contract = approved(users, opens_in=timedelta(hours=2))
    [(arguments, scheduled_at)] = waiting_tasks()
    assert json.loads(arguments) == {"contract_id": str(contract.pk)}
    assert scheduled_at == reloaded(contract).window_opens_at


def test_task__of_a_contract_in_its_window__activates_only_that_one(users: Users) -> None:
    first = approved(users)
    second = approved(users, affected_capabilities=["Billing"], proposed_changes=[
        {"type": "capability_enable", "capability_name": "Billing", "target_lifecycle": "PREVIEW"}
    ])  # fmt: skip
    tasks.activate_one_due(str(first.pk))
    assert reloaded(first).status == ContractStatus.ACTIVE
    assert reloaded(second).status == ContractStatus.APPROVED
    tasks.activate_one_due(str(first.pk))  # the queue is a hint: once more does nothing
    tasks.activate_due(0)
    assert reloaded(second).status == ContractStatus.ACTIVE


def test_task__of_a_contract_without_the_box__does_nothing(users: Users) -> None:
    contract = approved(users, by_itself=False)
    tasks.activate_one_due(str(contract.pk))
    assert reloaded(contract).status == ContractStatus.APPROVED


# --- the signature ---
def test_signature__with_the_box__is_sealed_with_it(users: Users) -> None:
    contract = approved(users)
    signature = ApprovalSignature.objects.get()
    assert signature.as_record()["activates_itself"] is True
    checked, _ = verify_contract(contract.pk)
    assert checked is not None
    assert checked.finding is None


def test_signature__without_the_box__has_the_record_of_an_earlier_version(users: Users) -> None:
    approved(users, by_itself=False)
    assert "activates_itself" not in ApprovalSignature.objects.get().as_record()


@pytest.mark.parametrize("ticked", [True, False])
def test_form__with_or_without_the_box__signs_what_was_chosen(users: Users, ticked: bool) -> None:
    contract = eligible(users)
    browser = Client()
    browser.force_login(users.founder)
    form = approval(contract) | ({"activates_itself": "on"} if ticked else {})
    assert browser.post(contract_url(contract, "approve"), form, secure=True).status_code == 302
    assert ApprovalSignature.objects.get().activates_itself is ticked
    page = browser.get(contract_url(contract), secure=True).content.decode()
    assert ("activated by itself" in page) is ticked


def test_form__of_what_our_workers_run__has_the_box_ticked(users: Users) -> None:
    contract = eligible(users)
    browser = Client()
    browser.force_login(users.founder)

    def is_ticked() -> bool:
        page = browser.get(contract_url(contract, "approve"), secure=True)
        ticked: bool = page.context["form"]["activates_itself"].value()
        return ticked

    assert not is_ticked()
    with routes_file():
        assert is_ticked()
    with routes_file("this is no TOML"):
        assert not is_ticked()
