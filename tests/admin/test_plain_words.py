"""The words on the screens: no error code after a sentence, no old label, no command name."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from governance.authorities.contract.operations import fail_contract_past_window
from governance.domain.values import ActivationWindow, ContractStatus
from governance.models import Account
from tests.admin.conftest import Browser
from tests.support.admin import contract_url, job_url
from tests.support.admin_fixtures import AdminFixtures
from tests.support.admin_permissions import ADMIN_PAGES
from tests.support.commands import ROOT
from tests.support.factories import approved, contract_in, eligible, failed_job, now, running_job
from tests.support.freezes import frozen
from tests.support.users import Users

OLD_LABELS = (
    *("The line ", "stands still", "clock stands", "way back", "Went wrong lately"),
    *("How it is going", "Waits for its verdicts", "not on record", "Leave step"),
    *("Signed nobody", "By waits", "By longest", "LOST", "does not apply", "the line runs"),
)
COMMANDS = sorted(
    path.stem
    for path in (ROOT / "governance/management/commands").glob("*_*.py")
    if path.stem[0] != "_"
)
DETAILS = re.compile(r"<details(?P<attributes>[^>]*)>.*?</details>", re.DOTALL)
NOT_SHOWN = re.compile(r"<(script|style|svg)\b.*?</\1>|<!--.*?-->|<[^>]+>", re.DOTALL)


def shown(page: str) -> str:
    """Return the text that a reader sees before unfolding anything."""
    return html.unescape(" ".join(NOT_SHOWN.sub(" ", DETAILS.sub(" ", page)).split()))


def all_text(page: str) -> str:
    return html.unescape(" ".join(NOT_SHOWN.sub(" ", page).split()))


def assert_code_folded(page: str, code: str) -> None:
    assert code not in shown(page)
    folds = [fold for fold in DETAILS.finditer(page) if code in fold[0]]
    assert folds
    for fold in folds:
        assert "<summary>Details</summary>" in fold[0]
        assert "open" not in fold["attributes"]


def test_refusal__on_a_form__shows_its_code_only_in_folded_details(
    users: Users, founder_browser: Client
) -> None:
    contract = eligible(users)
    page = founder_browser.post(contract_url(contract, "reject"), {"reason": ""}).content.decode()
    assert "A reason of more than 10 characters is needed." in shown(page)
    assert_code_folded(page, "reason_required")


@pytest.mark.parametrize("page", ["approve", "change"])
def test_obstacle__on_form_and_contract__shows_its_code_only_in_folded_details(
    users: Users, founder_browser: Client, page: str
) -> None:
    contract = eligible(users)
    frozen(users, reason="The payment provider is down.")
    text = founder_browser.get(contract_url(contract, page)).content.decode()
    assert "The payment provider is down." in shown(text)
    assert_code_folded(text, "change_freeze_active")


def test_pages__of_the_admin__show_no_old_label_and_no_command_name(
    users: Users, superuser: Account, signed_in: Browser
) -> None:
    fixtures, browser = AdminFixtures(users), signed_in(superuser)
    # Before the freeze that other pages are about, which forbids approving and activating.
    assert fixtures.signed
    assert fixtures.job
    assert fixtures.running
    assert fixtures.inconclusive
    assert fixtures.half_done
    read = 0
    for page in ADMIN_PAGES.values():
        answer = browser.get(page.address(fixtures))
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        read += 1
        text = all_text(answer.content.decode())
        found = [words for words in (*OLD_LABELS, *COMMANDS, "sha256sum") if words in text]
        assert found == [], page.name
    assert read > 40


# --- what is recorded from 0, or as a code ---
def test_failed_step__of_an_ended_job__is_counted_from_1_wherever_it_is_shown(
    users: Users, founder_browser: Client
) -> None:
    job = failed_job(users)
    assert job.end_reason == "Step 1 failed."
    pages = [
        job_url(job),
        contract_url(job.contract),
        contract_url(job.contract, "ledger"),
        reverse("admin:index"),
    ]
    for address in pages:
        text = shown(founder_browser.get(address).content.decode())
        assert "Step 2 failed." in text, address
        assert "Step 1 failed." not in text, address


def test_cancelled_job__shows_the_reason_as_it_was_typed(
    users: Users, founder_browser: Client
) -> None:
    job = running_job(users).cancel(reason="Step 1 failed elsewhere.")
    assert "Step 1 failed elsewhere." in shown(founder_browser.get(job_url(job)).content.decode())


def unused(users: Users) -> Any:
    at = now() - timedelta(hours=3)
    window = ActivationWindow(at, at + timedelta(hours=1))
    contract = approved(users, at=at, window=window)
    return fail_contract_past_window(contract_id=contract.pk, actor=users.operator)


def expired(users: Users) -> Any:
    return contract_in(users, ContractStatus.EXPIRED)


@pytest.mark.parametrize(
    ("make_contract", "code", "words"),
    [
        (unused, "window_lapsed", "Its activation window passed unused."),
        (expired, "review_ttl_passed", "No founder decided in time."),
    ],
)
def test_closed_contract__shows_words_instead_of_the_recorded_code(
    users: Users, founder_browser: Client, make_contract: Any, code: str, words: str
) -> None:
    contract = make_contract(users)
    assert contract.closed_reason == code
    for page in ("change", "ledger"):
        text = shown(founder_browser.get(contract_url(contract, page)).content.decode())
        assert code not in text, page
    assert words in shown(founder_browser.get(contract_url(contract)).content.decode())
