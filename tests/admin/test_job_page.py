"""A job's page: steps, results, health, evidence, verdict; and the evidence as a file."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.authorities.health.signals import record_signal
from governance.domain.values import AuditVerdict, HealthDecision, StepStatus
from governance.flows.audit_job import resolve_audit
from governance.models import Account, AuditEvidence, Capability, GovernanceJob
from governance.services.registry.operations import register_capabilities
from tests.admin.conftest import Browser
from tests.support.admin import contract_url, job_url, words_of
from tests.support.factories import (
    affecting,
    failed_job,
    finished_job,
    judged_job,
    now,
    pending_job,
    running_job,
)
from tests.support.roles import as_owner
from tests.support.users import Users

EVIL = "<script>alert('boo')</script>"
JobFactory = Callable[[Users], GovernanceJob]

JOBS_BY_STATUS: list[tuple[str, JobFactory, list[str]]] = [
    ("PENDING", pending_job, ["Left to executors", "0 of 3 steps", "not observed yet"]),
    ("RUNNING", lambda users: running_job(users).job, ["its deadline", "Sealed when the job ends"]),
    ("COMPLETED", finished_job, ["Every step completed.", "3 of 3 steps", "waits for an auditor"]),
    ("FAILED", failed_job, ["Step 2 failed.", "It broke.", "SKIPPED"]),
    ("CANCELLED", lambda users: running_job(users).cancel(), ["No longer wanted.", "0 of 3 steps"]),
]


def text_of(browser: Client, job: GovernanceJob) -> str:
    answer = browser.get(job_url(job))
    assert answer.status_code == 200
    return html.unescape(words_of(answer))


@pytest.mark.parametrize(
    ("status", "make_job", "expected"), JOBS_BY_STATUS, ids=[s[0] for s in JOBS_BY_STATUS]
)
def test_page__of_a_job_in_each_state__shows_it(
    users: Users, founder_browser: Client, status: str, make_job: JobFactory, expected: list[str]
) -> None:
    register_capabilities(documents=[{"name": "Search"}])
    job = make_job(users)
    text = text_of(founder_browser, job)
    assert f'data-word="{status}"' in text
    assert job.contract.reference in text
    for words in ("Set page_size of Search from 20 to 50", "Rollback:", *expected):
        assert words in text
    sealed = status in ("COMPLETED", "FAILED", "CANCELLED")
    assert ('data-word="intact"' in text) == sealed
    assert (job_url(job, "evidence") in text) == sealed


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (["Maps", "Stock"], "which changes Stock too."),
        (["SYSTEM", "Maps"], "a change of the whole platform runs alone."),
    ],
)
def test_page__of_a_pending_job_behind_a_running_one__says_for_which_it_waits(
    users: Users, founder_browser: Client, scope: list[str], words: str
) -> None:
    running = running_job(users, **affecting("Stock"))
    waiting = pending_job(users, **affecting("Maps") | {"affected_capabilities": scope})
    awaited = f"Waits for the job of {running.job.contract.reference} to end"
    for text in (
        text_of(founder_browser, waiting),
        words_of(founder_browser.get(contract_url(waiting.contract))),
    ):
        assert awaited in text
        assert words in text
    running.cancel()
    assert "Left to executors: waits for one to start it." in text_of(founder_browser, waiting)


def test_page__with_verdict_and_its_settling__shows_both(
    users: Users, founder_browser: Client
) -> None:
    job = judged_job(users, AuditVerdict.INCONCLUSIVE)
    assert "must settle this audit" in text_of(founder_browser, job)
    resolve_audit(
        job_id=job.pk,
        verdict=AuditVerdict.PASS,
        reason="I looked at the platform myself.",
        resolver=users.second_auditor,
    )
    text = text_of(founder_browser, job)
    assert "The evidence shows it." in text
    assert 'data-word="INCONCLUSIVE"' in text
    assert 'Settled as <span class="gov-label" data-word="PASS">' in text
    assert "I looked at the platform myself." in text


def test_page__sets_health_before_and_after_side_by_side_and_marks_the_difference(
    users: Users, founder_browser: Client
) -> None:
    running = running_job(users)
    running.complete_steps()
    record_signal(
        scope="Search",
        signal_type="probe",
        decision=HealthDecision.DEGRADED,
        reason="Slower than before.",
        actor=users.operator,
    )
    text = text_of(founder_browser, running.complete())
    row = text.split('<th scope="row">Search</th>')[1].split("</tr>")[0]
    assert row.index("HEALTHY") < row.index("DEGRADED") < row.index(">worse</strong>")
    assert 'class="gov-differs"' in text
    (signal,) = [part for part in text.split("<tr") if "Slower than before." in part]
    assert ">new</strong>" in signal
    assert "1 differs" in text
    assert "no difference" in text_of(founder_browser, finished_job(users))


def test_what_an_executor_wrote__is_shown_folded_and_never_run(
    users: Users, founder_browser: Client
) -> None:
    running = running_job(users)
    running.record(running.report(0, output={EVIL: [EVIL] * 50}, health_after={"x": EVIL}))
    running.record(running.report(1, StepStatus.FAILED, error=EVIL))
    page = founder_browser.get(job_url(running.complete())).content.decode()
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    assert "<details" in page.split("Output")[0]
    cancelled = running_job(users).cancel(reason=EVIL)
    assert EVIL not in founder_browser.get(job_url(cancelled)).content.decode()


def test_page__of_rewritten_evidence__says_broken(users: Users, founder_browser: Client) -> None:
    job = finished_job(users)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE governance_auditevidence DISABLE TRIGGER ALL")
        cursor.execute("UPDATE governance_auditevidence SET body = replace(body, 'true', 'null')")
    text = text_of(founder_browser, job)
    assert 'data-word="broken"' in text
    assert "does not have the SHA-256 it was sealed with" in text


def test_evidence__downloaded__is_exactly_the_sealed_bytes(
    users: Users, founder_browser: Client
) -> None:
    job = judged_job(users)
    answer = founder_browser.get(job_url(job, "evidence"))
    sealed = AuditEvidence.objects.get(job=job)
    assert answer.status_code == 200
    assert answer.content == sealed.body.encode()
    assert hashlib.sha256(answer.content).hexdigest() == sealed.sha256
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment;")


def test_evidence__of_a_job_that_has_not_ended__404(users: Users, founder_browser: Client) -> None:
    assert founder_browser.get(job_url(running_job(users).job, "evidence")).status_code == 404


@pytest.mark.parametrize("missing", ["view_auditevidence", "view_governancejob"])
def test_evidence__without_the_permission_to_view__403(
    users: Users, signed_in: Browser, missing: str
) -> None:
    job = finished_job(users)
    clerk = Account.objects.create_user("clerk", is_staff=True)
    wanted = {"view_auditevidence", "view_governancejob"} - {missing}
    clerk.user_permissions.add(*Permission.objects.filter(codename__in=wanted))
    assert signed_in(clerk).get(job_url(job, "evidence")).status_code == 403


def test_evidence__asked_for_by_post__405(users: Users, founder_browser: Client) -> None:
    assert founder_browser.post(job_url(finished_job(users), "evidence")).status_code == 405


def parameters(number: int) -> list[dict[str, Any]]:
    return [
        {"type": "parameter_change", "scope": "Search", "parameters": {f"p{index}": index}}
        for index in range(number)
    ]


def numbers_on(page: Any) -> list[int]:
    assert page.status_code == 200
    steps = [step["step_index"] for step in page.context["steps"]]
    assert steps == [moment.number for moment in page.context["timeline_rows"]]
    return steps


def test_page__with_more_steps__asks_no_more_queries(users: Users, founder_browser: Client) -> None:
    counts: list[int] = []
    for number in (1, 60):
        running = running_job(users, proposed_changes=parameters(number))
        running.complete_steps()
        job = running.complete()
        with CaptureQueriesContext(connection) as captured:
            founder_browser.get(job_url(job))
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 15


def test_page__of_a_long_job__shows_the_current_steps_and_links_to_the_others(
    users: Users, founder_browser: Client
) -> None:
    running = running_job(users, proposed_changes=parameters(60))
    running.complete_steps(49)
    assert numbers_on(founder_browser.get(job_url(running.job))) == [*range(50)]
    running.record(running.report(49))
    page = founder_browser.get(job_url(running.job))
    assert numbers_on(page) == [*range(50, 60)]
    assert 'href="?from=0"' in page.content.decode()
    page = founder_browser.get(job_url(running.job), {"from": "0"})
    assert numbers_on(page) == [*range(50)]
    assert 'href="?from=50"' in page.content.decode()
    running.record(running.report(50, StepStatus.FAILED))
    assert numbers_on(founder_browser.get(job_url(running.complete()))) == [*range(50, 60)]


@pytest.mark.parametrize("asked", ["3", "-1", "x", "", "9999999", "٣", "1e0"])
def test_page__asked_for_a_step_that_is_none__leads_to_the_page(
    users: Users, founder_browser: Client, asked: str
) -> None:
    job = pending_job(users)
    answer = founder_browser.get(job_url(job), {"from": asked})
    assert (answer.status_code, answer["Location"]) == (302, job_url(job))
    assert founder_browser.get(job_url(job, "live"), {"from": asked}).status_code == 404


def test_page__for_who_sees_no_capabilities__leads_to_none(
    users: Users, founder_browser: Client, signed_in: Browser
) -> None:
    register_capabilities(documents=[{"name": "Search"}])
    url = reverse("admin:governance_capability_change", args=[Capability.objects.get().pk])
    job = finished_job(users)
    assert text_of(founder_browser, job).count(f'href="{url}"') == 4  # three steps, one scope
    clerk = Account.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_governancejob"))
    assert url not in text_of(signed_in(clerk), job)


def test_page__of_a_running_job__says_how_long_it_still_may_take(
    users: Users, founder_browser: Client
) -> None:
    job = running_job(users).job
    assert job.deadline_at is not None
    assert job.deadline_at - now() > timedelta(minutes=59)
    assert "59 min left" in text_of(founder_browser, job)


def test_page__of_a_running_job__says_until_when_its_executor_may_be_silent(
    users: Users, founder_browser: Client
) -> None:
    job = running_job(users).job
    text = text_of(founder_browser, job)
    assert "its lease: 5 min left" in text
    assert f"<dd>until {job.lease_expires_at:%-d %b %Y, %H:%M:%S} UTC" in text
    assert "lease expired" not in text


def test_page__of_a_job_whose_executor_is_lost__says_that_its_lease_lapsed(
    users: Users, founder_browser: Client
) -> None:
    text = text_of(founder_browser, running_job(users, at=now() - timedelta(minutes=10)).job)
    assert "Its lease expired: the executor counts as lost" in text
    assert ">expired</strong>" in text
    assert "<dd>until" not in text


@pytest.mark.parametrize("make_job", [pending_job, finished_job])
def test_page__of_a_job_that_does_not_run__speaks_of_no_lease(
    users: Users, founder_browser: Client, make_job: JobFactory
) -> None:
    assert "lease" not in text_of(founder_browser, make_job(users)).lower()
