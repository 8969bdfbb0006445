"""Every method of the client, against a running site."""

from __future__ import annotations

import hashlib
import json
from uuid import uuid4

import pytest

from governance.client import GovsiteProblem, JobLost
from governance.domain.values import StepReport, StepStatus
from governance.models import GovernanceJob, SystemContract
from tests.client.conftest import Site
from tests.support.factories import approved, eligible, finished_job, now, pending_job, reloaded
from tests.support.freezes import frozen
from tests.support.proxies import cutting_proxy


def done(step_index: int) -> StepReport:
    at = now()
    return StepReport(step_index, StepStatus.COMPLETED, at, at, output={"done": True})


def test_contracts__read__page_by_page_and_filtered(site: Site) -> None:
    contracts = [eligible(site.users) for _ in range(3)]
    ready = approved(site.users)
    viewer = site.client_for(site.users.viewer)
    newest_first = [str(contract.pk) for contract in [ready, *reversed(contracts)]]
    assert [row["id"] for row in viewer.contracts(page_size=2)] == newest_first
    assert [row["id"] for row in viewer.contracts(status="APPROVED")] == [str(ready.pk)]
    assert viewer.contract(ready.pk)["approved_by"] == "founder"


def test_ledger__read__is_the_whole_chain(site: Site) -> None:
    job = finished_job(site.users)
    entries = list(site.client_for(site.users.viewer).ledger(job.contract_id))
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    for before, entry in zip([None, *entries], entries, strict=False):
        hashed = bytes.fromhex(before["hash"] if before else "0" * 64) + entry["body"].encode()
        assert hashlib.sha256(hashed).hexdigest() == entry["hash"]


def test_activate__approved__is_a_job(site: Site) -> None:
    contract = approved(site.users)
    operator = site.client_for(site.users.operator)
    activated = operator.activate(contract.pk, timeout_minutes=30)
    job = GovernanceJob.objects.get()
    assert activated["contract"]["status"] == "ACTIVE"
    assert (activated["job"]["id"], activated["job"]["timeout_minutes"]) == (str(job.pk), 30)
    with pytest.raises(GovsiteProblem) as refusal:
        operator.activate(contract.pk)
    assert (refusal.value.status, refusal.value.code) == (409, "contract_not_approved")


def test_activate_many__each_on_its_own__returns_an_outcome_for_each(site: Site) -> None:
    ready, other = approved(site.users), eligible(site.users)
    operator = site.client_for(site.users.operator)
    done, refused = operator.activate_many([ready.pk, other.pk], timeout_minutes=30)
    assert (done["contract_id"], done["status"]) == (str(ready.pk), 201)
    assert done["job_id"] == str(GovernanceJob.objects.get(timeout_minutes=30).pk)
    assert (refused["contract_id"], refused["status"]) == (str(other.pk), 409)
    assert refused["problem"] is not None
    assert refused["problem"]["code"] == "contract_not_approved"


def test_report_many__in_order__keeps_all_and_renews_the_lease(site: Site) -> None:
    job = pending_job(site.users)
    executor = site.client_for(site.users.executor)
    token = executor.start(job.pk)["execution_token"]
    kept = executor.report_many(job.pk, token=token, reports=[done(index) for index in range(3)])
    assert [result["step_index"] for result in kept["results"]] == [0, 1, 2]
    assert kept["lease_expires_at"]
    assert executor.complete(job.pk, token=token)["status"] == "COMPLETED"


def test_claim__its_response_was_cut__is_repeated_with_its_token(site: Site) -> None:
    job = pending_job(site.users)
    with cutting_proxy(site.address, every=2) as proxy:
        executor = site.client_for(site.users.executor, url=proxy.address)
        executor.freeze_state()
        claimed = executor.claim()
        assert claimed is not None
        assert (claimed["id"], proxy.cuts) == (str(job.pk), 1)
        report = executor.report(job.pk, token=claimed["execution_token"], report=done(0))
    assert report["status"] == "COMPLETED"


