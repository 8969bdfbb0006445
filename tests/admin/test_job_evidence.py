"""A job's page: values planned, reported and observed, checks, signals, and who ran the steps."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from governance.authorities.health.signals import record_signal
from governance.authorities.orchestrator.evidence import EndOfJob
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.job_state import read_job_history
from governance.domain.observations import ObservedScope
from governance.domain.values import AuditVerdict, HealthDecision
from governance.flows.audit_job import record_verdict
from governance.models import GovernanceJob
from tests.support.admin import job_url, words_of
from tests.support.evidence import SEARCH_BEFORE
from tests.support.factories import Running, finished_job, judged_job, running_job
from tests.support.observations import observe, seen
from tests.support.roles import as_owner
from tests.support.users import Users

AFTER = {"lifecycle": "PREVIEW", "configuration": {"page_size": 51, "timeout_seconds": 2.5}}
MARK = '<strong class="gov-mark">differs</strong>'


def route(step_index: int, **fields: Any) -> dict[str, Any]:
    return {
        "step_index": step_index,
        "handler": "registry",
        "observer": "registry",
        "trust_reports": False,
        "shares_database": True,
    } | fields


def ended(
    running: Running, *, observed: list[ObservedScope], routes: list[dict[str, Any]] | None
) -> GovernanceJob:
    """Complete a job whose steps are reported, with what observers saw and who ran its steps."""
    return GovernanceOrchestrator.complete_job(
        read_job_history(running.job.pk),
        EndOfJob(observed=observed, routes=routes),
        token=running.token,
        executor=running.users.executor,
    )


def text_of(browser: Client, job: GovernanceJob) -> str:
    answer = browser.get(job_url(job))
    assert answer.status_code == 200
    return html.unescape(words_of(answer))


def value_of(text: str, name: str) -> str:
    """Return the part of a page about one compared value."""
    return text.split(f"<strong>{name}</strong> <dl>")[1].split("</dl>")[0]


def test_page__with_a_value_that_is_not_the_planned_one__marks_it(
    users: Users, founder_browser: Client
) -> None:
    running = running_job(users)
    observe(running, seen(state=SEARCH_BEFORE))
    running.record(running.report(0))
    running.record(running.report(1, output={"state_after": {"page_size": 49}}))
    running.record(running.report(2))
    job = ended(
        running, observed=[seen(state=AFTER)], routes=[route(n, observer="http") for n in range(3)]
    )
    text = text_of(founder_browser, job)
    size = value_of(text, "page_size")
    assert [word in size for word in (">20<", ">50<", "49", "51")] == [True] * 4
    assert size.count(MARK) == 2
    assert MARK not in value_of(text, "lifecycle")
    assert "not said" in value_of(text, "timeout_seconds")
    assert "what was planned, reported and observed differs" in text


def test_page__of_a_running_job__has_what_was_observed_so_far(
    users: Users, founder_browser: Client
) -> None:
    running = running_job(users)
    observe(running, seen(state=SEARCH_BEFORE))
    running.record(running.report(0))
    observe(running, seen(state=SEARCH_BEFORE), phase="STEP", step_index=0)
    text = text_of(founder_browser, running.job)
    lifecycle = value_of(text, "lifecycle")
    assert '"PREVIEW"' in lifecycle
    assert lifecycle.count('"DISABLED"') == 2
    assert MARK in lifecycle
    assert '"not observed' not in lifecycle
    assert "not said" in lifecycle


def test_page__without_an_observer__says_that_nobody_observed(
    users: Users, founder_browser: Client
) -> None:
    text = text_of(founder_browser, finished_job(users))
    assert "nobody observed what they did" in text
    assert "gov-sides" not in text


def test_page__lists_the_signals_since_the_start__while_it_runs_and_after(
    users: Users, founder_browser: Client
) -> None:
    running = running_job(users)
    assert "No monitor recorded a signal" in text_of(founder_browser, running.job)
    record_signal(
        scope="Search",
        signal_type="latency",
        decision=HealthDecision.DEGRADED,
        reason="Slower than before.",
        actor=users.operator,
    )
    running.complete_steps()
    for job in (running.job, running.complete()):
        card = text_of(founder_browser, job).split('id="signals-during"')[1].split("</section>")[0]
        assert "Search</strong>: latency" in card
        assert 'data-word="DEGRADED"' in card
        assert "Slower than before." in card


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        (
            [route(n) for n in range(3)],
            ["Steps 1 to 3", "Run by registry; observed by registry.", "share one database"],
        ),
        (
            [
                route(0, handler="client", observer="", shares_database=False),
                route(1, handler="http", observer="git", shares_database=False),
                route(2, handler="http", observer="", shares_database=False, trust_reports=True),
            ],
            [
                "Step 1</dt> <dd>Run by an executor over HTTP; observed by nobody.",
                "Nobody checks the reports.",
                "Step 2</dt> <dd>Run by http; observed by git.</dd>",
                "Reports are trusted instead.",
            ],
        ),
    ],
)
def test_page__says_who_ran_and_who_observed_each_step(
    users: Users, founder_browser: Client, routes: list[dict[str, Any]], expected: list[str]
) -> None:
    running = running_job(users)
    running.complete_steps()
    text = text_of(founder_browser, ended(running, observed=[], routes=routes))
    card = text.split('id="routes"')[1].split("</section>")[0]
    assert [words for words in expected if words not in card] == []


def test_page__of_a_job_whose_routes_nobody_could_read__names_none(
    users: Users, founder_browser: Client
) -> None:
    running = running_job(users)
    running.complete_steps()
    assert 'id="routes"' not in text_of(founder_browser, ended(running, observed=[], routes=None))


def test_page__of_a_verdict__has_what_did_not_pass_before_what_passed(
    users: Users, founder_browser: Client
) -> None:
    job = finished_job(users)
    check = {"id": "A-001", "name": "scope", "question": "Inside?", "reason": "All of it."}
    record_verdict(
        job_id=job.pk,
        verdict=AuditVerdict.FAIL,
        reason="It is not what was approved.",
        checks=[
            check | {"outcome": "PASS"},
            check | {"question": "In time?", "outcome": "FAIL", "reason": "A day too late."},
            {"check": "X-1", "verdict": "INCONCLUSIVE"},
        ],
        evidence_sha256=job.evidence.sha256,
        author=users.auditor,
    )
    text = text_of(founder_browser, job)
    assert "3 checks: 1 failed, 1 could not tell, 1 passed." in text
    order = ["In time?", "A day too late.", "X-1", 'id="passed-checks"', "Inside?", "All of it."]
    positions = [text.index(words) for words in order]
    assert positions == sorted(positions)
    assert "A-001" not in text.split('id="audit-checks"')[0]


def test_page__of_a_verdict_without_checks__shows_none(
    users: Users, founder_browser: Client
) -> None:
    text = text_of(founder_browser, judged_job(users))
    assert "gov-checks" not in text.split('id="verdict"')[1].split("</section>")[0]


def test_page__of_evidence_that_is_no_json_any_more__shows_what_is_recorded(
    users: Users, founder_browser: Client
) -> None:
    running = running_job(users)
    observe(running, seen(state=SEARCH_BEFORE))
    running.complete_steps()
    job = ended(running, observed=[seen(state=AFTER)], routes=[])
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE governance_auditevidence DISABLE TRIGGER ALL")
        cursor.execute("UPDATE governance_auditevidence SET body = 'gone'")
    text = text_of(founder_browser, job)
    assert 'data-word="broken"' in text
    assert "51" in value_of(text, "page_size")
