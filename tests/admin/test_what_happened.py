"""The contract's page: what came of it, followed without a reload, and the buttons for people."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.authorities.orchestrator.evidence import EndOfJob
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.job_state import read_job_history
from governance.domain.values import AuditVerdict, JobRunner, StepStatus
from governance.flows.audit_job import record_verdict, resolve_audit
from governance.models import Account, GovernanceJob, SystemContract
from tests.admin.conftest import Browser
from tests.support.admin import contract_url, job_url, words_of
from tests.support.evidence import SEARCH_BEFORE
from tests.support.factories import (
    approved,
    eligible,
    judged,
    judged_job,
    pending_job,
    reloaded,
    running_job,
)
from tests.support.observations import observe, seen
from tests.support.roles import as_owner
from tests.support.users import Users

CHECKS = [
    {"id": "A-001", "question": "Inside the contract?", "outcome": "PASS", "reason": "All of it."},
    {"id": "A-003", "question": "As planned?", "outcome": "FAIL", "reason": "50 was planned."},
]


def observed_job(users: Users, **after: Any) -> GovernanceJob:
    """Return a COMPLETED job of which everything was observed, with these values after it."""
    running = running_job(users)
    observe(running, seen(state=SEARCH_BEFORE))
    running.complete_steps()
    values = {"page_size": 50, "timeout_seconds": 2.5, "theme": "dark"} | after
    state = {"lifecycle": "PREVIEW", "configuration": values}
    return GovernanceOrchestrator.complete_job(
        read_job_history(running.job.pk),
        EndOfJob(observed=[seen(state=state)], routes=[]),
        token=running.token,
        executor=users.executor,
    )


def page_of(browser: Client, contract: SystemContract) -> str:
    answer = browser.get(contract_url(contract))
    assert answer.status_code == 200
    return html.unescape(words_of(answer))


def card_of(browser: Client, contract: SystemContract) -> str:
    return page_of(browser, contract).split('aria-labelledby="happened"')[1].split("</section>")[0]


def row_of(card: str, name: str) -> str:
    return card.split(f'<th scope="row">{name}<small>')[1].split("</tr>")[0]


class TestCard:
    def test_contract_without_a_job__has_none(self, users: Users, founder_browser: Client) -> None:
        for contract in (eligible(users), approved(users)):
            assert "What happened" not in page_of(founder_browser, contract)

    def test_running_job__shows_how_far_it_is(self, users: Users, founder_browser: Client) -> None:
        running = running_job(users)
        running.record(running.report(0))
        card = card_of(founder_browser, running.job.contract)
        assert 'data-word="RUNNING"' in card
        assert "1 of 3 steps reported" in card
        assert job_url(running.job) in card

    def test_pass__shows_what_was_observed_and_that_it_is_what_was_planned(
        self, users: Users, founder_browser: Client
    ) -> None:
        job = judged(users, observed_job(users), AuditVerdict.PASS)
        card = card_of(founder_browser, job.contract)
        assert 'data-word="PASS"' in card
        assert "Done, and verified from sealed evidence." in card
        assert "The evidence shows it." in card  # an auditor without checks gives only a reason
        assert "What was observed is what was planned." in card
        size = row_of(card, "page_size")
        assert [word in size for word in (">20<", ">50<", "Search")] == [True] * 3
        assert "Step 2 of this contract" in size
        assert "verified by its audit" in size
        assert "gov-differs" not in card

    def test_other_value__comes_first_and_is_marked(
        self, users: Users, founder_browser: Client
    ) -> None:
        job = observed_job(users, theme="light", page_size=51)
        card = card_of(founder_browser, job.contract)
        assert "2 values differ from the plan." in card
        assert row_of(card, "page_size").count("differs</strong>") == 1
        assert "no step changes it" in row_of(card, "theme")
        assert card.index(">theme<") < card.index(">lifecycle<")

    def test_fail__shows_the_failed_check_before_the_folded_rest(
        self, users: Users, founder_browser: Client
    ) -> None:
        job = observed_job(users, page_size=51)
        record_verdict(
            job_id=job.pk,
            verdict=AuditVerdict.FAIL,
            reason="A-003 (fidelity): 50 was planned.",
            checks=CHECKS,
            evidence_sha256=job.evidence.sha256,
            author=users.auditor,
        )
        card = card_of(founder_browser, job.contract)
        words = ["2 checks: 1 failed, 1 passed.", "As planned?", "50 was planned.", "1 passed<"]
        positions = [card.index(one) for one in [*words, "Inside the contract?"]]
        assert positions == sorted(positions)
        page = page_of(founder_browser, job.contract)
        assert "A-003" not in page.split('aria-labelledby="what-changes"')[0]

    def test_failed_job__says_which_step_failed(
        self, users: Users, founder_browser: Client
    ) -> None:
        running = running_job(users)
        running.record(running.report(0, StepStatus.FAILED))
        card = card_of(founder_browser, running.complete().contract)
        assert "Step 1 failed." in card
        assert "Nobody observed the values." in card

    def test_doubt__shows_who_settled_it_and_why(
        self, users: Users, founder_browser: Client
    ) -> None:
        job = judged_job(users, AuditVerdict.INCONCLUSIVE)
        assert "a person who took no part must settle it" in card_of(founder_browser, job.contract)
        resolve_audit(
            job_id=job.pk,
            verdict=AuditVerdict.PASS,
            reason="I looked at the platform myself.",
            resolver=users.second_auditor,
        )
        card = card_of(founder_browser, job.contract)
        assert "second-auditor settled it as" in card
        assert "I looked at the platform myself." in card

    def test_rewritten_evidence__is_not_shown(self, users: Users, founder_browser: Client) -> None:
        job = observed_job(users)
        with as_owner(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE governance_auditevidence DISABLE TRIGGER ALL")
            cursor.execute("UPDATE governance_auditevidence SET body = replace(body, '50', '51')")
        card = card_of(founder_browser, job.contract)
        assert "The sealed evidence is not what was sealed." in card
        assert '<th scope="row">' not in card


class TestLive:
    @staticmethod
    def asked(browser: Client, contract: SystemContract, **query: str) -> str:
        answer = browser.get(contract_url(contract, "live"), query)
        assert answer.status_code == 200
        return html.unescape(words_of(answer))

    def test_page__follows_from_the_approval_to_the_verdict(
        self, users: Users, founder_browser: Client
    ) -> None:
        assert "data-live-page" not in page_of(founder_browser, eligible(users))
        job = pending_job(users)
        page = founder_browser.get(contract_url(job.contract))
        assert contract_url(job.contract, "live") in page.content.decode()
        assert "governance/live.js" in page.content.decode()
        version = page.context["version"]
        assert "data-live-part" not in self.asked(founder_browser, job.contract, seen=version)
        GovernanceOrchestrator.start_job(job_id=job.pk, executor=users.executor)
        answer = self.asked(founder_browser, job.contract, seen=version)
        for part in ("now", "happened", "changes", "history"):
            assert f'data-live-part="{part}"' in answer
        assert "data-over" not in answer
        GovernanceOrchestrator.cancel_job(
            read_job_history(job.pk), EndOfJob(), reason="Enough.", actor=users.operator
        )
        judged(users, reloaded(job), AuditVerdict.FAIL)
        answer = self.asked(founder_browser, job.contract, seen=version)
        assert "data-over" in answer
        assert 'data-word="FAIL"' in answer
        assert "data-live-page" not in page_of(founder_browser, reloaded(job.contract))

    def test_answer__without_news__costs_one_query_beside_the_session(
        self, users: Users, founder_browser: Client
    ) -> None:
        contract = running_job(users).job.contract
        version = founder_browser.get(contract_url(contract)).context["version"]
        with CaptureQueriesContext(connection) as captured:
            self.asked(founder_browser, contract, seen=version)
        assert len([one for one in captured if "SAVEPOINT" not in one["sql"]]) <= 6

    def test_answer__without_permission__is_refused(self, users: Users, signed_in: Browser) -> None:
        contract = approved(users)
        clerk = Account.objects.create_user("clerk", is_staff=True)
        assert signed_in(clerk).get(contract_url(contract, "live")).status_code == 403


class TestActivateNow:
    def test_button__is_there_for_those_who_may_inside_the_window(
        self, users: Users, signed_in: Browser
    ) -> None:
        contract = approved(users)
        url = contract_url(contract, "activate")
        shown = {
            person: url in page_of(signed_in(getattr(users, person)), contract)
            for person in ("operator", "executor", "founder", "viewer")
        }
        assert shown == {"operator": True, "executor": True, "founder": False, "viewer": False}
        assert "Activate now…" not in page_of(signed_in(users.operator), eligible(users))

    def test_form__activates_and_leads_to_the_contract(
        self, users: Users, signed_in: Browser
    ) -> None:
        browser, contract = signed_in(users.operator), approved(users)
        url = contract_url(contract, "activate")
        assert "The job waits for an executor." in words_of(browser.get(url))
        answer = browser.post(url)
        assert (answer.status_code, answer["Location"]) == (302, contract_url(contract))
        job = reloaded(contract).job
        assert (job.created_by, job.run_by) == (users.operator, JobRunner.CLIENT)

    def test_form__of_an_active_contract__offers_nothing_and_refuses(
        self, users: Users, signed_in: Browser
    ) -> None:
        browser, contract = signed_in(users.operator), pending_job(users).contract
        url = contract_url(contract, "activate")
        assert "Only an approved contract can be activated" in words_of(browser.get(url))
        assert browser.post(url).status_code == 409

    def test_form__without_the_permission__403(self, users: Users, founder_browser: Client) -> None:
        assert founder_browser.post(contract_url(approved(users), "activate")).status_code == 403


@pytest.mark.parametrize("page", [contract_url, job_url])
def test_cancel_button__is_there_while_the_job_is_open__for_those_who_may(
    users: Users, signed_in: Browser, page: Any
) -> None:
    running = running_job(users)
    job = running.job
    address = page(job if page is job_url else job.contract)

    def sees(person: Account) -> bool:
        return job_url(job, "cancel") in signed_in(person).get(address).content.decode()

    assert [sees(one) for one in (users.founder, users.operator, users.viewer)] == [
        True,
        True,
        False,
    ]
    running.cancel()
    assert not sees(users.founder)
