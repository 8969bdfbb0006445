"""How often each story asks PostgreSQL: a number that grows with nothing (docs/adr/0001)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.flows import run_job
from governance.models import GovernanceJob
from governance.orchestrator.facade import GovernanceOrchestrator
from governance.vocabulary.values import HealthDecision, HealthReading, StepReport
from tests.support.attacks import run_sql
from tests.support.cast import Cast
from tests.support.stories import Running, approved, now, pending_job, running_job

Story = Callable[[], Any]


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


def activation(cast: Cast, steps: int) -> Story:
    contract = approved(cast, proposed_changes=changes(steps))
    return lambda: GovernanceOrchestrator.activate_contract(
        contract.pk, actor=cast.operator, health=reading(), at=now()
    )


def claim(cast: Cast, steps: int) -> Story:
    pending_job(cast, proposed_changes=changes(steps))
    return lambda: run_job.claim_job(executor=cast.executor, at=now())


def start(cast: Cast, steps: int) -> Story:
    job = pending_job(cast, proposed_changes=changes(steps))
    return lambda: GovernanceOrchestrator.start_job(job.pk, executor=cast.executor, at=now())


def last_report(cast: Cast, steps: int) -> Story:
    running = running_job(cast, proposed_changes=changes(steps))
    running.complete_steps(steps - 1)
    report = running.report(steps - 1)
    return lambda: GovernanceOrchestrator.record_step_result(
        running.job.pk, token=running.token, report=report, executor=cast.executor, at=now()
    )


def all_reports(cast: Cast, steps: int) -> Story:
    running = running_job(cast, proposed_changes=changes(steps))
    reports = [running.report(index) for index in range(steps)]
    return lambda: GovernanceOrchestrator.record_step_results(
        running.job.pk, token=running.token, reports=reports, executor=cast.executor, at=now()
    )


def completion(cast: Cast, steps: int) -> Story:
    running = _reported(cast, steps)
    return lambda: GovernanceOrchestrator.complete_job(
        running.job.pk, token=running.token, executor=cast.executor, health=reading(), at=now()
    )


def cancellation(cast: Cast, steps: int) -> Story:
    running = _reported(cast, steps)
    return lambda: GovernanceOrchestrator.cancel_job(
        running.job.pk, reason="No longer wanted.", actor=cast.operator, health=None, at=now()
    )


def giving_up(cast: Cast, steps: int) -> Story:
    running = _reported(cast, steps)
    late = GovernanceJob.objects.get(pk=running.job.pk).deadline_at
    assert late
    return lambda: GovernanceOrchestrator.fail_timed_out_job(
        running.job.pk, actor=cast.operator, health=None, at=late.replace(year=late.year + 1)
    )


def _reported(cast: Cast, steps: int) -> Running:
    running = running_job(cast, proposed_changes=changes(steps))
    running.complete_steps()
    return running


ROUND_TRIPS = {
    activation: 2,
    claim: 1,
    start: 2,
    last_report: 1,
    all_reports: 2,
    completion: 2,
    cancellation: 2,
    giving_up: 2,
}


@pytest.mark.parametrize("steps", [1, 2, 20])
@pytest.mark.parametrize("prepare", ROUND_TRIPS, ids=lambda prepare: prepare.__name__)
def test_story__of_any_size__asks_this_often(
    committed: Cast, prepare: Callable[[Cast, int], Story], steps: int
) -> None:
    tell = prepare(committed, steps)
    with CaptureQueriesContext(connection) as asked:
        tell()
    # Outside of any transaction there is no BEGIN and no COMMIT either.
    assert len(asked) == ROUND_TRIPS[prepare], [one["sql"][:80] for one in asked]


@pytest.mark.django_db
def test_report__late_in_a_long_chain__reads_as_few_rows_as_the_first(cast: Cast) -> None:
    steps = 120
    running = running_job(cast, proposed_changes=changes(steps))
    # The tables are small here, and have been: plans for them would read all there is.
    for choice in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
        run_sql(f"SET LOCAL {choice} = off")
    run_sql("DISCARD PLANS")

    def look_as_at_commit() -> None:
        run_sql("SET CONSTRAINTS ALL IMMEDIATE")
        run_sql("SET CONSTRAINTS ALL DEFERRED")

    def rows_read_by(report: StepReport) -> int:
        look_as_at_commit()
        before = _rows_read()
        running.record(report)
        look_as_at_commit()
        return _rows_read() - before

    first = rows_read_by(running.report(0))
    run_job.record_step_results(
        job_id=running.job.pk,
        token=running.token,
        reports=[running.report(index) for index in range(1, steps - 1)],
        executor=cast.executor,
        at=now(),
    )
    assert 0 < rows_read_by(running.report(steps - 1)) <= first + 2


def _rows_read() -> int:
    [(rows,)] = run_sql(
        "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))"
        "  FROM pg_stat_xact_user_tables WHERE relname LIKE 'governance%%'"
    )
    return int(rows)


def test_story__told_again__is_prepared_by_then(committed: Cast) -> None:
    for _ in range(3):
        activation(committed, 2)()
    prepared = run_sql("SELECT statement FROM pg_prepared_statements")
    assert any("governance_activate_contract(" in statement for (statement,) in prepared)
    assert not any("INSERT INTO" in statement for (statement,) in prepared)
