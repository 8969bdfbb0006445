"""The ledger page: entries in words, the verification of the chain, and the download."""

from __future__ import annotations

import hashlib
import html
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.admin.ledger_page import ENTRIES_AT_ONCE, RECIPE
from governance.api.serializers.contracts import LedgerEntrySerializer
from governance.domain.values import AuditVerdict
from governance.flows.audit_job import record_verdict
from governance.flows.review_contract import reject_contract
from governance.models import Account, LedgerEntry, SystemContract
from tests.admin.conftest import Browser
from tests.support.admin import contract_url, job_url, words_of
from tests.support.archives import remove_with_tombstone
from tests.support.attacks import check_deferred_triggers
from tests.support.factories import (
    draft,
    eligible,
    failed_job,
    finished_job,
    judged_job,
    running_job,
)
from tests.support.roles import as_owner
from tests.support.succession import modified
from tests.support.tampering import tamper
from tests.support.users import Users

LEDGER = "governance_ledgerentry"
EVIL = "<script>alert('boo')</script>"


def ledger_page(browser: Client, contract: SystemContract, **query: Any) -> Any:
    page = browser.get(contract_url(contract, "ledger"), query)
    assert page.status_code == 200
    return page


def text_of(page: Any) -> str:
    return html.unescape(words_of(page))


def marks(page: Any) -> list[str]:
    return [row.mark for row in page.context["rows"]]


def test_ledger__of_a_completed_contract__says_who_did_what_when_and_why(
    users: Users, founder_browser: Client
) -> None:
    job = judged_job(users)
    page = ledger_page(founder_browser, job.contract)
    text = text_of(page)
    operator, founder, executor, auditor = (
        f"{one} (account {one.pk})"
        for one in (users.operator, users.founder, users.executor, users.auditor)
    )
    for sentence in (
        f"<strong>{operator}</strong> proposed the change; the contract began as DRAFT.",
        f"<strong>{founder}</strong> approved the contract; the contract went from ELIGIBLE to "
        "APPROVED.",
        f"<strong>{executor}</strong> started the job; the job went from PENDING to RUNNING.",
        f"<strong>{executor}</strong> reported step 1 as completed.",
        f"<strong>{auditor}</strong> gave the verdict PASS; the contract went from ACTIVE to "
        "COMPLETED.",
        "<blockquote>The evidence shows it.</blockquote>",
        "All 12 entries are valid",
    ):
        assert sentence in text
    assert marks(page) == ["verified"] * 12
    entries = LedgerEntry.objects.filter(contract=job.contract)
    assert [row.seq for row in page.context["rows"]] == [*range(1, 13)]
    for entry in entries:
        assert entry.body in text
        assert bytes(entry.hash).hex() in text
        shown = f"{entry.at:%-d %b %Y, %H:%M:%S} UTC</time>"
        assert shown in text
    assert text.count(" UTC</time>") == 12
    assert "Holds the SHA-256 of: evidence, health after, job end" in text
    assert "0" * 64 in text
    assert job_url(job) in text


def test_ledger__of_one_entry__says_so_in_the_singular(
    users: Users, founder_browser: Client
) -> None:
    text = text_of(ledger_page(founder_browser, draft(users)))
    assert "The only entry is valid: the record is what it seals." in text
    assert "All 1" not in text


def test_reason__is_shown_and_never_run(users: Users, founder_browser: Client) -> None:
    contract = eligible(users)
    reject_contract(contract_id=contract.pk, founder=users.founder, reason=EVIL)
    page = ledger_page(founder_browser, contract)
    assert EVIL not in page.content.decode()
    assert f"<blockquote>{EVIL}</blockquote>" in text_of(page)


@pytest.mark.parametrize(
    ("attack", "seq", "problem"),
    [
        (
            f"UPDATE {LEDGER} SET actor = 'user:1:nobody' WHERE seq = 4",
            4,
            "differs from its columns: actor",
        ),
        (f"UPDATE {LEDGER} SET body = '[' WHERE seq = 5", 5, "hash is not that of its body"),
        (
            f"UPDATE {LEDGER} SET event = '{{0}}{{x.y}}' WHERE seq = 3",
            3,
            "differs from its columns: event",
        ),
        (
            "UPDATE governance_stepresult SET output = '{}' WHERE step_index = 1",
            9,
            "not what step_result_sha256 vouches for",
        ),
        (
            "UPDATE governance_systemcontract SET approval_note = 'Mine.'",
            4,
            "not what approval_sha256 vouches for",
        ),
    ],
)
def test_ledger__rewritten__names_the_first_bad_entry(
    users: Users, founder_browser: Client, attack: str, seq: int, problem: str
) -> None:
    contract = judged_job(users).contract
    tamper(attack)
    page = ledger_page(founder_browser, contract)
    text = text_of(page)
    assert "This ledger does NOT verify." in text
    assert "✓ verified</span> <small>just now" not in text
    assert problem in text
    assert f'href="?from={seq}#entry-{seq}"' in text
    assert marks(page) == ["verified"] * (seq - 1) + ["broken"] + ["unproven"] * (12 - seq)


