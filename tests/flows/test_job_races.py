"""Races on one job or contract: the second call finds the work done or raises a domain error."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.errors import (
    ContractActivationError,
    GovernanceError,
    InvalidJobTransitionError,
    JobImmutableError,
    VerdictConflictError,
)
from governance.domain.values import AuditVerdict, JobStatus
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_job import record_verdict
from governance.models import GovernanceAudit, GovernanceJob, LedgerEntry, SystemContract
from tests.support.attacks import run_sql
from tests.support.factories import (
    affecting,
    approved,
    finished_job,
    pending_job,
    reloaded,
    running_job,
)
from tests.support.forgery import CONTRACT, JOB
from tests.support.threads import at_once, overtaking
from tests.support.users import Users


def parted(outcomes: list[Any]) -> tuple[list[Any], list[GovernanceError]]:
    """Split outcomes into results and domain errors."""
    refused = [outcome for outcome in outcomes if isinstance(outcome, GovernanceError)]
    return [outcome for outcome in outcomes if outcome not in refused], refused


def activate(contract: SystemContract, users: Users) -> GovernanceJob:
    return activate_contract(contract_id=contract.pk, actor=users.operator)


def claimed_id(users: Users) -> UUID | None:
    claim = GovernanceOrchestrator.claim_job(executor=users.executor)
    return claim[0].pk if claim else None


def cancel(job: GovernanceJob, users: Users) -> GovernanceJob:
    return run_job.cancel_job(job_id=job.pk, reason="Changed plans.", actor=users.operator)


class TestActivationRaces:
    def test_two_threads__activate_one_contract__one_job(self, committed: Users) -> None:
        contract = approved(committed)

        def attempt(wait: Any) -> GovernanceJob:
            wait()
            return activate(contract, committed)

        [job], [refusal] = parted(at_once(attempt, attempt))
        assert isinstance(refusal, ContractActivationError)
        assert refusal.code == "contract_not_approved"
        assert GovernanceJob.objects.get() == job
        assert LedgerEntry.objects.filter(event="contract.activation.activated").count() == 1

    def test_second_activation__before_the_first_commits__waits_and_is_refused(
        self, committed: Users
    ) -> None:
        contract = approved(committed)
        job, refusal = overtaking(
            lambda: activate(contract, committed), lambda: activate(contract, committed)
        )
        assert isinstance(refusal, ContractActivationError)
        assert refusal.code == "contract_not_approved"
        assert GovernanceJob.objects.get() == job


class TestClaimRaces:
    def test_many_threads__claim__each_gets_a_job_of_its_own(self, committed: Users) -> None:
        jobs = {pending_job(committed, **affecting(f"Part {n}")).pk for n in range(6)}

        def attempt(wait: Any) -> UUID | None:
            wait()
            return claimed_id(committed)

        claimed = at_once(*[attempt] * 6)
        assert set(claimed) == jobs
        assert set(GovernanceJob.objects.values_list("status", flat=True)) == {"RUNNING"}

    def test_more_threads_than_jobs__claim__the_rest_get_none(self, committed: Users) -> None:
        jobs = {pending_job(committed, **affecting(name)).pk for name in ("Search", "Stock")}

        def attempt(wait: Any) -> UUID | None:
            wait()
            return claimed_id(committed)

        claimed = at_once(*[attempt] * 5)
        assert set(claimed) == jobs | {None}
        assert claimed.count(None) == 3

    def test_claim__oldest_is_being_claimed__takes_the_next_without_waiting(
        self, committed: Users
    ) -> None:
        oldest, next_one = pending_job(committed), pending_job(committed, **affecting("Stock"))
        with transaction.atomic():
            assert claimed_id(committed) == oldest.pk
            assert at_once(lambda wait: claimed_id(committed)) == [next_one.pk]

    def test_claim__contract_of_the_oldest_is_held__takes_the_next_without_waiting(
        self, committed: Users
    ) -> None:
        oldest, next_one = pending_job(committed), pending_job(committed)
        with transaction.atomic():
            run_sql(f"SELECT 1 FROM {CONTRACT} WHERE id = %s FOR UPDATE", oldest.contract_id)
            assert at_once(lambda wait: claimed_id(committed)) == [next_one.pk]

    def test_two_threads__start_one_job__one_token_counts(self, committed: Users) -> None:
        job = pending_job(committed)

        def attempt(wait: Any) -> str:
            wait()
            return GovernanceOrchestrator.start_job(job_id=job.pk, executor=committed.executor)[1]

        [token], [refusal] = parted(at_once(attempt, attempt))
        assert isinstance(refusal, InvalidJobTransitionError)
        assert refusal.code == "invalid_job_transition"
        assert len(token) >= 32


class TestClaimAndCancel:
    def test_claim__while_the_job_is_cancelled__gets_nothing_without_waiting(
        self, committed: Users
    ) -> None:
        job = pending_job(committed)
        with transaction.atomic():
            cancel(job, committed)
            assert at_once(lambda wait: claimed_id(committed)) == [None]
        assert reloaded(job).status == JobStatus.CANCELLED
        assert claimed_id(committed) is None

    def test_cancel__while_the_job_is_claimed__ends_the_run(self, committed: Users) -> None:
        job = pending_job(committed)
        claimed, _ = overtaking(lambda: claimed_id(committed), lambda: cancel(job, committed))
        assert claimed == job.pk
        assert reloaded(job).status == JobStatus.CANCELLED
        entries = LedgerEntry.objects.filter(contract=job.contract_id, event__startswith="job.")
        moves = list(entries.order_by("seq").values_list("to_status", flat=True))
        assert moves == ["PENDING", "RUNNING", "CANCELLED"]

    def test_start__while_the_job_is_cancelled__refused(self, committed: Users) -> None:
        job = pending_job(committed)
        _, refusal = overtaking(
            lambda: cancel(job, committed),
            lambda: GovernanceOrchestrator.start_job(job_id=job.pk, executor=committed.executor),
        )
        assert isinstance(refusal, JobImmutableError)
        assert reloaded(job).started_at is None


class TestReportRaces:
    def test_report__contract_is_held__waits_without_holding_the_job(
        self, committed: Users
    ) -> None:
        running = running_job(committed)
        contract_id, job_id = running.job.contract_id, running.job.pk
        _, (_, is_new) = overtaking(
            lambda: run_sql(f"SELECT 1 FROM {CONTRACT} WHERE id = %s FOR UPDATE", contract_id),
            lambda: running.record(running.report(0)),
            # The report locks the contract first, so the job is still free to lock.
            meanwhile=lambda: run_sql(
                f"SELECT 1 FROM {JOB} WHERE id = %s FOR UPDATE NOWAIT", job_id
            ),
        )
        assert is_new

    def test_same_report__twice_at_once__kept_once(self, committed: Users) -> None:
        running = running_job(committed)
        report = running.report(0)
        (first, is_new), (second, is_also_new) = overtaking(
            lambda: running.record(report), lambda: running.record(report)
        )
        assert (first, is_new, is_also_new) == (second, True, False)
        assert reloaded(running.job).current_step_index == 1

    def test_different_reports__of_one_step_at_once__second_refused(self, committed: Users) -> None:
        running = running_job(committed)
        _, refusal = overtaking(
            lambda: running.record(running.report(0)),
            lambda: running.record(running.report(0, output="something else")),
        )
        assert refusal.code == "result_conflict"

    def test_report__while_the_job_is_cancelled__refused(self, committed: Users) -> None:
        running = running_job(committed)
        _, refusal = overtaking(running.cancel, lambda: running.record(running.report(0)))
        assert isinstance(refusal, JobImmutableError)
        assert reloaded(running.job).results.count() == 0

    def test_complete_and_cancel__at_once__the_first_is_kept(self, committed: Users) -> None:
        running = running_job(committed)
        running.complete_steps()
        _, refusal = overtaking(running.complete, running.cancel)
        assert isinstance(refusal, JobImmutableError)
        assert reloaded(running.job).status == JobStatus.COMPLETED
        assert LedgerEntry.objects.filter(event__startswith="job.execution.").count() == 2


class TestVerdictRaces:
    @pytest.mark.parametrize("second", [AuditVerdict.PASS, AuditVerdict.FAIL])
    def test_two_auditors__at_once__the_first_verdict_is_kept(
        self, committed: Users, second: AuditVerdict
    ) -> None:
        job = finished_job(committed)

        def judge(author: Any, verdict: AuditVerdict) -> GovernanceAudit:
            return record_verdict(
                job_id=job.pk,
                verdict=verdict,
                reason="The evidence shows it.",
                evidence_sha256=job.evidence.sha256,
                author=author,
            )

        audit, refusal = overtaking(
            lambda: judge(committed.auditor, AuditVerdict.PASS),
            lambda: judge(committed.second_auditor, second),
        )
        assert isinstance(refusal, VerdictConflictError)
        assert refusal.code == "verdict_exists"
        assert GovernanceAudit.objects.get() == audit
        assert reloaded(job.contract).audit_verdict == AuditVerdict.PASS
