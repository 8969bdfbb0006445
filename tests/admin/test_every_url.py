"""Every address of the admin for every kind of visitor (tests/support/admin_permissions.py).

GET, a POST without a CSRF token, and a POST by the wrong person change nothing. The same POST by
the right person changes something, which proves that the form itself was not the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, resolve, reverse

from governance.models import Account
from tests.support.admin_fixtures import PASSWORD, AdminFixtures
from tests.support.admin_permissions import (
    ACCOUNT_MODELS,
    ADMIN_PAGES,
    ALL_VISITORS,
    NOT_STAFF,
    RECORD_MODELS,
    SIGN_IN_PAGES,
    AdminPage,
)
from tests.support.fingerprint import changed, fingerprint
from tests.support.users import Users, username_of

every_admin_page = pytest.mark.parametrize("admin_page", ADMIN_PAGES.values(), ids=ADMIN_PAGES)


@pytest.fixture
def fixtures(users: Users) -> AdminFixtures:
    return AdminFixtures(users)


def every_pattern(patterns: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Yield the name and the route of each address; an address without a name gives its route."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from every_pattern(pattern.url_patterns, route)
        else:
            assert isinstance(pattern, URLPattern)
            yield pattern.name or route, route


ADDRESSES = dict(every_pattern(admin.site.urls[0]))


def clients(**options: Any) -> dict[str, Client]:
    """Return a test client for each visitor, signed in except for `anonymous`."""
    made = {person: Client(**options) for person in sorted(ALL_VISITORS)}
    for person, client in made.items():
        if person != "anonymous":
            client.force_login(Account.objects.get(username=username_of(person)))
    return made


def test_table__names_every_address_of_the_admin_and_no_other() -> None:
    assert sorted([*ADMIN_PAGES, *SIGN_IN_PAGES]) == sorted(ADDRESSES)


def test_table__names_every_model_of_the_admin() -> None:
    registered = {f"{m._meta.app_label}_{m._meta.model_name}" for m in admin.site._registry}
    assert registered == RECORD_MODELS.keys() | ACCOUNT_MODELS.keys()


@every_admin_page
def test_get__by_each_person__answers_as_the_table_says_and_changes_nothing(
    fixtures: AdminFixtures, admin_page: AdminPage
) -> None:
    # The data of the POST, sent as a query string: a link must not act like the form.
    address, data = (
        admin_page.address(fixtures),
        admin_page.form(fixtures) if admin_page.actors else {},
    )
    assert resolve(address).route.removeprefix("admin/") == ADDRESSES[admin_page.name].lstrip("^")
    browsers = clients()
    before = fingerprint()
    for person, browser in browsers.items():
        for method in (browser.get, browser.head):
            answer = method(address, data)
            assert seen(answer) == shown_to(person, admin_page), (person, method)
    assert changed(before, fingerprint()) == []


@every_admin_page
def test_post__by_each_person__changes_something_for_those_of_the_table_alone(
    fixtures: AdminFixtures, admin_page: AdminPage
) -> None:
    address, form = admin_page.address(fixtures), admin_page.form(fixtures)
    browsers, careless = clients(), clients(enforce_csrf_checks=True)
    before = fingerprint()
    for person, browser in careless.items():
        assert browser.post(address, form).status_code == 403, person
    assert changed(before, fingerprint()) == []
    for person, browser in browsers.items():
        with transaction.atomic():
            answer = browser.post(address, form)
            changes = changed(before, fingerprint())
            transaction.set_rollback(True)
        assert bool(changes) == (person in admin_page.actors), (person, changes)
        assert seen(answer) in answers_to_post(person, admin_page), person


@pytest.mark.parametrize("model", [*RECORD_MODELS, *ACCOUNT_MODELS])
def test_bulk_actions__gone_from_every_list_and_change_nothing(
    fixtures: AdminFixtures, model: str
) -> None:
    address = reverse(f"admin:{model}_changelist")
    row = str(getattr(fixtures, (RECORD_MODELS | ACCOUNT_MODELS)[model]).pk)
    browsers = clients()
    page = browsers["superuser"].get(address).content.decode()
    assert 'name="action"' not in page
    assert ACTION_CHECKBOX_NAME not in page
    assert "delete_selected" not in page
    selected = {ACTION_CHECKBOX_NAME: [row], "index": "0", "post": "yes"}
    in_list = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": row}
    before = fingerprint()
    for person, browser in browsers.items():
        for form in (
            selected | {"action": "delete_selected"},
            selected | {"action": "delete_selected", "select_across": "1"},
            in_list | {"form-0-title": "Mine", "form-0-name": "Mine", "_save": "Save"},
        ):
            answer = browser.post(address, form)
            if model in RECORD_MODELS:
                assert seen(answer) == ("login" if person in NOT_STAFF else 403), person
        assert changed(before, fingerprint()) == [], person


def test_login__by_get_or_without_csrf_token__signs_no_one_in(users: Users) -> None:
    address, form = reverse("admin:login"), {"username": "founder", "password": PASSWORD}
    users.founder.set_password(PASSWORD)
    users.founder.save()
    before = fingerprint()
    for send in (Client().get, Client().head, Client(enforce_csrf_checks=True).post):
        assert send(address, form).status_code in (200, 403)
        assert changed(before, fingerprint()) == []
    assert "sessionid" in Client().post(address, form).cookies


def test_logout__by_get_or_without_csrf_token__keeps_the_session(users: Users) -> None:
    address, home = reverse("admin:logout"), reverse("admin:index")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(users.founder)
    assert browser.get(address).status_code == 405
    assert browser.head(address).status_code == 405
    assert browser.post(address).status_code == 403
    assert browser.get(home).status_code == 200
    browser.handler.enforce_csrf_checks = False
    browser.post(address)
    assert seen(browser.get(home)) == "login"


def seen(answer: Any) -> int | str:
    """Return the answer's status, or `login` for a redirect to the login page."""
    sent = answer.status_code == 302 and answer["Location"].startswith(reverse("admin:login"))
    return "login" if sent else int(answer.status_code)


def shown_to(person: str, admin_page: AdminPage) -> int | str:
    if person in admin_page.viewers:
        return admin_page.view_status
    return "login" if person in NOT_STAFF else admin_page.hidden_status


def answers_to_post(person: str, admin_page: AdminPage) -> set[int | str]:
    if person in admin_page.actors:
        return {admin_page.success_status}
    if person in NOT_STAFF:
        return {"login"}
    if admin_page.actors:
        return {403}
    return {403, 405} | ({shown_to(person, admin_page)} if admin_page.ignores_forms else set())
