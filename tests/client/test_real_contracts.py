"""Real contracts run by four executor processes through a proxy that cuts responses.

The contracts are a fixed sample of the real changes; tests/api/test_real_changes.py runs all of
them.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group

from governance.client import GovsiteClient
from governance.domain.roles import Role
from governance.domain.values import JobStatus, StepStatus
from governance.models import Account, AuditEvidence, GovernanceJob, LedgerEntry, SystemContract
from governance.record.ledger.verification import verify_ledger
from tests.support.executors import executor_process
from tests.support.handlers import noted
from tests.support.kubernetes import needs_real_changes
from tests.support.proxies import CuttingProxy, cutting_proxy
from tests.support.real_contracts import approve_all, propose_some
from tests.support.sites import new_token, running_site
from tests.support.users import Users

PROPOSED = 200
EXECUTORS = 4
EVERY = 20
MAX_SECONDS = 300


@needs_real_changes
def test_real_contracts__four_executors_and_cut_answers__each_job_runs_exactly_once(
    committed: Users, tmp_path: Path, capsys: Any
) -> None:
    contracts = propose_some(committed, PROPOSED)
    approve_all(committed, contracts)
    notes = tmp_path / "notes"
    with (
        running_site() as address,
        cutting_proxy(address, every=EVERY) as proxy,
    ):
        activate_all(proxy, committed, contracts)
        outcomes = run_executors(proxy, notes)

    ended = [json.loads(line) for outcome in outcomes for line in outcome.splitlines()]
    assert [job["lost_because"] for job in ended if job["status"] != JobStatus.COMPLETED] == []
    assert sorted(job["job_id"] for job in ended) == sorted(all_jobs())
    assert_each_step_ran_once_and_in_order(notes)
    assert_every_job_is_on_record(ended, len(contracts))
    assert proxy.cuts == proxy.answers // EVERY > 0
    shares = [len(outcome.splitlines()) for outcome in outcomes]
    kinds = ", ".join(f"{number} {cut}" for cut, number in sorted(proxy.kinds.items()))
    with capsys.disabled():
        sys.stdout.write(
            f"\n{proxy.cuts} of {proxy.answers} answers cut ({kinds}); "
            f"jobs per executor: {shares}\n"
        )


def activate_all(proxy: CuttingProxy, users: Users, contracts: Sequence[SystemContract]) -> None:
    token = new_token(users.operator)

    def activate(share: Sequence[SystemContract]) -> None:
        with GovsiteClient(proxy.address, token) as client:
            for contract in share:
                assert client.activate(contract.pk)["contract"]["status"] == "ACTIVE"

    with ThreadPoolExecutor(EXECUTORS) as pool:
        list(pool.map(activate, [contracts[number::EXECUTORS] for number in range(EXECUTORS)]))


def run_executors(proxy: CuttingProxy, notes: Path) -> list[str]:
    """Run the executors until they are idle, and return the JSON lines of the jobs they ended."""
    with ExitStack() as leaving:
        executors = []
        for number in range(EXECUTORS):
            person = Account.objects.create_user(f"remote-executor-{number}")
            person.groups.add(Group.objects.get(name=Role.EXECUTOR))
            process = executor_process(
                proxy.address, new_token(person), "--until-idle", "--json", notes=notes
            )
            executors.append(leaving.enter_context(process))
        with ThreadPoolExecutor(EXECUTORS) as pool:
            outputs = list(pool.map(lambda each: each.communicate(timeout=MAX_SECONDS), executors))
        for process, (_, words) in zip(executors, outputs, strict=True):
            assert process.returncode == 0, words[-3000:]
        return [out for out, _ in outputs]


def all_jobs() -> list[str]:
    return [str(pk) for pk in GovernanceJob.objects.values_list("pk", flat=True)]


def assert_each_step_ran_once_and_in_order(notes: Path) -> None:
    """Assert that one process ran all steps of each job, each step once and in order."""
    steps: dict[str, list[int]] = defaultdict(list)
    runners: dict[str, set[int]] = defaultdict(set)
    for pid, job_id, index in noted(notes):
        steps[job_id].append(index)
        runners[job_id].add(pid)
    planned = dict(GovernanceJob.objects.values_list("pk", "total_steps"))
    assert steps == {str(pk): list(range(total)) for pk, total in planned.items()}
    assert all(len(pids) == 1 for pids in runners.values())


def assert_every_job_is_on_record(ended: list[dict[str, Any]], expected: int) -> None:
    digests = {job["job_id"]: job["evidence_sha256"] for job in ended}
    jobs = GovernanceJob.objects.filter(status=JobStatus.COMPLETED)
    assert jobs.count() == GovernanceJob.objects.count() == expected
    starts = LedgerEntry.objects.filter(event="job.execution.started")
    assert starts.count() == starts.values("contract_id").distinct().count() == expected
    for evidence in AuditEvidence.objects.select_related("job"):
        digest = hashlib.sha256(evidence.body.encode()).hexdigest()
        assert digest == evidence.sha256 == digests[str(evidence.job_id)]
        sealed = evidence.document["steps"]
        assert [step["status"] for step in sealed] == [StepStatus.COMPLETED] * len(sealed)
    checked = list(verify_ledger())
    assert len(checked) == expected
    assert [chain.finding for chain in checked if chain.finding] == []