def test_ledger__without_an_entry_or_its_end__says_so(
    users: Users, founder_browser: Client
) -> None:
    contract = judged_job(users).contract
    tamper(f"DELETE FROM {LEDGER} WHERE seq = 12")
    page = ledger_page(founder_browser, contract)
    assert "After the last entry: the contract is COMPLETED, but the last" in text_of(page)
    assert marks(page) == ["verified"] * 11
    tamper(f"DELETE FROM {LEDGER} WHERE seq = 6")
    page = ledger_page(founder_browser, contract)
    assert "entry 6 is missing" in text_of(page)
    assert marks(page) == ["verified"] * 5 + ["unproven"] * 5
    tamper(f"DELETE FROM {LEDGER}")
    text = text_of(ledger_page(founder_browser, contract))
    assert "does NOT verify" in text
    assert "There is no entry." in text


def test_record__that_cannot_be_read__does_not_verify_and_is_no_server_error(
    users: Users, founder_browser: Client
) -> None:
    contract = judged_job(users).contract
    deep = "repeat('[', 3000) || repeat(']', 3000)"
    tamper(f"UPDATE governance_systemcontract SET plan = ({deep})::jsonb")
    text = text_of(ledger_page(founder_browser, contract))
    assert "does NOT verify" in text
    assert "cannot be read" in text


def long_ledger(users: Users, steps: int) -> SystemContract:
    changes = [
        {"type": "parameter_change", "scope": "Search", "parameters": {f"p{index}": index}}
        for index in range(steps)
    ]
    running = running_job(users, proposed_changes=changes)
    running.complete_steps()
    return running.complete().contract


def test_long_ledger__is_paginated_and_each_page_says_that_all_of_it_verifies(
    users: Users, founder_browser: Client
) -> None:
    contract = long_ledger(users, ENTRIES_AT_ONCE)  # its chain has eight entries more
    first = ledger_page(founder_browser, contract)
    assert [row.seq for row in first.context["rows"]] == [*range(1, ENTRIES_AT_ONCE + 1)]
    assert 'rel="next" href="?from=101"' in text_of(first)
    second = ledger_page(founder_browser, contract, **{"from": 101})
    assert [row.seq for row in second.context["rows"]] == [*range(101, 109)]
    assert 'rel="prev" href="?from=1"' in text_of(second)
    assert "All 108 entries are valid" in text_of(second)
    tamper(f"UPDATE {LEDGER} SET reason = 'Because.' WHERE seq = 105")
    page = text_of(ledger_page(founder_browser, contract))
    assert "entry 105</a>: its body differs from its columns" in page


@pytest.mark.parametrize("asked", ["0", "-1", "x", "", "13", "9999999999", "١", "1.0"])
def test_ledger__with_an_invalid_entry_number__redirects_to_its_beginning(
    users: Users, founder_browser: Client, asked: str
) -> None:
    contract = judged_job(users).contract
    url = contract_url(contract, "ledger")
    answer = founder_browser.get(url, {"from": asked})
    assert (answer.status_code, answer["Location"]) == (302, url)


def test_export__verifies_with_sha256_alone_and_is_what_the_api_gives(
    users: Users, founder_browser: Client, tmp_path: Path
) -> None:
    contract = failed_job(users).contract
    answer = founder_browser.get(contract_url(contract, "ledger_export"))
    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"] == f'attachment; filename="ledger-{contract.pk}.json"'
    results = json.loads(answer.content)["results"]
    entries = LedgerEntry.objects.filter(contract=contract).order_by("seq")
    served = json.loads(json.dumps(LedgerEntrySerializer(entries, many=True).data))
    assert [e | {"at": ""} for e in results] == [e | {"at": ""} for e in served]
    head = bytes(32)
    for entry in results:
        assert entry["prev_hash"] == head.hex()
        head = hashlib.sha256(head + entry["body"].encode()).digest()
        assert entry["hash"] == head.hex()

    kept = tmp_path / "ledger.json"
    kept.write_bytes(answer.content)
    assert run_recipe(kept) == (0, f"verified, up to {head.hex()}")
    results[5]["body"] = results[5]["body"].replace("operator", "somebody")
    kept.write_text(json.dumps({"results": results}))
    code, output = run_recipe(kept)
    assert (code, output) == (1, "entry 6 does not verify")


