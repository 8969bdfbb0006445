"""A founder signs in, decides, and is told what was done; the record says the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from governance.health.signals import record_signal
from governance.models import Account, ClarificationRequest, SystemContract
from governance.vocabulary.values import ContractStatus, HealthDecision
from tests.browser import desk
from tests.browser.conftest import AtTheDesk
from tests.support.admin import contract_url
from tests.support.cast import Cast
from tests.support.stories import again, asked, eligible, now

PASSWORD = "correct-horse-7"


def test_signing_in__with_the_form__leads_to_what_waits(
    at_the_desk: AtTheDesk, committed: Cast
) -> None:
    committed.founder.set_password(PASSWORD)
    committed.founder.save()
    contract = eligible(committed)
    page = at_the_desk(None)
    page.goto("/")
    page.get_by_label("Username").fill("founder")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    desk.is_told(page, "Please enter the correct username and password")
    page.get_by_label("Username").fill("founder")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    waiting = page.get_by_role("region", name="Waits for your decision")
    waiting.get_by_role("link", name=contract.title).click()
    expect(page).to_have_url(re.compile(contract_url(contract)))


def test_approving__through_the_form__signs_what_it_showed(
    founders_page: Page, committed: Cast
) -> None:
    contract = eligible(committed)
    desk.approve(founders_page, contract, Note="Watch the first hour.")
    desk.is_told(founders_page, "Approved. It can be activated from")
    expect(founders_page.get_by_role("link", name="Approve…")).to_have_count(0)
    signed = again(contract)
    assert (signed.status, signed.approved_by) == (ContractStatus.APPROVED, committed.founder)
    assert signed.approved_digest == contract.content_digest
    assert signed.approval_note == "Watch the first hour."


def test_approving__what_changed_behind_the_page__is_told_and_then_signed(
    founders_page: Page, committed: Cast
) -> None:
    contract = eligible(committed, risk_level="critical")
    desk.go_to_contract(founders_page, contract)
    desk.press(founders_page, "Approve…")
    desk.write(founders_page, "Note", "Before the sale.")
    desk.write(founders_page, "Type the contract's reference", contract.reference)
    record_signal(
        scope="Search",
        signal_type="probe",
        decision=HealthDecision.DEGRADED,
        reason="Slow.",
        actor=committed.operator,
        at=now(),
    )
    desk.press(founders_page, "Approve")
    desk.is_told(founders_page, "Health of Search: was HEALTHY, now DEGRADED")
    assert again(contract).status == ContractStatus.ELIGIBLE
    # What was typed is still there, but not that this one is meant.
    desk.press(founders_page, "Approve")
    desk.is_told(founders_page, "confirmation_required")
    desk.write(founders_page, "Type the contract's reference", contract.reference)
    desk.press(founders_page, "Approve")
    desk.is_told(founders_page, "Approved. It can be activated from")
    assert again(contract).approval_note == "Before the sale."
    founders_page.get_by_role("link", name="What they saw").click()
    desk.is_told(founders_page, "Health of Search: DEGRADED")
    expect(founders_page.get_by_text("✓ verified")).to_have_count(4)


def test_rejecting__without_enough_of_a_reason__refused_and_then_done_with_one(
    founders_page: Page, committed: Cast
) -> None:
    contract = eligible(committed)
    desk.reject(founders_page, contract, "No.")
    desk.is_told(founders_page, "Refused; nothing was changed.")
    assert again(contract).status == ContractStatus.ELIGIBLE
    desk.write(founders_page, "Reason", "Not this quarter, sorry.")
    desk.press(founders_page, "Reject")
    desk.is_told(founders_page, "Rejected for good.")
    rejected = again(contract)
    assert (rejected.status, rejected.closed_by) == (ContractStatus.REJECTED, committed.founder)
    assert rejected.closed_reason == "Not this quarter, sorry."


@pytest.mark.parametrize("screen", [desk.LAPTOP, desk.PHONE], ids=["laptop", "phone"])
def test_modifying__by_fields_and_a_preview__replaces_the_contract(
    at_the_desk: AtTheDesk, committed: Cast, screen: dict[str, Any]
) -> None:
    contract = eligible(committed)
    page = at_the_desk(committed.founder, **screen)
    desk.go_to_contract(page, contract)
    page.get_by_role("link", name="Modify scope…").click()
    page.get_by_role("button", name="Remove step 0").click()
    expect(page.get_by_role("button", name="Put step 0 back")).to_be_visible()
    value = page.get_by_role("textbox", name="New value")
    value.fill("many")
    page.get_by_role("button", name="Add a parameter").click()
    page.get_by_role("textbox", name="Parameter", exact=True).last.fill("strict")
    page.get_by_role("combobox", name="Value: kind", exact=True).last.select_option("Yes")
    expect(page.locator("[name=c2-p0-typed]")).to_be_visible()
    expect(page.locator("[name=c2-p1-typed]")).to_be_hidden()
    # Enter previews; it never sends.
    page.get_by_role("textbox", name="Key", exact=True).press("Enter")
    desk.is_told(page, "New value: must be a number, such as 20, -3 or 2.5")
    value.fill("30")
    desk.write(page, "Reason", "A smaller page is enough.")
    desk.press(page, "Preview")
    desk.is_told(page, "Set page_size of Search from 20 to 30")
    assert again(contract).status == ContractStatus.ELIGIBLE
    desk.press(page, "Replace the contract")
    desk.is_told(page, "a draft that waits for its verdicts")
    successor = SystemContract.objects.get(parent=contract)
    assert [change["type"] for change in successor.proposed_changes] == [
        "configuration_update",
        "parameter_change",
    ]
    assert successor.proposed_changes[1]["parameters"] == {"timeout_seconds": 2.5, "strict": True}
    page.get_by_role("link", name=contract.reference, exact=True).click()
    desk.is_told(page, "Superseded by")


def test_clarification__asked_and_answered__stops_the_clock_and_starts_it_again(
    at_the_desk: AtTheDesk, committed: Cast
) -> None:
    contract = eligible(committed)
    founder = at_the_desk(committed.founder)
    desk.ask(founder, contract, "Why now?")
    desk.is_told(founder, "Asked. The clock stands until somebody answers.")
    assert again(contract).review_ends_at is None
    operator = at_the_desk(committed.operator)
    desk.answer(operator, contract, "The sale begins on Monday.")
    desk.is_told(operator, "Answered. The clock runs again.")
    assert again(contract).review_ends_at > contract.review_ends_at
    founder.reload()
    desk.is_told(founder, "The sale begins on Monday.")
    assert ClarificationRequest.objects.get().question == "Why now?"


def test_comment__from_the_page__is_there_for_the_others(
    at_the_desk: AtTheDesk, committed: Cast
) -> None:
    contract = asked(committed)
    viewer = at_the_desk(committed.viewer)
    desk.comment(viewer, contract, "We saw this last year too.")
    desk.is_told(viewer, "Comment added.")
    founder = at_the_desk(committed.founder)
    desk.go_to_contract(founder, contract)
    desk.is_told(founder, "We saw this last year too.")


def test_proposer__a_founder_too__finds_no_way_to_approve(
    at_the_desk: AtTheDesk, committed: Cast
) -> None:
    contract = eligible(committed)
    Account.objects.filter(pk=committed.operator.pk).update(is_superuser=True)
    page = at_the_desk(Account.objects.get(pk=committed.operator.pk))
    desk.go_to_contract(page, contract)
    desk.is_told(page, "You cannot decide here")
    expect(page.get_by_role("link", name="Approve…")).to_have_count(0)
