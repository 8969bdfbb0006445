"""`job_report`: everything about a job on one page, in a terminal, as JSON and as a file."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from governance.authorities.orchestrator.evidence import EndOfJob
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.job_state import read_job_history
from governance.domain.values import AuditVerdict, HealthDecision, StepStatus
from governance.flows.audit_by_machine import audit_job
from governance.flows.audit_job import record_verdict, resolve_audit
from governance.flows.report_job import report_job
from governance.models import GovernanceJob
from tests.support.admin import job_url
from tests.support.commands import run
from tests.support.evidence import SEARCH_BEFORE
from tests.support.factories import (
    draft,
    finished_job,
    judged,
    judged_job,
    pending_job,
    running_job,
)
from tests.support.observations import observe, seen
from tests.support.platform import signal
from tests.support.roles import as_owner
from tests.support.users import Users

EVIL = "<script>alert('boo')</script>\x1b[31m"
HEADINGS = (
    *("Audit", "Proposal", "Signatures", "Job", "Health and observations", "Evidence", "Ledger"),
)
SECTIONS = {
    *("reported_at", "contract", "validator_verdict", "eligibility_verdict", "signatures", "job"),
    *("steps", "routes", "observations", "health", "signals", "audit", "attempts", "evidence"),
    "ledger",
}


def observed_job(users: Users) -> GovernanceJob:
    """Return a COMPLETED job that was observed, with another value than planned after it."""
    running = running_job(users)
    observe(running, seen(state=SEARCH_BEFORE), seen("SYSTEM", None, trouble="No answer."))
    running.record(running.report(0))
    observe(running, seen(state=SEARCH_BEFORE), phase="STEP", step_index=0)
    signal(users, HealthDecision.DEGRADED)
    running.record(running.report(1))
    running.record(running.report(2))
    after = {"lifecycle": "PREVIEW", "configuration": {"page_size": 51, "timeout_seconds": 2.5}}
    return GovernanceOrchestrator.complete_job(
        read_job_history(running.job.pk),
        EndOfJob(observed=[seen(state=after)], routes=[]),
        token=running.token,
        executor=users.executor,
    )


def rewrite_evidence() -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE governance_auditevidence DISABLE TRIGGER ALL")
        cursor.execute("UPDATE governance_auditevidence SET body = 'gone'")


def rewrite_ledger() -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE governance_ledgerentry DISABLE TRIGGER ALL")
        cursor.execute("UPDATE governance_ledgerentry SET body = body || ' ' WHERE seq = 3")


class TestInATerminal:
    def test_finished_job__has_every_section_in_order(self, users: Users) -> None:
        job = judged(users, observed_job(users), AuditVerdict.FAIL)
        ran = run("job_report", job.pk)
        assert (ran.code, ran.err) == (0, "")
        lines = ran.out.splitlines()
        positions = [lines.index(heading) for heading in HEADINGS]
        assert positions == sorted(positions)
        for words in (
            "FAIL by auditor",
            "The evidence shows it.",
            "founder signed",
            '2. COMPLETED: Set "page_size" of "Search" from 20 to 50',
            "page_size: before 20, planned 50, reported not said, observed after 51  DIFFERS",
            "SYSTEM before the job, seen by http",
            "No answer.",
            "Search after step 1, seen by http",
            "Search DEGRADED by",
            ", intact, ",
            "The chain is verified.",
            "gave the verdict FAIL",
        ):
            assert words in ran.out, words

    def test_pending_job__says_what_there_is_not_yet(self, users: Users) -> None:
        ran = run("job_report", pending_job(users).pk)
        assert ran.code == 0
        for words in ("No verdict yet.", "Sealed when the job ends.", "Started:        - by -"):
            assert words in ran.out
        assert "Health after: not observed" in ran.out

    def test_failed_step__has_its_error(self, users: Users) -> None:
        running = running_job(users)
        running.record(running.report(0, StepStatus.FAILED))
        running.complete()
        ran = run("job_report", running.job.pk)
        assert "   error: It broke." in ran.out
        assert "Step 1 failed." in ran.out

    def test_attempts_and_resolution__are_in_it(self, users: Users) -> None:
        job = finished_job(users)
        assert audit_job(job_id=job.pk) is None  # nobody observed it, so the attempt is kept
        judged(users, job, AuditVerdict.INCONCLUSIVE)
        resolve_audit(
            job_id=job.pk,
            verdict=AuditVerdict.PASS,
            reason="I looked at the platform myself.",
            resolver=users.second_auditor,
        )
        ran = run("job_report", job.pk)
        assert "INCONCLUSIVE in attempt 1" in ran.out
        assert "Was exactly the plan carried out?" in ran.out
        assert "Settled as PASS by second-auditor: I looked at the platform myself." in ran.out

    def test_rewritten_evidence_and_ledger__are_named(self, users: Users) -> None:
        job = judged_job(users)
        rewrite_evidence()
        rewrite_ledger()
        ran = run("job_report", job.pk)
        assert "NOT WHAT WAS SEALED" in ran.out
        assert "Entry 3: " in ran.out
        assert "The chain is verified." not in ran.out

    def test_no_such_job__1(self, users: Users) -> None:
        ran = run("job_report", uuid4())
        assert ran.code == 1
        assert "(job_not_found)" in ran.err

    def test_what_people_wrote__cannot_control_the_terminal(self, users: Users) -> None:
        job = running_job(users).cancel(reason=EVIL)
        ran = run("job_report", job.pk)
        assert "\x1b" not in ran.out
        assert "⟦U+001B⟧" in ran.out


class TestJson:
    def test_document__has_every_section(self, users: Users) -> None:
        job = observed_job(users)
        ran = run("job_report", job.pk, "--json")
        document = ran.json()
        assert document.keys() == SECTIONS
        assert document["job"]["id"] == str(job.pk)
        assert document["contract"]["rolls_back"] is None
        assert document["contract"]["approval_kind"] == "signed"
        assert [step["number"] for step in document["steps"]] == [1, 2, 3]
        assert [one["differs"] for one in document["steps"][1]["values"]] == [True]
        assert document["evidence"]["sha256"] == job.evidence.sha256
        assert [one["seq"] for one in document["ledger"]["entries"]] == list(
            range(1, len(document["ledger"]["entries"]) + 1)
        )


class TestHtml:
    def test_file__is_whole_by_itself(self, users: Users, tmp_path: Path) -> None:
        job = observed_job(users)
        record_verdict(
            job_id=job.pk,
            verdict=AuditVerdict.FAIL,
            reason=EVIL,
            checks=[{"question": "As planned?", "outcome": "FAIL", "reason": EVIL}],
            evidence_sha256=job.evidence.sha256,
            author=users.auditor,
        )
        file = tmp_path / "report.html"
        assert run("job_report", job.pk, "--html", file).code == 0
        text = file.read_text()
        assert "@media print" in text
        assert not re.search(r"<(?:script|link|img)\b|https?://|\{[{%]", text)
        shown = html.unescape(re.sub(r"</?(?:bdi|code)\b[^>]*>", "", text))
        for words in ("As planned?", "51 <strong>differs</strong>", "after step 1", "rep-differs"):
            assert words in shown, words

    def test_file_that_exists__is_kept_without_force(self, users: Users, tmp_path: Path) -> None:
        job, file = pending_job(users), tmp_path / "report.html"
        file.write_text("mine")
        ran = run("job_report", job.pk, "--html", file)
        assert (ran.code, file.read_text()) == (1, "mine")
        assert "--force overwrites it" in ran.err
        assert run("job_report", job.pk, "--html", file, "--force").code == 0
        assert file.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("make_job", [pending_job, observed_job])
def test_page__of_the_admin__has_the_report_with_a_button_to_print(
    users: Users, settings: Any, make_job: Any
) -> None:
    settings.SECURE_SSL_REDIRECT = False
    job, browser = make_job(users), Client()
    browser.force_login(users.founder)
    answer = browser.get(job_url(job, "report"))
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "data-print" in text
    assert "governance/print.js" in text
    assert job.contract.title in text
    assert job_url(job, "report") in browser.get(job_url(job)).content.decode()


def test_report__of_a_job_by_its_flow__names_no_person_who_has_not_acted(users: Users) -> None:
    report = report_job(pending_job(users).pk)
    assert (report["job"]["started_by"], report["contract"]["closed_by"]) == ("", "")
    assert draft(users).approved_by is None
