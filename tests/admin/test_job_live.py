"""The live parts of a job's page: their content, and when the record is included."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.domain.values import AuditVerdict, StepStatus
from governance.models import Account
from tests.admin.conftest import Browser
from tests.support.admin import job_url
from tests.support.factories import failed_job, finished_job, judged, now, pending_job, running_job
from tests.support.users import Users

LIVE_SCRIPT = "governance/live.js"


def asked(browser: Client, job: Any, **query: str) -> str:
    answer = browser.get(job_url(job, "live"), query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def states(page: Any) -> list[str]:
    return [moment.state for moment in page.context["timeline_rows"]]


def test_job_filling_up__is_shown_step_by_step_and_then_as_ended(
    users: Users, founder_browser: Client
) -> None:
    job = pending_job(users)
    page = founder_browser.get(job_url(job))
    assert LIVE_SCRIPT in page.content.decode()
    assert states(page) == ["planned"] * 3

    running = running_job(users)
    live = job_url(running.job, "live")
    assert states(founder_browser.get(live)) == ["running", "planned", "planned"]
    running.record(running.report(0))
    page = founder_browser.get(live)
    assert states(page) == ["done", "running", "planned"]
    assert "data-over" not in page.content.decode()
    assert 'data-summary="running, 1 of 3 steps reported"' in page.content.decode()
    running.record(running.report(1, StepStatus.FAILED))
    running.complete()
    page = founder_browser.get(live)
    assert states(page) == ["done", "failed", "skipped"]
    assert "Verify now" in page.content.decode()


def test_answer__to_who_has_seen_it__leaves_out_what_is_on_record(
    users: Users, founder_browser: Client
) -> None:
    running = running_job(users)
    running.record(running.report(0))
    first = founder_browser.get(job_url(running.job))
    seen = first.context["version"]
    assert f'data-version="{seen}"' in first.content.decode()
    repeated = asked(founder_browser, running.job, seen=seen)
    assert 'data-live-part="timeline"' in repeated
    assert 'data-live-part="record"' not in repeated
    running.record(running.report(1))
    assert 'data-live-part="record"' in asked(founder_browser, running.job, seen=seen)


def test_answer__after_the_lease_lapsed__is_news(users: Users, founder_browser: Client) -> None:
    job = running_job(users, at=now() - timedelta(minutes=10)).job
    answer = asked(founder_browser, job, seen="RUNNING-0-held-ACTIVE-PENDING")
    assert 'data-live-part="record"' in answer
    assert "Its lease expired" in answer


@pytest.mark.parametrize("make_job", [finished_job, failed_job])
def test_page__of_a_job_that_has_ended__asks_until_the_verdict(
    users: Users, founder_browser: Client, make_job: Any
) -> None:
    job = make_job(users)
    page = founder_browser.get(job_url(job))
    assert LIVE_SCRIPT in page.content.decode()
    assert "data-over" not in asked(founder_browser, job)
    judged(users, job, AuditVerdict.FAIL)
    answer = asked(founder_browser, job, seen=page.context["version"])
    assert "data-over" in answer
    assert "steps reported, audit FAIL" in answer
    assert 'data-live-part="record"' in answer
    page = founder_browser.get(job_url(job)).content.decode()
    assert LIVE_SCRIPT not in page
    assert "data-live-page" not in page


def test_answer__costs_few_queries_however_many_steps(
    users: Users, founder_browser: Client
) -> None:
    def cost(number: int, **query: str) -> int:
        changes = [
            {"type": "parameter_change", "scope": "Search", "parameters": {f"p{index}": index}}
            for index in range(number)
        ]
        running = running_job(users, proposed_changes=changes)
        with CaptureQueriesContext(connection) as captured:
            founder_browser.get(job_url(running.job, "live"), query)
        running.cancel()
        return len(captured)

    seen = "RUNNING-0-held-ACTIVE-PENDING"
    assert cost(1, seen=seen) == cost(60, seen=seen) <= 7
    assert cost(1) == cost(60) <= 13


def test_answer__when_anonymous_or_without_permission__is_refused(
    users: Users, founder_browser: Client, signed_in: Browser
) -> None:
    job = running_job(users).job
    assert Client().get(job_url(job, "live")).status_code == 302
    clerk = Account.objects.create_user("clerk", is_staff=True)
    assert signed_in(clerk).get(job_url(job, "live")).status_code == 403
    assert founder_browser.post(job_url(job, "live")).status_code == 405
