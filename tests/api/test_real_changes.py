"""747 real changes: 733 complete the whole workflow, 14 are refused as contracts.

Each change is proposed, approved, activated, executed step by step and audited on the sealed
evidence; then the ledger is verified. A fixed sample of the changes runs over HTTP, the others
through the flows that the API calls.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.changes import parse_changes
from governance.domain.values import AuditVerdict, ContractStatus, JobStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_job import record_verdict
from governance.models import AuditEvidence, GovernanceJob, SystemContract
from governance.record.ledger.verification import verify_ledger
from tests.api.support import API
from tests.support.clients import require_conforming
from tests.support.factories import Running
from tests.support.http import served_application
from tests.support.kubernetes import needs_real_changes, real_changes
from tests.support.real_contracts import CONTRACTS, approve_all, drawn, in_rounds, propose_all
from tests.support.tokens import new_token
from tests.support.users import Users

WORKERS = 3
OVER_HTTP = 150


@dataclass
class Worker:
    """Clients of an operator, an executor and an auditor, each with its own token."""

    operator: httpx.Client
    executor: httpx.Client
    auditor: httpx.Client

    def activate(self, contract: SystemContract) -> str:
        answer = expect(201, self.operator.post(f"contracts/{contract.pk}/activate/", json={}))
        assert answer["contract"]["status"] == ContractStatus.ACTIVE
        return str(answer["job"]["id"])

    def start(self, job_id: str) -> dict[str, Any]:
        return expect(200, self.executor.post(f"jobs/{job_id}/start/", json={}))

    def claim(self) -> dict[str, Any]:
        while (answer := self.executor.post("jobs/claim/")).status_code == 204:
            pass  # other workers held the locks of all pending jobs
        return expect(200, answer)

    def run(self, job: dict[str, Any]) -> None:
        """Report every step of the started job as done, and complete it."""
        steps = expect(200, self.executor.get(f"jobs/{job['id']}/steps/"))["results"]
        assert [step["step_index"] for step in steps] == list(range(job["total_steps"]))
        for step in steps:
            at = datetime.now(UTC).isoformat()
            report = {
                "execution_token": job["execution_token"],
                "step_index": step["step_index"],
                "status": "COMPLETED",
                "started_at": at,
                "completed_at": at,
                "output": {"applied": step["change"]},
            }
            expect(201, self.executor.post(f"jobs/{job['id']}/results/", json=report))
        token = {"execution_token": job["execution_token"]}
        ended = expect(200, self.executor.post(f"jobs/{job['id']}/complete/", json=token))
        assert ended["status"] == JobStatus.COMPLETED

    def judge(self, job_id: str) -> None:
        """Record a PASS verdict for the hash of the evidence as it is served."""
        served = self.auditor.get(f"jobs/{job_id}/evidence/")
        expect(200, served)
        digest = hashlib.sha256(served.content).hexdigest()
        assert served.headers["X-Evidence-SHA256"] == digest
        verdict = {"verdict": "PASS", "reason": "As approved.", "evidence_sha256": digest}
        given = expect(201, self.auditor.post(f"jobs/{job_id}/verdict/", json=verdict))
        assert given["contract_status"] == ContractStatus.COMPLETED


def expect(status: int, answer: httpx.Response) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def started_by_name(worker: Worker, contracts: list[SystemContract]) -> None:
    for contract in contracts:
        job = worker.start(worker.activate(contract))
        assert job["contract_id"] == str(contract.pk)
        worker.run(job)
        worker.judge(job["id"])


def claimed(worker: Worker, contracts: list[SystemContract]) -> None:
    """Claim one job per activated contract; it may be a job of another worker's contract."""
    for contract in contracts:
        worker.activate(contract)
        job = worker.claim()
        worker.run(job)
        worker.judge(job["id"])


