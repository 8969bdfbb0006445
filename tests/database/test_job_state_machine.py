"""The transitions of a job: `JobStateMachine`, and the copies that must agree with it."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django_fsm import TransitionNotAllowed

from governance.domain.errors import InvalidJobTransitionError, JobImmutableError
from governance.domain.lifecycles import (
    JOB_INITIAL_STATES,
    JOB_TERMINAL_STATES,
    JOB_VALID_TRANSITIONS,
    JobStateMachine,
)
from governance.domain.values import JobStatus
from governance.models import GovernanceJob
from tests.support.attacks import (
    check_deferred_triggers,
    run_sql,
    violated_constraint,
    violates_constraint,
)
from tests.support.clock import now
from tests.support.factories import approved, failed_job, finished_job, reloaded
from tests.support.factories import pending_job as pending
from tests.support.factories import running_job as running
from tests.support.forgery import JOB, force_job, forge_activation, forge_job, job_columns_for
from tests.support.users import Users

PENDING, RUNNING, COMPLETED, FAILED, CANCELLED = JobStatus
START = (PENDING, RUNNING)
MOVES = {
    START,
    (PENDING, CANCELLED),
    (RUNNING, COMPLETED),
    (RUNNING, FAILED),
    (RUNNING, CANCELLED),
}
PAIRS = list(product(JobStatus, JobStatus))


def job_in(users: Users, status: JobStatus) -> GovernanceJob:
    """Return a job that reached `status` through the operations."""
    match status:
        case JobStatus.PENDING:
            return pending(users)
        case JobStatus.RUNNING:
            return running(users).job
        case JobStatus.COMPLETED:
            return finished_job(users)
        case JobStatus.FAILED:
            return failed_job(users)
    return running(users).cancel()


def move_by_model(job: GovernanceJob, target: JobStatus, actor: Any) -> None:
    """Call the model's transition to `target`.

    Raises:
        TransitionNotAllowed: for PENDING, the initial status, and for RUNNING, to which
            only `governance_start_job` moves.
    """
    if target in (PENDING, RUNNING):
        raise TransitionNotAllowed
    getattr(job, f"to_{target.lower()}")(at=now(), by=actor, reason="")


def constraint_against(job: GovernanceJob, target: JobStatus, actor: Any) -> str | None:
    """Return the constraint that refuses the transition by raw SQL; None if it passes."""
    try:
        with transaction.atomic():
            force_job(job, target, actor)
            transaction.set_rollback(True)
    except DatabaseError as error:
        return violated_constraint(error)
    return None


class TestJobStateMachine:
    @pytest.mark.parametrize(("current", "target"), sorted(MOVES))
    def test_move_in_the_table__allowed(self, current: JobStatus, target: JobStatus) -> None:
        assert JobStateMachine.can_move(current, target)
        JobStateMachine.require_move(current, target)

    @pytest.mark.parametrize("target", [PENDING, COMPLETED, FAILED])
    def test_move_from_pending__not_in_the_table__invalid_job_transition(
        self, target: JobStatus
    ) -> None:
        with pytest.raises(InvalidJobTransitionError) as refusal:
            JobStateMachine.require_move(PENDING, target)
        assert type(refusal.value) is InvalidJobTransitionError
        assert refusal.value.code == "invalid_job_transition"
        assert refusal.value.details == {"from_status": "PENDING", "to_status": target}

    @pytest.mark.parametrize("target", [PENDING, RUNNING])
    def test_move_from_running__not_in_the_table__invalid_job_transition(
        self, target: JobStatus
    ) -> None:
        with pytest.raises(InvalidJobTransitionError) as refusal:
            JobStateMachine.require_move(RUNNING, target)
        assert refusal.value.code == "invalid_job_transition"

    @pytest.mark.parametrize("target", JobStatus)
    @pytest.mark.parametrize("current", sorted(JOB_TERMINAL_STATES))
    def test_move_from_terminal__wherever_to__job_immutable(
        self, current: JobStatus, target: JobStatus
    ) -> None:
        with pytest.raises(JobImmutableError) as refusal:
            JobStateMachine.require_move(current, target)
        assert refusal.value.code == "job_immutable"

    def test_terminal_states__are_the_three_without_a_way_out(self) -> None:
        assert {COMPLETED, FAILED, CANCELLED} == JOB_TERMINAL_STATES
        assert [s for s in JobStatus if JobStateMachine.is_terminal(s)] == [
            COMPLETED,
            FAILED,
            CANCELLED,
        ]

    def test_sources_of__each_state__are_where_it_can_be_reached_from(self) -> None:
        assert {target: JobStateMachine.sources_of(target) for target in JobStatus} == {
            PENDING: [],
            RUNNING: [PENDING],
            COMPLETED: [RUNNING],
            FAILED: [RUNNING],
            CANCELLED: [PENDING, RUNNING],
        }

    @pytest.mark.parametrize("status", JobStatus)
    def test_factory__brings_a_job_to_each_state(self, users: Users, status: JobStatus) -> None:
        assert reloaded(job_in(users, status)).status == status


class TestJobStateMachineCompleteness:
    def test_transitions__are_the_designs_table(self) -> None:
        declared = {(s, t) for s, targets in JOB_VALID_TRANSITIONS.items() for t in targets}
        assert declared == MOVES
        assert set(JOB_VALID_TRANSITIONS) == set(JobStatus)

    def test_models_transitions__are_the_domains_but_the_start(self) -> None:
        field: Any = GovernanceJob._meta.get_field("status")
        declared = [(t.source, t.target) for t in field.get_all_transitions(GovernanceJob)]
        assert sorted(declared) == sorted(MOVES - {START})

    @pytest.mark.parametrize(("current", "target"), PAIRS)
    def test_model__every_pair__moves_only_along_the_table(
        self, users: Users, current: JobStatus, target: JobStatus
    ) -> None:
        job = job_in(users, current)
        if (current, target) in MOVES - {START}:
            move_by_model(job, target, users.operator)
            assert job.status == target
            return
        with pytest.raises(TransitionNotAllowed):
            move_by_model(job, target, users.operator)
        assert job.status == current

    @pytest.mark.parametrize(("current", "target"), [p for p in PAIRS if p[0] != p[1]])
    def test_sql__every_pair__moves_only_along_the_table(
        self, users: Users, current: JobStatus, target: JobStatus
    ) -> None:
        constraint = constraint_against(job_in(users, current), target, users.operator)
        if (current, target) in MOVES:
            assert constraint is None
        elif current in JOB_TERMINAL_STATES:
            assert constraint == "job_terminal_immutable"
        else:
            assert constraint == "job_moves"

    def test_sql__unknown_states__refused(self, users: Users) -> None:
        job = pending(users)
        for status in ("PAUSED", "pending", ""):
            with violates_constraint("job_moves"):
                run_sql(f"UPDATE {JOB} SET status = %s WHERE id = %s", status, job.pk)

    @pytest.mark.parametrize("status", JobStatus)
    def test_sql__birth__only_as_the_table_says(self, users: Users, status: JobStatus) -> None:
        contract = approved(users)
        columns = job_columns_for(status, users.operator)
        if status in JOB_INITIAL_STATES:
            forge_activation(contract, users.operator, steps=[0], **columns)
            check_deferred_triggers()
        else:
            with violates_constraint("job_moves"):
                forge_job(contract.pk, users.operator, **columns)

    def test_birth_states__are_pending_alone(self) -> None:
        assert {PENDING} == JOB_INITIAL_STATES
