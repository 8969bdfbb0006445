"""The page of a job that is lost, failed or cancelled: what is known, what is next, its buttons."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from governance.admin.unfinished_job import CHECK_TARGET
from governance.domain.values import AuditVerdict, StepStatus
from governance.flows.audit_job import record_verdict
from governance.flows.propose_contract import propose_again
from governance.flows.sweep import fail_timed_out_jobs
from governance.models import Account, GovernanceJob
from tests.admin.conftest import Browser
from tests.support.admin import contract_url, job_url, words_of
from tests.support.factories import (
    apart,
    failed_job,
    finished_job,
    now,
    pending_job,
    reloaded,
    running_job,
)
from tests.support.users import Users

LONG_AGO = timedelta(hours=3)
STEPS = [
    {"type": "parameter_change", "scope": "Search", "parameters": {"n": index}}
    for index in range(12)
]


def lost_job(
    users: Users, *, reported: int = 1, last: StepStatus | None = None, **changes: Any
) -> GovernanceJob:
    """Return a RUNNING job whose executor reported some steps, perhaps failed one, and was lost."""
    at = now() - LONG_AGO
    running = running_job(users, at=at, **changes)
    for step in range(reported):
        running.record(running.report(step), at=at)
    if last:
        running.record(running.report(reported, last), at=at)
    job: GovernanceJob = reloaded(running.job)
    return job


def judge(job: GovernanceJob, users: Users) -> None:
    record_verdict(
        job_id=job.pk,
        verdict=AuditVerdict.FAIL,
        reason="The evidence shows it.",
        evidence_sha256=reloaded(job).evidence.sha256,
        author=users.auditor,
    )


def card(browser: Client, job: GovernanceJob) -> Any:
    """Return the card of the job's page, after a look that the page shows all of it."""
    answer = browser.get(job_url(job))
    found, words = answer.context["unfinished"], html.unescape(words_of(answer))
    if found:
        for text in (found.title, found.happened, *found.next_steps, found.button):
            assert text in words
        assert f'href="{found.url}"' in answer.content.decode() or not found.url
    return found


def known(found: Any) -> list[tuple[str, str]]:
    return [(one.state, one.steps) for one in found.known]


def cancel_url(job: GovernanceJob) -> str:
    return reverse("admin:governance_governancejob_cancel", args=[job.pk])


def repeat_url(job: GovernanceJob) -> str:
    return reverse("admin:governance_systemcontract_repeat", args=[job.contract_id])


# --- what is known ---
@pytest.mark.parametrize(
    ("reported", "last", "expected"),
    [
        (0, None, [("unknown", "Step 1"), ("not begun", "Steps 2 to 12")]),
        (1, None, [("done", "Step 1"), ("unknown", "Step 2"), ("not begun", "Steps 3 to 12")]),
        (11, None, [("done", "Steps 1 to 11"), ("unknown", "Step 12")]),
        (12, None, [("done", "Steps 1 to 12")]),
        (
            2,
            StepStatus.FAILED,
            [("done", "Steps 1 to 2"), ("failed", "Step 3"), ("not begun", "Steps 4 to 12")],
        ),
        (0, StepStatus.FAILED, [("failed", "Step 1"), ("not begun", "Steps 2 to 12")]),
        (11, StepStatus.FAILED, [("done", "Steps 1 to 11"), ("failed", "Step 12")]),
    ],
)
def test_lost_job__whatever_was_reported__says_what_is_known_of_each_step(
    users: Users,
    founder_browser: Client,
    reported: int,
    last: StepStatus | None,
    expected: list[tuple[str, str]],
) -> None:
    job = lost_job(users, reported=reported, last=last, proposed_changes=STEPS)
    found = card(founder_browser, job)
    assert found.title == "Executor lost"
    assert known(found) == expected
    is_unknown = any(state == "unknown" for state, _ in expected)
    assert (CHECK_TARGET in found.next_steps) == is_unknown
    # The sweep ends the job, and the same is known of it afterwards.
    list(fail_timed_out_jobs(actor=users.operator))
    ended = card(founder_browser, job)
    assert (ended.title, known(ended)) == ("Executor lost", expected)
    assert "It is never run again." in ended.happened
    assert (CHECK_TARGET in ended.next_steps) == is_unknown


def test_unknown_step__is_named_by_its_change(users: Users, founder_browser: Client) -> None:
    job = lost_job(users, reported=1)
    text = html.unescape(words_of(founder_browser.get(job_url(job))))
    row = text[text.index("given to the executor, and never reported.") :][:200]
    assert "page_size" in row
    assert "50" in row


