"""The line in the admin: a banner on every page, two forms, and the history."""

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

from governance.models import LineFreeze, LineThaw
from governance.vocabulary.values import ContractStatus
from tests.admin.conftest import Browser
from tests.support.admin import approval, contract_url, job_url, typed
from tests.support.cast import Cast
from tests.support.line import HOUR, frozen, thawed
from tests.support.stories import again, eligible, now, running_job

Rows = Callable[[], dict[str, list[Any]]]
LIST = reverse("admin:governance_linefreeze_changelist")
STOP = reverse("admin:governance_linefreeze_stop")
BANNER = 'class="gov-banner"'
PEOPLE = ["operator", "executor", "auditor", "viewer"]


def thaw_url(freeze: LineFreeze) -> str:
    return reverse("admin:governance_linefreeze_thaw", args=[freeze.pk])


def page_url(freeze: LineFreeze) -> str:
    return reverse("admin:governance_linefreeze_change", args=[freeze.pk])


def stopping(**fields: Any) -> dict[str, Any]:
    return {"ends_at": typed(now() + 2 * HOUR), "reason": "The sky is falling."} | fields


# --- the banner ---
def every_page(cast: Cast) -> list[str]:
    lists = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]
    contract, running = eligible(cast), running_job(cast)
    pages = [contract_url(contract), contract_url(contract, "approve"), job_url(running.job)]
    others = ["index", "password_change", "governance_account_add"]
    return [*lists, *pages, *(reverse(f"admin:{name}") for name in others), STOP]


def test_banner__while_frozen__on_every_page(
    cast: Cast, signed_in: Browser, superuser: Any
) -> None:
    browser, pages = signed_in(superuser), every_page(cast)
    for page in pages:
        assert BANNER not in browser.get(page).content.decode(), page
    freeze = frozen(cast, reason="<b>Sky</b> falling.")
    for page in pages:
        shown = browser.get(page).content.decode()
        assert shown.count(BANNER) == 1, page
        assert "&lt;b&gt;Sky&lt;/b&gt; falling." in shown, page
        assert f"{freeze.ends_at:%-d %b %Y, %H:%M} UTC" in shown, page
    thawed(cast, freeze)
    for page in pages:
        assert BANNER not in browser.get(page).content.decode(), page


def test_banner__on_a_page_that_refuses__is_there_too(cast: Cast, founder_browser: Client) -> None:
    contract = eligible(cast)
    frozen(cast)
    answer = founder_browser.post(contract_url(contract, "reject"), {"reason": ""})
    assert answer.status_code == 400
    assert BANNER in answer.content.decode()


def test_banner__for_nobody__asks_nothing_and_tells_nothing(cast: Cast) -> None:
    frozen(cast)
    with CaptureQueriesContext(connection) as asked:
        answer = Client().get(reverse("admin:login"))
    assert "Log in" in answer.content.decode()
    assert BANNER not in answer.content.decode()
    assert not [query for query in asked if "linefreeze" in query["sql"]]


def test_banner__costs_one_query(cast: Cast, founder_browser: Client) -> None:
    frozen(cast)
    with CaptureQueriesContext(connection) as asked:
        founder_browser.get(reverse("admin:index"))
    assert len([query for query in asked if "linefreeze" in query["sql"]]) == 1


