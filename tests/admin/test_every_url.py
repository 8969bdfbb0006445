"""Every address of the admin × everybody who may come there; the table is tests/support/doors.py.

Looking changes nothing, nor does a POST without CSRF token or by the wrong person; and the same
form by the right person does, so that the refusals are about the person and not about the form.
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
from tests.support.cast import Cast
from tests.support.doors import (
    ACCOUNTS,
    DOORS,
    EVERYBODY,
    IN_AND_OUT,
    NOT_STAFF,
    RECORD,
    Door,
)
from tests.support.fingerprint import changed, fingerprint
from tests.support.scene import PASSWORD, Scene

every_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


@pytest.fixture
def scene(cast: Cast) -> Scene:
    return Scene(cast)


def every_pattern(patterns: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Name and route of each address; the route is its name where it has none."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from every_pattern(pattern.url_patterns, route)
        else:
            assert isinstance(pattern, URLPattern)
            yield pattern.name or route, route


ADDRESSES = dict(every_pattern(admin.site.urls[0]))


def clients(**options: Any) -> dict[str, Client]:
    """Everybody's browser, signed in where that is possible."""
    made = {person: Client(**options) for person in sorted(EVERYBODY)}
    for person, client in made.items():
        if person != "anonymous":
            client.force_login(Account.objects.get(username=person))
    return made


def test_table__names_every_address_of_the_admin_and_no_other() -> None:
    assert sorted([*DOORS, *IN_AND_OUT]) == sorted(ADDRESSES)


def test_table__names_every_model_of_the_admin() -> None:
    registered = {f"{m._meta.app_label}_{m._meta.model_name}" for m in admin.site._registry}
    assert registered == RECORD.keys() | ACCOUNTS.keys()


@every_door
def test_looking__by_each_person__as_the_table_says_and_changes_nothing(
    scene: Scene, door: Door
) -> None:
    # As a link would say it, where somebody's POST of that would do something.
    address, said = door.address(scene), door.form(scene) if door.acts else {}
    assert resolve(address).route.removeprefix("admin/") == ADDRESSES[door.name].lstrip("^")
    browsers = clients()
    before = fingerprint()
    for person, browser in browsers.items():
        for look in (browser.get, browser.head):
            answer = look(address, said)
            assert seen(answer) == shown_to(person, door), (person, look)
            assert changed(before, fingerprint()) == [], (person, look)


@every_door
def test_post__by_each_person__changes_something_for_those_of_the_table_alone(
    scene: Scene, door: Door
) -> None:
    address, form = door.address(scene), door.form(scene)
    browsers, careless = clients(), clients(enforce_csrf_checks=True)
    before = fingerprint()
    for person, browser in browsers.items():
        assert careless[person].post(address, form).status_code == 403, person
        assert changed(before, fingerprint()) == [], person
        with transaction.atomic():
            answer = browser.post(address, form)
            changes = changed(before, fingerprint())
            transaction.set_rollback(True)
        assert bool(changes) == (person in door.acts), (person, changes)
        assert seen(answer) in answers_to_post(person, door), person


@pytest.mark.parametrize("model", [*RECORD, *ACCOUNTS])
def test_bulk_actions__gone_from_every_list_and_change_nothing(scene: Scene, model: str) -> None:
    address = reverse(f"admin:{model}_changelist")
    row = str(getattr(scene, (RECORD | ACCOUNTS)[model]).pk)
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
            assert changed(before, fingerprint()) == [], person
            if model in RECORD:
                assert seen(answer) == ("login" if person in NOT_STAFF else 403), person


def test_login__looked_at_or_without_csrf_token__lets_nobody_in(cast: Cast) -> None:
    address, form = reverse("admin:login"), {"username": "founder", "password": PASSWORD}
    cast.founder.set_password(PASSWORD)
    cast.founder.save()
    before = fingerprint()
    for send in (Client().get, Client().head, Client(enforce_csrf_checks=True).post):
        assert send(address, form).status_code in (200, 403)
        assert changed(before, fingerprint()) == []
    assert "sessionid" in Client().post(address, form).cookies


def test_logout__looked_at_or_without_csrf_token__leaves_the_person_in(cast: Cast) -> None:
    address, home = reverse("admin:logout"), reverse("admin:index")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.founder)
    assert browser.get(address).status_code == 405
    assert browser.head(address).status_code == 405
    assert browser.post(address).status_code == 403
    assert browser.get(home).status_code == 200
    browser.handler.enforce_csrf_checks = False
    browser.post(address)
    assert seen(browser.get(home)) == "login"


def seen(answer: Any) -> int | str:
    """The status; `login` for being sent to sign in."""
    sent = answer.status_code == 302 and answer["Location"].startswith(reverse("admin:login"))
    return "login" if sent else int(answer.status_code)


def shown_to(person: str, door: Door) -> int | str:
    if person in door.shown:
        return door.answers
    return "login" if person in NOT_STAFF else door.hides


def answers_to_post(person: str, door: Door) -> set[int | str]:
    if person in door.acts:
        return {door.done}
    if person in NOT_STAFF:
        return {"login"}
    if door.acts:
        return {403}
    return {403, 405} | ({shown_to(person, door)} if door.deaf else set())
