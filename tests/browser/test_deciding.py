"""Decisions in the browser: signing in, approving, rejecting, modifying, asking, commenting."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from playwright.sync_api import Page, expect

from governance.authorities.health.signals import record_signal
from governance.domain.values import ContractStatus, HealthDecision
from governance.models import Account, ClarificationRequest, SystemContract
from tests.browser import desk
from tests.browser.conftest import OpenPage
from tests.support.admin import contract_url
from tests.support.factories import asked, eligible, reloaded
from tests.support.users import Users

PASSWORD = "correct-horse-7"


@pytest.mark.long
def test_signing_in__with_the_form__leads_to_what_waits(
    open_page_as: OpenPage, committed: Users
) -> None:
    committed.founder.password = make_password(PASSWORD, hasher="pbkdf2_sha256")
    committed.founder.save()
    contract = eligible(committed)
    page = open_page_as(None)
    page.goto("/")
    page.get_by_label("Username").fill("founder")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    desk.expect_text(page, "Please enter the correct username and password")
    page.get_by_label("Username").fill("founder")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    waiting = page.get_by_role("region", name="Awaiting your decision")
    waiting.get_by_role("link", name=contract.title).click()
    expect(page).to_have_url(re.compile(contract_url(contract)))


def test_approving__through_the_form__signs_what_it_showed(
    founder_page: Page, committed: Users
) -> None:
    contract = eligible(committed)
    desk.approve(founder_page, contract, Note="Watch the first hour.")
    desk.expect_text(founder_page, "Approved. It can be activated from")
    expect(founder_page.get_by_role("link", name="Approve…")).to_have_count(0)
    signed = reloaded(contract)
    assert (signed.status, signed.approved_by) == (ContractStatus.APPROVED, committed.founder)
    assert signed.approved_digest == contract.content_digest
    assert signed.approval_note == "Watch the first hour."


@pytest.mark.long
def test_approving__after_a_concurrent_change__shows_it_and_then_signs(
    founder_page: Page, committed: Users
) -> None:
    contract = eligible(committed, risk_level="critical")
    desk.go_to_contract(founder_page, contract)
    desk.press(founder_page, "Approve…")
    desk.write(founder_page, "Note", "Before the sale.")
    desk.write(founder_page, "Type the contract's reference", contract.reference)
    record_signal(
        scope="Search",
        signal_type="probe",
        decision=HealthDecision.DEGRADED,
        reason="Slow.",
        actor=committed.operator,
    )
    desk.press(founder_page, "Approve")
    desk.expect_text(founder_page, "Health of Search: was HEALTHY, now DEGRADED")
    assert reloaded(contract).status == ContractStatus.ELIGIBLE
    # The note is kept, but the confirmation must be typed again.
    desk.press(founder_page, "Approve")
    desk.expect_text(founder_page, "exactly to approve a critical change")
    desk.write(founder_page, "Type the contract's reference", contract.reference)
    desk.press(founder_page, "Approve")
    desk.expect_text(founder_page, "Approved. It can be activated from")
    assert reloaded(contract).approval_note == "Before the sale."
    founder_page.get_by_role("link", name="What they saw").click()
    desk.expect_text(founder_page, "Health of Search: DEGRADED")
    expect(founder_page.get_by_text("✓ verified")).to_have_count(4)


def test_rejecting__without_enough_of_a_reason__refused_and_then_done_with_one(
    founder_page: Page, committed: Users
) -> None:
    contract = eligible(committed)
    desk.reject(founder_page, contract, "No.")
    desk.expect_text(founder_page, "Refused; nothing was changed.")
    assert reloaded(contract).status == ContractStatus.ELIGIBLE
    desk.write(founder_page, "Reason", "Not this quarter, sorry.")
    desk.press(founder_page, "Reject")
    desk.expect_text(founder_page, "Rejected for good.")
    rejected = reloaded(contract)
    assert (rejected.status, rejected.closed_by) == (ContractStatus.REJECTED, committed.founder)
    assert rejected.closed_reason == "Not this quarter, sorry."


@pytest.mark.parametrize(
    "screen",
    [
        pytest.param(desk.LAPTOP, id="laptop"),
        pytest.param(desk.PHONE, id="phone", marks=pytest.mark.long),
    ],
)
def test_modifying__by_fields_and_a_preview__replaces_the_contract(
    open_page_as: OpenPage, committed: Users, screen: dict[str, Any]
) -> None:
    contract = eligible(committed)
    page = open_page_as(committed.founder, **screen)
    desk.go_to_contract(page, contract)
    page.get_by_role("link", name="Modify scope…").click()
    page.get_by_role("button", name="Remove step 1").click()
    expect(page.get_by_role("button", name="Put step 1 back")).to_be_visible()
    value = page.get_by_role("textbox", name="New value")
    value.fill("many")
    page.get_by_role("button", name="Add a parameter").click()
    page.get_by_role("textbox", name="Parameter", exact=True).last.fill("strict")
    page.get_by_role("combobox", name="Value: kind", exact=True).last.select_option("Yes")
    expect(page.locator("[name=c2-p0-typed]")).to_be_visible()
    expect(page.locator("[name=c2-p1-typed]")).to_be_hidden()
    # Enter presses the preview button.
    page.get_by_role("textbox", name="Key", exact=True).press("Enter")
    desk.expect_text(page, "New value: must be a number, such as 20, -3 or 2.5")
    value.fill("30")
    desk.write(page, "Reason", "A smaller page is enough.")
    desk.press(page, "Preview")
    desk.expect_text(page, "Set page_size of Search from 20 to 30")
    assert reloaded(contract).status == ContractStatus.ELIGIBLE
    desk.press(page, "Replace the contract")
    desk.expect_text(page, "a draft awaiting verdicts")
    successor = SystemContract.objects.get(parent=contract)
    assert [change["type"] for change in successor.proposed_changes] == [
        "configuration_update",
        "parameter_change",
    ]
    assert successor.proposed_changes[1]["parameters"] == {"timeout_seconds": 2.5, "strict": True}
    page.get_by_role("link", name=contract.reference, exact=True).click()
    desk.expect_text(page, "Superseded by")


@pytest.mark.long
def test_clarification__asked_and_answered__stops_the_clock_and_starts_it_again(
    open_page_as: OpenPage, committed: Users
) -> None:
    contract = eligible(committed)
    founder = open_page_as(committed.founder)
    desk.ask(founder, contract, "Why now?")
    desk.expect_text(founder, "Asked. The review is paused until somebody answers.")
    assert reloaded(contract).review_ends_at is None
    operator = open_page_as(committed.operator)
    desk.answer(operator, contract, "The sale begins on Monday.")
    desk.expect_text(operator, "Answered. The review has resumed.")
    assert reloaded(contract).review_ends_at > contract.review_ends_at
    founder.reload()
    desk.expect_text(founder, "The sale begins on Monday.")
    assert ClarificationRequest.objects.get().question == "Why now?"


@pytest.mark.long
def test_comment__from_the_page__is_there_for_the_others(
    open_page_as: OpenPage, committed: Users
) -> None:
    contract = asked(committed)
    viewer = open_page_as(committed.viewer)
    desk.comment(viewer, contract, "We saw this last year too.")
    desk.expect_text(viewer, "Comment added.")
    founder = open_page_as(committed.founder)
    desk.go_to_contract(founder, contract)
    desk.expect_text(founder, "We saw this last year too.")


@pytest.mark.long
def test_proposer__a_founder_too__finds_no_way_to_approve(
    open_page_as: OpenPage, committed: Users
) -> None:
    contract = eligible(committed)
    Account.objects.filter(pk=committed.operator.pk).update(is_superuser=True)
    page = open_page_as(Account.objects.get(pk=committed.operator.pk))
    desk.go_to_contract(page, contract)
    desk.expect_text(page, "You cannot decide on this contract")
    expect(page.get_by_role("link", name="Approve…")).to_have_count(0)
