"""Tests of `AuditTrigger`: evidence is sealed in the transaction that ends the job."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.authorities.orchestrator.queries import steps_with_status
from governance.domain.canonical import canonical_text, timestamp
from governance.domain.strict_json import load_strict_json
from governance.domain.values import AuditVerdict, HealthDecision, JobStatus
from governance.flows import run_job
from governance.models import AuditEvidence, GovernanceJob, LedgerEntry
from tests.support.clock import as_of
from tests.support.factories import failed_job, finished_job, pending_job, reloaded, running_job
from tests.support.platform import FAILING, signal
from tests.support.users import Users
from tests.support.writing_calls import called_by, touched_by


def cancelled_before_start(users: Users) -> GovernanceJob:
    job = pending_job(users)
    return run_job.cancel_job(job_id=job.pk, reason="No longer wanted.", actor=users.operator)


def cancelled_half_way(users: Users) -> GovernanceJob:
    running = running_job(users)
    running.complete_steps(1)
    return running.cancel()


def timed_out(users: Users) -> GovernanceJob:
    running = running_job(users)
    running.complete_steps(1)
    late = reloaded(running.job).deadline_at + timedelta(seconds=1)
    return as_of(late, run_job.fail_timed_out_job, job_id=running.job.pk, actor=users.operator)


ENDS: list[tuple[Callable[[Users], GovernanceJob], str, list[str], int]] = [
    (finished_job, "COMPLETED", ["COMPLETED", "COMPLETED", "COMPLETED"], 3),
    (failed_job, "FAILED", ["COMPLETED", "FAILED", "SKIPPED"], 2),
    (timed_out, "FAILED", ["COMPLETED", "FAILED", "SKIPPED"], 1),
    (cancelled_half_way, "CANCELLED", ["COMPLETED", "SKIPPED", "SKIPPED"], 1),
    (cancelled_before_start, "CANCELLED", ["SKIPPED", "SKIPPED", "SKIPPED"], 0),
]
EVERY_END = pytest.mark.parametrize("make", [end[0] for end in ENDS])

# The design requires these fields; the document may have others.
FIELDS = {
    *("job_id", "contract_id", "job_status", "steps", "step_results"),
    *("health_before", "health_after", "execution_duration_seconds", "collected_at"),
    *("contract_content_sha256", "approval", "ledger_head"),
}


def terminal_entry(job: GovernanceJob) -> LedgerEntry:
    return LedgerEntry.objects.get(
        contract=job.contract_id, event=f"job.execution.{job.status.lower()}"
    )


def keys_of(value: Any) -> set[str]:
    """Return the keys of a JSON document at every depth."""
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    return set()


class TestAuditTrigger:
    # --- evidence of every terminal status ---
    @EVERY_END
    def test_evidence__of_every_end__recomputes_with_sha256_alone(
        self, users: Users, make: Callable[[Users], GovernanceJob]
    ) -> None:
        evidence = AuditEvidence.objects.get(job=make(users))
        assert hashlib.sha256(evidence.body.encode("utf-8")).hexdigest() == evidence.sha256
        assert canonical_text(load_strict_json(evidence.body)) == evidence.body

    @EVERY_END
    def test_evidence__of_every_end__has_every_field_and_no_verdict(
        self, users: Users, make: Callable[[Users], GovernanceJob]
    ) -> None:
        document = make(users).evidence.document
        assert set(document) >= FIELDS
        assert not [key for key in keys_of(document) if "verdict" in key or "audit" in key]

    @EVERY_END
    def test_evidence__is_vouched_for_by_the_terminal_entry_after_its_head(
        self, users: Users, make: Callable[[Users], GovernanceJob]
    ) -> None:
        job = make(users)
        terminal = terminal_entry(job)
        head = LedgerEntry.objects.get(contract=job.contract_id, seq=terminal.seq - 1)
        assert job.evidence.document["ledger_head"] == {
            "seq": head.seq,
            "hash": bytes(head.hash).hex(),
        }
        assert json.loads(terminal.body)["records"]["evidence_sha256"] == job.evidence.sha256
        assert not LedgerEntry.objects.filter(
            contract=job.contract_id, seq__gt=terminal.seq
        ).exists()

    @pytest.mark.parametrize(("make", "status", "steps", "results"), ENDS)
    def test_evidence__says_the_state_of_job_steps_and_results(
        self,
        users: Users,
        make: Callable[[Users], GovernanceJob],
        status: str,
        steps: list[str],
        results: int,
    ) -> None:
        job = make(users)
        document = job.evidence.document
        assert (document["job_status"], document["job_id"]) == (status, str(job.pk))
        assert [step["status"] for step in document["steps"]] == steps
        assert [step["change"] for step in document["steps"]] == job.contract.proposed_changes
        assert document["step_results"] == [r.as_record() for r in reloaded(job).results.all()]
        assert len(document["step_results"]) == results
        assert document["end_reason"] == job.end_reason

    # --- approval, participants and results in the evidence ---
    def test_evidence__binds_what_was_approved_and_by_whom(self, users: Users) -> None:
        job = finished_job(users)
        contract, document = reloaded(job.contract), job.evidence.document
        assert document["contract_content_sha256"] == contract.content_digest
        assert document["approval"] == {
            "approved_by": users.founder.pk,
            "approved_at": timestamp(contract.approved_at),
            "approved_digest": contract.content_digest,
            "approval_note": "",
            "window_opens_at": timestamp(contract.window_opens_at),
            "window_closes_at": timestamp(contract.window_closes_at),
        }

    def test_evidence__names_every_participant(self, users: Users) -> None:
        assert finished_job(users).evidence.document["participants"] == {
            "proposed_by": users.operator.pk,
            "approved_by": users.founder.pk,
            "signed_by": [users.founder.pk],
            "activated_by": users.operator.pk,
            "started_by": users.executor.pk,
            "reported_by": [users.executor.pk],
            "ended_by": users.executor.pk,
        }

    def test_evidence__carries_the_executors_words_as_reported(self, users: Users) -> None:
        running = running_job(users)
        output = {"ratio": 0.1, "big": 2**53 - 1, "name": "Zoë", "none": None}
        running.record(running.report(0, output=output, health_after={"system": "fine"}))
        [result] = running.cancel().evidence.document["step_results"]
        assert (result["output"], result["health_after"]) == (output, {"system": "fine"})

    # --- duration and health ---
    def test_duration__is_from_start_to_end(self, users: Users) -> None:
        job = reloaded(finished_job(users))
        document = job.evidence.document
        assert document["execution_duration_seconds"] == pytest.approx(
            (job.ended_at - job.started_at).total_seconds()
        )
        assert document["collected_at"] == document["ended_at"] == timestamp(job.ended_at)

    def test_duration__of_a_job_never_started__is_absent(self, users: Users) -> None:
        document = cancelled_before_start(users).evidence.document
        assert document["execution_duration_seconds"] is None
        assert document["started_at"] is None

    def test_health__before_and_after__are_as_observed(self, users: Users) -> None:
        running = running_job(users)
        signal(users, HealthDecision.DEGRADED)
        document = running.cancel().evidence.document
        assert document["health_before"]["capabilities"] == {"Search": "HEALTHY"}
        assert document["health_after"]["capabilities"] == {"Search": "DEGRADED"}

    def test_health__blocked_after__does_not_stop_the_job_from_completing(
        self, users: Users
    ) -> None:
        running = running_job(users)
        running.complete_steps()
        signal(users, HealthDecision.BLOCKED)
        job = running.complete()
        assert job.status == JobStatus.COMPLETED
        assert job.evidence.document["health_after"]["capabilities"] == {"Search": "BLOCKED"}

    @pytest.mark.parametrize("provider", FAILING)
    def test_health_after__reading_failed__absent_and_the_ledger_says_so(
        self, users: Users, settings: Any, provider: str
    ) -> None:
        running = running_job(users)
        running.complete_steps()
        settings.GOVSITE = settings.GOVSITE | {
            "HEALTH_PROVIDER": provider,
            "HEALTH_TIMEOUT_SECONDS": 0.05,
        }
        job = running.complete()
        document = job.evidence.document
        assert document["health_after"] is None
        assert document["health_before"] is not None
        assert list(job.snapshots.values_list("phase", flat=True)) == ["BEFORE"]
        assert json.loads(terminal_entry(job).body)["records"]["health_after_sha256"] is None

    # --- statements that write it ---
    def test_job_end__writes_snapshot_evidence_job_and_entry_once_in_this_order(
        self, users: Users
    ) -> None:
        running = running_job(users)
        running.complete_steps()
        with CaptureQueriesContext(connection) as seen:
            running.complete()
        assert [called_by(q["sql"]) for q in seen if called_by(q["sql"])] == ["end_job"]
        assert touched_by("end_job") == [
            "governance_systemcontract",  # locked, not written
            "governance_healthsnapshot",
            "governance_observation",
            "governance_auditevidence",
            "governance_governancejob",
            "governance_ledgerentry",
        ]

    def test_sealing__number_of_queries__does_not_grow_with_the_steps(self, users: Users) -> None:
        def queries(steps: int) -> int:
            changes = [
                {"type": "parameter_change", "scope": "Search", "parameters": {"n": index}}
                for index in range(steps)
            ]
            running = running_job(users, proposed_changes=changes)
            running.complete_steps()
            with CaptureQueriesContext(connection) as seen:
                running.complete()
            return len(seen)

        assert queries(1) == queries(12)

    def test_trigger__judges_nothing(self, users: Users) -> None:
        job = finished_job(users)
        assert reloaded(job.contract).audit_verdict == AuditVerdict.PENDING
        assert not hasattr(reloaded(job), "audit")


def test_steps__of_a_job_that_goes_on__are_due_in_turn(users: Users) -> None:
    waiting, running = pending_job(users), running_job(users)
    running.complete_steps(1)
    for job, statuses in (
        (waiting, ["PENDING", "PENDING", "PENDING"]),
        (running.job, ["COMPLETED", "RUNNING", "PENDING"]),
    ):
        assert [step["status"] for step in steps_with_status(reloaded(job))] == statuses
