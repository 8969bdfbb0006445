"""The home page: its content for each group, its counts, and its number of queries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.authorities.contract.overview import week_of
from governance.db.counting import MAX_COUNTED, Count, capped_counts
from governance.domain.values import AuditVerdict
from governance.flows.review_contract import reject_contract
from governance.models import Account, SystemContract
from tests.admin.conftest import Browser
from tests.support.admin import contract_url, job_url
from tests.support.bulk_contracts import bulk_copy
from tests.support.factories import (
    apart,
    approved,
    eligible,
    failed_job,
    finished_job,
    judged_job,
    now,
    pending_job,
    running_job,
)
from tests.support.users import Users

HOME = "/admin/"
RUNNING = reverse("admin:governance_governancejob_running")
GROUPS = ["founder", "operator", "auditor", "viewer", "executor"]
FOR_VERDICTS = "for the validator's verdict and the eligibility verdict"
CHARTS = ["depth", "ages", "decisions", "outcomes", "verdicts"]


@pytest.fixture
def busy(users: Users) -> None:
    """Contracts and jobs of every kind that the page counts."""
    eligible(users, reference="A", risk_level="critical")
    eligible(users, reference="B", at=now() - timedelta(days=4))
    rejected = eligible(users)
    reject_contract(contract_id=rejected.pk, founder=users.founder, reason="Not this quarter.")
    approved(users)
    pending_job(users)
    running_job(users, **apart())
    finished_job(users)
    failed_job(users)
    judged_job(users)
    judged_job(users, AuditVerdict.INCONCLUSIVE)


@pytest.mark.parametrize("who", GROUPS)
def test_home__for_each_group__shows_what_waits_runs_and_went_wrong(
    users: Users, busy: None, signed_in: Browser, who: str
) -> None:
    answer = signed_in(getattr(users, who)).get(HOME)
    assert answer.status_code == 200
    home = answer.context["home"]
    assert [row["contract"].reference for row in home["waiting"]] == ["A", "B"]
    assert len(home["runs"]) == 1
    assert len(home["recent_failures"]) == 1
    assert [chart.name for chart in home["charts"]] == CHARTS
    page = answer.content.decode()
    assert ("Awaiting your decision" in page) is (who == "founder")
    assert ("/approve/" in page) is (who == "founder")


@pytest.mark.parametrize(
    ("who", "tiles"),
    [
        ("founder", [FOR_VERDICTS, "to be run"]),
        ("operator", [FOR_VERDICTS, "for activation", "to be run"]),
        ("executor", ["for activation", "to be run"]),
        (
            "auditor",
            [
                "for an auditor's verdict",
                "for a person to settle the audit",
                "to be run",
            ],
        ),
        ("viewer", ["to be run"]),
    ],
)
def test_tiles__for_each_group__are_what_they_can_move_on(
    users: Users, signed_in: Browser, who: str, tiles: list[str]
) -> None:
    home = signed_in(getattr(users, who)).get(HOME).context["home"]
    assert [tile["words"].removeprefix("waiting ") for tile in home["tiles"]] == tiles


def test_home__for_outsiders__asks_to_sign_in(users: Users, signed_in: Browser) -> None:
    for browser in (signed_in(users.outsider), Client()):
        for address in (HOME, RUNNING):
            answer = browser.get(address)
            assert answer.status_code == 302
            assert "/login/" in answer["Location"]


@pytest.mark.parametrize(
    ("codename", "charts"),
    [
        (None, []),
        ("view_systemcontract", ["depth", "ages", "decisions"]),
        ("view_governancejob", ["outcomes"]),
    ],
)
def test_home__for_who_may_see_some__shows_no_more(
    users: Users, busy: None, signed_in: Browser, codename: str | None, charts: list[str]
) -> None:
    clerk = Account.objects.create_user("clerk", is_staff=True)
    if codename:
        clerk.user_permissions.add(Permission.objects.get(codename=codename))
    answer = signed_in(clerk).get(HOME)
    home = answer.context["home"]
    assert answer.status_code == 200
    assert [chart.name for chart in home["charts"]] == charts
    assert ("waiting" in home) is (codename == "view_systemcontract")
    assert ("runs" in home) is (codename == "view_governancejob")
    assert "recent_failures" not in home


def test_numbers__each_of_them__leads_to_a_list_of_as_many(
    users: Users, busy: None, superuser: Account, signed_in: Browser
) -> None:
    browser = signed_in(superuser)
    home = browser.get(HOME).context["home"]
    numbers = {tile["url"]: tile["count"].number for tile in home["tiles"]}
    for chart in home["charts"]:
        assert chart.blocks
        if chart.name != "verdicts":
            for column in chart.columns:
                numbers |= {figure.url: figure.value for figure in column.figures}
    assert len(numbers) == 5 + 4 + 7 + 24 + 3
    assert sum(number > 0 for number in numbers.values()) > 9
    for address, number in numbers.items():
        context = browser.get(address).context
        assert context is not None, address
        listed = context["rows"] if "rows" in context else context["cl"].result_list
        assert len(listed) == number, address


def test_verdicts__each_leads_to_its_contract(users: Users, founder_browser: Client) -> None:
    first, second = judged_job(users).contract, judged_job(users, AuditVerdict.FAIL).contract
    chart = founder_browser.get(HOME).context["home"]["charts"][-1]
    shown = [(figure.kind, figure.url) for column in chart.columns for figure in column.figures]
    assert shown == [("pass", contract_url(first)), ("fail", contract_url(second))]


def test_home__with_more_of_everything__asks_no_more_queries(
    users: Users, busy: None, founder_browser: Client
) -> None:
    few = queries_of(founder_browser)
    for _ in range(3):
        eligible(users)
        running_job(users, **apart())
        failed_job(users)
        judged_job(users)
    assert len(queries_of(founder_browser)) == len(few) <= 20


def queries_of(browser: Client) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(HOME).status_code == 200
    return [query["sql"] for query in captured]


def test_counts__of_more_than_a_thousand__say_so_and_read_no_further(
    users: Users, founder_browser: Client
) -> None:
    bulk_copy(eligible(users), 5_000)
    everything = SystemContract.objects.all()
    counts = capped_counts({"all": everything, "none": everything.filter(title="Nothing")})
    assert counts == {"all": Count(MAX_COUNTED + 1), "none": Count(0)}
    assert (counts["all"].words, counts["all"].short) == ("more than 1 000", "1 000+")
    assert "1 000+" in founder_browser.get(HOME).content.decode()


def test_week__begins_on_monday_in_utc() -> None:
    assert week_of(datetime(2026, 11, 22, 23, 59, tzinfo=UTC)) == datetime(2026, 11, 16, tzinfo=UTC)
    assert week_of(datetime(2026, 11, 16, tzinfo=UTC)) == datetime(2026, 11, 16, tzinfo=UTC)


# --- the running jobs, for the page's script ---
@pytest.mark.parametrize("who", GROUPS)
def test_running__for_each_group__shows_the_progress(
    users: Users, signed_in: Browser, who: str
) -> None:
    running = running_job(users, title="<b>Bold</b>")
    running.record(running.report(0))
    answer = signed_in(getattr(users, who)).get(RUNNING)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert "no-store" in answer["Cache-Control"]
    (job,) = answer.json()["jobs"]
    assert (job["id"], job["title"]) == (str(running.job.pk), "<b>Bold</b>")
    assert (job["done"], job["total"], job["is_lost"]) == (1, 3, False)
    assert job["url"] == job_url(running.job)
    assert job["words"].startswith("1 of 3 steps reported, running for ")


def test_running__without_permission_or_sent_something__refused(
    users: Users, signed_in: Browser, founder_browser: Client
) -> None:
    clerk = Account.objects.create_user("clerk", is_staff=True)
    assert signed_in(clerk).get(RUNNING).status_code == 403
    assert founder_browser.post(RUNNING).status_code == 405


def test_running__with_more_jobs__asks_as_many_queries(
    users: Users, founder_browser: Client
) -> None:
    running_job(users, **apart())
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            founder_browser.get(RUNNING)
        counts.append(len(captured))
        for _ in range(10):
            running_job(users, **apart())
    assert counts[0] == counts[1] <= 6
    assert len(founder_browser.get(RUNNING).json()["jobs"]) == 8


@pytest.mark.parametrize("name", ["waits", "decided"])
def test_contracts__filtered_by_what_does_not_exist__none(
    users: Users, founder_browser: Client, name: str
) -> None:
    eligible(users)
    page: Any = founder_browser.get(
        reverse("admin:governance_systemcontract_changelist"), {name: "nonsense"}
    )
    assert list(page.context["cl"].result_list) == []
