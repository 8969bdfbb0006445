"""The page on which an auditor settles an INCONCLUSIVE audit."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from governance.domain.roles import Role
from governance.domain.values import AuditVerdict
from governance.flows.audit_by_machine import audit_job
from governance.models import AuditAttempt, AuditResolution, GovernanceJob
from governance.services.access.accounts import assign_role
from tests.admin.conftest import Browser
from tests.support.admin import job_url
from tests.support.audits import auditor_inside, observed_job
from tests.support.clock import clock_at
from tests.support.factories import finished_job, judged_job, now, reloaded
from tests.support.users import Users
from tests.support.verdicts import judge

INCONCLUSIVE = AuditVerdict.INCONCLUSIVE


def words_of(page: Any) -> str:
    """Return the text of a page as one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.content.decode())).split())


def settle_url(job: GovernanceJob) -> str:
    return reverse("admin:governance_governancejob_settle", args=[job.pk])


@pytest.fixture
def job(users: Users) -> Any:
    """A job whose audit is INCONCLUSIVE after both attempts of the site's auditor."""
    made = observed_job(users, after=None)
    with auditor_inside(AUDIT_RETRY_SECONDS=0):
        audit_job(job_id=made.pk)
        audit_job(job_id=made.pk)
    return made


class TestSettlePage:
    def test_page__after_two_attempts__shows_them_side_by_side(
        self, users: Users, signed_in: Browser, job: GovernanceJob
    ) -> None:
        words = words_of(signed_in(users.auditor).get(settle_url(job)))
        assert "Attempt 1 INCONCLUSIVE" in words
        assert "Attempt 2 INCONCLUSIVE" in words
        assert words.count("Search was not observed after the job") >= 2
        assert "Was exactly the plan carried out?" in words

    @pytest.mark.parametrize(("verdict", "status"), [("PASS", "COMPLETED"), ("FAIL", "FAILED")])
    def test_form__sent_by_an_auditor__ends_the_contract(
        self, users: Users, signed_in: Browser, job: GovernanceJob, verdict: str, status: str
    ) -> None:
        form = {"verdict": verdict, "reason": "I read it on the platform itself."}
        answer = signed_in(users.auditor).post(settle_url(job), form)
        assert (answer.status_code, answer["Location"]) == (302, job_url(job))
        assert reloaded(job.contract).status == status
        assert AuditResolution.objects.get().resolved_by == users.auditor

    @pytest.mark.parametrize(
        ("form", "words"),
        [
            ({"reason": "I read it on the platform itself."}, "Choose PASS or FAIL."),
            ({"verdict": "PASS", "reason": "Fine."}, "must be text of 11 to 4000 characters"),
            ({"verdict": "MAYBE", "reason": "I read it on the platform."}, "valid choice"),
        ],
    )
    def test_form__that_is_incomplete__is_refused_with_its_fault(
        self,
        users: Users,
        signed_in: Browser,
        job: GovernanceJob,
        form: dict[str, str],
        words: str,
    ) -> None:
        answer = signed_in(users.auditor).post(settle_url(job), form)
        assert answer.status_code in (400, 422)
        assert words in words_of(answer)
        assert not AuditResolution.objects.exists()

    def test_button__try_once_more__adds_an_attempt_and_decides_nothing(
        self, users: Users, signed_in: Browser, job: GovernanceJob
    ) -> None:
        client = signed_in(users.auditor)
        answer = client.post(settle_url(job), {"ask": "1"})
        assert (answer.status_code, answer["Location"]) == (302, settle_url(job))
        third = AuditAttempt.objects.get(job=job, number=3)
        assert third.asked_by == users.auditor
        words = words_of(client.get(settle_url(job)))
        assert "Attempt 3 INCONCLUSIVE" in words
        assert "asked for by auditor-1" in words
        assert reloaded(job.contract).status == "ACTIVE"

    def test_page__of_a_verdict_from_outside__shows_it_alone(
        self, users: Users, signed_in: Browser
    ) -> None:
        job = finished_job(users)
        checks = [{"check": "A-003", "verdict": "PASS", "reason": "It is so."}, {"check": "mine"}]
        judge(job, users.auditor, verdict=INCONCLUSIVE, checks=checks)
        words = words_of(signed_in(users.second_auditor).get(settle_url(job)))
        assert "Verdict INCONCLUSIVE" in words
        assert "It is so." in words

    def test_page__of_an_outside_verdict_and_an_attempt__says_what_each_did_not_check(
        self, users: Users, signed_in: Browser
    ) -> None:
        job = finished_job(users)
        judge(job, users.auditor, verdict=INCONCLUSIVE, checks=[{"id": "X-1", "name": "mine"}])
        client = signed_in(users.second_auditor)
        client.post(settle_url(job), {"ask": "1"})
        words = words_of(client.get(settle_url(job)))
        assert "not checked" in words
        assert "Attempt 1 INCONCLUSIVE" in words

    @pytest.mark.parametrize("make", [judged_job, finished_job])
    def test_page__of_an_audit_that_waits_for_nobody__has_no_form(
        self, users: Users, signed_in: Browser, make: Any
    ) -> None:
        words = words_of(signed_in(users.auditor).get(settle_url(make(users))))
        assert "This audit waits for no decision." in words
        assert "Settle the audit" not in words.replace("Settle the audit of", "")

    @pytest.mark.parametrize("who", ["founder", "operator", "viewer", "executor"])
    def test_page__for_somebody_else__is_forbidden(
        self, users: Users, signed_in: Browser, job: GovernanceJob, who: str
    ) -> None:
        assert signed_in(getattr(users, who)).get(settle_url(job)).status_code == 403


class TestSettleButton:
    def test_button__is_there_for_an_auditor_who_took_no_part(
        self, users: Users, signed_in: Browser, job: GovernanceJob
    ) -> None:
        assert settle_url(job) in signed_in(users.auditor).get(job_url(job)).content.decode()

    def test_button__is_not_there_for_one_who_took_part(
        self, users: Users, signed_in: Browser, job: GovernanceJob
    ) -> None:
        assign_role(users.operator, Role.AUDITOR)
        assert settle_url(job) not in signed_in(users.operator).get(job_url(job)).content.decode()

    def test_button__is_not_there_for_a_founder(
        self, users: Users, signed_in: Browser, job: GovernanceJob
    ) -> None:
        assert settle_url(job) not in signed_in(users.founder).get(job_url(job)).content.decode()

    def test_button__is_gone_once_the_audit_is_settled(
        self, users: Users, signed_in: Browser, job: GovernanceJob
    ) -> None:
        client = signed_in(users.auditor)
        with clock_at(now() + timedelta(minutes=1)):
            client.post(settle_url(job), {"verdict": "FAIL", "reason": "Nobody can say that."})
        assert settle_url(job) not in client.get(job_url(job)).content.decode()

    def test_button__is_not_there_on_a_job_that_passed(
        self, users: Users, signed_in: Browser
    ) -> None:
        job = judged_job(users)
        assert settle_url(job) not in signed_in(users.auditor).get(job_url(job)).content.decode()