# --- stopping ---
def test_stopping__by_a_founder__the_line_stands_still(cast: Cast, founder_browser: Client) -> None:
    form = founder_browser.get(STOP)
    assert form.status_code == 200
    assert "Nobody approves." in form.content.decode()
    answer = founder_browser.post(STOP, stopping(reason="One line.\r\nAnother."), follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    freeze = LineFreeze.objects.get()
    assert (freeze.frozen_by, freeze.reason) == (cast.founder, "One line.\nAnother.")
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
def test_stopping__refused__on_the_form_with_what_was_typed(
    founder_browser: Client, everything: Rows, fields: dict[str, str], code: str
) -> None:
    before = everything()
    answer = founder_browser.post(STOP, stopping(**fields))
    assert answer.status_code == 400
    assert answer.context["refusal"].code == code
    assert "Refused; nothing was changed." in answer.content.decode()
    assert everything() == before


@pytest.mark.parametrize("ends_at", ["", "soon", "9999-99-99T00:00"])
def test_stopping__end_that_is_none__asked_for_again(
    founder_browser: Client, everything: Rows, ends_at: str
) -> None:
    before = everything()
    assert founder_browser.post(STOP, stopping(ends_at=ends_at)).status_code == 400
    assert everything() == before


def test_looking__at_both_forms__changes_nothing(
    cast: Cast, founder_browser: Client, everything: Rows
) -> None:
    freeze = frozen(cast)
    before = everything()
    for page in (STOP, thaw_url(freeze), page_url(freeze), LIST):
        assert founder_browser.get(page, stopping()).status_code in (200, 302)
        assert founder_browser.head(page).status_code == 200
    for page in (STOP, thaw_url(freeze)):
        assert founder_browser.put(page, stopping()).status_code == 405
        assert founder_browser.delete(page).status_code == 405
    assert founder_browser.post(page_url(freeze), {"reason": "x"}).status_code == 403
    assert founder_browser.post(LIST, {"reason": "x"}).status_code == 403
    assert everything() == before


@pytest.mark.parametrize("who", PEOPLE)
def test_both_forms__not_a_founder__403(
    cast: Cast, signed_in: Browser, everything: Rows, who: str
) -> None:
    freeze, browser = frozen(cast), signed_in(getattr(cast, who))
    before = everything()
    for page in (STOP, thaw_url(freeze)):
        assert browser.get(page).status_code == 403
        assert browser.post(page, stopping()).status_code == 403
    assert everything() == before
    shown = browser.get(LIST)
    assert shown.status_code == 200
    assert STOP not in shown.content.decode()
    assert thaw_url(freeze) not in browser.get(page_url(freeze)).content.decode()


# --- thawing ---
def test_thawing__by_any_founder__the_line_runs(cast: Cast, signed_in: Browser) -> None:
    freeze, browser = frozen(cast), signed_in(cast.second_founder)
    assert "The line runs at once" in browser.get(thaw_url(freeze)).content.decode()
    answer = browser.post(thaw_url(freeze), {"reason": "It is back."}, follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    thaw = LineThaw.objects.get()
    assert (thaw.freeze, thaw.thawed_by) == (freeze, cast.second_founder)
    shown = answer.content.decode()
    assert BANNER not in shown
    assert "Thawed. The line runs." in shown


def test_thawing__one_of_two__says_that_another_holds(cast: Cast, founder_browser: Client) -> None:
    freeze, _ = frozen(cast), frozen(cast, hours=3)
    assert "1 other freeze still holds the line" in (
        founder_browser.get(thaw_url(freeze)).content.decode()
    )
    answer = founder_browser.post(thaw_url(freeze), {"reason": "It is back."}, follow=True)
    assert "another freeze still holds the line" in answer.content.decode()
    assert BANNER in answer.content.decode()


def test_thawing__without_a_reason__refused(
    cast: Cast, founder_browser: Client, everything: Rows
) -> None:
    freeze = frozen(cast)
    before = everything()
    answer = founder_browser.post(thaw_url(freeze), {"reason": " "})
    assert (answer.status_code, answer.context["refusal"].code) == (400, "reason_required")
    assert everything() == before


def test_thawing__what_is_over__refused_and_not_offered(
    cast: Cast, founder_browser: Client, everything: Rows
) -> None:
    over, gone = frozen(cast, at=now() - 2 * HOUR), frozen(cast)
    thawed(cast, gone)
    before = everything()
    for freeze in (over, gone):
        assert "nothing to thaw" in founder_browser.get(thaw_url(freeze)).content.decode()
        answer = founder_browser.post(thaw_url(freeze), {"reason": "Again."})
        assert (answer.status_code, answer.context["refusal"].code) == (409, "freeze_over")
        assert thaw_url(freeze) not in founder_browser.get(page_url(freeze)).content.decode()
    assert everything() == before


def test_thawing__no_such_freeze__404(cast: Cast, founder_browser: Client) -> None:
    address = reverse("admin:governance_linefreeze_thaw", args=[uuid4()])
    assert founder_browser.post(address, {"reason": "Over."}).status_code == 404


# --- the history, and what a freeze stops here ---
def test_history__of_freezes_and_thaws__tells_how_each_ended(
    cast: Cast, founder_browser: Client
) -> None:
    frozen(cast, at=now() - 2 * HOUR, reason="Ended by itself.")
    thawed(cast, frozen(cast, reason="Ended by hand."))
    frozen(cast, reason="Still there.")
    shown = founder_browser.get(LIST).content.decode()
    for words in (
        *("Ended by itself.", "Ended by hand.", "Still there."),
        *("by the clock", "thawed by second-founder", "not yet"),
        *('data-word="over"', 'data-word="thawed"', 'data-word="FROZEN"'),
    ):
        assert words in shown, words


def test_list__while_frozen__leads_a_founder_to_each_thaw(
    cast: Cast, founder_browser: Client, signed_in: Browser
) -> None:
    standing = [frozen(cast), frozen(cast, hours=3)]
    over, gone = frozen(cast, at=now() - 2 * HOUR), frozen(cast)
    thawed(cast, gone)
    shown = founder_browser.get(LIST).content.decode()
    assert all(thaw_url(freeze) in shown for freeze in standing)
    assert not any(thaw_url(freeze) in shown for freeze in (over, gone))
    assert "/thaw/" not in signed_in(cast.viewer).get(LIST).content.decode()


def test_history__longer__takes_no_more_queries(cast: Cast, founder_browser: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert founder_browser.get(LIST).status_code == 200
        return len(queries)

    thawed(cast, frozen(cast))
    few = asked()
    for _ in range(5):
        thawed(cast, frozen(cast))
    assert asked() == few


def test_approving__while_frozen__the_form_shows_why(
    cast: Cast, founder_browser: Client, everything: Rows
) -> None:
    contract = eligible(cast)
    freeze = frozen(cast)
    before = everything()
    form = founder_browser.get(contract_url(contract, "approve"))
    assert form.status_code == 409
    assert [obstacle.code for obstacle in form.context["obstacles"]] == ["line_frozen"]
    answer = founder_browser.post(contract_url(contract, "approve"), approval(contract))
    assert answer.status_code == 409
    assert answer.context["refusal"].code == "line_frozen"
    assert freeze.reason in answer.content.decode()
    assert everything() == before
    page = founder_browser.get(contract_url(contract)).content.decode()
    assert "It cannot be approved now" in page
    thawed(cast, freeze)
    founder_browser.post(contract_url(contract, "approve"), approval(contract))
    assert again(contract).status == ContractStatus.APPROVED


def test_rejecting__while_frozen__done(cast: Cast, founder_browser: Client) -> None:
    contract = eligible(cast)
    frozen(cast)
    founder_browser.post(contract_url(contract, "reject"), {"reason": "Not before the sale."})
    assert again(contract).status == ContractStatus.REJECTED
