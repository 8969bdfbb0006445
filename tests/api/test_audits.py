"""Audits over HTTP: the list of verdicts, and the audit of a job with attempts and resolution."""

from __future__ import annotations

from typing import Any

import pytest

from governance.domain.values import AuditVerdict
from governance.flows.audit_by_machine import ask_for_attempt, audit_job
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.audits import auditor_inside, observed_job
from tests.support.evidence import SEARCH_BEFORE
from tests.support.factories import affecting, finished_job, judged_job, pending_job
from tests.support.users import Users
from tests.support.verdicts import judge, settle

PASS, FAIL, INCONCLUSIVE = AuditVerdict.PASS, AuditVerdict.FAIL, AuditVerdict.INCONCLUSIVE


def audits(client: Any, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"{API}audits/{query}")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def audit_of(client: Any, job: Any) -> dict[str, Any]:
    answer = client.get(f"{API}jobs/{job.pk}/audit/")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


class TestListOfAudits:
    def test_audits__of_several_jobs__are_listed_newest_first(
        self, users: Users, client_for: ClientFor
    ) -> None:
        jobs = [judged_job(users, one) for one in (PASS, FAIL)]
        found = audits(client_for(users.viewer))
        assert [one["job_id"] for one in found] == [str(job.pk) for job in reversed(jobs)]
        assert [one["contract_status"] for one in found] == ["FAILED", "COMPLETED"]
        assert (found[0]["author"], found[0]["auditor_version"]) == ("auditor-1", "")

    @pytest.mark.parametrize(
        ("query", "number"),
        [
            ("?verdict=PASS", 1),
            ("?verdict=PASS,FAIL", 2),
            ("?verdict=INCONCLUSIVE&contract_status=ACTIVE", 1),
            ("?capability=Mail", 1),
            ("?actor=auditor-1", 3),
            ("?actor=viewer", 0),
            ("?recorded_after=2026-01-01T00:00:00Z", 3),
            ("?recorded_before=2026-01-01T00:00:00Z", 0),
        ],
    )
    def test_filter__of_the_list__narrows_it(
        self, users: Users, client_for: ClientFor, query: str, number: int
    ) -> None:
        judged_job(users)
        judged_job(users, FAIL, **affecting("Mail"))
        judge(finished_job(users), users.auditor, verdict=INCONCLUSIVE)
        assert len(audits(client_for(users.viewer), query)) == number

    def test_pages__of_one__have_each_audit_once(self, users: Users, client_for: ClientFor) -> None:
        jobs = [str(judged_job(users).pk) for _ in range(3)]
        client, found, address = client_for(users.viewer), [], f"{API}audits/?page_size=1"
        while address:
            page = client.get(address).json()
            found += [one["job_id"] for one in page["results"]]
            address = page["next"]
        assert found == jobs[::-1]

    def test_token__for_another_capability__sees_no_audit(
        self, users: Users, client_for: ClientFor
    ) -> None:
        job = judged_job(users)
        client = client_for(users.viewer, capabilities=["Billing"])
        assert audits(client) == []
        assert_problem(client.get(f"{API}jobs/{job.pk}/audit/"), 404, "job_not_found")


class TestAuditOfAJob:
    def test_audit__by_the_sites_auditor__has_seven_checks_and_sums_up_the_evidence(
        self, users: Users, client_for: ClientFor
    ) -> None:
        job = observed_job(users)
        with auditor_inside():
            audit_job(job_id=job.pk)
        found = audit_of(client_for(users.viewer), job)
        assert (found["verdict"], found["action"], found["author"]) == (
            "PASS",
            "rollout",
            "auditor",
        )
        assert (found["checks_performed"], found["checks_passed"]) == (7, 7)
        assert [check["id"] for check in found["checks"]] == [f"A-00{n}" for n in range(1, 8)]
        assert found["evidence"]["steps_executed"] == 3
        assert found["evidence_sha256"] == job.evidence.sha256
        assert found["health_snapshot_after"]["system"] == "HEALTHY"
        assert found["duration_ms"] >= 0
        assert (found["attempts"], found["resolution"]) == ([], None)

    def test_audit__that_failed__names_the_check(self, users: Users, client_for: ClientFor) -> None:
        job = observed_job(users, after=SEARCH_BEFORE)
        with auditor_inside():
            audit_job(job_id=job.pk)
        found = audit_of(client_for(users.viewer), job)
        assert (found["verdict"], found["action"]) == ("FAIL", "rollback")
        assert found["checks_failed"] >= 1
        assert found["verdict_reason"].startswith("A-003")

    def test_audit__that_a_person_resolved__has_attempts_and_resolution(
        self, users: Users, client_for: ClientFor
    ) -> None:
        job = finished_job(users)
        judge(job, users.auditor, verdict=INCONCLUSIVE)
        ask_for_attempt(job_id=job.pk, person=users.second_auditor)
        settle(job, users.second_auditor)
        found = audit_of(client_for(users.viewer), job)
        assert (found["verdict"], found["action"]) == ("INCONCLUSIVE", "escalate")
        [attempt] = found["attempts"]
        assert (attempt["number"], attempt["asked_by"]) == (1, "second-auditor")
        assert found["resolution"]["verdict"] == "PASS"
        assert found["resolution"]["resolved_by"] == "second-auditor"

    def test_audit__before_the_verdict__is_pending(
        self, users: Users, client_for: ClientFor
    ) -> None:
        found = audit_of(client_for(users.viewer), finished_job(users))
        assert (found["verdict"], found["action"], found["audit_id"]) == ("PENDING", "", None)

    def test_audit__of_a_job_that_has_not_ended__is_refused(
        self, users: Users, client_for: ClientFor
    ) -> None:
        address = f"{API}jobs/{pending_job(users).pk}/audit/"
        assert_problem(client_for(users.viewer).get(address), 404, "evidence_not_sealed")

    def test_verdict__by_a_token_where_the_auditor_is_inside__is_refused(
        self, users: Users, client_for: ClientFor
    ) -> None:
        job = finished_job(users)
        body = {"verdict": "PASS", "reason": "Fine.", "evidence_sha256": job.evidence.sha256}
        with auditor_inside():
            answer = client_for(users.auditor).post(f"{API}jobs/{job.pk}/verdict/", body)
        assert_problem(answer, 409, "auditor_inside")
