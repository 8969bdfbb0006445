"""The lists of contracts and jobs: filters, search, permissions, and a constant query count."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.models import Account, SystemContract
from tests.admin.conftest import Browser
from tests.support.factories import approved, draft, eligible, failed_job, finished_job, running_job
from tests.support.succession import modified
from tests.support.users import Users

CONTRACTS = "admin:governance_systemcontract_changelist"
JOBS = "admin:governance_governancejob_changelist"


def references(page: Any) -> set[str]:
    return {row.reference for row in page.context["cl"].result_list}


@pytest.fixture
def four_contracts(users: Users) -> None:
    eligible(users, reference="A", title="Bring search to preview", risk_level="low")
    eligible(users, reference="B", risk_level="critical", source="ops_alert")
    approved(users, reference="C", source="support_ticket")
    draft(
        users,
        reference="D",
        title="Other words",
        affected_capabilities=["Search", "Search suggestions"],
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "ABCD"),
        ({"status": "ELIGIBLE"}, "AB"),
        ({"status": ["ELIGIBLE", "DRAFT"]}, "ABD"),
        ({"risk": "critical"}, "B"),
        ({"source": ["ops_alert", "support_ticket"]}, "BC"),
        ({"status": "ELIGIBLE", "risk": "low"}, "A"),
        ({"capability": "Search"}, "ABCD"),
        ({"capability": " Search suggestions "}, "D"),
        ({"capability": "search"}, ""),
        ({"capability": "Sea"}, ""),
        ({"capability": ""}, "ABCD"),
        ({"status": "NONSENSE"}, ""),
        ({"risk": ""}, "ABCD"),
        ({"q": "other words"}, "D"),
        ({"q": "word"}, "D"),
        ({"q": "preview"}, "ABC"),
        ({"q": "words preview"}, ""),
        ({"q": "C"}, "C"),
        ({"q": "the"}, ""),
        ({"q": "%"}, ""),
    ],
    ids=str,
)
def test_contracts__filtered_and_searched__only_those_asked_for(
    four_contracts: None, founder_browser: Client, asked: dict[str, Any], found: str
) -> None:
    page = founder_browser.get(reverse(CONTRACTS), asked)
    assert page.status_code == 200
    assert references(page) == set(found)


@pytest.mark.parametrize(
    "asked",
    [{"o": "9.x"}, {"p": "-1"}, {"p": "x"}, {"e": "1"}, {"all": ""}],
    ids=str,
)
def test_contracts__asked_for_nonsense__never_an_error(
    four_contracts: None, founder_browser: Client, asked: dict[str, str]
) -> None:
    assert founder_browser.get(reverse(CONTRACTS), asked).status_code in (200, 302)


def test_jobs__filtered_by_status__only_those(users: Users, founder_browser: Client) -> None:
    failed, running = failed_job(users), running_job(users).job
    page = founder_browser.get(reverse(JOBS), {"status": "FAILED"})
    assert [job.pk for job in page.context["cl"].result_list] == [failed.pk]
    both = founder_browser.get(reverse(JOBS), {"status": ["FAILED", "RUNNING"]})
    assert {job.pk for job in both.context["cl"].result_list} == {running.pk, failed.pk}
    assert "2 of 3" in both.content.decode()


def test_filters__of_the_contract_list__are_labelled_in_plain_words(
    users: Users, founder_browser: Client
) -> None:
    page = " ".join(founder_browser.get(reverse(CONTRACTS)).content.decode().split())
    assert "Longest waiting" in page
    assert "By longest" not in page
    assert "By week of decision" in page


@pytest.mark.parametrize("url_name", [CONTRACTS, JOBS])
def test_list__with_more_rows__asks_no_more_queries_and_counts_no_table(
    users: Users, founder_browser: Client, url_name: str
) -> None:
    finished_job(users)
    few = queries_of(founder_browser, url_name)
    for _ in range(5):
        finished_job(users)
    many = queries_of(founder_browser, url_name)
    assert len(many) == len(few) <= 8
    # The banner's query counts the few active freezes, the navigation's at most 100 notices.
    bounded = ("active_freezes", "LIMIT 100")
    counting = [sql for sql in many if "COUNT(" in sql.upper()]
    assert not [sql for sql in counting if not any(words in sql for words in bounded)]


def test_contract_list__reads_no_long_content(users: Users, founder_browser: Client) -> None:
    eligible(users)
    asked = [sql for sql in queries_of(founder_browser, CONTRACTS) if "systemcontract" in sql]
    (listing,) = [sql for sql in asked if "ORDER BY" in sql]
    for column in ("proposed_changes", "description", "plan", "eligibility_verdict"):
        assert f'"{column}"' not in listing


def queries_of(browser: Client, url_name: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert browser.get(reverse(url_name)).status_code == 200
    return [query["sql"] for query in captured]


def test_lists__for_staff_without_view_permission__403_and_not_in_the_sidebar(
    users: Users, signed_in: Browser
) -> None:
    clerk = Account.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_capability"))
    browser = signed_in(clerk)
    assert browser.get(reverse(CONTRACTS)).status_code == 403
    assert browser.get(reverse(JOBS)).status_code == 403
    home = browser.get(reverse("admin:index")).content.decode()
    assert "Capabilities" in home
    assert "System contracts" not in home
    assert "Accounts" not in home


def test_home__for_founder__leads_to_what_waits(users: Users, founder_browser: Client) -> None:
    home = founder_browser.get(reverse("admin:index"))
    waiting = reverse("admin:governance_systemcontract_queue")
    assert home.status_code == 200
    assert f'href="{waiting}"' in home.content.decode()
    eligible(users, reference="W")
    draft(users)
    rows = founder_browser.get(waiting).context["rows"]
    assert [row["contract"].reference for row in rows] == ["W"]


def test_contract__named_in_lists__by_words_people_know() -> None:
    assert str(SystemContract._meta.verbose_name_plural) == "system contracts"


def test_lists__of_what_waits_for_its_verdicts__are_the_drafts(
    users: Users, founder_browser: Client
) -> None:
    successor = modified(users)
    approved(users)
    page = founder_browser.get(reverse("admin:index")).content.decode()
    address = f"{reverse(CONTRACTS)}?waits=verdicts"
    assert address in page
    rows = founder_browser.get(address).context["cl"].result_list
    assert [row.pk for row in rows] == [successor.pk]
