"""JOB-005: observations of a job are written in their phase, never changed, and sealed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.authorities.health.observed_states import replace_observed_states
from governance.authorities.orchestrator.evidence import EndOfJob
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.job_state import read_job_history
from governance.domain.errors import IntegrityViolationError
from governance.domain.values import HealthDecision, StepStatus
from governance.models import GovernanceJob, Observation, ObservedState
from governance.record.ledger.verification import verify_contract
from tests.support.attacks import run_sql, violates_constraint
from tests.support.clock import clock_at, now
from tests.support.factories import Running, finished_job, pending_job, running_job
from tests.support.observations import LAUNCHED, observe, seen
from tests.support.platform import signal
from tests.support.roles import as_owner
from tests.support.tampering import tamper
from tests.support.users import Users

INSERT = (
    "INSERT INTO governance_observation"
    " (job_id, phase, step_index, scope, observer, state, trouble, observed_at)"
    " VALUES (%s, %s, %s, 'Search', 'http', '{}', '', governance_now())"
)


def observed_job(users: Users, **end: Any) -> GovernanceJob:
    """Return a COMPLETED job that was observed before, after its first step, and after."""
    running = running_job(users)
    observe(running)
    running.complete_steps()
    observe(running, seen(state=None, trouble="No answer."), phase="STEP", step_index=0)
    after = [seen(), seen("Billing", {"lifecycle": "DISABLED", "configuration": {"a": None}})]
    return GovernanceOrchestrator.complete_job(
        read_job_history(running.job.pk),
        EndOfJob(**({"observed": after} | end)),
        token=running.token,
        executor=users.executor,
    )


class TestJOB005Observations:
    # --- the evidence ---
    def test_evidence__of_an_observed_job__has_its_observations_by_phase(
        self, users: Users
    ) -> None:
        observations = observed_job(users).evidence.document["observations"]
        assert [one["state"] for one in observations["before"]] == [LAUNCHED]
        [step] = observations["steps"]
        assert (step["step_index"], step["state"], step["trouble"]) == (0, None, "No answer.")
        assert [one["scope"] for one in observations["after"]] == ["Search", "Billing"]

    def test_evidence__of_a_job_that_nobody_observed__says_so(self, users: Users) -> None:
        document = finished_job(users).evidence.document
        assert document["observations"] == {"before": None, "steps": [], "after": None}
        assert (document["rollout"], document["rolls_back"]) == (None, None)

    def test_evidence__lists_the_signals_in_scope_since_the_start(self, users: Users) -> None:
        with clock_at(now() - timedelta(minutes=1)):
            signal(users, HealthDecision.DEGRADED, signal_type="before")
        running = running_job(users)
        signal(users, HealthDecision.DEGRADED, signal_type="during")
        signal(users, HealthDecision.HEALTHY, signal_type="during")
        signal(users, HealthDecision.DEGRADED, "SYSTEM", signal_type="of the system")
        signal(users, HealthDecision.BLOCKED, "Billing", signal_type="not in scope")
        running.complete_steps()
        signals = running.complete().evidence.document["signals"]
        assert [(one["signal_type"], one["decision"]) for one in signals] == [
            ("during", "DEGRADED"),
            ("during", "HEALTHY"),
            ("of the system", "DEGRADED"),
        ]

    def test_evidence__says_who_served_each_step_and_which_machine_ran(self, users: Users) -> None:
        routes = [{"step_index": 0, "handler": "http", "observer": "http"}]
        document = observed_job(users, routes=routes, executor_version="1.0.0").evidence.document
        assert (document["routes"], document["executor_version"]) == (routes, "1.0.0")
        assert document["affected_capabilities"] == ["Search"]

    # --- verification ---
    def test_verification__of_an_observed_job__finds_nothing(self, users: Users) -> None:
        checked, _ = verify_contract(observed_job(users).contract_id)
        assert checked is not None
        assert checked.finding is None

    @pytest.mark.parametrize(
        "edit",
        [
            "UPDATE governance_observation SET trouble = 'x', state = NULL WHERE phase = 'AFTER'",
            "DELETE FROM governance_observation WHERE phase = 'STEP'",
            "DELETE FROM governance_observation WHERE phase = 'BEFORE'",
        ],
    )
    def test_verification__after_an_edit_of_an_observation__names_the_entry(
        self, users: Users, edit: str
    ) -> None:
        job = observed_job(users)
        tamper(edit)
        checked, _ = verify_contract(job.contract_id)
        assert checked is not None
        assert checked.finding is not None
        assert "evidence" in checked.finding.problem

    # --- in PostgreSQL ---
    def test_record__before_the_start__refused(self, users: Users) -> None:
        job = pending_job(users)
        with pytest.raises(IntegrityViolationError, match="PENDING"):
            observe(Running(job, "", users))

    def test_sql_insert__before_after_a_result__refused(self, users: Users) -> None:
        running = running_job(users)
        running.complete_steps(1)
        with violates_constraint("observation_in_time"):
            run_sql(INSERT, running.job.pk, "BEFORE", None)

    def test_sql_insert__of_a_step_without_a_result__refused(self, users: Users) -> None:
        running = running_job(users)
        with violates_constraint("observation_in_time"):
            run_sql(INSERT, running.job.pk, "STEP", 0)
        running.record(running.report(0, StepStatus.FAILED))
        run_sql(INSERT, running.job.pk, "STEP", 0)

    @pytest.mark.parametrize("phase", ["BEFORE", "AFTER"])
    def test_sql_insert__of_an_ended_job__refused(self, users: Users, phase: str) -> None:
        with violates_constraint("observation_in_time"):
            run_sql(INSERT, finished_job(users).pk, phase, None)

    def test_record__older_than_the_start__refused(self, users: Users) -> None:
        running = running_job(users)
        assert running.job.started_at is not None
        with pytest.raises(IntegrityViolationError, match="older than the start"):
            observe(running, seen(at=running.job.started_at - timedelta(seconds=1)))

    def test_record__from_the_future__refused(self, users: Users) -> None:
        running = running_job(users)
        assert running.job.started_at is not None
        with pytest.raises(IntegrityViolationError):
            observe(running, seen(at=running.job.started_at + timedelta(minutes=5)))

    def test_record__twice_in_a_phase__refused(self, users: Users) -> None:
        running = running_job(users)
        observe(running)
        with pytest.raises(IntegrityViolationError):
            observe(running)

    @pytest.mark.parametrize(
        "edit",
        [
            "UPDATE governance_observation SET trouble = 'x'",
            "DELETE FROM governance_observation",
            "TRUNCATE governance_observation",
        ],
    )
    def test_sql__edit_of_an_observation__refused(self, users: Users, edit: str) -> None:
        observed_job(users)
        with as_owner(), violates_constraint("observation_append_only"):
            run_sql(edit)

    def test_sql_insert__without_state_and_trouble__refused(self, users: Users) -> None:
        running = running_job(users)
        with violates_constraint("observation_state_or_trouble"):
            run_sql(INSERT.replace("'{}'", "NULL"), running.job.pk, "BEFORE", None)

    def test_sql_insert__of_a_json_null_with_its_trouble__refused(self, users: Users) -> None:
        running = running_job(users)
        insert = INSERT.replace("'{}', ''", "'null', 'No answer.'")
        with violates_constraint("observation_state_or_trouble"):
            run_sql(insert, running.job.pk, "BEFORE", None)

    def test_sql_insert__of_a_step_without_its_index__refused(self, users: Users) -> None:
        running = running_job(users)
        with violates_constraint("observation_of_step_has_index"):
            run_sql(INSERT, running.job.pk, "BEFORE", 0)

    def test_sql_insert__in_an_unknown_phase__refused(self, users: Users) -> None:
        running = running_job(users)
        with violates_constraint("observation_phase_known"):
            run_sql(INSERT, running.job.pk, "LATER", None)


class TestObservedStates:
    def test_sql_insert__without_state_and_trouble__refused(self, users: Users) -> None:
        with violates_constraint("observed_state_or_trouble"):
            run_sql(
                "INSERT INTO governance_observedstate (scope, observer, trouble, observed_at)"
                " VALUES ('Search', 'http', '', now())"
            )

    def test_sql_insert__second_state_of_a_scope__refused(self, users: Users) -> None:
        replace_observed_states([seen()])
        with violates_constraint("governance_observedstate_scope_key"):
            run_sql(
                "INSERT INTO governance_observedstate"
                " (scope, observer, state, trouble, observed_at)"
                " VALUES ('Search', 'http', '{}', '', now())"
            )

    def test_newer_observation__replaces_the_one_before(self, users: Users) -> None:
        replace_observed_states([seen(), seen("Billing")])
        replace_observed_states([seen(state=None, trouble="No answer.")])
        assert [(one.scope, one.trouble) for one in ObservedState.objects.order_by("scope")] == [
            ("Billing", ""),
            ("Search", "No answer."),
        ]

    def test_observation_of_the_registry__is_not_copied(self, users: Users) -> None:
        replace_observed_states([seen(observer="registry")])
        assert not ObservedState.objects.exists()

    def test_observation__as_text__names_scope_and_phase(self, users: Users) -> None:
        observe(running_job(users))
        replace_observed_states([seen()])
        assert str(Observation.objects.get()) == "Search BEFORE"
        assert str(ObservedState.objects.get()) == "Search"
