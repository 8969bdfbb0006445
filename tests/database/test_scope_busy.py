"""SCOPE in PostgreSQL: no two jobs with overlapping scopes run, whatever starts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.db.transactions import write_transaction
from governance.domain.errors import ScopeBusyError
from governance.domain.values import JobStatus
from governance.models import GovernanceJob
from tests.support.attacks import run_sql, update_row, violates_constraint
from tests.support.factories import affecting, pending_job, reloaded, running_job
from tests.support.forgery import JOB, job_columns_for
from tests.support.threads import at_once, overtaking
from tests.support.users import Users

Start = Callable[[Users, UUID], Any]

# The scope of a RUNNING job, and of a job that must not start beside it.
OVERLAPPING = [
    (["Search"], ["Search"]),
    (["Search", "Stock"], ["Maps", "Stock"]),
    (["SYSTEM"], ["Search"]),
    (["Search"], ["SYSTEM"]),
    (["Search"], ["SYSTEM", "Stock"]),
    (["SYSTEM"], ["SYSTEM"]),
]


def pending_on(users: Users, scope: list[str]) -> GovernanceJob:
    return pending_job(users, **affecting(scope[0]) | {"affected_capabilities": scope})


def start_by_sql(users: Users, job_id: UUID) -> None:
    with write_transaction():
        update_row(JOB, job_id, **job_columns_for("RUNNING", users.executor))


def start(users: Users, job_id: UUID) -> GovernanceJob:
    return GovernanceOrchestrator.start_job(job_id=job_id, executor=users.executor)[0]


class TestRunningScopes:
    @pytest.mark.parametrize(("scope", "other"), OVERLAPPING)
    def test_sql_update__started_on_an_overlapping_scope__refused(
        self, users: Users, scope: list[str], other: list[str]
    ) -> None:
        start(users, pending_on(users, scope).pk)
        waiting = pending_on(users, other)
        with violates_constraint("scope_busy"):
            update_row(JOB, waiting.pk, **job_columns_for("RUNNING", users.executor))

    def test_start__on_another_scope__allowed(self, users: Users) -> None:
        start(users, pending_on(users, ["Search", "Stock"]).pk)
        waiting = pending_on(users, ["Maps"])
        start(users, waiting.pk)
        assert reloaded(waiting).status == JobStatus.RUNNING

    def test_start__after_the_other_ended__allowed(self, users: Users) -> None:
        running, waiting = running_job(users), pending_job(users)
        running.cancel()
        start(users, waiting.pk)
        assert reloaded(waiting).status == JobStatus.RUNNING

    def test_sql_update__two_started_by_one_statement__refused(self, users: Users) -> None:
        both = [pending_job(users).pk for _ in range(2)]
        columns = job_columns_for("RUNNING", users.executor)
        moves = ", ".join(f"{name} = %s" for name in columns)
        with violates_constraint("scope_busy"):
            run_sql(f"UPDATE {JOB} SET {moves} WHERE id = ANY (%s)", *columns.values(), both)

    @pytest.mark.parametrize(
        ("scope", "other", "busy"),
        [
            (["Maps", "Stock"], ["Search", "Stock"], "Stock"),
            (["Stock"], ["SYSTEM"], "SYSTEM"),
            (["SYSTEM"], ["Stock"], "SYSTEM"),
        ],
    )
    def test_start__on_an_overlapping_scope__says_which_job_and_capability(
        self, users: Users, scope: list[str], other: list[str], busy: str
    ) -> None:
        running, waiting = pending_on(users, scope), pending_on(users, other)
        start(users, running.pk)
        with pytest.raises(ScopeBusyError) as refusal:
            start(users, waiting.pk)
        details = refusal.value.details
        assert (details["capability"], details["job_id"]) == (busy, str(running.pk))


@pytest.mark.parametrize("second_start", [start, start_by_sql])
@pytest.mark.parametrize(("scope", "other"), OVERLAPPING)
class TestStartsAtOnce:
    def test_second_start__before_the_first_commits__waits_and_is_refused(
        self, committed: Users, scope: list[str], other: list[str], second_start: Start
    ) -> None:
        first, second = pending_on(committed, scope), pending_on(committed, other)
        _, refusal = overtaking(
            lambda: start(committed, first.pk), lambda: second_start(committed, second.pk)
        )
        assert isinstance(refusal, ScopeBusyError)
        assert [reloaded(job).status for job in (first, second)] == ["RUNNING", "PENDING"]


def test_second_start__when_the_first_is_rolled_back__goes_on(committed: Users) -> None:
    first, second = pending_job(committed), pending_job(committed)
    _, started = overtaking(
        lambda: start(committed, first.pk),
        lambda: start(committed, second.pk),
        meanwhile=lambda: transaction.set_rollback(True),
    )
    assert started.pk == second.pk
    assert [reloaded(job).status for job in (first, second)] == ["PENDING", "RUNNING"]


@pytest.mark.parametrize("number", range(3))
def test_starts_at_once__of_scopes_in_other_orders__one_runs_and_none_is_a_deadlock(
    committed: Users, number: int
) -> None:
    names = [f"Part {index}" for index in range(40)]
    jobs = [pending_on(committed, scope) for scope in (names, names[::-1], names[20:], ["SYSTEM"])]

    def starting(job: GovernanceJob) -> Callable[[Any], Any]:
        def attempt(wait: Any) -> Any:
            wait()
            return start(committed, job.pk)

        return attempt

    outcomes = at_once(*map(starting, jobs))
    refused = [outcome for outcome in outcomes if isinstance(outcome, ScopeBusyError)]
    assert len(refused) == len(jobs) - 1
    assert GovernanceJob.objects.filter(status=JobStatus.RUNNING).count() == 1


def test_start__beside_one_on_another_scope__does_not_wait(committed: Users) -> None:
    first, second = pending_job(committed), pending_job(committed, **affecting("Stock"))
    with transaction.atomic():
        start(committed, first.pk)
        [started] = at_once(lambda wait: start(committed, second.pk))
    assert started.pk == second.pk
