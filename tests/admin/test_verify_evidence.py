"""The page that verifies the evidence: each claim, and each kind of tampering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.domain.errors import NotFoundError
from governance.models import Account
from governance.record.ledger.evidence_checks import (
    IN_LEDGER,
    JUDGED,
    LINKED,
    SEALED,
    check_evidence,
)
from tests.admin.conftest import Browser
from tests.support.admin import job_url
from tests.support.factories import failed_job, finished_job, judged_job, running_job
from tests.support.tampering import tamper
from tests.support.users import Users

EVIDENCE = "governance_auditevidence"
NEW_DIGEST = "encode(sha256(convert_to(replace(body, 'true', 'null'), 'UTF8')), 'hex')"

ALL = {SEALED, IN_LEDGER, LINKED, JUDGED}

# A statement of the owner of the tables, and the claims that it breaks.
ATTACKS: dict[str, tuple[str, set[str]]] = {
    "text": (f"UPDATE {EVIDENCE} SET body = replace(body, 'true', 'null')", ALL),
    "text and digest": (
        f"UPDATE {EVIDENCE} SET body = replace(body, 'true', 'null'), sha256 = {NEW_DIGEST}",
        {IN_LEDGER, LINKED, JUDGED},
    ),
    "digest": (f"UPDATE {EVIDENCE} SET sha256 = repeat('0', 64)", {SEALED, LINKED}),
    "evidence removed": (f"DELETE FROM {EVIDENCE}", {SEALED, LINKED}),
    "entry": (
        'UPDATE governance_ledgerentry SET body = replace(body, \'"evidence_sha256":"\', '
        "'\"evidence_sha256\":\"0') WHERE event = 'job.execution.completed'",
        {IN_LEDGER, LINKED},
    ),
    "entry unreadable": (
        "UPDATE governance_ledgerentry SET body = '[' WHERE event = 'job.execution.completed'",
        {IN_LEDGER, LINKED},
    ),
    "entry removed": (
        "DELETE FROM governance_ledgerentry WHERE event = 'job.execution.completed'",
        {IN_LEDGER, LINKED},
    ),
    "entry duplicated": (
        "UPDATE governance_ledgerentry SET event = 'job.execution.completed' WHERE seq = 3",
        {IN_LEDGER, LINKED},
    ),
    "an approval": ("UPDATE governance_systemcontract SET approval_note = 'Mine.'", {LINKED}),
    "a result": (
        "UPDATE governance_stepresult SET output = '{}' WHERE step_index = 1",
        {LINKED},
    ),
    "verdict": (
        "UPDATE governance_governanceaudit SET evidence_sha256 = repeat('0', 64)",
        {JUDGED, LINKED},
    ),
}


def broken(job: Any) -> set[str]:
    return {proof.claim for proof in check_evidence(job.pk) if not proof.holds}


@pytest.mark.parametrize("make_job", [finished_job, failed_job, judged_job])
def test_evidence__untouched__proves_every_claim(
    users: Users, founder_browser: Client, make_job: Callable[[Users], Any]
) -> None:
    job = make_job(users)
    claims = [SEALED, IN_LEDGER, LINKED] + ([JUDGED] if make_job is judged_job else [])
    assert [proof.claim for proof in check_evidence(job.pk)] == claims
    assert broken(job) == set()
    page = founder_browser.get(job_url(job, "verify"))
    text = " ".join(page.content.decode().split())
    assert page.status_code == 200
    assert f"All {len(claims)} checks passed" in text
    assert text.count("✓ passed") == len(claims)
    assert "✗" not in text
    assert job.evidence.sha256 in text


@pytest.mark.parametrize("attack", ATTACKS)
def test_evidence__after_an_owner_rewrote_something__says_plainly_what_fails(
    users: Users, founder_browser: Client, attack: str
) -> None:
    job = judged_job(users)
    statement, failing = ATTACKS[attack]
    tamper(statement)
    assert broken(job) == failing
    page = founder_browser.get(job_url(job, "verify"))
    text = " ".join(page.content.decode().split())
    assert page.status_code == 200
    assert "This does NOT verify" in text
    assert "checks passed" not in text
    assert text.count("✗ failed") == len(failing)
    for claim in failing:
        assert claim.replace("'", "&#x27;") in text


@pytest.mark.parametrize(
    ("attack", "failing"),
    [
        ("DELETE FROM governance_systemcontract", {LINKED}),
        (
            "WITH gone AS (DELETE FROM governance_ledgerentry)"
            " DELETE FROM governance_systemcontract",
            {IN_LEDGER, LINKED},
        ),
    ],
)
def test_evidence__of_a_contract_that_was_removed__proves_no_chain_and_has_no_page(
    users: Users, founder_browser: Client, attack: str, failing: set[str]
) -> None:
    job = judged_job(users)
    tamper(attack)
    assert broken(job) == failing
    assert founder_browser.get(job_url(job, "verify")).status_code == 404


def test_evidence__of_one_job__is_not_touched_by_what_was_done_to_another(users: Users) -> None:
    job, other = judged_job(users), judged_job(users)
    tamper(f"UPDATE {EVIDENCE} SET body = body || ' ' WHERE job_id = '{other.pk}'")
    assert broken(job) == set()
    assert broken(other) == ALL


def test_record__that_cannot_be_read__fails_instead_of_the_page(
    users: Users, founder_browser: Client
) -> None:
    job = judged_job(users)
    deep = "repeat('[', 3000) || repeat(']', 3000)"
    tamper(f"UPDATE governance_systemcontract SET plan = ({deep})::jsonb")
    text = founder_browser.get(job_url(job, "verify")).content.decode()
    assert "This does NOT verify" in text
    assert "✗ failed" in text


def test_job__that_has_not_ended_or_is_none__404(users: Users, founder_browser: Client) -> None:
    job = running_job(users).job
    assert founder_browser.get(job_url(job, "verify")).status_code == 404
    with pytest.raises(NotFoundError) as refusal:
        check_evidence(job.pk)
    assert refusal.value.code == "evidence_not_sealed"
    missing_url = job_url(job, "verify").replace(
        str(job.pk), "01900000-0000-7000-8000-000000000000"
    )
    assert founder_browser.get(missing_url).status_code == 404


def test_verifying__changes_nothing_and_takes_the_permission_that_the_job_takes(
    users: Users, signed_in: Browser, everything: Callable[[], Any]
) -> None:
    job = judged_job(users)
    clerk = Account.objects.create_user("clerk", is_staff=True)
    browser, before = signed_in(clerk), everything()
    assert browser.get(job_url(job, "verify")).status_code == 403
    assert Client().get(job_url(job, "verify")).status_code == 302
    clerk.user_permissions.add(Permission.objects.get(codename="view_governancejob"))
    assert browser.get(job_url(job, "verify")).status_code == 200
    assert browser.head(job_url(job, "verify")).status_code == 200
    assert browser.post(job_url(job, "verify")).status_code == 405
    assert everything() == before


def test_verifying__with_more_steps__asks_no_more_queries(
    users: Users, founder_browser: Client
) -> None:
    def cost(number: int) -> int:
        changes = [
            {"type": "parameter_change", "scope": "Search", "parameters": {f"p{index}": index}}
            for index in range(number)
        ]
        job = judged_job(users, proposed_changes=changes)
        with CaptureQueriesContext(connection) as captured:
            founder_browser.get(job_url(job, "verify"))
        return len([query for query in captured if "SAVEPOINT" not in query["sql"]])

    assert cost(1) == cost(30)
