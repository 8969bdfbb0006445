"""Hostile input to the admin's forms, and hostile but valid text on its pages."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from governance.admin.forms import ApproveForm, RejectForm
from governance.domain.errors import InvalidInputError
from governance.domain.names import require_line, require_name
from governance.domain.values import ActivationWindow
from governance.domain.visible_text import visible_text
from governance.flows.review_contract import approve_contract
from governance.models import Account
from governance.record.ledger.verification import verify_ledger
from tests.support.admin import approval, contract_url, job_url
from tests.support.clock import as_of
from tests.support.factories import eligible, now, reloaded, running_job
from tests.support.hostile import hostile_requests, texts
from tests.support.hostile.admin import admin_fields
from tests.support.signing import as_seen
from tests.support.users import Users

MARKED = re.compile('<span class="gov-escape">|(?<=⟧)</span>')
SHORT = 2  # payloads for each field, in turn; `make stress` sends 300
CONTRACTS = "admin:governance_systemcontract_changelist"
LEGAL = {name: text for name, text in texts.everything().items() if "\x00" not in text}
MARKUP = {name: text for name, text in LEGAL.items() if name.startswith(("HTML", "template"))}


def test_admin_fields__hold_every_field_of_both_decisions(users: Users, superuser: Account) -> None:
    attacked = {field.name for field in admin_fields(users, superuser)}
    for verb, form in (("approve", ApproveForm), ("reject", RejectForm)):
        for name in form.base_fields:
            assert f"admin governance {verb}, form {name}" in attacked


@pytest.mark.long
def test_hostile_input__to_the_admin__never_a_server_error(users: Users) -> None:
    figure = hostile_requests(payloads=SHORT, parts=("admin",))
    assert figure["server_errors"] == 0
    assert figure["requests"] == figure["fields"] * SHORT
    assert figure["sent"] == figure["payloads"], "some were sent nowhere"
    assert figure["2xx"] > 100


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("q=%00", 400),
        ("status=%00", 400),
        ("q=" + "a+" * 3000, 414),
        ("&".join(["a"] * 1500), 400),
        ("title__regex=%5B", 302),
        ("affected_capabilities=%7B", 302),
        ("created_at__gte=99999-01-01", 302),
        ("proposed_by__password__startswith=p", 400),
    ],
)
def test_list__asked_for_what_it_cannot_find__refused(
    founder_browser: Client, query: str, status: int
) -> None:
    answer = founder_browser.get(reverse(CONTRACTS), QUERY_STRING=query)
    assert answer.status_code == status
    if status == 302:
        assert answer["Location"].endswith("?e=1")


def test_form__of_more_than_1_mib__400(users: Users, founder_browser: Client) -> None:
    contract = eligible(users)
    for size, status in ((2**19, 400), (2**20, 400)):
        typed = approval(contract, note="x" * size)
        answer = founder_browser.post(
            contract_url(contract, "approve"), urlencode(typed), "application/x-www-form-urlencoded"
        )
        assert answer.status_code == status
        # Half a MiB is parsed, refused and shown again; a whole MiB is not parsed at all.
        assert (len(answer.content) > size) is (size < 2**20)


def test_session__with_nul_in_its_key__400(users: Users) -> None:
    browser = Client(HTTP_COOKIE='sessionid="\\000aaaaaaaaaaaaaaaa"')
    assert browser.get("/admin/").status_code == 400


@pytest.mark.parametrize(
    ("opens", "closes", "status"),
    [
        ("9999-12-30T00:00", "9999-12-31T23:59:59-23:59", 400),
        ("0001-01-01T00:00+23:59", "0001-01-01T00:01+23:59", 400),
        ("0001-01-01T00:00+23:59", "9999-12-31T23:59:59-23:59", 400),
        ("9999-12-30T00:00", "9999-12-31T23:59", 400),
    ],
)
def test_approve__at_the_end_of_time__answered(
    users: Users, founder_browser: Client, opens: str, closes: str, status: int
) -> None:
    contract = eligible(users)
    form = approval(contract, window_opens_at=opens, window_closes_at=closes)
    answer = founder_browser.post(contract_url(contract, "approve"), form)
    assert answer.status_code == status
    for page in (contract_url(contract), reverse(CONTRACTS)):
        assert founder_browser.get(page).status_code == 200


def test_legal_but_hostile_text__on_every_page__escaped(
    users: Users, founder_browser: Client
) -> None:
    for name, text in {**dict(list(LEGAL.items())[::12]), **MARKUP}.items():
        running = hostile_job(users, text)
        for address in (contract_url(running.job.contract), job_url(running.job)):
            page = read(founder_browser, address)
            assert escape(visible_text(running.job.contract.title)) in page, (name, address)
            assert "alert(1)" not in text or "<" not in text or text not in page, (name, address)
    for address in (reverse(CONTRACTS), "/admin/governance/governancejob/", "/admin/"):
        page = read(founder_browser, address)
        assert not [
            text for text in MARKUP.values() if "<" in text and "alert" in text and text in page
        ]
    assert [found.finding for found in verify_ledger() if found.finding] == []


def read(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, address
    return MARKED.sub("", answer.content.decode())


def hostile_job(users: Users, text: str) -> Any:
    """Make a cancelled job with `text` in every free text field, and in names that may hold it."""

    def allowed(require: Any, text: str) -> str:
        try:
            return str(require(text, "text"))
        except InvalidInputError:
            return "Search"

    name = allowed(require_name, f"x{text[:100]}")
    change = {"type": "configuration_update", "scope": "Search", "key": "page_size"}
    running = running_job(
        users,
        title=allowed(require_line, f"[{text[:150]}]"),
        description=text[:4000],
        requested_by=allowed(require_line, text[:200]),
        affected_capabilities=["Search", *({name} - {"Search"})],
        proposed_changes=[change | {"old_value": text, "new_value": {text: None, "x": [text]}}],
    )
    running.record(running.report(0, output={text: text}, health_after=[text]))
    running.cancel(reason=f"[{text[:3000]}]")
    return running


def test_note__of_legal_but_hostile_text__stays_as_it_was(users: Users) -> None:
    for name, text in list(LEGAL.items())[::25]:
        contract, at = eligible(users), now()
        note = f"[{text[:3000]}]"
        as_of(
            at,
            approve_contract,
            contract_id=contract.pk,
            founder=users.founder,
            window=ActivationWindow(at, at + timedelta(hours=1)),
            **as_seen(contract, note=note),
        )
        assert reloaded(contract).approval_note == note, name
