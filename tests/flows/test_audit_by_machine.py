"""Audits by the site's own auditor: the verdict, the two attempts, the notices and the tasks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from governance.authorities.audit.judgement import AUDITOR_VERSION, judge_evidence
from governance.authorities.audit.queries import enqueue_waiting_audits
from governance.domain.errors import (
    AttemptConflictError,
    AuditorInsideError,
    AuditorNotIndependentError,
    EvidenceNotSealedError,
    WrongPersonError,
)
from governance.domain.roles import MachineAccount
from governance.domain.values import AuditVerdict, ContractStatus, HealthDecision
from governance.flows import audit_by_machine
from governance.flows.audit_by_machine import ask_for_attempt, audit_job
from governance.flows.audit_job import resolve_audit
from governance.flows.run_job import fail_timed_out_job
from governance.models import AuditAttempt, AuditEvidence, GovernanceAudit, LedgerEntry, Notice
from governance.record.ledger.verification import verify_contract
from governance.services.access.accounts import machine_account
from governance.workers import tasks
from tests.support.attacks import nothing_written, run_sql
from tests.support.audits import audit_tasks, auditor_inside, observed_job
from tests.support.clock import clock_at
from tests.support.contracts import refused
from tests.support.evidence import SEARCH_BEFORE
from tests.support.factories import (
    failed_job,
    finished_job,
    now,
    pending_job,
    reloaded,
    running_job,
)
from tests.support.platform import signal
from tests.support.routing import routes_file
from tests.support.users import Users
from tests.support.verdicts import judge

PASS, FAIL, INCONCLUSIVE = AuditVerdict.PASS, AuditVerdict.FAIL, AuditVerdict.INCONCLUSIVE
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def inside() -> Iterator[None]:
    with auditor_inside():
        yield


def audited(job: Any, *, after: timedelta = timedelta(0)) -> GovernanceAudit | None:
    """Audit a job as of some time after now."""
    with clock_at(now() + after):
        return audit_job(job_id=job.pk)


def notices(kind: str) -> set[str]:
    return set(Notice.objects.filter(kind=kind).values_list("account__username", flat=True))


def attempts_of(job: Any) -> list[tuple[int, str]]:
    return list(AuditAttempt.objects.filter(job=job).values_list("number", "verdict"))


def interrupted_by(job: Any) -> Any:
    """Return a judgement during which another worker audits the same job."""
    calls: list[Any] = []

    def judge(document: Any, later: Any = None) -> Any:
        calls.append(document)
        if len(calls) == 1:
            audit_job(job_id=job.pk)
        return judge_evidence(document, later)

    return judge


def is_intact(job: Any) -> bool:
    checked, _ = verify_contract(job.contract_id)
    return checked is not None and checked.finding is None


class TestAUDIT001EveryTerminalJobIsAudited:
    def test_job__observed_as_planned__passes_and_its_contract_is_completed(
        self, users: Users
    ) -> None:
        job = observed_job(users)
        audit = audited(job)
        assert audit is not None
        assert (audit.verdict, audit.reason) == (PASS, "All seven checks passed.")
        assert audit.author == machine_account(MachineAccount.AUDITOR)
        assert (audit.auditor_version, len(audit.checks)) == (AUDITOR_VERSION, 7)
        contract = reloaded(job.contract)
        assert (contract.status, contract.audit_verdict) == (ContractStatus.COMPLETED, PASS)
        last = LedgerEntry.objects.filter(contract=contract).order_by("seq").last()
        assert last is not None
        assert (last.event, last.actor.endswith(":auditor")) == ("contract.audit.passed", True)
        assert is_intact(job)

    @pytest.mark.parametrize("make", [failed_job, lambda users: running_job(users).cancel()])
    def test_job__that_did_not_complete__fails(self, users: Users, make: Any) -> None:
        job = make(users)
        audit = audited(job)
        assert audit is not None
        assert (audit.verdict, reloaded(job.contract).status) == (FAIL, "FAILED")
        assert audit.reason.startswith(f"The job ended {job.status}: ")
        assert is_intact(job)

    def test_end__of_any_kind__enqueues_the_audit_at_once(self, users: Users) -> None:
        ended = [finished_job(users)]
        ended.append(failed_job(users))
        ended.append(running_job(users).cancel())
        lost = running_job(users)
        with clock_at(now() + timedelta(hours=2)):
            ended.append(fail_timed_out_job(job_id=lost.job.pk, actor=users.operator))
        assert audit_tasks() == [(str(job.pk), None) for job in ended]

    def test_end__with_an_outside_auditor__enqueues_nothing(self, users: Users) -> None:
        with auditor_inside(AUDITOR="outside"):
            finished_job(users)
            tasks.enqueue_audits(0)
        assert audit_tasks() == []

    def test_evidence__whose_task_is_lost__is_enqueued_again_until_its_verdict(
        self, users: Users
    ) -> None:
        job = observed_job(users)
        assert enqueue_waiting_audits() == 0
        run_sql("DELETE FROM procrastinate_jobs")
        tasks.enqueue_audits(0)
        assert audit_tasks() == [(str(job.pk), None)]
        audited(job)
        run_sql("DELETE FROM procrastinate_jobs")
        tasks.enqueue_audits(0)
        assert audit_tasks() == []

    def test_job__that_runs__is_not_enqueued(self, users: Users) -> None:
        running_job(users)
        assert enqueue_waiting_audits() == 0

    def test_job__that_has_not_ended__is_refused(self, users: Users) -> None:
        job = pending_job(users)
        with refused(EvidenceNotSealedError, "evidence_not_sealed"):
            audit_job(job_id=job.pk)

    def test_task__of_a_job_that_was_removed__ends(
        self, users: Users, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level("INFO", logger="governance.workers.tasks"):
            tasks.audit_one("01a22d9a-0000-7000-8000-000000000000")
        assert "was removed" in caplog.text

    def test_task__of_a_job__logs_the_verdict_or_that_it_tries_again(
        self, users: Users, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level("INFO", logger="governance.workers.tasks"):
            tasks.audit_one(str(finished_job(users).pk))
            tasks.audit_one(str(observed_job(users).pk))
        assert [one.partition(": ")[2] for one in caplog.messages] == [
            "the audit is tried again later",
            "the audit is PASS",
        ]


class TestAUDIT002CompletedNeedsPass:
    def test_lie__that_the_observer_sees__fails_the_contract(self, users: Users) -> None:
        job = observed_job(users, after=SEARCH_BEFORE)
        audit = audited(job)
        assert audit is not None
        assert audit.verdict == FAIL
        assert audit.reason.startswith("A-003 (fidelity): ")
        assert reloaded(job.contract).status == ContractStatus.FAILED

    def test_attempt__without_a_conclusion__leaves_the_contract_active(self, users: Users) -> None:
        job = finished_job(users)
        assert audited(job) is None
        contract = reloaded(job.contract)
        assert (contract.status, contract.audit_verdict) == ("ACTIVE", "PENDING")
        assert attempts_of(job) == [(1, INCONCLUSIVE)]
        assert is_intact(job)

    @pytest.mark.parametrize("minutes", [2, 10, 60 * 24])
    def test_time__that_passes__never_makes_a_pass(self, users: Users, minutes: int) -> None:
        job = finished_job(users)
        audited(job)
        audit = audited(job, after=minutes * MINUTE)
        assert audit is not None
        assert audit.verdict == INCONCLUSIVE
        assert reloaded(job.contract).status == ContractStatus.ACTIVE


class TestAUDIT003FailNotifies:
    def test_fail__of_a_job__notifies_the_proposer_and_the_founders(self, users: Users) -> None:
        audited(observed_job(users, after=SEARCH_BEFORE))
        assert notices("audit_failed") == {users.operator.username, users.founder.username}

    def test_pass__of_a_job__notifies_nobody(self, users: Users) -> None:
        audited(observed_job(users))
        assert not Notice.objects.exists()

    def test_inconclusive__after_the_second_attempt__notifies_auditors_and_founders(
        self, users: Users
    ) -> None:
        users.second_auditor.is_active = False
        users.second_auditor.save()
        job = finished_job(users)
        audited(job)
        assert notices("audit_inconclusive") == set()
        audited(job, after=2 * MINUTE)
        assert notices("audit_inconclusive") == {users.auditor.username, users.founder.username}


class TestAUDIT004VerdictsAreImmutable:
    def test_audit__repeated__keeps_the_first_verdict(self, users: Users) -> None:
        job = observed_job(users)
        first = audited(job)
        with nothing_written():
            assert audited(job, after=MINUTE) == first

    def test_verdict__from_outside__is_refused(self, users: Users) -> None:
        job = observed_job(users)
        with nothing_written(), refused(AuditorInsideError, "auditor_inside"):
            judge(job, users.auditor)

    def test_verdict__given_by_another_worker_meanwhile__is_kept(
        self, users: Users, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = observed_job(users)
        with monkeypatch.context() as patch:
            patch.setattr(audit_by_machine, "judge_evidence", interrupted_by(job))
            audit = audited(job)
        assert [audit] == list(GovernanceAudit.objects.filter(job=job))

    def test_first_attempt__made_by_another_worker_meanwhile__is_kept_once(
        self, users: Users, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = finished_job(users)
        with monkeypatch.context() as patch:
            patch.setattr(audit_by_machine, "judge_evidence", interrupted_by(job))
            assert audited(job) is None
        assert attempts_of(job) == [(1, INCONCLUSIVE)]


class TestAUDIT005EvidenceIsPreserved:
    def test_evidence__after_both_attempts_and_the_resolution__is_as_sealed(
        self, users: Users
    ) -> None:
        job = finished_job(users)
        before = AuditEvidence.objects.filter(job=job).values().get()
        audited(job)
        audited(job, after=2 * MINUTE)
        with clock_at(now() + 3 * MINUTE):
            resolve_audit(
                job_id=job.pk, verdict=PASS, reason="The counters moved.", resolver=users.auditor
            )
        assert AuditEvidence.objects.filter(job=job).values().get() == before
        assert reloaded(job.contract).status == ContractStatus.COMPLETED
        assert is_intact(job)


class TestAUDIT006SnapshotsAreRequired:
    def test_health_after__that_is_absent__is_read_by_the_second_attempt(
        self, users: Users
    ) -> None:
        job = observed_job(users, health=False)
        assert audited(job) is None
        audit = audited(job, after=2 * MINUTE)
        assert audit is not None
        assert audit.verdict == PASS
        assert attempts_of(job) == [(1, INCONCLUSIVE), (2, PASS)]
        second = AuditAttempt.objects.get(job=job, number=2)
        assert second.health is not None
        assert second.health["system"] == "HEALTHY"
        assert is_intact(job)

    def test_health__that_became_worse_meanwhile__fails(self, users: Users) -> None:
        job = observed_job(users, health=False)
        audited(job)
        signal(users, HealthDecision.DEGRADED)
        audit = audited(job, after=2 * MINUTE)
        assert audit is not None
        assert audit.verdict == FAIL
        assert "A-002" in audit.reason

    def test_health__that_still_cannot_be_read__is_inconclusive(
        self, users: Users, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = observed_job(users, health=False)
        audited(job)
        monkeypatch.setattr("governance.flows.read_later.capture_health_snapshot", lambda **_: None)
        audit = audited(job, after=2 * MINUTE)
        assert audit is not None
        assert audit.verdict == INCONCLUSIVE


class TestSecondAttempt:
    def test_second_attempt__is_enqueued_for_its_time(self, users: Users) -> None:
        job = finished_job(users)
        run_sql("DELETE FROM procrastinate_jobs")
        audited(job)
        [(job_id, due_at)] = audit_tasks()
        attempt = AuditAttempt.objects.get()
        assert (job_id, due_at) == (str(job.pk), attempt.attempted_at + MINUTE)

    @pytest.mark.parametrize(("seconds", "is_made"), [(59, False), (61, True)])
    def test_second_attempt__is_made_after_a_minute(
        self, users: Users, seconds: int, is_made: bool
    ) -> None:
        job = finished_job(users)
        audited(job)
        made = audited(job, after=timedelta(seconds=seconds))
        assert (made is not None) is is_made
        assert len(attempts_of(job)) == 1 + is_made

    def test_second_attempt__of_a_site_with_another_setting__is_made_then(
        self, users: Users
    ) -> None:
        job = finished_job(users)
        with auditor_inside(AUDIT_RETRY_SECONDS=0):
            audited(job)
            assert audited(job) is not None

    def test_both_attempts__of_an_audit_that_is_ten_minutes_late__are_made_at_once(
        self, users: Users
    ) -> None:
        job = finished_job(users)
        audit = audited(job, after=11 * MINUTE)
        assert audit is not None
        assert audit.verdict == INCONCLUSIVE
        assert attempts_of(job) == [(1, INCONCLUSIVE), (2, INCONCLUSIVE)]

    def test_state__that_was_not_observed_after__is_observed_by_the_second_attempt(
        self, users: Users
    ) -> None:
        """The registry is the platform here, and follows the steps as they are reported."""
        job = observed_job(users, after=None, observer="registry")
        assert audited(job) is None
        with routes_file():
            audit = audited(job, after=2 * MINUTE)
        assert audit is not None
        assert (audit.verdict, attempts_of(job)[1]) == (PASS, (2, PASS))
        [record] = AuditAttempt.objects.get(job=job, number=2).observations
        assert (record["scope"], record["observer"]) == ("Search", "registry")
        assert is_intact(job)

    def test_state__that_another_job_has_changed_since__is_not_observed(self, users: Users) -> None:
        job = observed_job(users, after=None, observer="registry")
        audited(job)
        running_job(users)
        with routes_file():
            audit = audited(job, after=2 * MINUTE)
        assert audit is not None
        assert audit.verdict == INCONCLUSIVE
        assert AuditAttempt.objects.get(job=job, number=2).observations == []

    def test_state__after_a_job_on_the_whole_platform__is_not_observed(self, users: Users) -> None:
        job = observed_job(users, after=None, observer="registry", health=False)
        change = {"type": "parameter_change", "scope": "SYSTEM", "parameters": {"limit": 1}}
        running_job(users, affected_capabilities=["SYSTEM"], proposed_changes=[change])
        with routes_file():
            audit = audited(job, after=11 * MINUTE)
        assert audit is not None
        second = AuditAttempt.objects.get(job=job, number=2)
        assert (second.observations, second.health) == ([], None)

    def test_routes__that_cannot_be_used__observe_nothing(
        self, users: Users, caplog: pytest.LogCaptureFixture
    ) -> None:
        job = observed_job(users, after=None)
        with routes_file("[[route]]\n"):
            audit = audited(job, after=11 * MINUTE)
        assert audit is not None
        assert audit.verdict == INCONCLUSIVE
        assert "nothing is observed" in caplog.text


class TestAskForAttempt:
    def inconclusive(self, users: Users) -> Any:
        job = observed_job(users, after=None, observer="registry")
        audited(job, after=11 * MINUTE)
        return job

    def test_attempt__that_an_auditor_asks_for__is_kept_and_decides_nothing(
        self, users: Users
    ) -> None:
        job = self.inconclusive(users)
        with clock_at(now() + 12 * MINUTE), routes_file():
            attempt = ask_for_attempt(job_id=job.pk, person=users.auditor)
        assert (attempt.number, attempt.verdict) == (3, PASS)
        assert attempt.asked_by == users.auditor
        contract = reloaded(job.contract)
        assert (contract.status, contract.audit_verdict) == ("ACTIVE", INCONCLUSIVE)
        last = LedgerEntry.objects.filter(contract=contract).order_by("seq").last()
        assert last is not None
        assert last.actor.endswith(f":{users.auditor.username}")
        assert is_intact(job)

    def test_attempt__on_a_verdict_from_outside__is_the_first(self, users: Users) -> None:
        job = finished_job(users)
        with auditor_inside(AUDITOR="outside"):
            judge(job, users.auditor, verdict=INCONCLUSIVE)
        attempt = ask_for_attempt(job_id=job.pk, person=users.second_auditor)
        assert (attempt.number, attempt.verdict) == (1, INCONCLUSIVE)
        assert is_intact(job)

    def test_attempt__asked_for_by_a_founder__is_refused(self, users: Users) -> None:
        job = self.inconclusive(users)
        with nothing_written(), refused(WrongPersonError, "not_permitted"):
            ask_for_attempt(job_id=job.pk, person=users.second_founder)

    def test_attempt__asked_for_by_one_who_took_part__is_refused(self, users: Users) -> None:
        from governance.domain.roles import Role
        from governance.services.access.accounts import assign_role

        job = self.inconclusive(users)
        assign_role(users.operator, Role.AUDITOR)
        with nothing_written(), pytest.raises(AuditorNotIndependentError):
            ask_for_attempt(job_id=job.pk, person=users.operator)

    @pytest.mark.parametrize("make", [finished_job, observed_job])
    def test_attempt__on_an_audit_that_is_not_inconclusive__is_refused(
        self, users: Users, make: Any
    ) -> None:
        job = make(users)
        audited(job)
        with nothing_written(), refused(AttemptConflictError, "attempt_conflict"):
            ask_for_attempt(job_id=job.pk, person=users.auditor)

    def test_attempt__on_a_resolved_audit__is_refused(self, users: Users) -> None:
        job = self.inconclusive(users)
        with clock_at(now() + 12 * MINUTE):
            resolve_audit(
                job_id=job.pk, verdict=FAIL, reason="Nobody saw it work.", resolver=users.auditor
            )
            with nothing_written(), refused(AttemptConflictError, "attempt_conflict"):
                ask_for_attempt(job_id=job.pk, person=users.second_auditor)
