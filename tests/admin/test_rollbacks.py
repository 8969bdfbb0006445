"""Rollbacks on pages: the box of the approve form, the card of a failed contract, the list."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from governance.authorities.contract.rollback_authorisations import MAX_AFTER_WINDOW
from governance.flows.approve_rollback import approve_pre_authorised
from governance.flows.review_contract import reject_contract
from governance.models import RollbackAuthorisation, SystemContract
from tests.support.factories import eligible, failed_job, reloaded
from tests.support.registry import set_value
from tests.support.rollbacks import (
    CHANGES,
    UNDONE,
    authorised_rollback,
    failed_contract,
    half_done,
    judge_fail,
    register_search,
    rollback_of,
)
from tests.support.users import Users

LIST = "admin:governance_systemcontract_changelist"


@pytest.fixture(autouse=True)
def search(users: Users) -> None:
    register_search(users)


def browser(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def url(contract: SystemContract, action: str = "change") -> str:
    return reverse(f"admin:governance_systemcontract_{action}", args=[contract.pk])


def page(person: Any, contract: SystemContract, action: str = "change") -> str:
    answer = browser(person).get(url(contract, action))
    assert answer.status_code == 200
    return answer.content.decode()


def sent(form: Any, **changes: Any) -> dict[str, Any]:
    """Return what a browser sends of a fresh approve form."""
    data = {name: form[name].value() for name in form.fields}
    times = {
        name: value.strftime("%Y-%m-%dT%H:%M")
        for name, value in data.items()
        if hasattr(value, "strftime")
    }
    return {name: value for name, value in (data | times | changes).items() if value}


# --- the approve page ---
def test_approve_page__shows_the_rollback_and_its_box(users: Users) -> None:
    contract = eligible(users, proposed_changes=CHANGES)
    answer = browser(users.founder).get(url(contract, "approve"))
    shown = answer.content.decode()
    assert shown.index("If the audit fails") < shown.index("Authorise exactly this rollback")
    assert [str(one) for one in answer.context["planned_rollback"]] == [
        'Tune "Search": "limit" = 5, "new" = no value',
        'Set "page_size" of "Search" from 50 to 20',
        'Enable "Search" as LAUNCHED',
    ]


def test_approve_page__of_a_plan_without_a_rollback__has_no_box(users: Users) -> None:
    change = CHANGES[0] | {"capability_name": "Unheard of"}
    contract = eligible(users, affected_capabilities=["Unheard of"], proposed_changes=[change])
    shown = page(users.founder, contract, "approve")
    assert "If the audit fails" not in shown
    assert "cannot be authorised with the signature" in shown


def test_approve_page__of_a_rollback__has_no_box(users: Users) -> None:
    shown = page(users.founder, rollback_of(failed_contract(users)), "approve")
    assert "If the audit fails" not in shown
    assert "cannot be authorised" not in shown


@pytest.mark.parametrize("until", ["as offered", "empty", "sooner"])
def test_box__ticked__authorises_exactly_the_rollback(users: Users, until: str) -> None:
    contract = eligible(users, proposed_changes=CHANGES)
    client = browser(users.founder)
    form = client.get(url(contract, "approve")).context["form"]
    closes_at = form["window_closes_at"].value().replace(tzinfo=UTC)
    sooner = closes_at + timedelta(hours=1)
    ends = {
        "as offered": {},
        "empty": {"rollback_until": ""},
        "sooner": {"rollback_until": sooner.strftime("%Y-%m-%dT%H:%M")},
    }
    data = sent(form, authorises_rollback="on", **ends[until])
    assert client.post(url(contract, "approve"), data).status_code == 302
    given = RollbackAuthorisation.objects.get()
    assert given.steps == UNDONE
    assert given.ends_at == (sooner if until == "sooner" else closes_at + MAX_AFTER_WINDOW)
    assert "with an authorisation of its rollback" in page(users.founder, contract)


def test_box__not_ticked__authorises_nothing(users: Users) -> None:
    contract = eligible(users, proposed_changes=CHANGES)
    client = browser(users.founder)
    form = client.get(url(contract, "approve")).context["form"]
    assert client.post(url(contract, "approve"), sent(form)).status_code == 302
    assert not RollbackAuthorisation.objects.exists()


# --- a failed contract ---
def test_failed_contract__says_what_was_done_and_what_the_rollback_would_do(users: Users) -> None:
    job = half_done(users, steps=2)
    set_value("Search", "page_size", 33)
    failed = judge_fail(users, job)
    shown = page(users.viewer, failed)
    assert "2 of 3 steps were completed, and what they changed stands." in shown
    assert "The rollback would make these changes now, in this order:" in shown
    assert "page_size of Search: it is 33 now, and the step set it to 50" in shown
    assert url(rollback_of(failed)) in shown


def test_failed_contract__of_which_nothing_is_left__says_so(users: Users) -> None:
    job = half_done(users, steps=1, proposed_changes=[CHANGES[1]])
    set_value("Search", "page_size", 33)
    shown = page(users.viewer, judge_fail(users, job))
    assert "All 1 step were completed" in shown or "completed, and their changes stand" in shown
    assert "Nothing is left that a rollback would undo." in shown


def test_contract__that_did_not_fail__has_no_rollback_card(users: Users) -> None:
    shown = page(users.viewer, failed_job(users).contract)
    assert 'id="rollback"' not in shown


@pytest.mark.parametrize(("who", "may"), [("operator", True), ("founder", True), ("viewer", False)])
def test_button__is_there_for_who_may_propose__while_no_rollback_is_open(
    users: Users, who: str, may: bool
) -> None:
    failed = failed_contract(users)
    person = getattr(users, who)
    assert url(failed, "rollback") not in page(person, failed)
    reject_contract(
        contract_id=rollback_of(failed).pk, founder=users.founder, reason="Let us wait a day."
    )
    assert (url(failed, "rollback") in page(person, failed)) == may
    answer = browser(person).get(url(failed, "rollback"))
    assert answer.status_code == (200 if may else 403)


def test_form__shows_the_rollback_and_proposes_it(users: Users) -> None:
    failed = failed_contract(users)
    first = rollback_of(failed)
    reject_contract(contract_id=first.pk, founder=users.founder, reason="Let us wait a day.")
    client = browser(users.operator)
    shown = client.get(url(failed, "rollback")).content.decode()
    assert "The rollback would make these changes now" in shown
    answer = client.post(url(failed, "rollback"))
    again = SystemContract.objects.filter(rolls_back=failed).latest("id")
    assert again.pk != first.pk
    assert answer.url == url(again)


def test_form__while_a_rollback_is_open__is_refused_with_its_name(users: Users) -> None:
    failed = failed_contract(users)
    answer = browser(users.operator).post(url(failed, "rollback"))
    assert answer.status_code == 409
    assert f"The rollback {rollback_of(failed).reference} is open." in answer.content.decode()


# --- a rollback ---
def test_rollback__names_what_it_undoes__and_how_it_was_approved(users: Users) -> None:
    rollback = authorised_rollback(users)
    shown = page(users.viewer, rollback)
    assert "Rolls back <a" in shown
    assert url(rollback.rolls_back) in shown
    assert "that is the risk of the contract that it undoes" in shown
    approve_pre_authorised(contract_id=rollback.pk)
    shown = page(users.viewer, reloaded(rollback))
    assert "as founders authorised with their signatures on it" in shown
    assert reloaded(rollback).authorisation_sha256 in shown
    ledger = page(users.viewer, rollback, "ledger")
    assert "approved the rollback, as founders authorised before" in ledger


@pytest.mark.parametrize(
    ("chosen", "found"),
    [("", "AFR"), ("yes", "AR"), ("pre_authorised", "A"), ("no", ""), ("signed", "")],
)
def test_list__filtered_by_rollback__shows_only_those(
    users: Users, chosen: str, found: str
) -> None:
    failed = failed_contract(users)
    known = {rollback_of(failed).reference: "R", failed.reference: "F"}
    approved = authorised_rollback(users)
    approve_pre_authorised(contract_id=approved.pk)
    known[approved.reference] = "A"
    answer = browser(users.viewer).get(reverse(LIST), {"rollback": chosen})
    listed = [row.reference for row in answer.context["cl"].result_list]
    assert "".join(sorted(known[one] for one in listed if one in known)) == found
