"""Signing in the admin: the view that is signed, changed views, several founders, stored text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from governance.authorities.contract.queries import signatures_of
from governance.domain.values import ContractStatus
from governance.flows.review_contract import comment_on_contract, view_contract
from governance.models import ApprovalSignature, SystemContract
from tests.admin.conftest import Browser
from tests.support.admin import approval, contract_url, typed, words_of
from tests.support.factories import approved, eligible, now, reloaded, signed
from tests.support.registry import registered, set_value
from tests.support.tampering import tamper
from tests.support.users import Users

Rows = Callable[[], dict[str, list[Any]]]


@pytest.fixture
def two_must_sign(settings: Any) -> None:
    settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2, "critical": 2}}


def send(browser: Client, contract: SystemContract, form: dict[str, Any]) -> Any:
    return browser.post(contract_url(contract, "approve"), form)


def on_the_form(page: Any) -> dict[str, Any]:
    """Return what the form on a page sends if nothing is edited."""
    form = page.context["form"]
    values = {name: form[name].value() for name in form.fields}
    for name in ("window_opens_at", "window_closes_at"):
        values[name] = typed(values[name])
    return {name: value or "" for name, value in values.items()}


def signature_url(contract: SystemContract, number: int = 1, page: str = "signature") -> str:
    name = f"admin:governance_systemcontract_{page}"
    return reverse(name, args=[contract.pk, number])


# --- the view that is signed ---
def test_form__opened_and_sent_back_untouched__signs_the_view_that_it_showed(
    users: Users, founder_browser: Client, commit_now: Callable[[], None]
) -> None:
    contract = eligible(users)
    page = founder_browser.get(contract_url(contract, "approve"))
    seen = view_contract(contract_id=contract.pk)
    text = words_of(page)
    for fact, value in seen.facts.items():
        assert f"<dt>{fact}</dt><dd>{value}</dd>" in text
    assert send(founder_browser, contract, on_the_form(page)).status_code == 302
    [signature] = ApprovalSignature.objects.filter(contract=contract)
    assert (signature.view, signature.view_digest) == (seen.text(), seen.digest())
    assert escape(signature.shown) in page.content.decode()
    assert hashlib.sha256(signature.view.encode()).hexdigest() == signature.view_digest
    commit_now()


def test_view__changed_meanwhile__refused_explained_and_offered_anew(
    users: Users, founder_browser: Client, everything: Rows
) -> None:
    contract = eligible(users)
    form = on_the_form(founder_browser.get(contract_url(contract, "approve")))
    set_value("Search", "page_size", 33)
    registered("Search", lifecycle="LAUNCHED")
    comment_on_contract(contract_id=contract.pk, person=users.viewer, text="Wait!")
    before = everything()
    form |= {"note": "Go <b>on</b>.", "confirmation": "x"}
    answer = send(founder_browser, contract, form)
    assert answer.status_code == 409
    assert answer.context["refusal"].code == "view_changed"
    assert everything() == before
    text = words_of(answer)
    assert "Search · page_size: was no recorded value, now 33" in text
    assert "Lifecycle of Search: was no recorded value, now LAUNCHED" in text
    assert "Comments: was 0 questions, 0 answers, 0 comments, now" in text
    # The fresh form keeps the typed fields except the confirmation, and can be signed.
    fresh = on_the_form(answer)
    assert (fresh["note"], fresh["confirmation"]) == ("Go <b>on</b>.", "")
    assert fresh["window_closes_at"] == form["window_closes_at"]
    assert "Go &lt;b&gt;on&lt;/b&gt;." in answer.content.decode()
    assert send(founder_browser, contract, fresh).status_code == 302


@pytest.mark.parametrize("text", ["", "{}", '{"facts":{"Status":"<script>alert(1)</script>"}}'])
def test_view_changed__with_a_text_that_was_not_shown__refused_in_general_words(
    users: Users, founder_browser: Client, text: str
) -> None:
    contract = eligible(users)
    answer = send(founder_browser, contract, approval(contract, seen_view="0" * 64, seen_text=text))
    assert (answer.status_code, answer.context["refusal"].code) == (409, "view_changed")
    assert "The exact differences cannot be shown" in answer.content.decode()
    assert "<script>alert" not in answer.content.decode()


@pytest.mark.parametrize(("field", "sent"), [("seen_view", ""), ("seen_text", "\x00")])
def test_form__with_an_unreadable_view__400(
    users: Users, founder_browser: Client, field: str, sent: str
) -> None:
    contract = eligible(users)
    answer = send(founder_browser, contract, approval(contract, **{field: sent}))
    assert answer.status_code == 400
    assert reloaded(contract).status == ContractStatus.ELIGIBLE


# --- a critical change ---
def test_critical_change__confirmed_by_its_reference_only(
    users: Users, founder_browser: Client, everything: Rows
) -> None:
    contract = eligible(users, risk_level="critical")
    page = founder_browser.get(contract_url(contract, "approve")).content.decode()
    assert 'name="confirmation"' in page
    before = everything()
    for wrong in ("", contract.reference.lower(), contract.reference + "0", "yes"):
        answer = send(founder_browser, contract, approval(contract, confirmation=wrong))
        assert answer.status_code == 400
        assert answer.context["refusal"].code == "confirmation_required"
    assert everything() == before
    right = approval(contract, confirmation=f" {contract.reference} ")
    assert send(founder_browser, contract, right).status_code == 302


def test_lesser_change__asks_for_no_confirmation(users: Users, founder_browser: Client) -> None:
    page = founder_browser.get(contract_url(eligible(users, risk_level="high"), "approve"))
    assert 'name="confirmation"' not in page.content.decode()


# --- several founders ---
@pytest.mark.usefixtures("two_must_sign")
def test_two_founders__sign_one_after_the_other(
    users: Users, signed_in: Browser, commit_now: Callable[[], None]
) -> None:
    contract = eligible(users)
    first, second = signed_in(users.founder), signed_in(users.second_founder)
    page = first.get(contract_url(contract, "approve")).content.decode()
    assert "needs 2 founders" in page
    form = approval(contract, note="One.")
    answer = first.post(contract_url(contract, "approve"), form, follow=True)
    assert "Signed: 1 of 2 signatures: founder." in answer.content.decode()
    assert reloaded(contract).status == ContractStatus.ELIGIBLE
    commit_now()
    for address in (
        contract_url(contract),
        reverse("admin:governance_systemcontract_queue"),
        reverse("admin:index"),
    ):
        assert "1 of 2 signatures: founder" in second.get(address).content.decode(), address
    # The first founder sees that they have signed, and cannot sign again.
    shown = first.get(contract_url(contract, "approve"))
    assert (shown.status_code, "You have signed this" in shown.content.decode()) == (409, True)
    twice = send(first, contract, approval(contract))
    assert (twice.status_code, twice.context["refusal"].code) == (409, "already_signed")
    # The second founder's form suggests what is left of the signed window.
    offered = on_the_form(second.get(contract_url(contract, "approve")))
    assert offered["window_closes_at"] == form["window_closes_at"]
    wider = typed(now() + timedelta(hours=30))
    refused = send(second, contract, offered | {"window_closes_at": wider})
    assert (refused.status_code, refused.context["refusal"].code) == (400, "invalid_window")
    assert "the one that founder signed for" in refused.content.decode()
    assert send(second, contract, offered).status_code == 302
    done = reloaded(contract)
    assert (done.status, done.approved_by) == (ContractStatus.APPROVED, users.second_founder)
    page = first.get(contract_url(contract)).content.decode()
    assert "2 of 2 signatures: founder, second-founder" in page
    commit_now()


@pytest.mark.usefixtures("two_must_sign")
def test_signature_meanwhile__is_a_change_of_the_view(users: Users, signed_in: Browser) -> None:
    contract = eligible(users)
    browser = signed_in(users.second_founder)
    form = on_the_form(browser.get(contract_url(contract, "approve")))
    signed(users, contract)
    form["window_closes_at"] = typed(contract.created_at + timedelta(hours=2))
    form["window_opens_at"] = typed(contract.created_at + timedelta(hours=1))
    answer = send(browser, contract, form)
    assert (answer.status_code, answer.context["refusal"].code) == (409, "view_changed")
    assert "Signatures: was no signatures yet, now founder for" in answer.content.decode()


# --- the stored signature ---
def test_what_they_saw__is_shown_verified_and_to_be_had_as_text(
    users: Users, signed_in: Browser, everything: Rows
) -> None:
    contract = approved(users, title="Search <b>soon</b>")
    browser, before = signed_in(users.viewer), everything()
    page = browser.get(contract_url(contract)).content.decode()
    assert signature_url(contract) in page
    answer = browser.get(signature_url(contract))
    assert answer.context["is_whole"] is True
    text = answer.content.decode()
    assert escape('Set "page_size" of "Search" from 20 to 50') in text
    assert "Search &lt;b&gt;soon&lt;/b&gt;" in text
    assert "not as signed" not in text
    sent = browser.get(signature_url(contract, page="signature_text"))
    assert sent["Content-Type"] == "text/plain; charset=utf-8"
    assert sent["Content-Disposition"].startswith("attachment")
    [signature] = ApprovalSignature.objects.all()
    assert sent.content.decode() == signature.shown
    assert everything() == before


# Replaces null by a number that does not fit into a double, so that no digest can be computed.
ENDLESS = ", ".join(
    f"{column} = replace({column}::text, 'null', repeat('9', 400) || '.5')::jsonb"
    for column in ("proposed_changes", "plan", "validator_verdict", "eligibility_verdict")
)


@pytest.mark.parametrize(
    ("attack", "broken"),
    [
        ("UPDATE governance_systemcontract SET description = 'Other'", {"Content"}),
        (f"UPDATE governance_systemcontract SET {ENDLESS}", {"Content"}),
        ("UPDATE governance_approvalsignature SET view = view || ' '", {"View"}),
        ("UPDATE governance_approvalsignature SET shown = 'Nothing.'", {"Signature"}),
        ("UPDATE governance_approvalsignature SET note = 'No.'", {"Signature"}),
        ("DELETE FROM governance_ledgerentry", {"Signature"}),
    ],
)
def test_what_they_saw__rewritten_since__is_marked(
    users: Users, founder_browser: Client, attack: str, broken: set[str]
) -> None:
    contract = approved(users)
    tamper(attack)
    answer = founder_browser.get(signature_url(contract))
    assert {check.of for check in answer.context["checks"] if not check.holds} == broken
    assert "The record is not as it was signed" in answer.content.decode()


def test_signature__that_is_not_there__404(users: Users, founder_browser: Client) -> None:
    contract, other = approved(users), eligible(users)
    for page in ("signature", "signature_text"):
        for address in (
            signature_url(contract, 2, page),
            signature_url(contract, 0, page),
            signature_url(contract, 10**30, page),
            signature_url(other, 1, page),
        ):
            assert founder_browser.get(address).status_code == 404, address


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_signature__nothing_can_be_sent_to_it(
    users: Users, founder_browser: Client, method: str
) -> None:
    contract = approved(users)
    for page in ("signature", "signature_text"):
        answer = getattr(founder_browser, method)(signature_url(contract, 1, page))
        assert answer.status_code == 405


def test_signatures__of_a_contract__take_one_query(
    users: Users, django_assert_num_queries: Any
) -> None:
    contract = approved(users)
    with django_assert_num_queries(1):
        [signature] = signatures_of(contract)
        assert signature.founder.get_username() == "founder"
