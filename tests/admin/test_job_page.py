"""A job's page: steps, results, health, evidence, verdict; and the evidence as a file."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.flows.audit_job import resolve_audit
from governance.health.signals import record_signal
from governance.models import AuditEvidence, GovernanceJob
from governance.vocabulary.values import AuditVerdict, HealthDecision, StepStatus
from tests.admin.conftest import Browser
from tests.support.admin import job_url
from tests.support.cast import Cast
from tests.support.roles import as_owner
from tests.support.stories import (
    failed_job,
    finished_job,
    judged_job,
    now,
    pending_job,
    running_job,
)

EVIL = "<script>alert('boo')</script>"
Story = Callable[[Cast], GovernanceJob]

STORIES: list[tuple[str, Story, list[str]]] = [
    ("PENDING", pending_job, ["Waits for an executor", "0 of 3 steps", "not observed yet"]),
    ("RUNNING", lambda cast: running_job(cast).job, ["its deadline", "Sealed in the moment"]),
    ("COMPLETED", finished_job, ["Every step completed.", "3 of 3 steps", "waits for an auditor"]),
    ("FAILED", failed_job, ["Step 1 failed.", "It broke.", "SKIPPED"]),
    ("CANCELLED", lambda cast: running_job(cast).cancel(), ["No longer wanted.", "0 of 3 steps"]),
]


def text_of(browser: Client, job: GovernanceJob) -> str:
    answer = browser.get(job_url(job))
    assert answer.status_code == 200
    return html.unescape(" ".join(answer.content.decode().split()))


@pytest.mark.parametrize(("status", "story", "expected"), STORIES, ids=[s[0] for s in STORIES])
def test_page__of_a_job_in_each_state__shows_it(
    cast: Cast, founder_browser: Client, status: str, story: Story, expected: list[str]
) -> None:
    job = story(cast)
    text = text_of(founder_browser, job)
    assert f'data-word="{status}"' in text
    assert job.contract.reference in text
    for words in ("Set page_size of Search from 20 to 50", "Way back:", *expected):
        assert words in text
    sealed = status in ("COMPLETED", "FAILED", "CANCELLED")
    assert ('data-word="intact"' in text) == sealed
    assert (job_url(job, "evidence") in text) == sealed


def test_page__with_verdict_and_its_settling__shows_both(
    cast: Cast, founder_browser: Client
) -> None:
    job = judged_job(cast, AuditVerdict.INCONCLUSIVE)
    assert "must settle this" in text_of(founder_browser, job)
    resolve_audit(
        job_id=job.pk,
        verdict=AuditVerdict.PASS,
        reason="I looked at the platform myself.",
        resolver=cast.second_auditor,
        at=now(),
    )
    text = text_of(founder_browser, job)
    assert "The evidence shows it." in text
    assert 'data-word="INCONCLUSIVE"' in text
    assert 'Settled as <span class="gov-label" data-word="PASS">' in text
    assert "I looked at the platform myself." in text


def test_page__sets_health_before_and_after_side_by_side_and_marks_the_difference(
    cast: Cast, founder_browser: Client
) -> None:
    running = running_job(cast)
    running.complete_steps()
    record_signal(
        scope="Search",
        signal_type="probe",
        decision=HealthDecision.DEGRADED,
        reason="Slower than before.",
        actor=cast.operator,
        at=now(),
    )
    text = text_of(founder_browser, running.complete())
    row = text.split("<td>Search</td>")[1].split("</tr>")[0]
    assert row.index("HEALTHY") < row.index("DEGRADED")
    assert 'class="gov-differs"' in text
    assert "Slower than before." in text


def test_what_an_executor_wrote__is_shown_folded_and_never_run(
    cast: Cast, founder_browser: Client
) -> None:
    running = running_job(cast)
    running.record(running.report(0, output={EVIL: [EVIL] * 50}, health_after={"x": EVIL}))
    running.record(running.report(1, StepStatus.FAILED, error=EVIL))
    page = founder_browser.get(job_url(running.complete())).content.decode()
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    assert "<details" in page.split("Output")[0]
    cancelled = running_job(cast).cancel(reason=EVIL)
    assert EVIL not in founder_browser.get(job_url(cancelled)).content.decode()


def test_page__of_evidence_that_somebody_rewrote__says_broken(
    cast: Cast, founder_browser: Client
) -> None:
    job = finished_job(cast)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE governance_auditevidence DISABLE TRIGGER ALL")
        cursor.execute("UPDATE governance_auditevidence SET body = replace(body, 'true', 'null')")
    text = text_of(founder_browser, job)
    assert 'data-word="broken"' in text
    assert "does not have the SHA-256 it was sealed with" in text


def test_evidence__downloaded__is_exactly_the_sealed_bytes(
    cast: Cast, founder_browser: Client
) -> None:
    job = judged_job(cast)
    answer = founder_browser.get(job_url(job, "evidence"))
    sealed = AuditEvidence.objects.get(job=job)
    assert answer.status_code == 200
    assert answer.content == sealed.body.encode()
    assert hashlib.sha256(answer.content).hexdigest() == sealed.sha256
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment;")


def test_evidence__of_a_job_that_has_not_ended__404(cast: Cast, founder_browser: Client) -> None:
    assert founder_browser.get(job_url(running_job(cast).job, "evidence")).status_code == 404


@pytest.mark.parametrize("missing", ["view_auditevidence", "view_governancejob"])
def test_evidence__without_the_permission_to_view__403(
    cast: Cast, signed_in: Browser, missing: str
) -> None:
    job = finished_job(cast)
    clerk = User.objects.create_user("clerk", is_staff=True)
    wanted = {"view_auditevidence", "view_governancejob"} - {missing}
    clerk.user_permissions.add(*Permission.objects.filter(codename__in=wanted))
    assert signed_in(clerk).get(job_url(job, "evidence")).status_code == 403


def test_evidence__asked_for_by_post__405(cast: Cast, founder_browser: Client) -> None:
    assert founder_browser.post(job_url(finished_job(cast), "evidence")).status_code == 405


def test_page__with_more_steps__asks_no_more_queries(cast: Cast, founder_browser: Client) -> None:
    def with_steps(number: int) -> GovernanceJob:
        changes = [
            {"type": "parameter_change", "scope": "Search", "parameters": {f"p{index}": index}}
            for index in range(number)
        ]
        running = running_job(cast, proposed_changes=changes)
        running.complete_steps()
        return running.complete()

    counts: list[int] = []
    page: Any = None
    for number in (1, 60):
        job = with_steps(number)
        with CaptureQueriesContext(connection) as captured:
            page = founder_browser.get(job_url(job))
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 15
    assert "10 more steps" in " ".join(page.content.decode().split())


def test_page__of_a_running_job__says_how_long_it_still_may_take(
    cast: Cast, founder_browser: Client
) -> None:
    job = running_job(cast).job
    assert job.deadline_at is not None
    assert job.deadline_at - now() > timedelta(minutes=59)
    assert "59 min left" in text_of(founder_browser, job)


def test_page__of_a_running_job__says_until_when_its_executor_may_be_silent(
    cast: Cast, founder_browser: Client
) -> None:
    job = running_job(cast).job
    text = text_of(founder_browser, job)
    assert "its lease: 5 min left" in text
    assert f"lease until {job.lease_expires_at:%-d %b %Y, %H:%M:%S} UTC" in text
    assert "lease lapsed" not in text


def test_page__of_a_job_whose_executor_is_lost__says_that_its_lease_lapsed(
    cast: Cast, founder_browser: Client
) -> None:
    text = text_of(founder_browser, running_job(cast, at=now() - timedelta(minutes=10)).job)
    assert "Its lease lapsed: the executor counts as lost" in text
    assert "lease lapsed</strong>" in text
    assert "lease until" not in text


@pytest.mark.parametrize("story", [pending_job, finished_job])
def test_page__of_a_job_that_does_not_run__speaks_of_no_lease(
    cast: Cast, founder_browser: Client, story: Story
) -> None:
    assert "lease" not in text_of(founder_browser, story(cast)).lower()
