"""One contract from approval to verdict, over HTTP."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

from governance.domain.canonical import timestamp
from governance.domain.values import AuditVerdict
from governance.models import GovernanceJob
from tests.api.conftest import ClientFor
from tests.api.support import API, report_body
from tests.support.factories import (
    THREE_CHANGES,
    affecting,
    approved,
    failed_job,
    finished_job,
    judged_job,
    pending_job,
    running_job,
)
from tests.support.users import Users


def test_contract__from_activation_to_verdict__completes(
    users: Users, client_for: ClientFor
) -> None:
    contract = approved(users)
    operator, executor, auditor = map(client_for, (users.operator, users.executor, users.auditor))

    answer = operator.post(f"{API}contracts/{contract.pk}/activate/", {"timeout_minutes": 90})
    assert answer.status_code == 201, answer.content
    assert answer.json()["contract"]["status"] == "ACTIVE"
    job = answer.json()["job"]
    assert answer.json()["contract"]["job_id"] == job["id"]
    assert (job["status"], job["total_steps"], job["timeout_minutes"]) == ("PENDING", 3, 90)
    assert job["contract_id"] == str(contract.pk)

    answer = executor.post(f"{API}jobs/claim/")
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["status"]) == (job["id"], "RUNNING")
    assert answer.json()["started_by"] == "executor-1"
    token = answer.json()["execution_token"]

    address = f"{API}jobs/{job['id']}/"
    for index in range(3):
        answer = executor.post(f"{address}results/", report_body(token, index))
        assert answer.status_code == 201, answer.content
        assert (answer.json()["step_index"], answer.json()["status"]) == (index, "COMPLETED")

    answer = executor.post(f"{address}complete/", {"execution_token": token})
    assert (answer.status_code, answer.json()["status"]) == (200, "COMPLETED")
    digest = answer.json()["evidence_sha256"]

    answer = auditor.get(f"{address}evidence/")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert hashlib.sha256(answer.content).hexdigest() == digest
    assert answer["X-Evidence-SHA256"] == digest
    assert answer["ETag"] == f'"{digest}"'
    assert [step["change"] for step in answer.json()["steps"]] == THREE_CHANGES

    verdict = {"verdict": "PASS", "reason": "As proposed.", "evidence_sha256": digest}
    answer = auditor.post(f"{address}verdict/", verdict)
    assert answer.status_code == 201, answer.content
    assert answer.json()["contract_status"] == "COMPLETED"
    assert answer.json()["author"] == "auditor-1"

    shown = operator.get(f"{API}contracts/{contract.pk}/").json()
    assert (shown["status"], shown["audit_verdict"]) == ("COMPLETED", "PASS")
    assert operator.get(address).json()["audit"]["verdict"] == "PASS"


def test_contract__read_in_full__shows_what_was_proposed_and_signed(
    users: Users, client_for: ClientFor
) -> None:
    contract = approved(users)
    shown = client_for(users.viewer).get(f"{API}contracts/{contract.pk}/").json()
    assert shown["proposed_changes"] == THREE_CHANGES
    assert [step["change"] for step in shown["plan"]] == THREE_CHANGES
    assert shown["eligibility_verdict"]["decision"] == "MAY"
    assert (shown["proposed_by"], shown["approved_by"]) == ("operator", "founder")
    assert shown["approved_digest"] == shown["content_digest"] == contract.content_digest
    assert (shown["closed_by"], shown["closed_at"], shown["job_id"]) == (None, None, None)


def test_ledger__read_over_http__verifies_with_sha256_alone(
    users: Users, client_for: ClientFor
) -> None:
    job = judged_job(users)
    answer = client_for(users.viewer).get(f"{API}contracts/{job.contract_id}/ledger/").json()
    assert answer["next"] is None
    entries = answer["results"]
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    previous = "00" * 32
    for entry in entries:
        assert entry["prev_hash"] == previous
        previous = hashlib.sha256(bytes.fromhex(previous) + entry["body"].encode()).hexdigest()
        assert entry["hash"] == previous
        assert json.loads(entry["body"])["event"] == entry["event"]
    assert entries[-1]["to_status"] == "COMPLETED"


def test_steps__of_a_running_job__show_the_status_of_each(
    users: Users, client_for: ClientFor
) -> None:
    running = running_job(users)
    running.complete_steps(1)
    answer = client_for(users.viewer).get(f"{API}jobs/{running.job.pk}/steps/").json()
    assert answer["next"] is None
    assert [step["status"] for step in answer["results"]] == ["COMPLETED", "RUNNING", "PENDING"]
    assert [step["change"] for step in answer["results"]] == THREE_CHANGES
    assert answer["results"][0]["result"]["recorded_by"] == "executor-1"
    assert answer["results"][1]["result"] is None


def test_steps__in_pages_of_one__show_the_same(users: Users, client_for: ClientFor) -> None:
    job = failed_job(users)
    viewer = client_for(users.viewer)
    whole = viewer.get(f"{API}jobs/{job.pk}/steps/").json()["results"]
    assert [step["status"] for step in whole] == ["COMPLETED", "FAILED", "SKIPPED"]
    paged, address = [], f"{API}jobs/{job.pk}/steps/?page_size=1"
    while address:
        answer = viewer.get(address).json()
        paged += answer["results"]
        address = answer["next"]
    assert paged == whole


def test_progress__of_a_job_with_a_failed_step__counts_it(
    users: Users, client_for: ClientFor
) -> None:
    job = failed_job(users)
    assert client_for(users.viewer).get(f"{API}jobs/{job.pk}/progress/").json() == {
        "job_id": str(job.pk),
        "status": "FAILED",
        "current_step": 2,
        "total_steps": 3,
        "completed_steps": 1,
        "failed_steps": 1,
    }


def test_start__of_a_pending_job__gives_the_token_once(users: Users, client_for: ClientFor) -> None:
    job = pending_job(users)
    executor = client_for(users.executor)
    answer = executor.post(f"{API}jobs/{job.pk}/start/", {})
    assert answer.status_code == 200
    token = answer.json()["execution_token"]
    assert answer["Cache-Control"] == "no-store"
    for address in ("", f"{job.pk}/", f"{job.pk}/steps/"):
        shown = executor.get(f"{API}jobs/{address}")
        assert shown.status_code == 200
        assert "token" not in shown.content.decode()
        assert token not in shown.content.decode()


def test_claim__with_nothing_to_do__answers_204(users: Users, client_for: ClientFor) -> None:
    answer = client_for(users.executor).post(f"{API}jobs/claim/")
    assert (answer.status_code, answer.content) == (204, b"")


def test_claim__with_two_jobs__takes_the_older(users: Users, client_for: ClientFor) -> None:
    older, newer = pending_job(users), pending_job(users, **affecting("Stock"))
    executor = client_for(users.executor)
    claimed = [executor.post(f"{API}jobs/claim/").json()["id"] for _ in range(2)]
    assert claimed == [str(older.pk), str(newer.pk)]


def test_report__sent_again__answers_200_with_the_stored_result(
    users: Users, client_for: ClientFor
) -> None:
    running = running_job(users)
    executor = client_for(users.executor)
    address = f"{API}jobs/{running.job.pk}/results/"
    at = running.job.started_at
    body = report_body(
        running.token,
        output={"a": [1, 2.5, None, "é\U0001f600"], "b": 1e20 / 1e10},
        health_after=None,
        started_at=f"{at + timedelta(hours=1):%Y-%m-%dT%H:%M:%S.%f}789+01:00",
    )
    first, again = executor.post(address, body), executor.post(address, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert first.json()["output"] == body["output"]
    assert first.json()["started_at"] == timestamp(at)
    assert running.job.results.count() == 1


def test_failed_step__reported__ends_the_job_failed(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    executor, address = client_for(users.executor), f"{API}jobs/{running.job.pk}/"
    body = report_body(running.token, status="FAILED", error="Timed out.", output=None)
    assert executor.post(f"{address}results/", body).status_code == 201
    answer = executor.post(f"{address}complete/", {"execution_token": running.token})
    assert (answer.status_code, answer.json()["status"]) == (200, "FAILED")
    assert answer.json()["evidence_sha256"]


def test_cancel__of_a_pending_job__seals_its_evidence(users: Users, client_for: ClientFor) -> None:
    job = pending_job(users)
    answer = client_for(users.operator).post(f"{API}jobs/{job.pk}/cancel/", {"reason": "Not now."})
    assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED")
    assert answer.json()["end_reason"] == "Not now."
    assert answer.json()["evidence_sha256"]


def test_verdict__with_checks__keeps_them(users: Users, client_for: ClientFor) -> None:
    job = finished_job(users)
    body: dict[str, Any] = {
        "verdict": "INCONCLUSIVE",
        "reason": "No reading after.",
        "checks": [{"check": "A-002", "verdict": "INCONCLUSIVE"}],
        "evidence_sha256": job.evidence.sha256,
    }
    answer = client_for(users.auditor).post(f"{API}jobs/{job.pk}/verdict/", body)
    assert answer.status_code == 201, answer.content
    assert answer.json()["contract_status"] == "ACTIVE"
    assert answer.json()["checks"] == body["checks"]
    stored = GovernanceJob.objects.get(pk=job.pk).audit
    assert (stored.verdict, stored.checks) == (AuditVerdict.INCONCLUSIVE, body["checks"])
