"""An executor killed in the middle of a step: no other executor runs its job again."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from governance.domain.values import JobStatus
from governance.flows.sweep import fail_timed_out_jobs
from governance.models import GovernanceJob
from governance.record.ledger.verification import verify_ledger
from tests.client.conftest import Site
from tests.support.clock import as_of
from tests.support.executors import executor_process
from tests.support.factories import pending_job, reloaded
from tests.support.handlers import AT_GATE, noted
from tests.support.sites import new_token

SECOND = timedelta(seconds=1)


def test_executor__killed_in_a_step__its_job_ends_by_the_sweep_and_runs_no_second_time(
    site: Site, tmp_path: Path
) -> None:
    job = pending_job(site.users)
    token, notes, gate = new_token(site.users.executor), tmp_path / "notes", tmp_path / "gate"
    os.mkfifo(gate)
    with executor_process(
        site.address, token, handler="WaitAtGate", notes=notes, gate=gate
    ) as executor:
        assert executor.stdout is not None
        assert executor.stdout.readline() == AT_GATE
        with gate.open("wb"):
            pass  # step 0 ends and is reported, and step 1 begins
        assert executor.stdout.readline() == AT_GATE
        executor.kill()
        assert executor.wait(60) == -9
    begun = [(job_id, index) for _, job_id, index in noted(notes)]
    assert begun == [(str(job.pk), 0), (str(job.pk), 1)]
    assert reloaded(job).status == JobStatus.RUNNING

    run_another(site, token, notes)  # before fail_timed_out_jobs
    lease = reloaded(job).lease_expires_at
    assert lease is not None
    [swept] = as_of(lease + SECOND, fail_timed_out_jobs, actor=site.users.operator)
    assert swept.refusal is None
    run_another(site, token, notes)  # after fail_timed_out_jobs

    ended = reloaded(job)
    assert ended.status == JobStatus.FAILED
    assert "executor lost at step 1, outcome unknown" in ended.end_reason
    sealed = [step["status"] for step in ended.evidence.document["steps"]]
    assert sealed == ["COMPLETED", "FAILED", "SKIPPED"]
    assert [(job_id, index) for _, job_id, index in noted(notes)] == begun
    assert GovernanceJob.objects.count() == 1
    assert [chain.finding for chain in verify_ledger() if chain.finding] == []


def run_another(site: Site, token: str, notes: Path) -> None:
    """Run an executor until it is idle, and check that it gets no job."""
    with executor_process(site.address, token, "--until-idle", "--json", notes=notes) as other:
        output, words = other.communicate(timeout=60)
    assert (other.returncode, output) == (0, ""), words
