"""Permissions: every route and method of the API against every role."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver

from governance.api import urls
from governance.api.audits import AuditViewSet
from governance.api.contracts import ContractViewSet
from governance.api.freezes import FreezeViewSet
from governance.api.health import HealthViewSet
from governance.api.jobs import JobViewSet
from governance.api.registry import RegistryViewSet
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.clients import ApiClient
from tests.support.tokens import made_token, new_token
from tests.support.users import Users

ID = "<uuid:pk>"
PEOPLE = ("operator", "founder", "executor", "auditor", "viewer", "outsider")
ALL_BUT_THE_OUTSIDER = set(PEOPLE) - {"outsider"}

# (method, route) → the permitted users; the API must have no other operation.
MAY: dict[tuple[str, str], set[str]] = {
    ("get", "contracts/"): ALL_BUT_THE_OUTSIDER,
    ("get", f"contracts/{ID}/"): ALL_BUT_THE_OUTSIDER,
    ("get", f"contracts/{ID}/ledger/"): ALL_BUT_THE_OUTSIDER,
    ("post", f"contracts/{ID}/activate/"): {"operator", "executor"},
    ("post", "contracts/activate/"): {"operator", "executor"},
    ("get", "jobs/"): ALL_BUT_THE_OUTSIDER,
    ("get", f"jobs/{ID}/"): ALL_BUT_THE_OUTSIDER,
    ("get", f"jobs/{ID}/steps/"): ALL_BUT_THE_OUTSIDER,
    ("get", f"jobs/{ID}/observations/"): ALL_BUT_THE_OUTSIDER,
    ("get", f"jobs/{ID}/progress/"): ALL_BUT_THE_OUTSIDER,
    ("get", f"jobs/{ID}/evidence/"): ALL_BUT_THE_OUTSIDER,
    ("get", f"jobs/{ID}/audit/"): ALL_BUT_THE_OUTSIDER,
    ("get", "audits/"): ALL_BUT_THE_OUTSIDER,
    ("get", f"jobs/{ID}/events/"): ALL_BUT_THE_OUTSIDER,
    ("post", "jobs/claim/"): {"executor"},
    ("post", f"jobs/{ID}/start/"): {"executor"},
    ("post", f"jobs/{ID}/results/"): {"executor"},
    ("post", f"jobs/{ID}/complete/"): {"executor"},
    ("post", f"jobs/{ID}/cancel/"): {"operator", "founder"},
    ("post", f"jobs/{ID}/verdict/"): {"auditor"},
    ("get", "freezes/"): ALL_BUT_THE_OUTSIDER,
    ("get", "health/"): ALL_BUT_THE_OUTSIDER,
    ("get", "registry/"): ALL_BUT_THE_OUTSIDER,
}
VIEWS = (
    *(AuditViewSet, ContractViewSet, JobViewSet),
    *(FreezeViewSet, HealthViewSet, RegistryViewSet),
)
OPEN_TO_ALL = {"", "schema/", "docs/", "redoc/"}
METHODS = ("get", "post", "put", "patch", "delete", "options")


def routes(patterns: list[Any]) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        else:
            yield str(pattern.pattern), pattern


def all_calls() -> set[tuple[str, str]]:
    """Return each (method, route) that the URL configuration binds to an action."""
    return {
        (method, route)
        for route, pattern in routes(urls.urlpatterns)
        for method in getattr(pattern.callback, "actions", {})
        if method != "head"
    }


def call(client: ApiClient, method: str, route: str) -> Any:
    return getattr(client, method)(API + route.replace(ID, str(uuid4())))


def test_table__names_exactly_the_calls_there_are() -> None:
    assert all_calls() == set(MAY)
    unbound = {
        route
        for route, pattern in routes(urls.urlpatterns)
        if not getattr(pattern.callback, "actions", None)
    }
    assert unbound == OPEN_TO_ALL  # "" is the route of the index and of the 404 fallback


@pytest.mark.parametrize("name", PEOPLE)
def test_person__at_every_call__gets_in_where_the_table_says(
    users: Users, client_for: ClientFor, name: str
) -> None:
    client = client_for(getattr(users, name))
    for (method, route), may in MAY.items():
        answer = call(client, method, route)
        if name in may:
            assert answer.status_code in (200, 204, 400, 404), (method, route, answer.content)
        else:
            assert_problem(answer, 403, "permission_denied")


@pytest.mark.parametrize("method", METHODS)
def test_method__that_a_route_does_not_know__405_and_allow(
    users: Users, client_for: ClientFor, method: str
) -> None:
    users.outsider.is_superuser = True
    users.outsider.save()
    client = client_for(users.outsider)
    for route in {route for _, route in MAY}:
        if (method, route) in MAY:
            continue
        answer = call(client, method, route)
        assert_problem(answer, 405, "method_not_allowed")
        (known,) = (known for known, of in MAY if of == route)
        assert answer["Allow"] == {"get": "GET, HEAD", "post": "POST"}[known]


def test_anonymous__at_every_call__401(users: Users, client_for: ClientFor) -> None:
    for method, route in MAY:
        answer = call(client_for(None), method, route)
        assert_problem(answer, 401, "not_authenticated")
        assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer x",
        "Bearer a b",
        "Bearer " + "0" * 64,
        "Bearer " + "0" * 100_000,
        "Bearer \xff\xfe" + "0" * 64,
        "Bearer 0000000000000000\x00",
        "Bearer ' OR 1=1 --",
        "bearer " + "f" * 64,
    ],
)
def test_token__that_is_not_one__401(db: None, header: str) -> None:
    client = ApiClient(raise_request_exception=False)
    answer = client.get(f"{API}jobs/", HTTP_AUTHORIZATION=header)
    assert_problem(answer, 401, "authentication_failed")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_token__that_begins_like_a_real_one__401(users: Users) -> None:
    token = new_token(users.viewer)
    client = ApiClient()
    for forged in (token[:-1] + ("0" if token[-1] != "0" else "1"), token[:20], token + "0"):
        answer = client.get(f"{API}jobs/", HTTP_AUTHORIZATION=f"Bearer {forged}")
        assert_problem(answer, 401, "authentication_failed")
    assert client.get(f"{API}jobs/", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 200


@pytest.mark.parametrize("header", ["Basic Zm91bmRlcjp4", "Token abc", ""])
def test_credentials__of_another_kind__401(db: None, header: str) -> None:
    answer = ApiClient().get(f"{API}jobs/", HTTP_AUTHORIZATION=header)
    assert_problem(answer, 401, "not_authenticated")


def test_session__of_a_logged_in_user__is_no_token(users: Users) -> None:
    client = ApiClient()
    client.force_login(users.operator)
    assert_problem(client.get(f"{API}jobs/"), 401, "not_authenticated")


def test_token__expired__401(users: Users) -> None:
    token = new_token(users.viewer, lasts=timedelta(seconds=-1))
    answer = ApiClient().get(f"{API}jobs/", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert_problem(answer, 401, "token_expired")


def test_token__of_an_inactive_user__401(users: Users, client_for: ClientFor) -> None:
    client = client_for(users.operator)
    assert client.get(f"{API}jobs/").status_code == 200
    users.operator.is_active = False
    users.operator.save()
    assert_problem(client.get(f"{API}jobs/"), 401, "user_inactive")


def test_token__made_now__expires_and_is_kept_only_as_a_hash(users: Users) -> None:
    kept, token = made_token(users.viewer)
    assert timedelta(days=89) < kept.expiry - kept.created <= timedelta(days=90)
    assert token not in (kept.digest, kept.token_key)
    assert len(kept.token_key) < len(token) / 2


def test_action__without_a_named_permission__denied_to_superusers_too(
    users: Users, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.outsider.is_superuser = True
    users.outsider.save()
    for view in VIEWS:
        monkeypatch.setattr(view, "action_permissions", {})
    client = client_for(users.outsider)
    for method, route in MAY:
        assert_problem(call(client, method, route), 403, "permission_denied")
