"""Questions, answers and comments: their forms, who may send them, and what the pages show."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.domain.roles import Role
from governance.flows.review_contract import comment_on_contract, reject_contract
from governance.models import Account, ClarificationAnswer, ClarificationRequest, ContractComment
from governance.services.access.accounts import assign_role
from tests.admin.conftest import Browser
from tests.support.admin import contract_url
from tests.support.factories import answered, asked, draft, eligible, reloaded
from tests.support.users import Users

Rows = Callable[[], dict[str, list[Any]]]
EVIL = "<script>alert(1)</script>"
PAGES = {"clarify": "question", "answer": "answer", "comment": "text"}


def page_of(browser: Client, contract: Any, page: str = "change") -> str:
    return " ".join(browser.get(contract_url(contract, page)).content.decode().split())


def test_asking__stops_the_clock_and_shows_the_question(
    users: Users, founder_browser: Client, commit_now: Callable[[], None]
) -> None:
    contract = eligible(users)
    assert "Request clarification…" in page_of(founder_browser, contract)
    assert "review is paused until its proposer or an operator answers" in page_of(
        founder_browser, contract, "clarify"
    )
    answer = founder_browser.post(
        contract_url(contract, "clarify"), {"question": "Why now?\r\nWhy this?"}, follow=True
    )
    assert answer.redirect_chain == [(contract_url(contract), 302)]
    assert reloaded(contract).review_ends_at is None
    assert ClarificationRequest.objects.get().question == "Why now?\nWhy this?"
    text = " ".join(answer.content.decode().split())
    assert "Open question" in text
    assert "review paused" in text
    assert "review paused: a question is open" in text
    # A founder may still decide, but may neither ask a second question nor answer.
    assert "Approve…" in text
    assert "Request clarification…" not in text
    assert "Answer…" not in text
    commit_now()


def test_answering__restarts_the_clock_and_shows_the_answer(
    users: Users, signed_in: Browser, commit_now: Callable[[], None]
) -> None:
    contract, browser = asked(users), signed_in(users.operator)
    assert "Answer…" in page_of(browser, contract)
    form = page_of(browser, contract, "answer")
    assert "Why now?" in form
    assert "as much time as it had left" in form
    answer = browser.post(
        contract_url(contract, "answer"), {"answer": "The sale begins."}, follow=True
    )
    assert answer.redirect_chain == [(contract_url(contract), 302)]
    assert reloaded(contract).review_ends_at > contract.expires_at
    text = " ".join(answer.content.decode().split())
    assert "answer to question 1" in text
    assert "extended while questions were open" in text
    assert "Open question" not in text
    commit_now()


def test_commenting__from_the_page__is_shown_there(users: Users, signed_in: Browser) -> None:
    contract, browser = draft(users), signed_in(users.viewer)
    assert "It cannot be edited or removed." in page_of(browser, contract)
    answer = browser.post(contract_url(contract, "comment"), {"text": "Looks good."}, follow=True)
    assert answer.redirect_chain == [(contract_url(contract), 302)]
    assert "Looks good." in answer.content.decode()
    assert ContractComment.objects.get().by == users.viewer


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("text", ["", "   ", "x" * 4001])
def test_text__empty_or_too_long__refused_on_the_form_with_what_was_typed(
    users: Users, superuser: Account, signed_in: Browser, everything: Rows, page: str, text: str
) -> None:
    contract = asked(users) if page == "answer" else eligible(users)
    before = everything()
    answer = signed_in(superuser).post(contract_url(contract, page), {PAGES[page]: text})
    assert answer.status_code == 400
    assert answer.context["refusal"].code == "invalid_input"
    assert text.strip() in answer.content.decode()
    assert everything() == before


WHO_MAY = {
    "clarify": {"founder", "second_founder"},
    "answer": {"operator"},
    "comment": {"founder", "second_founder", "operator", "executor", "auditor", "viewer"},
}
PEOPLE = ["founder", "second_founder", "operator", "executor", "auditor", "viewer", "outsider"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", PEOPLE)
def test_page__for_each_person__works_for_whom_it_is_for(
    users: Users, signed_in: Browser, everything: Rows, page: str, who: str
) -> None:
    """Only a POST with a CSRF token by the right person changes a row."""
    contract = asked(users) if page == "answer" else eligible(users)
    person, url, data = getattr(users, who), contract_url(contract, page), {PAGES[page]: "Hm."}
    before = everything()
    may = who in WHO_MAY[page]
    # An account without staff status is redirected to the login page.
    refusal = 302 if who == "outsider" else 403
    assert signed_in(person).get(url).status_code == (200 if may else refusal)
    assert signed_in(person).head(url).status_code == (200 if may else refusal)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person)
    assert strict.post(url, data).status_code == 403
    assert signed_in(person).put(url).status_code in (405, 302)
    assert everything() == before
    assert signed_in(person).post(url, data).status_code == (302 if may else refusal)
    assert (everything() != before) == may


def test_asking__by_the_proposer__four_eyes(
    users: Users, signed_in: Browser, everything: Rows
) -> None:
    users.operator.is_superuser = True
    users.operator.save()
    assign_role(users.operator, Role.FOUNDER)
    contract = eligible(users)
    before = everything()
    answer = signed_in(users.operator).post(contract_url(contract, "clarify"), {"question": "Why?"})
    assert (answer.status_code, answer.context["refusal"].code) == (403, "four_eyes")
    assert everything() == before


def test_asking_twice_and_answering_what_was_decided__refused_in_words(
    users: Users, founder_browser: Client, signed_in: Browser
) -> None:
    contract = asked(users)
    answer = founder_browser.post(contract_url(contract, "clarify"), {"question": "And?"})
    assert (answer.status_code, answer.context["refusal"].code) == (409, "clarification_open")
    reject_contract(contract_id=contract.pk, founder=users.founder, reason="Not before the sale.")
    answer = signed_in(users.operator).post(contract_url(contract, "answer"), {"answer": "Oh."})
    assert answer.status_code == 409
    assert ClarificationAnswer.objects.count() == 0
    text = page_of(signed_in(users.operator), contract)
    assert "Open question" not in text
    assert "a question was not answered" in text


def test_list__says_that_a_review_is_paused(users: Users, founder_browser: Client) -> None:
    asked(users)
    url = contract_url(eligible(users)).rsplit("/", 3)[0] + "/"
    text = founder_browser.get(url).content.decode()
    assert text.count("review paused: a question is open") == 1


def test_comments__are_shown_and_never_run(users: Users, founder_browser: Client) -> None:
    contract = eligible(users)
    founder_browser.post(contract_url(contract, "clarify"), {"question": EVIL})
    founder_browser.post(contract_url(contract, "comment"), {"text": EVIL})
    text = founder_browser.get(contract_url(contract)).content.decode()
    assert EVIL not in text
    assert text.count(html.escape(EVIL)) >= 3


def test_page__with_more_comments__runs_no_more_queries(
    users: Users, founder_browser: Client
) -> None:
    counts = []
    for number in (1, 80):
        contract = answered(users)
        for _ in range(number):
            comment_on_contract(contract_id=contract.pk, person=users.viewer, text="Hm.")
        with CaptureQueriesContext(connection) as captured:
            answer = founder_browser.get(contract_url(contract))
        counts.append(sum("SAVEPOINT" not in query["sql"] for query in captured))
    assert counts[0] == counts[1] <= 16
    assert "22 more" in answer.content.decode()
