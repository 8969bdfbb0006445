"""The command `audit_job`: the seven checks as a table, the verdict, and its exit code."""

from __future__ import annotations

import json

import pytest

from governance.domain.values import AuditVerdict
from governance.models import AuditAttempt, GovernanceAudit
from tests.support.audits import auditor_inside, observed_job
from tests.support.commands import run
from tests.support.evidence import SEARCH_BEFORE
from tests.support.factories import finished_job, judged_job, pending_job
from tests.support.users import Users
from tests.support.verdicts import judge, settle


class TestAuditJobInside:
    @pytest.fixture(autouse=True)
    def inside(self, users: Users) -> object:
        with auditor_inside():
            yield

    def test_audit_job__that_passes__shows_seven_checks_and_writes_the_verdict(
        self, users: Users
    ) -> None:
        job = observed_job(users)
        ran = run("audit_job", job.pk)
        assert (ran.code, ran.err) == (0, "")
        lines = ran.out.splitlines()
        assert lines[0].split() == ["check", "outcome", "question", "found"]
        assert [line.split()[0] for line in lines[1:8]] == [f"A-00{n}" for n in range(1, 8)]
        assert lines[8] == "PASS: All seven checks passed."
        assert GovernanceAudit.objects.get().verdict == "PASS"
        assert run("audit_job", job.pk).out == ran.out

    def test_audit_job__that_fails__exits_with_1(self, users: Users) -> None:
        ran = run("audit_job", observed_job(users, after=SEARCH_BEFORE).pk)
        assert ran.code == 1
        assert "FAIL: A-003" in ran.out

    def test_audit_job__without_a_conclusion__keeps_the_attempt_and_exits_with_4(
        self, users: Users
    ) -> None:
        ran = run("audit_job", finished_job(users).pk)
        assert ran.code == 4
        assert "second attempt is due later" in ran.err
        assert AuditAttempt.objects.get().number == 1
        assert not GovernanceAudit.objects.exists()

    def test_audit_job__whose_second_attempt_is_due__ends_inconclusive(self, users: Users) -> None:
        job = finished_job(users)
        with auditor_inside(AUDIT_RETRY_SECONDS=0):
            run("audit_job", job.pk)
            ran = run("audit_job", job.pk, "--json")
        assert ran.code == 4
        document = json.loads(ran.out)
        assert (document["verdict"], document["action"]) == ("INCONCLUSIVE", "escalate")
        assert [attempt["number"] for attempt in document["attempts"]] == [1, 2]

    def test_audit_job__on_a_job_that_has_not_ended__is_refused(self, users: Users) -> None:
        ran = run("audit_job", pending_job(users).pk)
        assert (ran.code, "(evidence_not_sealed)" in ran.err) == (1, True)


class TestAuditJobOutside:
    def test_audit_job__without_a_verdict__shows_the_checks_and_writes_nothing(
        self, users: Users
    ) -> None:
        ran = run("audit_job", observed_job(users).pk)
        assert ran.code == 0
        assert "the verdicts come from outside" in ran.err
        assert not GovernanceAudit.objects.exists()

    def test_audit_job__after_a_persons_verdict__shows_that(self, users: Users) -> None:
        job = judged_job(users, AuditVerdict.FAIL)
        ran = run("audit_job", job.pk)
        assert (ran.code, ran.out.splitlines()[-1]) == (1, "FAIL: The evidence shows it.")

    def test_audit_job__after_a_resolution__has_the_persons_decision(self, users: Users) -> None:
        job = finished_job(users)
        checks = [{"check": "mine"}]
        judge(job, users.auditor, verdict=AuditVerdict.INCONCLUSIVE, checks=checks)
        settle(job, users.second_auditor)
        ran = run("audit_job", job.pk, "--json")
        document = json.loads(ran.out)
        assert (ran.code, document["verdict"]) == (0, "PASS")
        assert document["resolution"]["verdict"] == "PASS"
