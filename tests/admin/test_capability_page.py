"""A capability's page: its state now, and every contract about it."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.authorities.contract.capability_history import PAGE_SIZE, contracts_affecting
from governance.authorities.health.signals import record_signal
from governance.domain.values import ContractStatus, HealthDecision
from governance.models import Account, Capability, ConfigurationEntry, GovernanceSignal
from governance.services.registry.operations import register_capabilities
from tests.admin.conftest import Browser
from tests.support.admin import contract_url, job_url, words_of
from tests.support.bulk_contracts import bulk_copy
from tests.support.factories import contract_in, eligible, failed_job, finished_job, now
from tests.support.platform import Broken
from tests.support.users import Users

EVIL = "<script>alert('boo')</script>"
EVERY_VIEW = ["systemcontract", "governancejob", "governancesignal", "configurationentry"]


@pytest.fixture
def search() -> Capability:
    register_capabilities(
        documents=[
            {
                "name": "Search",
                "lifecycle": "LAUNCHED",
                "title": "Find things",
                "owner": "sig-find",
                "configuration": {"page_size": 20, "layout": {"columns": ["x" * 100]}},
            },
            {"name": "Suggestions", "configuration": {"page_size": 5}},
        ]
    )
    return Capability.objects.get(name="Search")


def url_of(capability: Capability) -> str:
    return reverse("admin:governance_capability_change", args=[capability.pk])


def get_page(browser: Client, capability: Capability, **query: Any) -> Any:
    page = browser.get(url_of(capability), query)
    assert page.status_code == 200
    return page


def text_of(page: Any) -> str:
    return html.unescape(words_of(page))


def titles(page: Any) -> list[str]:
    return [row["contract"].title for row in page.context["history"]]


def add_signal(users: Users, scope: str, decision: HealthDecision, reason: str) -> None:
    record_signal(
        scope=scope,
        signal_type="probe",
        decision=decision,
        reason=reason,
        actor=users.operator,
    )


def test_page__shows_the_current_state_of_the_capability(
    users: Users, founder_browser: Client, search: Capability
) -> None:
    text = text_of(get_page(founder_browser, search))
    for words in ("Find things", "sig-find", "No signal is active", "No contract is about it yet"):
        assert words in text
    assert 'data-word="LAUNCHED"' in text
    assert 'data-word="HEALTHY"' in text
    assert "<td>20<br>" in text
    assert '"columns"' in text
    assert "contradict each other" not in text

    add_signal(users, "Search", HealthDecision.DEGRADED, "It was slow.")
    add_signal(users, "Search", HealthDecision.BLOCKED, "It is down.")
    add_signal(users, "Suggestions", HealthDecision.DEGRADED, "That is another one.")
    text = text_of(get_page(founder_browser, search))
    assert 'data-word="BLOCKED"' in text
    assert "It is down." in text
    assert "contradict each other" in text
    for other in ("It was slow.", "That is another one.", "No signal is active"):
        assert other not in text


def test_page__holds_every_contract_that_touched_it_and_no_other(
    users: Users, founder_browser: Client, search: Capability
) -> None:
    both = ["Search", "Suggestions"]
    job = finished_job(users, title="Reached it")
    eligible(users, title="Would", affected_capabilities=both)
    disable = {"type": "capability_disable", "capability_name": "Suggestions", "reason": "Old."}
    eligible(users, title="Names it", affected_capabilities=both, proposed_changes=[disable])
    eligible(
        users, title="Other", affected_capabilities=["Suggestions"], proposed_changes=[disable]
    )
    page = get_page(founder_browser, search)
    assert titles(page) == ["Names it", "Would", "Reached it"]
    named, would, reached = page.context["history"]
    assert (named["changes"], named["more"]) == ([], 0)
    assert list(map(str, would["changes"])) == [
        'Enable "Search" as PREVIEW',
        'Set "page_size" of "Search" from 20 to 50',
        'Tune "Search": "timeout_seconds" = 2.5',
    ]
    assert (would["tense"], reached["tense"]) == ("proposed", "in progress, or awaiting a verdict")
    text = text_of(page)
    assert "but no change is about it" in text
    assert job_url(job) in text
    assert contract_url(job.contract) in text
    assert "3 of 3 steps reported" in text
    assert "Old." not in text


def test_row__of_a_contract_with_many_changes__shows_those_of_this_capability_alone(
    users: Users, founder_browser: Client, search: Capability
) -> None:
    changes = [
        {"type": "parameter_change", "scope": scope, "parameters": {f"p{index}": index}}
        for index in range(5)
        for scope in ("Suggestions", "Search")
    ]
    eligible(users, affected_capabilities=["Search", "Suggestions"], proposed_changes=changes)
    page = get_page(founder_browser, search)
    (row,) = page.context["history"]
    shown = [f'Tune "Search": "p{index}" = {index}' for index in range(3)]
    assert list(map(str, row["changes"])) == shown
    assert "2 more changes to it" in text_of(page)


@pytest.mark.parametrize("status", [s for s in ContractStatus if s != ContractStatus.VALIDATED])
def test_row__of_a_contract_in_each_state__is_worded_by_its_status(
    users: Users, founder_browser: Client, search: Capability, status: ContractStatus
) -> None:
    contract_in(users, status)
    page = get_page(founder_browser, search)
    # A failed contract has a rollback besides.
    (row,) = [one for one in page.context["history"] if one["contract"].status == status]
    assert row["tense"].capitalize() + ":" in text_of(page)
    assert f'data-word="{status}"' in text_of(page)


def test_row__of_a_failed_job__says_so(
    users: Users, founder_browser: Client, search: Capability
) -> None:
    failed_job(users)
    text = text_of(get_page(founder_browser, search))
    assert 'data-word="FAILED"' in text
    assert "2 of 3 steps reported" in text


def test_pages__go_back_to_the_first_change_and_forth_again_with_nothing_lost(
    users: Users, founder_browser: Client, search: Capability
) -> None:
    at = now()
    # Ten contracts for each time, so that the id decides their order.
    made = [
        eligible(users, at=at - timedelta(hours=n // 10), title=f"T{n}")
        for n in range(2 * PAGE_SIZE + 3)
    ]
    wanted = [
        contract.title
        for contract in sorted(made, key=lambda c: (c.created_at, c.pk), reverse=True)
    ]
    pages, asked = [], ""
    while True:
        page = founder_browser.get(url_of(search) + asked)
        pages.append(titles(page))
        if not (asked := page.context["older_url"]):
            break
    assert [len(titles) for titles in pages] == [PAGE_SIZE, PAGE_SIZE, 3]
    assert [*chain(*pages)] == wanted
    back = founder_browser.get(url_of(search) + page.context["newer_url"])
    assert titles(back) == pages[1]
    first = founder_browser.get(url_of(search) + back.context["newer_url"])
    assert titles(first) == pages[0]
    assert first.context["newer_url"] == ""
    assert first.context["older_url"] != ""


@pytest.mark.parametrize(
    "asked",
    [
        {"older": "x"},
        {"older": ""},
        {"newer": "1~2~3"},
        {"older": "-1~01900000-0000-7000-8000-000000000000"},
        {"older": "999999999999999999~01900000-0000-7000-8000-000000000000"},
        {"older": "1~no-id"},
        {
            "older": "1~01900000-0000-7000-8000-000000000000",
            "newer": "1~01900000-0000-7000-8000-000000000000",
        },
    ],
    ids=str,
)
def test_page__with_an_invalid_cursor__redirects_to_the_newest(
    founder_browser: Client, search: Capability, asked: dict[str, str]
) -> None:
    answer = founder_browser.get(url_of(search), asked)
    assert (answer.status_code, answer["Location"]) == (302, url_of(search))


def test_page__before_the_first_change__leads_back(
    users: Users, founder_browser: Client, search: Capability
) -> None:
    eligible(users)
    cursor = "0~01900000-0000-7000-8000-000000000000"
    text = text_of(get_page(founder_browser, search, older=cursor))
    assert "No more contracts here" in text
    assert "No contract is about it yet" not in text


def test_what_others_wrote__is_shown_and_never_run(
    users: Users, founder_browser: Client, search: Capability
) -> None:
    add_signal(users, "Search", HealthDecision.DEGRADED, EVIL)
    change = {"type": "capability_disable", "capability_name": "Search", "reason": EVIL}
    eligible(users, title=EVIL, reference=EVIL, proposed_changes=[change])
    page = get_page(founder_browser, search)
    assert EVIL not in page.content.decode()
    assert text_of(page).count(EVIL) >= 4


def test_capability__of_any_name__finds_its_own_changes(users: Users) -> None:
    for name in ('a"b', "a'b\\", "$name", "%s", "{0}", "ⅷ é"):
        change = {"type": "parameter_change", "scope": name, "parameters": {"p": name}}
        eligible(users, affected_capabilities=[name], proposed_changes=[change])
        (contract,) = contracts_affecting(name)
        assert contract.own_changes == [change]  # type: ignore[attr-defined]
        assert contract.own_total == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("missing", EVERY_VIEW)
def test_page__for_who_may_not_see_something__leaves_it_out(
    users: Users, signed_in: Browser, search: Capability, missing: str
) -> None:
    job = finished_job(users)
    add_signal(users, "Search", HealthDecision.DEGRADED, "It was slow.")
    clerk = Account.objects.create_user("clerk", is_staff=True)
    wanted = {f"view_{model}" for model in [*EVERY_VIEW, "capability"]} - {f"view_{missing}"}
    clerk.user_permissions.add(*Permission.objects.filter(codename__in=wanted))
    page = get_page(signed_in(clerk), search)
    text = text_of(page)
    # Rows that the person may not see are not read either.
    assert bool(page.context["history"]) is (missing != "systemcontract")
    shown = {
        "systemcontract": "Contracts about it" in text,
        "governancejob": job_url(job) in text,
        "governancesignal": "It was slow." in text,
        "configurationentry": "page_size</a>" in text,
    }
    hidden = {missing, "governancejob"} if missing == "systemcontract" else {missing}
    assert {model for model, seen in shown.items() if not seen} == hidden


def test_page__without_permission_or_by_post__refused_and_nothing_changes(
    users: Users,
    founder_browser: Client,
    signed_in: Browser,
    search: Capability,
    everything: Callable[[], Any],
) -> None:
    before = everything()
    clerk = Account.objects.create_user("clerk", is_staff=True)
    assert signed_in(clerk).get(url_of(search)).status_code == 403
    assert Client().get(url_of(search)).status_code == 302
    assert founder_browser.post(url_of(search), {"lifecycle": "DISABLED"}).status_code == 403
    get_page(founder_browser, search)
    assert everything() == before


def test_page__while_health_is_unknown__has_the_reason_and_keeps_it_afterwards(
    users: Users, founder_browser: Client, search: Capability, settings: Any
) -> None:
    known = settings.GOVSITE
    provider = f"{Broken.__module__}.{Broken.__name__}"
    settings.GOVSITE = known | {"HEALTH_PROVIDER": provider}
    text = text_of(get_page(founder_browser, search))
    assert "health unknown" in text
    assert "Nobody can tell the health of the capability" in text
    assert "The health provider failed: ConnectionError." in text
    settings.GOVSITE = known
    text = text_of(get_page(founder_browser, search))
    assert "Nobody can tell" not in text
    assert "UTC, all scopes: The health provider failed: ConnectionError." in text


def test_page__of_a_signal_that_expires__says_when(
    users: Users, founder_browser: Client, search: Capability
) -> None:
    record_signal(
        scope="Search",
        signal_type="probe",
        decision="WARN",
        reason="It was slow.",
        actor=users.operator,
        expires_at=datetime(2999, 1, 2, 3, 4, tzinfo=UTC),
    )
    assert "expires 2 Jan 2999, 03:04 UTC" in text_of(get_page(founder_browser, search))


def test_entry_and_signal__lead_to_their_capability(
    users: Users, founder_browser: Client, search: Capability
) -> None:
    add_signal(users, "Search", HealthDecision.DEGRADED, "It was slow.")
    entry, signal = ConfigurationEntry.objects.filter(scope="Search")[0], GovernanceSignal.objects
    for model, row in (("configurationentry", entry), ("governancesignal", signal.get())):
        page = founder_browser.get(reverse(f"admin:governance_{model}_change", args=[row.pk]))
        assert f'href="{url_of(search)}"' in page.content.decode()


def test_page__with_more_of_everything__asks_no_more_queries(
    users: Users, founder_browser: Client, search: Capability
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            get_page(founder_browser, search)
        return len(captured)

    finished_job(users)
    few = cost()
    for number in range(30):
        (finished_job if number < 5 else eligible)(users)
        record_signal(
            scope="Search",
            signal_type=f"probe {number}",
            decision=HealthDecision.HEALTHY,
            reason="All is well.",
            actor=users.operator,
        )
    assert cost() == few <= 15


@pytest.mark.long
def test_changes_of_a_capability__among_many_contracts__are_found_by_an_index(users: Users) -> None:
    bulk_copy(eligible(users), 5000)
    rows = contracts_affecting("Capability 7").order_by("-created_at", "-id")[: PAGE_SIZE + 1]
    assert "contract_capabilities" in rows.explain()


# --- the origin of values, and the two fields that can be edited ---
def test_page__after_a_job__says_where_each_value_came_from(
    users: Users, founder_browser: Client, search: Capability
) -> None:
    job = finished_job(users)
    page = text_of(get_page(founder_browser, search))
    assert "Step 2 of a contract" in page
    assert "reported, not verified yet" in page
    assert "Registered" in page
    entry = ConfigurationEntry.objects.get(scope="Search", key="page_size")
    url = reverse("admin:governance_configurationentry_change", args=[entry.pk])
    shown = founder_browser.get(url)
    assert "Step 2 of a contract" in text_of(shown)
    assert contract_url(job.contract) in shown.content.decode()


def test_edit__by_an_operator__saves_title_and_owner(
    users: Users, signed_in: Browser, search: Capability
) -> None:
    browser = signed_in(users.operator)
    url = reverse("admin:governance_capability_edit", args=[search.pk])
    assert url in get_page(browser, search).content.decode()
    assert browser.post(url, {"title": "Find", "owner": "sig-two"}).status_code == 302
    search.refresh_from_db()
    assert (search.title, search.owner, search.lifecycle) == ("Find", "sig-two", "LAUNCHED")
    answer = browser.post(url, {"title": "a  b", "owner": ""})
    assert answer.status_code == 400
    assert answer.context["refusal"].code == "invalid_name"


def test_edit__by_a_founder__is_not_offered(
    users: Users, founder_browser: Client, search: Capability
) -> None:
    url = reverse("admin:governance_capability_edit", args=[search.pk])
    assert url not in get_page(founder_browser, search).content.decode()
    assert founder_browser.get(url).status_code == 403


def test_list__shows_the_health_of_each_and_marks_what_contradicts_its_lifecycle(
    users: Users, founder_browser: Client, search: Capability, settings: Any
) -> None:
    url = reverse("admin:governance_capability_changelist")
    add_signal(users, "Suggestions", HealthDecision.DEGRADED, "It was slow.")
    text = html.unescape(words_of(founder_browser.get(url)))
    assert ("DEGRADED" in text, "although LAUNCHED" in text) == (True, False)
    add_signal(users, "Search", HealthDecision.BLOCKED, "It is down.")
    text = html.unescape(words_of(founder_browser.get(url)))
    assert text.count("although LAUNCHED") == 1
    settings.GOVSITE = settings.GOVSITE | {
        "HEALTH_PROVIDER": f"{Broken.__module__}.{Broken.__name__}"
    }
    assert html.unescape(words_of(founder_browser.get(url))).count(">unknown<") == 2
