"""The moves of a job: the machine that answers, and its four copies, equal to each other."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django_fsm import TransitionNotAllowed

from governance.models import GovernanceJob
from governance.vocabulary.errors import InvalidJobTransitionError, JobImmutableError
from governance.vocabulary.lifecycles import (
    JOB_BIRTH_STATES,
    JOB_TERMINAL_STATES,
    JOB_VALID_TRANSITIONS,
    JobStateMachine,
)
from governance.vocabulary.values import JobStatus
from tests.support.attacks import check_deferred_laws, law_named, refused_by, run_sql
from tests.support.cast import Cast
from tests.support.forgery import JOB, NOON, columns_for, force_job, forge_activation, forge_job
from tests.support.stories import again, approved, failed_job, finished_job
from tests.support.stories import pending_job as pending
from tests.support.stories import running_job as running

PENDING, RUNNING, COMPLETED, FAILED, CANCELLED = JobStatus
MOVES = {
    (PENDING, RUNNING),
    (PENDING, CANCELLED),
    (RUNNING, COMPLETED),
    (RUNNING, FAILED),
    (RUNNING, CANCELLED),
}
PAIRS = list(product(JobStatus, JobStatus))


def job_in(cast: Cast, status: JobStatus) -> GovernanceJob:
    """A job that got to `status` the real way."""
    match status:
        case JobStatus.PENDING:
            return pending(cast)
        case JobStatus.RUNNING:
            return running(cast).job
        case JobStatus.COMPLETED:
            return finished_job(cast)
        case JobStatus.FAILED:
            return failed_job(cast)
    return running(cast).cancel()


def move_by_model(job: GovernanceJob, target: JobStatus, actor: Any) -> None:
    """The model's own transition to `target`; there is none to PENDING, where jobs are born."""
    if target is RUNNING:
        job.to_running(at=NOON, by=actor, token_sha256="0" * 64)
    elif target is PENDING:
        raise TransitionNotAllowed
    else:
        getattr(job, f"to_{target.lower()}")(at=NOON, by=actor, reason="")


def law_against(job: GovernanceJob, target: JobStatus, actor: Any) -> str | None:
    """The law that refuses to move `job` to `target` by raw SQL; None if it may."""
    try:
        with transaction.atomic():
            force_job(job, target, actor)
            transaction.set_rollback(True)
    except DatabaseError as error:
        return law_named(error)
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
    def test_story__brings_a_job_to_each_state(self, cast: Cast, status: JobStatus) -> None:
        assert again(job_in(cast, status)).status == status


class TestJobStateMachineCompleteness:
    def test_vocabulary__is_the_designs_table(self) -> None:
        declared = {(s, t) for s, targets in JOB_VALID_TRANSITIONS.items() for t in targets}
        assert declared == MOVES
        assert set(JOB_VALID_TRANSITIONS) == set(JobStatus)

    def test_models_transitions__are_the_vocabularys(self) -> None:
        field: Any = GovernanceJob._meta.get_field("status")
        declared = [(t.source, t.target) for t in field.get_all_transitions(GovernanceJob)]
        assert sorted(declared) == sorted(MOVES)

    @pytest.mark.parametrize(("current", "target"), PAIRS)
    def test_model__every_pair__moves_only_along_the_table(
        self, cast: Cast, current: JobStatus, target: JobStatus
    ) -> None:
        job = job_in(cast, current)
        if (current, target) in MOVES:
            move_by_model(job, target, cast.operator)
            assert job.status == target
            return
        with pytest.raises(TransitionNotAllowed):
            move_by_model(job, target, cast.operator)
        assert job.status == current

    @pytest.mark.parametrize(("current", "target"), [p for p in PAIRS if p[0] != p[1]])
    def test_sql__every_pair__moves_only_along_the_table(
        self, cast: Cast, current: JobStatus, target: JobStatus
    ) -> None:
        law = law_against(job_in(cast, current), target, cast.operator)
        if (current, target) in MOVES:
            assert law is None
        elif current in JOB_TERMINAL_STATES:
            assert law == "job_terminal_immutable"
        else:
            assert law == "job_moves"

    def test_sql__states_that_nobody_knows__refused(self, cast: Cast) -> None:
        job = pending(cast)
        for status in ("PAUSED", "pending", ""):
            with refused_by("job_moves"):
                run_sql(f"UPDATE {JOB} SET status = %s WHERE id = %s", status, job.pk)

    @pytest.mark.parametrize("status", JobStatus)
    def test_sql__birth__only_as_the_table_says(self, cast: Cast, status: JobStatus) -> None:
        contract = approved(cast)
        columns = columns_for(status, cast.operator)
        if status in JOB_BIRTH_STATES:
            forge_activation(contract, cast.operator, steps=[0], **columns)
            check_deferred_laws()
        else:
            with refused_by("job_moves"):
                forge_job(contract.pk, cast.operator, **columns)

    def test_birth_states__are_pending_alone(self) -> None:
        assert {PENDING} == JOB_BIRTH_STATES
