"""Tests of `verify_ledger` in batches, which verifies one batch while it reads the next."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from governance.models import GovernanceJob, SystemContract
from governance.record.ledger import verification
from governance.record.ledger.loading import load_contract_records
from governance.record.ledger.verification import CheckedChain, verify_ledger
from tests.support.factories import finished_job
from tests.support.tampering import tamper
from tests.support.users import Users

NESTED_TOO_DEEP = (
    "UPDATE governance_jobstep SET change = (repeat('[', 2000) || repeat(']', 2000))::jsonb"
)
OTHER_TITLE = "UPDATE governance_systemcontract SET title = 'Other'"
UNREADABLE = "the record cannot be read: RecursionError"


@pytest.fixture
def jobs(users: Users, monkeypatch: pytest.MonkeyPatch) -> list[GovernanceJob]:
    """Create five jobs, ordered by contract id; two contracts per batch make three batches."""
    monkeypatch.setattr(verification, "CONTRACTS_PER_BATCH", 2)
    return sorted((finished_job(users) for _ in range(5)), key=lambda job: job.contract_id)


def problems(checked: list[CheckedChain]) -> list[str | None]:
    return [one.finding.problem if one.finding else None for one in checked]


def make_unreadable(job: GovernanceJob) -> None:
    tamper(f"{NESTED_TOO_DEEP} WHERE job_id = '{job.pk}'")


def rename(job: GovernanceJob) -> None:
    tamper(f"{OTHER_TITLE} WHERE id = '{job.contract_id}'")


def delete_contract(job: GovernanceJob) -> None:
    """Delete the contract's row, but neither its chain nor its job."""
    tamper(f"DELETE FROM governance_systemcontract WHERE id = '{job.contract_id}'")


def test_several_batches__each_contract_once_in_order_of_id(jobs: list[GovernanceJob]) -> None:
    checked = list(verify_ledger())
    assert [one.contract_id for one in checked] == [job.contract_id for job in jobs]
    assert {one.entries for one in checked} == {11}
    assert problems(checked) == [None] * 5


@pytest.mark.parametrize("index", range(5))
def test_findings_in_one_batch__belong_to_their_contract(
    jobs: list[GovernanceJob], index: int
) -> None:
    rename(jobs[index])
    checked = list(verify_ledger())
    assert [one.contract_id for one in checked] == [job.contract_id for job in jobs]
    assert [one.finding is not None for one in checked] == [n == index for n in range(5)]


@pytest.mark.parametrize("index", range(5))
def test_batch_that_cannot_be_read__the_one_before_it_is_judged_all_the_same(
    jobs: list[GovernanceJob], index: int
) -> None:
    make_unreadable(jobs[index])
    rename(jobs[index - 1])
    checked = list(verify_ledger())
    assert [one.contract_id for one in checked] == [job.contract_id for job in jobs]
    found = problems(checked)
    assert found[index] == UNREADABLE
    assert found[index - 1] not in (None, UNREADABLE)
    assert [problem for problem in found if problem is None] == [None] * 3


def test_batch_that_fails_before_anything_else_was_done__the_one_before_it_is_judged(
    jobs: list[GovernanceJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    load = verification.load_contract_records

    def loaded(
        ids: list[UUID], *, meanwhile: Iterator[None]
    ) -> Iterator[verification.ContractRecord]:
        if jobs[2].contract_id in ids:
            raise DataError
        return load(ids, meanwhile=meanwhile)

    monkeypatch.setattr(verification, "load_contract_records", loaded)
    found = problems(list(verify_ledger()))
    assert found == [None, None, "the record cannot be read: DataError", None, None]


def test_contract_record_that_cannot_be_verified__is_a_finding_beside_the_others(
    jobs: list[GovernanceJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = verification.first_problem

    def judged(contract_record: verification.ContractRecord) -> tuple[int, str] | None:
        if UUID(str(contract_record.contract.pk)) == jobs[1].contract_id:
            raise RecursionError
        return judge(contract_record)

    monkeypatch.setattr(verification, "first_problem", judged)
    assert problems(list(verify_ledger())) == [None, UNREADABLE, None, None, None]


def test_captured_queries__include_every_read_and_findings_stay_the_same(
    jobs: list[GovernanceJob],
) -> None:
    rename(jobs[3])
    with CaptureQueriesContext(connection) as asked:
        checked = list(verify_ledger())
    assert [one.finding is not None for one in checked] == [False, False, False, True, False]
    assert sum("FROM governance_ledgerentry" in one["sql"] for one in asked) >= 3


def test_caller_who_stops_early__leaves_a_connection_that_answers(
    jobs: list[GovernanceJob],
) -> None:
    first = next(verify_ledger())
    assert first.contract_id == jobs[0].contract_id
    assert SystemContract.objects.count() == 5


def test_contract_that_was_deleted__what_it_left_is_in_no_contract_record(
    jobs: list[GovernanceJob],
) -> None:
    delete_contract(jobs[0])
    ids = [job.contract_id for job in jobs]
    assert [UUID(str(one.contract.pk)) for one in load_contract_records(ids)] == ids[1:]
    assert problems(list(verify_ledger(ids))) == [None] * 4
    [left, *_] = sorted(verify_ledger(), key=lambda one: one.finding is None)
    assert left.finding is not None
    assert (left.contract_id, left.finding.problem) == (ids[0], "there is no such contract")


@pytest.mark.parametrize("many", [1, 5])
def test_contract_records__are_fourteen_queries_however_many(
    jobs: list[GovernanceJob], many: int
) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert len(list(load_contract_records([job.contract_id for job in jobs[:many]]))) == many
    assert len(asked) == 14
