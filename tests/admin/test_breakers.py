"""Circuit breakers in the admin: the list in words, the page of one, and the form to close it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.domain.breaker import BreakerState
from governance.models import Account, BreakerEvent, HandlerBreaker
from governance.models.fields import new_id
from governance.services.breakers.operations import record_run
from tests.admin.conftest import Browser
from tests.support.admin import job_url
from tests.support.breakers import HANDLER, REASON, breaker_of, closed, faulted, opened
from tests.support.factories import failed_job
from tests.support.users import Users

Rows = Callable[[], dict[str, list[Any]]]
LIST = reverse("admin:governance_handlerbreaker_changelist")
OTHERS = ["founder", "executor", "auditor", "viewer"]


def close_url(breaker: HandlerBreaker) -> str:
    return reverse("admin:governance_handlerbreaker_close", args=[breaker.pk])


def page_url(breaker: HandlerBreaker) -> str:
    return reverse("admin:governance_handlerbreaker_change", args=[breaker.pk])


@pytest.fixture
def operator_browser(users: Users, signed_in: Browser) -> Client:
    return signed_in(users.operator)


def text_of(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


# --- reading ---
def test_list__of_every_state__says_it_in_words(users: Users, operator_browser: Client) -> None:
    faulted("calm")
    record_run(handlers=["calm"], job_id=new_id())
    faulted("shaky")
    broken = opened("broken")
    opened("mended")
    closed(users, "mended")
    shown = text_of(operator_browser, LIST)
    event = BreakerEvent.objects.get(breaker=broken)
    at = f"{event.at:%-d %b %Y, %H:%M} UTC"
    for words in (
        *(f"Open since {at}", "after two faults in a row", "KeyError: &#x27;page_size&#x27;"),
        "A fault at ",
        *("Closed at ", " by operator", "one job tries"),
        "No fault in its last job",
        "1 handler gets no jobs",
        *('data-word="runs"', 'data-word="one at a time"', 'data-word="STOPPED"'),
    ):
        assert words in shown, words


def test_list__of_none__says_that_no_handler_is_stopped(users: Users, signed_in: Browser) -> None:
    assert "No handler is stopped" in text_of(signed_in(users.viewer), LIST)


def test_list__longer__takes_no_more_queries(users: Users, operator_browser: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert operator_browser.get(LIST).status_code == 200
        return len(queries)

    opened("first")
    few = asked()
    for name in ("second", "third", "fourth"):
        opened(name)
        closed(users, name)
    assert asked() == few


def test_home__while_a_handler_is_stopped__says_so_to_who_sees_jobs(
    users: Users, signed_in: Browser
) -> None:
    home, stopped = reverse("admin:index"), "1 handler gets no jobs, because of faults."
    faulted()
    assert stopped not in text_of(signed_in(users.viewer), home)
    faulted()
    shown = text_of(signed_in(users.viewer), home)
    assert stopped in shown
    assert page_url(breaker_of()) in shown
    clerk = Account.objects.create_user("clerk", is_staff=True)
    assert stopped not in text_of(signed_in(clerk), home)
    closed(users)
    assert stopped not in text_of(signed_in(users.viewer), home)


def test_page__links_the_job_of_the_last_fault_and_shows_the_history(
    users: Users, operator_browser: Client
) -> None:
    job = failed_job(users)
    opened()
    closed(users)
    faulted(job_id=job.pk)
    shown = text_of(operator_browser, page_url(breaker_of()))
    assert job_url(job) in shown
    assert "after three faults in a row" in shown
    assert shown.count("<dt>Opened</dt>") == 2
    assert shown.count("<dt>Closed</dt>") == 1
    assert REASON in shown


def test_page__of_a_job_that_was_removed__has_no_link(operator_browser: Client) -> None:
    opened()
    shown = text_of(operator_browser, page_url(breaker_of()))
    assert "Last fault" in shown
    assert "in this job" not in shown


# --- closing ---
def test_closing__by_an_operator__lets_one_job_try(users: Users, operator_browser: Client) -> None:
    breaker = opened()
    assert close_url(breaker) in text_of(operator_browser, LIST)
    assert close_url(breaker) in text_of(operator_browser, page_url(breaker))
    assert "One job tries first." in text_of(operator_browser, close_url(breaker))
    answer = operator_browser.post(close_url(breaker), {"reason": REASON}, follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert "Closed. One job tries now; then the others follow." in answer.content.decode()
    assert breaker_of().state == BreakerState.CAREFUL
    event = BreakerEvent.objects.latest("id")
    assert (event.closed_by, event.text) == (users.operator, REASON)


@pytest.mark.parametrize("reason", ["", "too short", " \n "])
def test_closing__without_a_reason__refused_on_the_form(
    operator_browser: Client, everything: Rows, reason: str
) -> None:
    breaker = opened()
    before = everything()
    answer = operator_browser.post(close_url(breaker), {"reason": reason})
    assert (answer.status_code, answer.context["refusal"].code) == (400, "reason_required")
    assert "Refused; nothing was changed." in answer.content.decode()
    assert everything() == before


def test_closing__of_a_breaker_that_is_not_open__refused_and_not_offered(
    operator_browser: Client, everything: Rows
) -> None:
    faulted()
    breaker = breaker_of()
    before = everything()
    assert "nothing to close" in text_of(operator_browser, close_url(breaker))
    assert close_url(breaker) not in text_of(operator_browser, page_url(breaker))
    answer = operator_browser.post(close_url(breaker), {"reason": REASON})
    assert (answer.status_code, answer.context["refusal"].code) == (409, "breaker_not_open")
    assert everything() == before


@pytest.mark.parametrize("who", OTHERS)
def test_closing__by_who_is_no_operator__403_and_not_offered(
    users: Users, signed_in: Browser, everything: Rows, who: str
) -> None:
    breaker, browser = opened(), signed_in(getattr(users, who))
    before = everything()
    assert browser.get(close_url(breaker)).status_code == 403
    assert browser.post(close_url(breaker), {"reason": REASON}).status_code == 403
    assert close_url(breaker) not in text_of(browser, LIST)
    shown = text_of(browser, page_url(breaker))
    assert close_url(breaker) not in shown
    assert "An operator can close it." in shown
    assert everything() == before


def test_closing__by_a_superuser_without_the_role__403(
    superuser: Account, signed_in: Browser
) -> None:
    breaker = opened()
    answer = signed_in(superuser).post(close_url(breaker), {"reason": REASON})
    assert answer.status_code == 403
    assert breaker_of(HANDLER).state == BreakerState.OPEN


def test_closing__of_no_such_breaker__404(operator_browser: Client) -> None:
    address = reverse("admin:governance_handlerbreaker_close", args=[new_id()])
    assert operator_browser.post(address, {"reason": REASON}).status_code == 404