def through_the_flows(users: Users, contract: SystemContract) -> None:
    """Activate, execute and audit one contract without HTTP."""
    job = activate_contract(contract_id=contract.pk, actor=users.operator, timeout_minutes=60)
    running = Running(
        *GovernanceOrchestrator.start_job(job_id=job.pk, executor=users.executor), users
    )
    for step in job.steps.order_by("step_index"):
        running.record(running.report(step.step_index, output={"applied": step.change}))
    assert running.complete().status == JobStatus.COMPLETED
    record_verdict(
        job_id=job.pk,
        verdict=AuditVerdict.PASS,
        reason="As approved.",
        evidence_sha256=AuditEvidence.objects.get(job=job).sha256,
        author=users.auditor,
    )


@needs_real_changes
def test_real_changes__the_whole_way__all_end_with_a_verified_record(committed: Users) -> None:
    contracts = propose_all(committed)
    over_http = drawn(contracts, OVER_HTTP)
    by_name = over_http[: OVER_HTTP // 3]
    tokens = {
        role: new_token(getattr(committed, role)) for role in ("operator", "executor", "auditor")
    }
    with served_application() as address, ExitStack() as clients:

        def client(role: str) -> httpx.Client:
            headers = {"Authorization": f"Bearer {tokens[role]}"}
            made = httpx.Client(
                base_url=address + API,
                headers=headers,
                trust_env=False,
                timeout=60,
                event_hooks={"response": [require_conforming]},
            )
            return clients.enter_context(made)

        workers = [
            Worker(client("operator"), client("executor"), client("auditor"))
            for _ in range(WORKERS)
        ]
        for together in in_rounds(contracts):
            approve_all(committed, together)
            for contract in together:
                if contract not in over_http:
                    through_the_flows(committed, contract)
            named = [contract for contract in together if contract in by_name]
            others = [one for one in together if one in over_http and one not in by_name]
            with ThreadPoolExecutor(WORKERS) as pool:
                for way, share in ((started_by_name, named), (claimed, others)):
                    shares = [share[number::WORKERS] for number in range(WORKERS)]
                    list(pool.map(way, workers, shares))

    assert_every_record_is_whole(contracts)


def assert_every_record_is_whole(contracts: list[SystemContract]) -> None:
    ended = SystemContract.objects.filter(
        status=ContractStatus.COMPLETED, audit_verdict=AuditVerdict.PASS
    )
    assert ended.count() == SystemContract.objects.count() == CONTRACTS
    assert GovernanceJob.objects.filter(status=JobStatus.COMPLETED).count() == CONTRACTS

    changes_of = {contract.pk: contract.proposed_changes for contract in contracts}
    proposed = {row["reference"]: row["proposed_changes"] for row in real_changes()}
    for contract in contracts:
        as_they_came = [change.document() for change in parse_changes(proposed[contract.reference])]
        assert as_they_came == contract.proposed_changes
    for job in GovernanceJob.objects.prefetch_related("steps", "results"):
        changes = changes_of.pop(job.contract_id)
        assert [step.change for step in job.steps.all()] == changes
        assert [result.output["applied"] for result in job.results.all()] == changes
    assert not changes_of

    for evidence in AuditEvidence.objects.select_related("job__audit"):
        assert hashlib.sha256(evidence.body.encode()).hexdigest() == evidence.sha256
        assert evidence.job.audit.evidence_sha256 == evidence.sha256

    checked = list(verify_ledger())
    assert len(checked) == CONTRACTS
    assert [chain.finding for chain in checked if chain.finding] == []


@needs_real_changes
def test_real_changes__served__are_found_by_capability(committed: Users) -> None:
    contracts = propose_all(committed)
    token = new_token(committed.viewer)
    headers = {"Authorization": f"Bearer {token}"}
    with (
        served_application() as address,
        httpx.Client(base_url=address + API, headers=headers, trust_env=False) as client,
    ):
        found: list[str] = []
        target: str | None = "contracts/?page_size=200"
        while target:
            page = expect(200, client.get(target))
            found += [row["id"] for row in page["results"]]
            target = page["next"]
        by_name = expect(200, client.get("contracts/", params={"capability": "AppArmor"}))
    assert sorted(found) == sorted(str(contract.pk) for contract in contracts)
    wanted = [c for c in contracts if "AppArmor" in c.affected_capabilities]
    assert len(wanted) > 1
    assert {row["id"] for row in by_name["results"]} == {str(c.pk) for c in wanted}
