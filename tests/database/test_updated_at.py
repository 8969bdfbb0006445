"""`updated_at`: when a contract or a job last changed, as its ledger tells it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from governance.ledger.verification import verify_ledger
from governance.models import GovernanceJob, LedgerEntry, SystemContract
from governance.vocabulary.values import AuditVerdict, ContractStatus
from tests.support.attacks import check_deferred_laws, refused_by, run_sql, update_row
from tests.support.cast import Cast
from tests.support.contracts import checks_alone
from tests.support.forgery import CONTRACT, JOB
from tests.support.stories import (
    again,
    answered,
    asked,
    contract_in,
    eligible,
    failed_job,
    judged_job,
    now,
    pending_job,
    running_job,
    signed,
)

LAW = "ledger_tells_update"
MOMENT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
AT_REST = [status for status in ContractStatus if status is not ContractStatus.VALIDATED]
STORIES: list[Callable[[Cast], Any]] = [
    *(lambda cast, status=status: contract_in(cast, status) for status in AT_REST),
    asked,
    answered,
    pending_job,
    lambda cast: running_job(cast).complete_steps(),
    lambda cast: running_job(cast).cancel(),
    failed_job,
    lambda cast: judged_job(cast, AuditVerdict.INCONCLUSIVE),
]


def last_told(contract: SystemContract, kind: str) -> Any:
    entries = LedgerEntry.objects.filter(contract_id=contract.pk, event__startswith=f"{kind}.")
    return max(entries.values_list("at", flat=True))


# --- in Python ---
@pytest.mark.parametrize("story", STORIES)
def test_updated_at__after_any_story__is_what_the_ledger_told_last(
    cast: Cast, story: Callable[[Cast], Any]
) -> None:
    story(cast)
    check_deferred_laws()
    contract = SystemContract.objects.get()
    assert contract.updated_at == last_told(contract, "contract")
    for job in GovernanceJob.objects.all():
        assert job.updated_at == last_told(contract, "job")


def test_signature__that_others_must_follow__moves_updated_at(cast: Cast, settings: Any) -> None:
    settings.GOVERNANCE = settings.GOVERNANCE | {"QUORUM": {"medium": 2}}
    contract = eligible(cast, at=now() - HOUR)
    signed(cast, contract)
    assert again(contract).status == ContractStatus.ELIGIBLE
    assert again(contract).updated_at > contract.updated_at
    check_deferred_laws()


def test_report__under_an_earlier_clock__does_not_move_it_back(cast: Cast) -> None:
    ahead = now() + timedelta(seconds=20)
    running = running_job(cast, at=ahead)
    running.record(running.report(0), at=ahead - timedelta(seconds=10))
    assert again(running.job).updated_at == ahead
    running.record(running.report(1), at=ahead + MOMENT)
    assert again(running.job).updated_at == ahead + MOMENT
    check_deferred_laws()


# --- in PostgreSQL ---
@pytest.mark.parametrize("later", [MOMENT, HOUR])
def test_sql_update__to_a_time_that_nothing_tells__refused_at_commit(
    cast: Cast, later: timedelta
) -> None:
    job = running_job(cast).job
    for table, row in ((CONTRACT, again(job.contract)), (JOB, again(job))):
        with refused_by(LAW, at_commit=True):
            update_row(table, row.pk, updated_at=row.updated_at + later)


def test_sql_update__to_a_time_that_only_the_other_one_changed__refused_at_commit(
    cast: Cast,
) -> None:
    job = again(running_job(cast).job)
    assert job.updated_at > again(job.contract).updated_at
    with refused_by(LAW, at_commit=True):
        update_row(CONTRACT, job.contract_id, updated_at=job.updated_at)


def test_sql_update__back_to_an_earlier_entry__refused(cast: Cast) -> None:
    job = running_job(cast).job
    for table, row in ((CONTRACT, again(job.contract)), (JOB, again(job))):
        with refused_by(LAW):
            update_row(table, row.pk, updated_at=row.created_at - HOUR)


def test_sql_update__moved_and_told_but_not_dated__refused_at_commit(cast: Cast) -> None:
    from governance.ledger.chain import Entry, append_entries

    contract = eligible(cast, at=now() - HOUR)
    with refused_by(LAW, at_commit=True):
        update_row(
            CONTRACT, contract.pk, status="EXPIRED", closed_at=now(), closed_reason="Too late."
        )
        entry = Entry(
            "contract.review.expired",
            from_status="ELIGIBLE",
            to_status="EXPIRED",
            records={"closing_sha256": "0" * 64},
        )
        append_entries(contract_id=contract.pk, actor=cast.operator, at=now(), entries=[entry])


def test_sql_update__to_null__refused(cast: Cast) -> None:
    with refused_by("not_null updated_at"), checks_alone():
        update_row(CONTRACT, eligible(cast).pk, updated_at=None)


# --- in verification ---
@pytest.mark.parametrize(("table", "kind"), [(CONTRACT, "contract"), (JOB, "job")])
@pytest.mark.parametrize("shift", [MOMENT, -MOMENT, HOUR])
def test_rewritten_with_the_laws_off__verified__found(
    cast: Cast, table: str, kind: str, shift: timedelta
) -> None:
    judged_job(cast)
    with checks_alone():
        run_sql(f"ALTER TABLE {JOB} DISABLE TRIGGER USER")
        run_sql(f"UPDATE {table} SET updated_at = updated_at + %s", shift)
    [problem] = [checked.finding.problem for checked in verify_ledger() if checked.finding]
    assert problem.startswith(f"the {kind} is shown to have changed at ")
