"""API tokens in the admin: issuing, rotating and revoking; a token's text is shown only once."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.domain.tokens import hash_token
from governance.models import Account, ApiToken
from governance.models.fields import new_id
from governance.services.access.tokens import revoke_token
from governance.services.registry.operations import register_capabilities
from tests.admin.conftest import Browser
from tests.support.admin import words_of
from tests.support.forms import Form
from tests.support.tokens import made_token
from tests.support.users import Users

LIST = reverse("admin:governance_apitoken_changelist")
ISSUE = reverse("admin:governance_apitoken_issue")


@pytest.fixture
def browser(superuser: Account, signed_in: Browser) -> Client:
    return signed_in(superuser)


def page_of(token: ApiToken, page: str = "change") -> str:
    return reverse(f"admin:governance_apitoken_{page}", args=[token.pk])


def filled(**typed: Any) -> dict[str, Any]:
    usual = {"username": "worker", "create": "on", "role": "Executor", "days": "30"}
    return usual | {"token_id": str(new_id())} | typed


def secret_on(answer: Any) -> str:
    """Return the token's text from the field of the page that shows it."""
    assert answer.status_code == 201
    assert "no-store" in answer["Cache-Control"]
    _, _, rest = answer.content.decode().partition("data-secret ")
    return unescape(rest.partition('value="')[2].partition('"')[0])


def everywhere_else(browser: Client, token: ApiToken) -> str:
    """Return the other pages, the sessions and the cookies, which must not contain the token."""
    pages = [LIST, page_of(token), page_of(token, "rotate"), page_of(token, "revoke")]
    shown = "".join(browser.get(page).content.decode() for page in pages)
    kept = "".join(str(session.get_decoded()) for session in Session.objects.all())
    return shown + kept + str(browser.cookies)


def test_issue__filled_in__shows_the_token_once_and_keeps_its_hash(
    users: Users, browser: Client, superuser: Account
) -> None:
    register_capabilities(documents=[{"name": "Search"}])
    form = filled(
        name="rack 3", verbs=["execute_job", "view_jobstep"], capabilities=" Search \r\n\r\nSYSTEM"
    )
    text = secret_on(browser.post(ISSUE, form))
    token = ApiToken.objects.get()
    assert token.digest == hash_token(text)
    assert str(token.pk) == form["token_id"]
    assert (token.name, token.issued_by) == ("rack 3", superuser)
    assert token.verbs == ["view_jobstep", "execute_job"]
    assert token.capabilities == ["SYSTEM", "Search"]
    assert token.expiry == token.created + timedelta(days=30)
    everything = everywhere_else(browser, token)
    assert text[:8] in everything
    assert text[:9] not in everything
    assert token.digest not in everything


def test_issue__sent_again__is_refused_and_makes_no_second_one(
    users: Users, browser: Client
) -> None:
    form = filled()
    text = secret_on(browser.post(ISSUE, form))
    answer = browser.post(ISSUE, form)
    assert answer.status_code == 409
    html = answer.content.decode()
    assert "token_issued" in html
    assert text not in html
    assert ApiToken.objects.count() == 1


def test_issue__unregistered_capability__is_reported(users: Users, browser: Client) -> None:
    answer = browser.post(ISSUE, filled(capabilities="Serach\nSYSTEM"))
    assert "Not in the registry yet: Serach." in words_of(answer)


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"username": ""}, 400),
        ({"username": "\x00"}, 400),
        ({"days": "0"}, 400),
        ({"days": "x"}, 400),
        ({"verbs": ["fly"]}, 400),
        ({"verbs": ["record_verdict"]}, 400),
        ({"role": "Emperor"}, 400),
        ({"role": ""}, 400),
        ({"capabilities": "x" * 201}, 400),
        ({"name": "x" * 101}, 400),
        ({"token_id": ""}, 400),
        ({"token_id": "1"}, 400),
        ({"create": ""}, 404),
        ({"username": "founder", "role": ""}, 403),
    ],
    ids=str,
)
def test_issue__what_does_not_fit__comes_back_on_the_form(
    users: Users, browser: Client, typed: dict[str, Any], status: int
) -> None:
    users.founder.set_password("a long one")
    users.founder.save()
    answer = browser.post(ISSUE, filled(name="kept").copy() | typed)
    assert answer.status_code == status
    assert not ApiToken.objects.exists()
    assert not Account.objects.filter(username="worker").exists()
    if "name" not in typed:
        assert 'value="kept"' in answer.content.decode()