def test_job__started_reported_and_completed__by_its_calls(site: Site) -> None:
    job = pending_job(site.users)
    executor = site.client_for(site.users.executor)
    started = executor.start(job.pk)
    token = started["execution_token"]
    lease = reloaded(job).lease_expires_at
    kept = executor.report(job.pk, token=token, report=done(0))
    assert lease is not None
    assert kept["lease_expires_at"] > lease.isoformat()
    assert executor.progress(job.pk)["completed_steps"] == 1
    with pytest.raises(GovsiteProblem, match="steps are not reported yet") as refusal:
        executor.complete(job.pk, token=token)
    assert refusal.value.details == {"current_step": 1}
    for index in (1, 2):
        executor.report(job.pk, token=token, report=done(index))
    assert [step["status"] for step in executor.steps(job.pk)] == ["COMPLETED"] * 3
    ended = executor.complete(job.pk, token=token)
    assert (ended["status"], executor.job(job.pk)["status"]) == ("COMPLETED", "COMPLETED")
    with pytest.raises(JobLost):
        executor.complete(job.pk, token=token)


def test_jobs__read__filtered(site: Site) -> None:
    pending, ended = pending_job(site.users), finished_job(site.users)
    viewer = site.client_for(site.users.viewer)
    assert {row["id"] for row in viewer.jobs(page_size=1)} == {str(pending.pk), str(ended.pk)}
    assert [row["id"] for row in viewer.jobs(status="PENDING")] == [str(pending.pk)]


def test_evidence__of_an_ended_job__is_judged(site: Site) -> None:
    job = finished_job(site.users)
    auditor = site.client_for(site.users.auditor)
    evidence = auditor.evidence(job.pk)
    assert evidence.sha256 == job.evidence.sha256
    assert json.loads(evidence.body)["job_id"] == str(job.pk)
    given = auditor.record_verdict(
        job.pk,
        verdict="PASS",
        reason="As approved.",
        evidence_sha256=evidence.sha256,
        checks=[{"id": "A-001", "verdict": "PASS"}],
    )
    assert (given["verdict"], given["contract_status"]) == ("PASS", "COMPLETED")
    assert SystemContract.objects.get().status == "COMPLETED"


def test_evidence__before_the_end__is_refused(site: Site) -> None:
    auditor = site.client_for(site.users.auditor)
    with pytest.raises(GovsiteProblem) as refusal:
        auditor.evidence(pending_job(site.users).pk)
    assert (refusal.value.status, refusal.value.code) == (404, "evidence_not_sealed")


def test_cancel__with_a_reason__ends_the_job(site: Site) -> None:
    ended = site.client_for(site.users.operator).cancel(pending_job(site.users).pk, reason="Wrong.")
    assert (ended["status"], ended["end_reason"]) == ("CANCELLED", "Wrong.")


def test_freeze_state__read__says_whether_changes_are_frozen(site: Site) -> None:
    viewer = site.client_for(site.users.viewer)
    assert viewer.freeze_state()["frozen"] is False
    freeze = frozen(site.users)
    assert viewer.freeze_state()["reason"] == freeze.reason


def test_claim__nothing_waits__is_none(site: Site) -> None:
    assert site.client_for(site.users.executor).claim() is None


def test_refusal__of_a_field__names_it(site: Site) -> None:
    operator = site.client_for(site.users.operator)
    with pytest.raises(GovsiteProblem) as refusal:
        operator.activate(uuid4(), timeout_minutes=0)
    assert [error["path"] for error in refusal.value.errors] == ["timeout_minutes"]
    with pytest.raises(GovsiteProblem) as refusal:
        list(operator.jobs(status="NONE"))
    assert (refusal.value.status, refusal.value.errors[0]["path"]) == (400, "status")


def test_job__that_is_not_there__is_lost(site: Site) -> None:
    executor = site.client_for(site.users.executor)
    with pytest.raises(JobLost) as refusal:
        executor.report(uuid4(), token="x", report=done(0))
    assert refusal.value.status == 404
