"""Tests of round trips: each operation sends a constant number of statements (docs/adr/0001)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.authorities.orchestrator.evidence import EndOfJob
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.job_state import read_contract, read_job_history
from governance.domain.values import HealthDecision, HealthReading, StepReport
from governance.flows.activate_contract import activate_contract
from tests.support.attacks import run_sql
from tests.support.clock import clock_at
from tests.support.factories import Running, approved, now, pending_job, running_job
from tests.support.users import Users

Operation = Callable[[], Any]


def changes(steps: int) -> list[dict[str, Any]]:
    return [
        {"type": "parameter_change", "scope": "Search", "parameters": {"n": index}}
        for index in range(steps)
    ]


def reading() -> HealthReading:
    healthy = HealthDecision.HEALTHY
    return HealthReading(
        observed_at=now(), system=healthy, capabilities={"Search": healthy}, signals=()
    )


def activation(users: Users, steps: int) -> Operation:
    contract = approved(users, proposed_changes=changes(steps))
    return lambda: activate_contract(contract_id=contract.pk, actor=users.operator)


def activation_with_known_health(users: Users, steps: int) -> Operation:
    contract = approved(users, proposed_changes=changes(steps))
    return lambda: GovernanceOrchestrator.activate_contract(
        read_contract(contract.pk), actor=users.operator, health=reading()
    )


def claim(users: Users, steps: int) -> Operation:
    pending_job(users, proposed_changes=changes(steps))
    return lambda: GovernanceOrchestrator.claim_job(executor=users.executor)


def start(users: Users, steps: int) -> Operation:
    job = pending_job(users, proposed_changes=changes(steps))
    return lambda: GovernanceOrchestrator.start_job(job.pk, executor=users.executor)


def last_report(users: Users, steps: int) -> Operation:
    running = running_job(users, proposed_changes=changes(steps))
    running.complete_steps(steps - 1)
    report = running.report(steps - 1)
    return lambda: GovernanceOrchestrator.record_step_result(
        running.job.pk, token=running.token, report=report, executor=users.executor
    )


def all_reports(users: Users, steps: int) -> Operation:
    running = running_job(users, proposed_changes=changes(steps))
    reports = [running.report(index) for index in range(steps)]
    return lambda: GovernanceOrchestrator.record_step_results(
        running.job.pk, token=running.token, reports=reports, executor=users.executor
    )


def completion(users: Users, steps: int) -> Operation:
    running = _reported(users, steps)
    return lambda: GovernanceOrchestrator.complete_job(
        read_job_history(running.job.pk),
        EndOfJob(reading()),
        token=running.token,
        executor=users.executor,
    )


def cancellation(users: Users, steps: int) -> Operation:
    running = _reported(users, steps)
    return lambda: GovernanceOrchestrator.cancel_job(
        read_job_history(running.job.pk),
        EndOfJob(),
        reason="No longer wanted.",
        actor=users.operator,
    )


def giving_up(users: Users, steps: int) -> Operation:
    with clock_at(now() - timedelta(days=7)):
        running = _reported(users, steps)
    return lambda: GovernanceOrchestrator.fail_timed_out_job(
        read_job_history(running.job.pk), EndOfJob(), actor=users.operator
    )


def _reported(users: Users, steps: int) -> Running:
    running = running_job(users, proposed_changes=changes(steps))
    running.complete_steps()
    return running


ROUND_TRIPS = {
    activation: 3,
    activation_with_known_health: 2,
    claim: 1,
    start: 1,
    last_report: 2,
    all_reports: 2,
    completion: 2,
    cancellation: 2,
    giving_up: 2,
}


@pytest.mark.parametrize("steps", [1, 2, 20])
@pytest.mark.parametrize("prepare", ROUND_TRIPS, ids=lambda prepare: prepare.__name__)
def test_transaction__of_any_size__makes_this_many_round_trips(
    committed: Users, prepare: Callable[[Users, int], Operation], steps: int
) -> None:
    run = prepare(committed, steps)
    with CaptureQueriesContext(connection) as asked:
        run()
    # BEGIN and COMMIT would be counted too, but these operations run in autocommit mode.
    assert len(asked) == ROUND_TRIPS[prepare], [one["sql"][:80] for one in asked]


@pytest.mark.django_db
def test_report__late_in_a_long_chain__reads_as_few_rows_as_the_first(users: Users) -> None:
    steps = 120
    running = running_job(users, proposed_changes=changes(steps))
    # PostgreSQL would plan sequential scans for such small tables, and so read every row.
    for choice in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
        run_sql(f"SET LOCAL {choice} = off")
    run_sql("DISCARD PLANS")

    def check_as_at_commit() -> None:
        run_sql("SET CONSTRAINTS ALL IMMEDIATE")
        run_sql("SET CONSTRAINTS ALL DEFERRED")

    def rows_read_by(report: StepReport) -> int:
        check_as_at_commit()
        before = _rows_read()
        running.record(report)
        check_as_at_commit()
        return _rows_read() - before

    first = rows_read_by(running.report(0))
    GovernanceOrchestrator.record_step_results(
        job_id=running.job.pk,
        token=running.token,
        reports=[running.report(index) for index in range(1, steps - 1)],
        executor=users.executor,
    )
    assert 0 < rows_read_by(running.report(steps - 1)) <= first + 2


def _rows_read() -> int:
    [(rows,)] = run_sql(
        "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))"
        "  FROM pg_stat_xact_user_tables WHERE relname LIKE 'governance%%'"
    )
    return int(rows)


def test_transaction__repeated__uses_prepared_statements(committed: Users) -> None:
    for _ in range(3):
        activation(committed, 2)()
    prepared = run_sql("SELECT statement FROM pg_prepared_statements")
    assert any("governance_activate_contract(" in statement for (statement,) in prepared)
    assert any("FROM governance_systemcontract contract" in statement for (statement,) in prepared)