@pytest.mark.parametrize("make", [pending_job, finished_job, lambda users: running_job(users).job])
def test_job__that_goes_well__has_no_such_card(
    users: Users, founder_browser: Client, make: Any
) -> None:
    assert card(founder_browser, make(users)) is None


def test_cancelled_job__says_what_is_known_if_it_had_begun(
    users: Users, founder_browser: Client
) -> None:
    running = running_job(users)
    running.complete_steps(1)
    running.cancel()
    found = card(founder_browser, running.job)
    assert found.title == "Cancelled before its end"
    assert known(found) == [("done", "Step 1"), ("unknown", "Step 2"), ("not begun", "Step 3")]
    waiting = pending_job(users)
    running.job = waiting
    running.cancel()
    assert card(founder_browser, waiting) is None


def test_failed_job__is_not_called_lost(users: Users, founder_browser: Client) -> None:
    found = card(founder_browser, failed_job(users))
    assert found.title == "Failed"
    assert known(found) == [("done", "Step 1"), ("failed", "Step 2"), ("not begun", "Step 3")]


def test_live_answer__of_a_lost_job__has_the_card(users: Users, founder_browser: Client) -> None:
    job = lost_job(users)
    answer = founder_browser.get(job_url(job, "live"))
    assert "Executor lost" in words_of(answer)
    assert cancel_url(job) in answer.content.decode()
    running = running_job(users, **apart()).job
    assert "Executor lost" not in words_of(founder_browser.get(job_url(running, "live")))


# --- cancel ---
def test_button__to_cancel__is_for_who_may_and_cancels(users: Users, signed_in: Browser) -> None:
    job = lost_job(users)
    assert card(signed_in(users.viewer), job).url == ""
    assert "A founder or an operator can cancel" in card(signed_in(users.viewer), job).next_steps[1]
    browser = signed_in(users.operator)
    assert (card(browser, job).button, card(browser, job).url) == (
        "Cancel the job…",
        cancel_url(job),
    )
    assert "1 of 3 steps reported" in words_of(browser.get(cancel_url(job)))
    refused = browser.post(cancel_url(job), {"reason": " "})
    assert refused.status_code == 400
    assert reloaded(job).status == "RUNNING"
    reason = "The page size is still 20; the worker's machine is gone."
    answer = browser.post(cancel_url(job), {"reason": reason}, follow=True)
    assert answer.redirect_chain == [(job_url(job), 302)]
    assert "The job is cancelled." in words_of(answer)
    ended = reloaded(job)
    assert (ended.status, ended.ended_by, ended.end_reason) == ("CANCELLED", users.operator, reason)


def test_cancel_page__of_an_ended_job__says_that_there_is_nothing_to_cancel(
    users: Users, founder_browser: Client
) -> None:
    job = failed_job(users)
    assert "there is nothing to cancel" in words_of(founder_browser.get(cancel_url(job)))
    assert founder_browser.post(cancel_url(job), {"reason": "Too late."}).status_code == 409


def test_cancel_page__for_who_may_not__403(users: Users, signed_in: Browser) -> None:
    job = lost_job(users)
    for person in (users.viewer, users.auditor, users.executor):
        assert signed_in(person).get(cancel_url(job)).status_code == 403
        assert signed_in(person).post(cancel_url(job), {"reason": "No."}).status_code == 403
    assert reloaded(job).status == "RUNNING"


# --- propose again ---
def test_button__to_propose_again__comes_with_the_verdict(
    users: Users, signed_in: Browser, founder_browser: Client
) -> None:
    job = lost_job(users)
    list(fail_timed_out_jobs(actor=users.operator))
    assert card(founder_browser, job).url == ""
    assert "An auditor gives the verdict" in card(founder_browser, job).next_steps[-1]
    judge(job, users)
    found = card(founder_browser, job)
    assert (found.button, found.url) == ("Propose again…", repeat_url(job))
    assert founder_browser.get(found.url).status_code == 200
    viewers = card(signed_in(users.viewer), job)
    assert (viewers.url, viewers.next_steps[-1]) == (
        "",
        "An operator or a founder can propose the change again.",
    )
    again = propose_again(contract_id=job.contract_id, proposer=users.operator)
    repeated = card(founder_browser, job)
    assert (repeated.button, repeated.url) == ("See the new contract", contract_url(again))


def test_person__who_may_only_see_jobs__gets_the_card(users: Users, signed_in: Browser) -> None:
    clerk = Account.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_governancejob"))
    assert card(signed_in(clerk), lost_job(users)).title == "Executor lost"
