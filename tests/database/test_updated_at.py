"""`updated_at`: when a contract or a job last changed, according to its ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.values import AuditVerdict, ContractStatus
from governance.models import GovernanceJob, LedgerEntry, SystemContract
from governance.record.ledger.verification import verify_ledger
from tests.support.attacks import check_deferred_triggers, run_sql, update_row, violates_constraint
from tests.support.clock import as_of
from tests.support.contracts import checks_alone
from tests.support.factories import (
    answered,
    asked,
    contract_in,
    eligible,
    failed_job,
    judged_job,
    now,
    pending_job,
    reloaded,
    running_job,
    signed,
)
from tests.support.forgery import CONTRACT, JOB
from tests.support.users import Users

CONSTRAINT = "ledger_covers_update"
MOMENT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
AT_REST = [status for status in ContractStatus if status is not ContractStatus.VALIDATED]
OPERATIONS: list[Callable[[Users], Any]] = [
    *(lambda users, status=status: contract_in(users, status) for status in AT_REST),
    asked,
    answered,
    pending_job,
    lambda users: running_job(users).complete_steps(),
    lambda users: running_job(users).cancel(),
    failed_job,
    lambda users: judged_job(users, AuditVerdict.INCONCLUSIVE),
]


def last_entry_at(contract: SystemContract, kind: str) -> Any:
    entries = LedgerEntry.objects.filter(contract_id=contract.pk, event__startswith=f"{kind}.")
    return max(entries.values_list("at", flat=True))


# --- in Python ---
@pytest.mark.parametrize("operation", OPERATIONS)
def test_updated_at__after_any_operation__is_the_time_of_the_last_entry(
    users: Users, operation: Callable[[Users], Any]
) -> None:
    operation(users)
    check_deferred_triggers()
    contract = SystemContract.objects.get()
    assert contract.updated_at == last_entry_at(contract, "contract")
    for job in GovernanceJob.objects.all():
        assert job.updated_at == last_entry_at(contract, "job")


def test_signature__that_others_must_follow__moves_updated_at(users: Users, settings: Any) -> None:
    settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}
    contract = eligible(users, at=now() - HOUR)
    signed(users, contract)
    assert reloaded(contract).status == ContractStatus.ELIGIBLE
    assert reloaded(contract).updated_at > contract.updated_at
    check_deferred_triggers()


def test_report__under_an_earlier_clock__does_not_move_it_back(users: Users) -> None:
    ahead = now() + timedelta(seconds=20)
    running = running_job(users, at=ahead)
    running.record(running.report(0), at=ahead - timedelta(seconds=10))
    assert reloaded(running.job).updated_at == ahead
    running.record(running.report(1), at=ahead + MOMENT)
    assert reloaded(running.job).updated_at == ahead + MOMENT
    check_deferred_triggers()


# --- in PostgreSQL ---
@pytest.mark.parametrize("later", [MOMENT, HOUR])
def test_sql_update__to_a_time_without_an_entry__refused_at_commit(
    users: Users, later: timedelta
) -> None:
    job = running_job(users).job
    for table, row in ((CONTRACT, reloaded(job.contract)), (JOB, reloaded(job))):
        with violates_constraint(CONSTRAINT, at_commit=True):
            update_row(table, row.pk, updated_at=row.updated_at + later)


def test_sql_update__to_a_time_that_only_the_other_one_changed__refused_at_commit(
    users: Users,
) -> None:
    job = pending_job(users)
    start = GovernanceOrchestrator.start_job
    as_of(now() + MOMENT, start, job.pk, executor=users.executor)
    job = reloaded(job)
    assert job.updated_at > reloaded(job.contract).updated_at
    with violates_constraint(CONSTRAINT, at_commit=True):
        update_row(CONTRACT, job.contract_id, updated_at=job.updated_at)


def test_sql_update__back_to_an_earlier_entry__refused(users: Users) -> None:
    job = running_job(users).job
    for table, row in ((CONTRACT, reloaded(job.contract)), (JOB, reloaded(job))):
        with violates_constraint(CONSTRAINT):
            update_row(table, row.pk, updated_at=row.created_at - HOUR)


def test_sql_update__moved_with_an_entry_but_not_dated__refused_at_commit(users: Users) -> None:
    from governance.record.ledger.chain import NewEntry, append_entries

    contract = eligible(users, at=now() - HOUR)
    with violates_constraint(CONSTRAINT, at_commit=True):
        update_row(
            CONTRACT, contract.pk, status="EXPIRED", closed_at=now(), closed_reason="Too late."
        )
        entry = NewEntry(
            "contract.review.expired",
            from_status="ELIGIBLE",
            to_status="EXPIRED",
            records={"closing_sha256": "0" * 64},
        )
        append_entries(contract_id=contract.pk, actor=users.operator, at=now(), entries=[entry])


def test_sql_update__to_null__refused(users: Users) -> None:
    with violates_constraint("not_null updated_at"), checks_alone():
        update_row(CONTRACT, eligible(users).pk, updated_at=None)


# --- in verification ---
@pytest.mark.parametrize(("table", "kind"), [(CONTRACT, "contract"), (JOB, "job")])
@pytest.mark.parametrize("shift", [MOMENT, -MOMENT, HOUR])
def test_rewritten_with_the_triggers_off__verified__found(
    users: Users, table: str, kind: str, shift: timedelta
) -> None:
    judged_job(users)
    with checks_alone():
        run_sql(f"ALTER TABLE {JOB} DISABLE TRIGGER USER")
        run_sql(f"UPDATE {table} SET updated_at = updated_at + %s", shift)
    [problem] = [checked.finding.problem for checked in verify_ledger() if checked.finding]
    assert problem.startswith(f"updated_at of the {kind} is ")
