"""Tests of `verify_ledger` in batches of contracts, and by several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from uuid import UUID

import psutil
import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from governance.models import GovernanceJob, SystemContract
from governance.record.ledger import verification
from governance.record.ledger.contract_record import ContractRecord
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
    """Create five jobs, ordered by contract id, in two ranges of two batches and one of one."""
    monkeypatch.setattr(verification, "CONTRACTS_PER_BATCH", 1)
    monkeypatch.setattr(verification, "CONTRACTS_PER_RANGE", 2)
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


def test_batch_that_cannot_be_read__its_other_contracts_are_judged(
    jobs: list[GovernanceJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    load = verification.load_contract_records

    def loaded(ids: list[UUID]) -> list[ContractRecord]:
        if jobs[2].contract_id in ids:
            raise DataError
        return load(ids)

    monkeypatch.setattr(verification, "load_contract_records", loaded)
    found = problems(list(verify_ledger()))
    assert found == [None, None, "the record cannot be read: DataError", None, None]


def test_contract_record_that_cannot_be_verified__is_a_finding_beside_the_others(
    jobs: list[GovernanceJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = verification.first_problem

    def judged(contract_record: ContractRecord) -> tuple[int, str] | None:
        if contract_record.contract_id == jobs[1].contract_id:
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
    assert [one.contract_id for one in load_contract_records(ids)] == ids[1:]
    assert problems(list(verify_ledger(ids))) == [None] * 4
    [left, *_] = sorted(verify_ledger(), key=lambda one: one.finding is None)
    assert left.finding is not None
    assert (left.contract_id, left.finding.problem) == (ids[0], "there is no such contract")


@pytest.mark.parametrize("many", [1, 5])
def test_contract_records__without_question_and_verdict__are_fifteen_queries_however_many(
    jobs: list[GovernanceJob], many: int
) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert len(load_contract_records([job.contract_id for job in jobs[:many]])) == many
    assert len(asked) == 15


@pytest.fixture
def committed_jobs(committed: Users, monkeypatch: pytest.MonkeyPatch) -> list[GovernanceJob]:
    """Create three jobs that other processes see, ordered by contract id, one in each range."""
    monkeypatch.setattr(verification, "CONTRACTS_PER_RANGE", 1)
    return sorted((finished_job(committed) for _ in range(3)), key=lambda job: job.contract_id)


def test_two_processes__find_what_one_finds_in_the_same_order(
    committed_jobs: list[GovernanceJob],
) -> None:
    rename(committed_jobs[1])
    checked = list(verify_ledger(jobs=2))
    assert checked == list(verify_ledger(jobs=1))
    assert [one.contract_id for one in checked] == [job.contract_id for job in committed_jobs]
    assert [one.finding is not None for one in checked] == [False, True, False]


def test_process_that_dies__is_an_error_and_no_result(
    committed_jobs: list[GovernanceJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = os.getpid()

    def dying(contract_record: ContractRecord) -> None:
        assert os.getpid() != parent
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(verification, "first_problem", dying)
    with pytest.raises(BrokenProcessPool):
        list(verify_ledger(jobs=2))


def test_two_processes__caller_who_stops_early__leaves_a_connection_that_answers(
    committed_jobs: list[GovernanceJob],
) -> None:
    assert next(verify_ledger(jobs=2)).contract_id == committed_jobs[0].contract_id
    assert SystemContract.objects.count() == 3


def test_processes__whose_parent_was_killed__end_too() -> None:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()

    def run_processes() -> None:
        with ProcessPoolExecutor(
            2, mp_context=context, initializer=verification._follow_parent
        ) as processes:
            theirs.send([processes.submit(os.getpid).result() for _ in range(20)])
            time.sleep(60)

    parent = context.Process(target=run_processes)
    parent.start()
    theirs.close()
    children = [psutil.Process(pid) for pid in set(ours.recv())]
    parent.kill()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
