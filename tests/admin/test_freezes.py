"""Change freezes in the admin: the banner on every page, the two forms, and the list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.domain.values import ContractStatus
from governance.models import ChangeFreeze, FreezeLift
from tests.admin.conftest import Browser
from tests.support.admin import approval, contract_url, job_url, typed
from tests.support.factories import eligible, now, reloaded, running_job
from tests.support.freezes import HOUR, frozen, lifted
from tests.support.users import Users

Rows = Callable[[], dict[str, list[Any]]]
LIST = reverse("admin:governance_changefreeze_changelist")
START = reverse("admin:governance_changefreeze_start")
BANNER = 'class="gov-banner"'
PEOPLE = ["operator", "executor", "auditor", "viewer"]


def lift_url(freeze: ChangeFreeze) -> str:
    return reverse("admin:governance_changefreeze_lift", args=[freeze.pk])


def page_url(freeze: ChangeFreeze) -> str:
    return reverse("admin:governance_changefreeze_change", args=[freeze.pk])


def start_form(**fields: Any) -> dict[str, Any]:
    return {"ends_at": typed(now() + 2 * HOUR), "reason": "The sky is falling."} | fields


# --- the banner ---
def every_page(users: Users) -> list[str]:
    lists = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]
    contract, running = eligible(users), running_job(users)
    pages = [contract_url(contract), contract_url(contract, "approve"), job_url(running.job)]
    others = ["index", "password_change", "governance_account_add"]
    return [*lists, *pages, *(reverse(f"admin:{name}") for name in others), START]


def test_banner__while_frozen__on_every_page(
    users: Users, signed_in: Browser, superuser: Any
) -> None:
    browser, pages = signed_in(superuser), every_page(users)
    for page in pages:
        assert BANNER not in browser.get(page).content.decode(), page
    freeze = frozen(users, reason="<b>Sky</b> falling.")
    for page in pages:
        shown = browser.get(page).content.decode()
        assert shown.count(BANNER) == 1, page
        assert "&lt;b&gt;Sky&lt;/b&gt; falling." in shown, page
        assert f"{freeze.ends_at:%-d %b %Y, %H:%M} UTC" in shown, page
    lifted(users, freeze)
    for page in pages:
        assert BANNER not in browser.get(page).content.decode(), page


def test_banner__on_a_page_that_refuses__is_there_too(
    users: Users, founder_browser: Client
) -> None:
    contract = eligible(users)
    frozen(users)
    answer = founder_browser.post(contract_url(contract, "reject"), {"reason": ""})
    assert answer.status_code == 400
    assert BANNER in answer.content.decode()


def test_banner__when_anonymous__runs_no_query_and_shows_nothing(users: Users) -> None:
    frozen(users)
    with CaptureQueriesContext(connection) as asked:
        answer = Client().get(reverse("admin:login"))
    assert "Log in" in answer.content.decode()
    assert BANNER not in answer.content.decode()
    assert not [query for query in asked if "active_freezes" in query["sql"]]


def test_banner__costs_one_query(users: Users, founder_browser: Client) -> None:
    frozen(users)
    with CaptureQueriesContext(connection) as asked:
        founder_browser.get(reverse("admin:index"))
    assert len([query for query in asked if "active_freezes" in query["sql"]]) == 1


# --- starting ---
def test_start__by_a_founder__freezes_changes(users: Users, founder_browser: Client) -> None:
    form = founder_browser.get(START)
    assert form.status_code == 200
    assert "Nobody approves." in form.content.decode()
    answer = founder_browser.post(START, start_form(reason="One line.\r\nAnother."), follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    freeze = ChangeFreeze.objects.get()
    assert (freeze.started_by, freeze.reason) == (users.founder, "One line.\nAnother.")
    assert BANNER in answer.content.decode()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"reason": ""}, "reason_required"),
        ({"reason": " \n "}, "reason_required"),
        ({"reason": "x" * 4001}, "invalid_input"),
        ({"ends_at": typed(now() - HOUR)}, "invalid_window"),
        ({"ends_at": typed(now() + timedelta(days=8))}, "invalid_window"),
    ],
)
def test_start__refused__on_the_form_with_what_was_typed(
    founder_browser: Client, everything: Rows, fields: dict[str, str], code: str
) -> None:
    before = everything()
    answer = founder_browser.post(START, start_form(**fields))
    assert answer.status_code == 400
    assert answer.context["refusal"].code == code
    assert "Refused; nothing was changed." in answer.content.decode()
    assert everything() == before


@pytest.mark.parametrize("ends_at", ["", "soon", "9999-99-99T00:00"])
def test_start__invalid_end__asked_for_again(
    founder_browser: Client, everything: Rows, ends_at: str
) -> None:
    before = everything()
    assert founder_browser.post(START, start_form(ends_at=ends_at)).status_code == 400
    assert everything() == before


def test_get__of_both_forms__changes_nothing(
    users: Users, founder_browser: Client, everything: Rows
) -> None:
    freeze = frozen(users)
    before = everything()
    for page in (START, lift_url(freeze), page_url(freeze), LIST):
        assert founder_browser.get(page, start_form()).status_code in (200, 302)
        assert founder_browser.head(page).status_code == 200
    for page in (START, lift_url(freeze)):
        assert founder_browser.put(page, start_form()).status_code == 405
        assert founder_browser.delete(page).status_code == 405
    assert founder_browser.post(page_url(freeze), {"reason": "x"}).status_code == 403
    assert founder_browser.post(LIST, {"reason": "x"}).status_code == 403
    assert everything() == before


@pytest.mark.parametrize("who", PEOPLE)
def test_both_forms__not_a_founder__403(
    users: Users, signed_in: Browser, everything: Rows, who: str
) -> None:
    freeze, browser = frozen(users), signed_in(getattr(users, who))
    before = everything()
    for page in (START, lift_url(freeze)):
        assert browser.get(page).status_code == 403
        assert browser.post(page, start_form()).status_code == 403
    assert everything() == before
    shown = browser.get(LIST)
    assert shown.status_code == 200
    assert START not in shown.content.decode()
    assert lift_url(freeze) not in browser.get(page_url(freeze)).content.decode()


# --- lifting ---
def test_lift__by_any_founder__unfreezes_changes(users: Users, signed_in: Browser) -> None:
    freeze, browser = frozen(users), signed_in(users.second_founder)
    assert "Changes are possible again at once" in browser.get(lift_url(freeze)).content.decode()
    answer = browser.post(lift_url(freeze), {"reason": "It is back."}, follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    lift = FreezeLift.objects.get()
    assert (lift.freeze, lift.lifted_by) == (freeze, users.second_founder)
    shown = answer.content.decode()
    assert BANNER not in shown
    assert "Freeze lifted. Changes are possible again." in shown


def test_lift__one_of_two__says_that_another_is_active(
    users: Users, founder_browser: Client
) -> None:
    freeze, _ = frozen(users), frozen(users, hours=3)
    assert "1 other freeze still holds changes back" in (
        founder_browser.get(lift_url(freeze)).content.decode()
    )
    answer = founder_browser.post(lift_url(freeze), {"reason": "It is back."}, follow=True)
    assert "another freeze still holds changes back" in answer.content.decode()
    assert BANNER in answer.content.decode()


def test_lift__without_a_reason__refused(
    users: Users, founder_browser: Client, everything: Rows
) -> None:
    freeze = frozen(users)
    before = everything()
    answer = founder_browser.post(lift_url(freeze), {"reason": " "})
    assert (answer.status_code, answer.context["refusal"].code) == (400, "reason_required")
    assert everything() == before


def test_lift__ended_freeze__refused_and_not_offered(
    users: Users, founder_browser: Client, everything: Rows
) -> None:
    over, gone = frozen(users, at=now() - 2 * HOUR), frozen(users)
    lifted(users, gone)
    before = everything()
    for freeze in (over, gone):
        assert "nothing to lift" in founder_browser.get(lift_url(freeze)).content.decode()
        answer = founder_browser.post(lift_url(freeze), {"reason": "Again."})
        assert (answer.status_code, answer.context["refusal"].code) == (409, "freeze_over")
        assert lift_url(freeze) not in founder_browser.get(page_url(freeze)).content.decode()
    assert everything() == before


def test_lift__no_such_freeze__404(users: Users, founder_browser: Client) -> None:
    address = reverse("admin:governance_changefreeze_lift", args=[uuid4()])
    assert founder_browser.post(address, {"reason": "Over."}).status_code == 404


# --- the list, and what a freeze refuses ---
def test_history__of_started_and_lifted_freezes__shows_how_each_ended(
    users: Users, founder_browser: Client
) -> None:
    frozen(users, at=now() - 2 * HOUR, reason="Ended by itself.")
    lifted(users, frozen(users, reason="Ended by hand."))
    frozen(users, reason="Still there.")
    shown = founder_browser.get(LIST).content.decode()
    for words in (
        *("Ended by itself.", "Ended by hand.", "Still there."),
        *("at its end", "lifted by second-founder", "not yet"),
        *('data-word="over"', 'data-word="lifted"', 'data-word="FROZEN"'),
    ):
        assert words in shown, words


def test_list__while_frozen__links_a_founder_to_lift_each_freeze(
    users: Users, founder_browser: Client, signed_in: Browser
) -> None:
    active = [frozen(users), frozen(users, hours=3)]
    over, gone = frozen(users, at=now() - 2 * HOUR), frozen(users)
    lifted(users, gone)
    shown = founder_browser.get(LIST).content.decode()
    assert all(lift_url(freeze) in shown for freeze in active)
    assert not any(lift_url(freeze) in shown for freeze in (over, gone))
    assert "/lift/" not in signed_in(users.viewer).get(LIST).content.decode()


def test_history__longer__takes_no_more_queries(users: Users, founder_browser: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert founder_browser.get(LIST).status_code == 200
        return len(queries)

    lifted(users, frozen(users))
    few = asked()
    for _ in range(5):
        lifted(users, frozen(users))
    assert asked() == few


def test_approving__while_frozen__the_form_shows_why(
    users: Users, founder_browser: Client, everything: Rows
) -> None:
    contract = eligible(users)
    freeze = frozen(users)
    before = everything()
    form = founder_browser.get(contract_url(contract, "approve"))
    assert form.status_code == 409
    assert [obstacle.code for obstacle in form.context["obstacles"]] == ["change_freeze_active"]
    answer = founder_browser.post(contract_url(contract, "approve"), approval(contract))
    assert answer.status_code == 409
    assert answer.context["refusal"].code == "change_freeze_active"
    assert freeze.reason in answer.content.decode()
    assert everything() == before
    page = founder_browser.get(contract_url(contract)).content.decode()
    assert "This contract cannot be approved now" in page
    lifted(users, freeze)
    founder_browser.post(contract_url(contract, "approve"), approval(contract))
    assert reloaded(contract).status == ContractStatus.APPROVED


def test_rejecting__while_frozen__done(users: Users, founder_browser: Client) -> None:
    contract = eligible(users)
    frozen(users)
    founder_browser.post(contract_url(contract, "reject"), {"reason": "Not before the sale."})
    assert reloaded(contract).status == ContractStatus.REJECTED
