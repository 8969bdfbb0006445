"""Drift on pages: the page of all drift, capabilities, configuration, and the home page."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.admin import drift
from governance.admin.drift import DRIFT
from governance.authorities.health.observed_states import replace_observed_states
from governance.db.clock import database_now
from governance.domain.observations import ObservedScope
from governance.models import Account, Capability, ConfigurationEntry
from governance.services.registry.operations import register_capabilities
from tests.admin.conftest import Browser
from tests.support.admin import words_of
from tests.support.users import Users

EVIL = "<script>alert('boo')</script>"


@pytest.fixture
def search(users: Users) -> Capability:
    register_capabilities(
        documents=[
            {"name": "Search", "lifecycle": "LAUNCHED", "configuration": {"limit": 20, "same": 1}},
            {"name": "Sync", "configuration": {"limit": 5}},
        ]
    )
    return Capability.objects.get(name="Search")


def observe(scope: str, lifecycle: str, trouble: str = "", **values: Any) -> None:
    state = {"lifecycle": lifecycle, "configuration": values}
    replace_observed_states(
        [ObservedScope(scope, "git", None if trouble else state, database_now(), trouble)]
    )


def text_of(page: Any) -> str:
    assert page.status_code == 200
    words = html.unescape(re.sub(r"<[^>]+>", " ", words_of(page)))
    return " ".join(words.split()).replace(" ,", ",")


def test_page__without_drift__says_so(founder_browser: Client, search: Capability) -> None:
    text = text_of(founder_browser.get(reverse(DRIFT)))
    assert "No drift is known" in text
    assert "Nothing was observed outside of govsite yet." in text
    observe("Search", "LAUNCHED", limit=20, same=1)
    assert "The platform was last observed on" in text_of(founder_browser.get(reverse(DRIFT)))


def test_page__with_drift__shows_both_values_of_each(
    founder_browser: Client, search: Capability
) -> None:
    observe("Search", "PREVIEW", limit=30, same=1, more=EVIL)
    observe("Sync", "DISABLED", trouble=f"no answer {EVIL}")
    page = founder_browser.get(reverse(DRIFT))
    text = text_of(page)
    assert "3 values drift" in text
    assert 'Lifecycle "LAUNCHED" "PREVIEW"' in text
    assert "limit 20 30" in text
    assert "more no value" in text
    assert "same" not in text
    assert "Not observed Sync git" in text
    assert EVIL not in page.content.decode()


def test_page__of_much_drift__is_cut_and_reads_it_in_few_queries(
    founder_browser: Client, search: Capability, monkeypatch: pytest.MonkeyPatch
) -> None:
    observe("Search", "PREVIEW")
    with CaptureQueriesContext(
        connection,
    ) as few:
        founder_browser.get(reverse(DRIFT))
    observe("Search", "PREVIEW", **{f"key{number}": number for number in range(30)})
    monkeypatch.setattr(drift, "MAX_VALUES", 10)
    with CaptureQueriesContext(connection) as many:
        text = text_of(founder_browser.get(reverse(DRIFT)))
    assert len(many) == len(few)
    assert "The first 10 of 33 values, by name." in text


def test_page__without_permission__is_refused(
    signed_in: Browser, users: Users, search: Capability
) -> None:
    clerk = Account.objects.create(username="clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_capability"))
    assert signed_in(clerk).get(reverse(DRIFT)).status_code == 403


def test_capability__that_drifts__shows_what_the_platform_holds(
    founder_browser: Client, search: Capability
) -> None:
    observe("Search", "PREVIEW", limit=30, same=1, more=True)
    url = reverse("admin:governance_capability_change", args=[search.pk])
    text = text_of(founder_browser.get(url))
    assert "The platform holds 30, observed" in text
    assert 'The platform holds "PREVIEW", observed' in text
    assert "more Not recorded The platform holds true, observed" in text
    assert "same 1 Registered" in text
    assert "The platform holds this, observed" in text


def test_configuration__that_drifts__shows_what_the_platform_holds(
    founder_browser: Client, search: Capability
) -> None:
    entry = ConfigurationEntry.objects.get(scope="Search", key="limit")
    url = reverse("admin:governance_configurationentry_change", args=[entry.pk])
    assert "The platform holds" not in text_of(founder_browser.get(url))
    observe("Search", "LAUNCHED", same=1)
    assert "The platform holds no value, observed" in text_of(founder_browser.get(url))


def test_home__with_drift__counts_it_and_leads_to_the_page(
    founder_browser: Client, search: Capability
) -> None:
    words = "values that drift on the platform"
    assert words not in text_of(founder_browser.get(reverse("admin:index")))
    observe("Search", "LAUNCHED", limit=30, same=1)
    page = founder_browser.get(reverse("admin:index"))
    assert words in text_of(page)
    assert reverse(DRIFT) in page.content.decode()