def run_recipe(file: Path) -> tuple[int, str]:
    """Run the program shown on the page in a Python that cannot import govsite."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", RECIPE, str(file)], capture_output=True, text=True, check=False
    )
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.mark.parametrize("missing", ["view_ledgerentry", "view_systemcontract"])
@pytest.mark.parametrize("page", ["ledger", "ledger_export"])
def test_pages__without_a_permission__403_and_no_link_leads_there(
    users: Users, signed_in: Browser, missing: str, page: str
) -> None:
    job = finished_job(users)
    clerk = Account.objects.create_user("clerk", is_staff=True)
    wanted = {"view_ledgerentry", "view_systemcontract", "view_governancejob"} - {missing}
    clerk.user_permissions.add(*Permission.objects.filter(codename__in=wanted))
    browser, url = signed_in(clerk), contract_url(job.contract, page)
    assert browser.get(url).status_code == 403
    assert Client().get(url).status_code == 302
    assert "/ledger/" not in browser.get(job_url(job)).content.decode()


@pytest.mark.parametrize("page", ["ledger", "ledger_export"])
def test_pages__change_nothing_and_take_no_post(
    users: Users, founder_browser: Client, everything: Callable[[], Any], page: str
) -> None:
    contract = judged_job(users).contract
    before, url = everything(), contract_url(contract, page)
    assert founder_browser.post(url).status_code == 405
    assert founder_browser.get(url).status_code == 200
    assert founder_browser.head(url).status_code == 200
    assert everything() == before
    missing_url = url.replace(str(contract.pk), "01900000-0000-7000-8000-000000000000")
    assert founder_browser.get(missing_url).status_code == 404


def test_ledger__is_linked_from_contract_and_job(users: Users, founder_browser: Client) -> None:
    job = finished_job(users)
    url = contract_url(job.contract, "ledger")
    for page in (contract_url(job.contract), job_url(job), job_url(job, "verify")):
        assert f'href="{url}"' in founder_browser.get(page).content.decode()


def test_ledger__with_more_entries__runs_no_more_queries(
    users: Users, founder_browser: Client
) -> None:
    counts = []
    for steps in (1, 40):
        contract = long_ledger(users, steps)
        record_verdict(
            job_id=contract.job.pk,
            verdict=AuditVerdict.INCONCLUSIVE,
            reason="Who knows.",
            evidence_sha256=contract.job.evidence.sha256,
            author=users.auditor,
        )
        with CaptureQueriesContext(connection) as captured:
            ledger_page(founder_browser, contract)
        counts.append([q["sql"] for q in captured if "SAVEPOINT" not in q["sql"]])
    # Seventeen of the queries read the record; all but the contract's are sent together.
    assert len(counts[0]) == len(counts[1]) <= 23


def test_ledger__of_a_removed_contract__shows_its_tombstone(
    users: Users, founder_browser: Client
) -> None:
    contract = judged_job(users).contract
    check_deferred_triggers()
    with as_owner():
        remove_with_tombstone(contract)
        check_deferred_triggers()
    page = founder_browser.get(contract_url(contract, "ledger"))
    assert page.status_code == 410
    text = text_of(page)
    assert f"The contract {contract.reference} was archived, and removed on" in text
    assert "<dd>12 entries</dd>" in text
    assert "0" * 64 in text


def test_contract__whose_parent_was_removed__has_its_page(
    users: Users, founder_browser: Client
) -> None:
    child = modified(users)
    check_deferred_triggers()
    with as_owner():
        remove_with_tombstone(SystemContract.objects.get(pk=child.parent_id))
        check_deferred_triggers()
    page = founder_browser.get(contract_url(child))
    assert page.status_code == 200
    assert "archived and removed</a>, whose scope founder modified." in text_of(page)
    assert ledger_page(founder_browser, child).context["finding"] is None
