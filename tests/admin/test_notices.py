"""A person's notices: on the home page, in the navigation, on their page, marked as read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.flows.review_contract import answer_clarification
from governance.models import Account, Notice
from tests.admin.conftest import Browser
from tests.support.admin import contract_url, words_of
from tests.support.factories import asked, failed_job, now
from tests.support.users import Users

HOME = reverse("admin:index")
LIST = reverse("admin:governance_notice_changelist")
READ = reverse("admin:governance_notice_read")


def test_home__with_an_unread_notice__shows_it_to_the_person_alone(
    users: Users, signed_in: Browser
) -> None:
    contract = asked(users)
    answer = signed_in(users.operator).get(HOME)
    words = words_of(answer)
    assert "For you" in words
    assert "founder asks: Why now?" in words
    assert f'href="{contract_url(contract)}"' in answer.content.decode()
    for other in (users.founder, users.viewer):
        assert "For you" not in words_of(signed_in(other).get(HOME))


def test_navigation__with_unread_notices__has_their_number(
    users: Users, signed_in: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in(users.operator)
    assert badge(browser) is None
    asked(users)
    asked(users)
    assert badge(browser) == 2
    assert badge(signed_in(users.founder)) is None
    monkeypatch.setattr("governance.admin.navigation.MAX_UNREAD_COUNTED", 2)
    assert badge(browser) == "99+"


def badge(browser: Client) -> Any:
    """Return the badge of the notices in the navigation of a page."""
    groups = browser.get(LIST).context["sidebar_navigation"]
    [item] = [item for group in groups for item in group["items"] if item["link"] == LIST]
    return item.get("badge")


def test_list__of_nothing__says_when_there_will_be_something(
    users: Users, signed_in: Browser
) -> None:
    assert "Nothing yet." in words_of(signed_in(users.viewer).get(LIST))


def test_button__marks_one_notice_or_all_of_the_list(users: Users, signed_in: Browser) -> None:
    for _ in range(3):
        asked(users)
    first, *rest = Notice.objects.order_by("pk")
    browser = signed_in(users.operator)
    answer = browser.post(READ, {"ids": str(first.pk)}, follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert "Marked as read: 1 notice." in words_of(answer)
    assert "2 unread" in words_of(answer)
    answer = browser.post(READ, {"ids": [str(one.pk) for one in [first, *rest]]}, follow=True)
    assert "Marked as read: 2 notices." in words_of(answer)
    assert "none unread" in words_of(answer)
    assert "Mark all" not in words_of(answer)
    assert "founder asks: Why now?" in words_of(answer)  # what was read stays in the list
    assert "For you" not in words_of(browser.get(HOME))


def test_button__for_anothers_notice_or_nothing__marks_none(
    users: Users, signed_in: Browser
) -> None:
    asked(users)
    number = str(Notice.objects.get().pk)
    assert signed_in(users.founder).post(READ, {"ids": number}).status_code == 403
    browser = signed_in(users.operator)
    for ids in ([], ["none"], [""]):
        assert browser.post(READ, {"ids": ids}).status_code == 302
    assert browser.get(READ, {"ids": number}).status_code == 302
    assert Notice.objects.get().read_at is None


def test_list__of_another_person__has_none_of_ones_own(users: Users, signed_in: Browser) -> None:
    contract = asked(users)
    answer_clarification(contract_id=contract.pk, person=users.operator, answer="Because.")
    assert "operator answered" not in words_of(signed_in(users.operator).get(LIST))
    assert "founder asks" not in words_of(signed_in(users.founder).get(LIST))


def test_notice__to_a_person_who_may_not_see_contracts__has_no_link(
    users: Users, signed_in: Browser
) -> None:
    contract = asked(users)
    users.operator.groups.clear()
    answer = signed_in(users.operator).get(LIST)
    assert "founder asks: Why now?" in words_of(answer)
    assert contract_url(contract) not in answer.content.decode()


def test_notice__about_no_contract__is_shown(users: Users, signed_in: Browser) -> None:
    Notice.objects.create(
        account=users.viewer, kind="job_failed", text="Step 1 failed.", created_at=now()
    )
    assert "Step 1 failed." in words_of(signed_in(users.viewer).get(LIST))


def test_list__that_is_long__shows_the_newest(
    users: Users, signed_in: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.admin.notices.MAX_LISTED", 2)
    for number in range(3):
        failed_job(users, title=f"Change {number}")
    words = words_of(signed_in(users.operator).get(LIST))
    assert "the newest 2, 2 unread" in words
    assert "Change 2" in words
    assert "Change 0" not in words


def test_list__with_more_notices__asks_no_more_queries(users: Users, signed_in: Browser) -> None:
    browser = signed_in(users.operator)
    counts = []
    for _ in range(2):
        asked(users)
        for address in (LIST, HOME):
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(address).status_code == 200
            counts.append(len(captured))
            assert sum("governance_notice" in one["sql"] for one in captured) == 2
    assert counts[:2] == counts[2:]


def test_text__that_is_hostile__is_escaped(users: Users, signed_in: Browser) -> None:
    Notice.objects.create(
        account=users.viewer,
        kind="question_asked",
        text="<script>alert(1)</script>\u202e",
        created_at=now() - timedelta(hours=1),
    )
    text = signed_in(users.viewer).get(LIST).content.decode()
    assert "<script>alert(1)" not in text
    assert "\u202e" not in text


def test_person__without_staff_status__is_sent_to_the_login(
    users: Users, signed_in: Browser
) -> None:
    person = Account.objects.create_user("visitor")
    assert signed_in(person).get(LIST).status_code == 302
