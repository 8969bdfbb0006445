"""Approving in the admin: the form by GET, the decision by POST, each refusal on the form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from governance.authorities.health.signals import record_signal
from governance.domain.roles import Role
from governance.domain.values import ContractStatus, HealthDecision
from governance.models import Account, LedgerEntry
from governance.services.access.accounts import assign_role
from governance.services.registry.operations import register_capabilities
from tests.admin.conftest import Browser
from tests.support.admin import approval, contract_url, typed, words_of
from tests.support.factories import contract_in, draft, eligible, now, reloaded
from tests.support.users import Users

Rows = Callable[[], dict[str, list[Any]]]
DECISIONS = ("approve", "reject")
NOT_ELIGIBLE = [
    s for s in ContractStatus if s not in (ContractStatus.ELIGIBLE, ContractStatus.VALIDATED)
]


def test_form__opened__offers_a_day_from_now_and_carries_the_digest_it_shows(
    users: Users, founder_browser: Client
) -> None:
    contract = eligible(users)
    page = founder_browser.get(contract_url(contract, "approve"))
    assert page.status_code == 200
    initial = page.context["form"].initial
    assert initial["window_closes_at"] - initial["window_opens_at"] == timedelta(hours=24)
    assert abs(initial["window_opens_at"] - now()) < timedelta(minutes=2)
    assert f'name="seen_digest" value="{contract.content_digest}"' in page.content.decode()
    assert "Set page_size of Search from 20 to 50" in words_of(page)


def test_approving__well_filled_form__contract_is_approved_as_typed_and_confirmed(
    users: Users, founder_browser: Client, commit_now: Callable[[], None]
) -> None:
    contract = eligible(users)
    opens_at = now().replace(second=0, microsecond=0) + timedelta(hours=2)
    form = approval(
        contract,
        window_opens_at=typed(opens_at),
        window_closes_at=typed(opens_at + timedelta(hours=3)),
        note="Watch it.\r\nPlease.",
    )
    answer = founder_browser.post(contract_url(contract, "approve"), form, follow=True)
    assert answer.redirect_chain == [(contract_url(contract), 302)]
    assert "Approved. It can be activated from" in answer.content.decode()
    approved = reloaded(contract)
    assert approved.status == ContractStatus.APPROVED
    assert approved.approved_by == users.founder
    assert approved.window_opens_at == opens_at.astimezone(UTC)
    assert approved.window_closes_at == opens_at + timedelta(hours=3)
    assert approved.approval_note == "Watch it.\nPlease."
    assert approved.approved_digest == contract.content_digest
    commit_now()


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        pytest.param(timedelta(hours=3), timedelta(hours=2), id="ends before it starts"),
        pytest.param(timedelta(0), timedelta(hours=169), id="longer than 168 h"),
        pytest.param(timedelta(hours=-3), timedelta(hours=-2), id="over already"),
    ],
)
def test_approving__impossible_window__refused_on_the_form(
    users: Users, founder_browser: Client, everything: Rows, opens: timedelta, closes: timedelta
) -> None:
    contract, at = eligible(users), now()
    form = approval(
        contract, window_opens_at=typed(at + opens), window_closes_at=typed(at + closes)
    )
    refused(founder_browser, contract, form, everything, status=400, code="invalid_window")


@pytest.mark.parametrize(
    ("field", "typed_in"),
    [
        ("window_opens_at", ""),
        ("window_opens_at", "next week"),
        ("window_opens_at", "2026-13-40T99:00"),
        ("window_closes_at", "\x00"),
        ("note", "nothing\x00here"),
        ("seen_digest", ""),
        ("seen_digest", "\x00"),
    ],
)
def test_approving__unreadable_field__400_and_nothing_written(
    users: Users, founder_browser: Client, everything: Rows, field: str, typed_in: str
) -> None:
    contract = eligible(users)
    before = everything()
    form = approval(contract, **{field: typed_in})
    answer = founder_browser.post(contract_url(contract, "approve"), form)
    assert answer.status_code == 400
    assert answer.context["form"].errors[field]
    assert everything() == before


def test_approving__too_long_a_note__refused(
    users: Users, founder_browser: Client, everything: Rows
) -> None:
    contract = eligible(users)
    form = approval(contract, note="x" * 4001)
    refused(founder_browser, contract, form, everything, status=400, code="invalid_input")


def test_approving__another_digest_than_the_page_showed__refused_as_stale(
    users: Users, founder_browser: Client, everything: Rows
) -> None:
    contract = eligible(users)
    form = approval(contract, seen_digest="0" * 64)
    page = refused(founder_browser, contract, form, everything, status=409, code="stale_copy")
    # The form keeps the stale digest, so sending it again is refused again.
    assert f'value="{"0" * 64}"' in page


def test_approving__proposer__four_eyes_even_for_a_superuser(
    users: Users, signed_in: Browser, everything: Rows
) -> None:
    users.operator.is_superuser = True
    users.operator.save()
    assign_role(users.operator, Role.FOUNDER)
    contract = eligible(users)
    browser = signed_in(users.operator)
    refused(browser, contract, approval(contract), everything, status=403, code="four_eyes")
    assert "Approve…" not in browser.get(contract_url(contract)).content.decode()


@pytest.mark.parametrize("who", ["operator", "executor", "auditor", "viewer"])
@pytest.mark.parametrize("page", DECISIONS)
def test_decision__by_staff_who_is_no_founder__403(
    users: Users, signed_in: Browser, everything: Rows, who: str, page: str
) -> None:
    contract = eligible(users)
    browser, before = signed_in(getattr(users, who)), everything()
    form = approval(contract, reason="A reason that is long enough.")
    assert browser.get(contract_url(contract, page)).status_code == 403
    assert browser.post(contract_url(contract, page), form).status_code == 403
    assert everything() == before


@pytest.mark.parametrize("page", DECISIONS)
def test_decision__by_outsider_or_anonymous__sent_to_sign_in(
    users: Users, signed_in: Browser, everything: Rows, page: str
) -> None:
    contract = eligible(users)
    before = everything()
    for browser in (signed_in(users.outsider), Client()):
        answer = browser.post(contract_url(contract, page), approval(contract))
        assert answer.status_code == 302
        assert "/login/" in answer["Location"]
    assert everything() == before


def test_approving__founder_who_may_not_view__403(
    users: Users, signed_in: Browser, everything: Rows
) -> None:
    blind = Account.objects.create_user("blind", is_staff=True)
    assign_role(blind, Role.FOUNDER)
    Group.objects.get(name=Role.FOUNDER).permissions.clear()
    contract = eligible(users)
    before = everything()
    answer = signed_in(blind).post(contract_url(contract, "approve"), approval(contract))
    assert answer.status_code == 403
    assert everything() == before


@pytest.mark.parametrize("status", NOT_ELIGIBLE)
@pytest.mark.parametrize("page", DECISIONS)
def test_decision__on_what_is_not_eligible__409_and_nothing_written(
    users: Users, founder_browser: Client, everything: Rows, status: ContractStatus, page: str
) -> None:
    contract = contract_in(users, status)
    before = everything()
    form = approval(contract, reason="A reason that is long enough.")
    form["seen_digest"] = form["seen_digest"] or "0" * 64
    shown = founder_browser.get(contract_url(contract, page))
    answer = founder_browser.post(contract_url(contract, page), form)
    assert (shown.status_code, answer.status_code) == (409, 409)
    assert answer.context["refusal"].code in {
        "not_eligible",
        "invalid_transition",
        "contract_immutable",
    }
    assert "<form" not in shown.content.decode().split('id="content-main"')[1]
    assert everything() == before


def test_approving__expired_but_not_swept__refused(
    users: Users, founder_browser: Client, everything: Rows
) -> None:
    contract = eligible(users, at=now() - timedelta(days=8))
    form = approval(contract)
    refused(founder_browser, contract, form, everything, status=409, code="contract_expired")


def test_approving__frozen_capability__refused(
    users: Users, founder_browser: Client, everything: Rows
) -> None:
    register_capabilities(documents=[{"name": "Search", "frozen": True}])
    contract = eligible(users)
    form = approval(contract)
    refused(founder_browser, contract, form, everything, status=409, code="capability_frozen")


@pytest.mark.parametrize("scope", ["Search", "SYSTEM"])
def test_approving__health_blocks__refused(
    users: Users, founder_browser: Client, everything: Rows, scope: str
) -> None:
    contract = eligible(users)
    record_signal(
        scope=scope,
        signal_type="probe",
        decision=HealthDecision.BLOCKED,
        reason="It is down.",
        actor=users.operator,
    )
    form = approval(contract)
    refused(founder_browser, contract, form, everything, status=409, code="health_blocked")


def test_approving__with_unknown_health__refused(
    users: Users, founder_browser: Client, everything: Rows, settings: Any
) -> None:
    provider = f"{__name__}.SilentProvider"
    settings.GOVSITE = settings.GOVSITE | {"HEALTH_PROVIDER": provider}
    contract = eligible(users)
    form = approval(contract)
    refused(founder_browser, contract, form, everything, status=409, code="health_unknown")


class SilentProvider:
    def capture(self, **_: Any) -> None:
        raise TimeoutError("no answer")


def test_approving__twice__second_time_is_refused(users: Users, founder_browser: Client) -> None:
    contract = eligible(users)
    url, form = contract_url(contract, "approve"), approval(contract)
    assert founder_browser.post(url, form).status_code == 302
    assert founder_browser.post(url, form).status_code == 409
    events = LedgerEntry.objects.filter(contract=contract, event="contract.review.approved")
    assert events.count() == 1


@pytest.mark.parametrize("page", DECISIONS)
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_decision__other_methods__405(
    users: Users, founder_browser: Client, page: str, method: str
) -> None:
    url = contract_url(eligible(users), page)
    assert getattr(founder_browser, method)(url).status_code == 405


@pytest.mark.parametrize("page", DECISIONS)
def test_decision__on_no_contract__404(users: Users, founder_browser: Client, page: str) -> None:
    contract = draft(users)
    contract.pk = "01900000-0000-7000-8000-000000000000"
    assert founder_browser.post(contract_url(contract, page), {}).status_code == 404


def refused(
    browser: Client, contract: Any, form: dict[str, Any], rows: Rows, *, status: int, code: str
) -> str:
    """Send the form; assert the status, the code on the page, and that no row changed."""
    before = rows()
    answer = browser.post(contract_url(contract, "approve"), form)
    assert answer.status_code == status, answer.context and answer.context.get("refusal")
    assert answer.context["refusal"].code == code
    page: str = answer.content.decode()
    assert "Refused; nothing was changed." in page
    assert code in page
    assert rows() == before
    return page
