"""The page of the review queue: permissions, rows, filters, pagination and query count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.admin.queue import QUEUE
from governance.domain.roles import Role
from governance.flows.review_contract import request_clarification
from governance.models import Account
from governance.services.access.accounts import assign_role
from tests.admin.conftest import Browser
from tests.support.admin import contract_url
from tests.support.factories import approved, draft, eligible, now
from tests.support.users import Users


def references(answer: Any) -> list[str]:
    return [row["contract"].reference for row in answer.context["rows"]]


@pytest.mark.parametrize(
    ("who", "status"),
    [
        *((who, 200) for who in ("founder", "operator", "auditor", "viewer", "executor")),
        ("outsider", 302),
    ],
)
def test_queue__for_each_group__shows_or_asks_to_sign_in(
    users: Users, signed_in: Browser, who: str, status: int
) -> None:
    contract = eligible(users)
    browser = signed_in(getattr(users, who))
    answer = browser.get(reverse(QUEUE))
    assert answer.status_code == status
    assert browser.head(reverse(QUEUE)).status_code == status
    if status == 200:
        page = answer.content.decode()
        assert contract_url(contract) in page
        # Only founders get the addresses of the decision forms.
        assert (contract_url(contract, "approve") in page) is (who == "founder")
        assert (contract_url(contract, "reject") in page) is (who == "founder")


def test_queue__with_a_question_open__says_review_paused_and_offers_no_second_question(
    users: Users, founder_browser: Client
) -> None:
    contract = eligible(users)
    assert contract_url(contract, "clarify") in founder_browser.get(reverse(QUEUE)).content.decode()
    request_clarification(
        contract_id=contract.pk, founder=users.founder, question="Which search is meant?"
    )
    page = founder_browser.get(reverse(QUEUE)).content.decode()
    assert "review paused: a question is open" in page
    assert contract_url(contract, "clarify") not in page
    assert contract_url(contract, "modify") in page


def test_queue__for_staff_in_no_group__403(db: None, signed_in: Browser) -> None:
    clerk = Account.objects.create_user("clerk", is_staff=True)
    assert signed_in(clerk).get(reverse(QUEUE)).status_code == 403


def test_queue__sent_something__405(users: Users, founder_browser: Client) -> None:
    for method in (founder_browser.post, founder_browser.put, founder_browser.delete):
        assert method(reverse(QUEUE)).status_code == 405


def test_queue__of_own_proposal__offers_superuser_no_decision(
    users: Users, signed_in: Browser
) -> None:
    contract = eligible(users)
    users.operator.is_superuser = True
    users.operator.save()
    assign_role(users.operator, Role.FOUNDER)
    page = signed_in(users.operator).get(reverse(QUEUE)).content.decode()
    assert contract_url(contract, "approve") not in page


def test_queue__shows_only_what_waits_most_pressing_first(
    users: Users, founder_browser: Client
) -> None:
    eligible(users, reference="low", risk_level="low")
    eligible(users, reference="soon", at=now() - timedelta(days=2, hours=1))
    eligible(users, reference="later")
    eligible(users, reference="grave", risk_level="critical")
    draft(users)
    approved(users)
    answer = founder_browser.get(reverse(QUEUE))
    assert references(answer) == ["grave", "soon", "later", "low"]
    page = answer.content.decode()
    assert "2 days" in page
    assert "85%" in page
    assert "4 days left" in page


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "marmalade"}, ["A"]),
        ({"risk": "high"}, ["B"]),
        ({"source": "ops_alert"}, ["C"]),
        ({"capability": "Search suggestions"}, ["C"]),
        ({"age": "0-1", "risk": "medium"}, ["A", "C"]),
        ({"q": "", "risk": "", "source": "", "capability": "", "age": ""}, ["B", "A", "C"]),
        ({"q": "marmalade", "risk": "high"}, []),
        ({"unknown": "1"}, ["B", "A", "C"]),
    ],
    ids=str,
)
def test_queue__searched_and_filtered__only_those(
    users: Users, founder_browser: Client, asked: dict[str, str], found: list[str]
) -> None:
    eligible(users, reference="A", title="More marmalade")
    eligible(users, reference="B", risk_level="high")
    names = ["Search", "Search suggestions"]
    eligible(users, reference="C", source="ops_alert", affected_capabilities=names)
    assert references(founder_browser.get(reverse(QUEUE), asked)) == found


@pytest.mark.parametrize("name", ["risk", "source", "age", "after", "before"])
def test_queue__asked_for_what_does_not_exist__back_to_all_of_it(
    users: Users, founder_browser: Client, name: str
) -> None:
    answer = founder_browser.get(reverse(QUEUE), {name: "nonsense"})
    assert (answer.status_code, answer["Location"]) == (302, reverse(QUEUE))


def test_pages__followed_by_their_links__show_each_once_and_lead_back(
    users: Users, founder_browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = now()
    for number in range(120):
        eligible(users, reference=f"R{number}", at=at, source="ops_alert")
    eligible(users)
    pages, address = [], f"{reverse(QUEUE)}?source=ops_alert"
    while address:
        answer = founder_browser.get(address)
        pages.append(references(answer))
        address = answer.context["later_url"]
    assert [len(page) for page in pages] == [50, 50, 20]
    assert len({name for page in pages for name in page}) == 120
    back = founder_browser.get(answer.context["earlier_url"])
    assert references(back) == pages[1]
    first = founder_browser.get(back.context["earlier_url"])
    assert references(first) == pages[0]
    assert not first.context["earlier_url"]
    assert "source=ops_alert" in urlsplit(back.context["later_url"]).query


def test_queue__with_more_rows__asks_no_more_queries_and_counts_no_table(
    users: Users, founder_browser: Client
) -> None:
    eligible(users)
    few = queries_of(founder_browser)
    for _ in range(10):
        eligible(users)
    many = queries_of(founder_browser)
    assert len(many) == len(few) <= 11
    # The banner's query counts the few active freezes, the navigation's at most 100 notices.
    bounded = ("active_freezes", "LIMIT 100")
    counting = [sql for sql in many if "COUNT(" in sql.upper()]
    assert not [sql for sql in counting if not any(words in sql for words in bounded)]
    (listing,) = [sql for sql in many if "systemcontract" in sql and "ORDER BY" in sql]
    for column in ("proposed_changes", "plan", "eligibility_verdict"):
        assert f'"{column}"' not in listing


def queries_of(browser: Client) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(reverse(QUEUE)).status_code == 200
    return [query["sql"] for query in captured]


def test_page__runs_no_script_but_its_own_file(users: Users, founder_browser: Client) -> None:
    eligible(users)
    page = founder_browser.get(reverse(QUEUE)).content.decode()
    own = page[page.index('class="gov-filters"') :]
    assert "governance/queue.js" in page
    assert " onclick" not in own
    assert "<script>" not in own[: own.index("</dialog>")]