def test_issue__page__has_its_id_in_the_form_and_another_each_time(
    users: Users, browser: Client
) -> None:
    ids = [Form(browser.get(ISSUE).content.decode(), "gov-body")["token_id"] for _ in range(2)]
    assert ids[0] != ids[1]


def test_rotate__shows_the_successor_once_and_links_both(users: Users, browser: Client) -> None:
    old, _ = made_token(users.executor, verbs=["execute_job"])
    text = secret_on(browser.post(page_of(old, "rotate"), {"overlap_hours": "2"}))
    successor = ApiToken.objects.get(rotated_from=old)
    assert successor.digest == hash_token(text)
    assert text not in everywhere_else(browser, successor)
    assert str(successor.pk) in browser.get(page_of(old)).content.decode()
    assert str(old.pk) in browser.get(page_of(successor)).content.decode()
    again = browser.post(page_of(old, "rotate"), {"overlap_hours": "2"})
    assert again.status_code == 409
    assert "token_rotated" in again.content.decode()
    assert ApiToken.objects.count() == 2


def test_rotate__overlap_that_is_none__comes_back(users: Users, browser: Client) -> None:
    old, _ = made_token(users.executor)
    for hours in ("", "-1", "169", "x"):
        assert browser.post(page_of(old, "rotate"), {"overlap_hours": hours}).status_code == 400
    assert ApiToken.objects.count() == 1


def test_revoke__token__is_shown_in_the_list_and_on_its_page(users: Users, browser: Client) -> None:
    token, _ = made_token(users.executor)
    answer = browser.post(page_of(token, "revoke"), {"reason": "It leaked."})
    assert answer["Location"] == LIST
    for page in (LIST, page_of(token)):
        assert "REVOKED" in browser.get(page).content.decode()
    page = browser.get(page_of(token)).content.decode()
    assert "It leaked." in page
    assert "Rotate…" not in page
    assert "Revoke…" not in page
    again = browser.post(page_of(token, "revoke"), {"reason": ""})
    assert again.status_code == 409
    assert "token_revoked" in again.content.decode()


def test_page_and_forms__of_a_token_that_is_not_there__404(users: Users, browser: Client) -> None:
    nothing = ApiToken()
    for page in ("rotate", "revoke"):
        assert browser.get(page_of(nothing, page)).status_code == 404
        assert browser.post(page_of(nothing, page), {"overlap_hours": "1"}).status_code == 404


def test_list__shows_states_uses_and_scopes_in_words(users: Users, browser: Client) -> None:
    made_token(users.executor, name="rack 3", capabilities=["A", "B", "C"], last_used_at=None)
    made_token(users.viewer, lasts=timedelta(seconds=-1), verbs=["view_governancejob"])
    made_token(users.viewer, verbs=["view_ledgerentry", "view_jobstep"])
    revoked, _ = made_token(users.auditor, lasts=None)
    revoke_token(token_id=revoked.pk, actor=users.founder)
    html = browser.get(LIST).content.decode()
    for words in ("LIVE", "EXPIRED", "REVOKED", "rack 3", "A, B and 1 more", "everything", "never"):
        assert words in html, words
    assert "Read jobs and their progress" in html
    assert "Read ledgers and 1 more" in html
    assert "rack 3" in browser.get(LIST, {"q": "executor"}).content.decode()
    assert "rack 3" not in browser.get(LIST, {"q": "viewer"}).content.decode()


def test_list__queries__do_not_grow_with_the_tokens(users: Users, browser: Client) -> None:
    counts = []
    for _ in range(2):
        for _ in range(5):
            made_token(users.executor)
        with CaptureQueriesContext(connection) as asked:
            browser.get(LIST)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_token_without_an_end__of_before__is_shown(users: Users, browser: Client) -> None:
    token, _ = made_token(users.executor, lasts=None)
    assert "never" in browser.get(page_of(token)).content.decode()
