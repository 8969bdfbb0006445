"""`verify_ledger` judges a batch while it reads the next: nothing of either is lost or mixed up."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from governance.ledger import verification
from governance.ledger.loading import load_dossiers
from governance.ledger.verification import Checked, verify_ledger
from governance.models import GovernanceJob, SystemContract
from tests.support.cast import Cast
from tests.support.stories import finished_job
from tests.support.tampering import run_sql

NESTED_TOO_DEEP = (
    "UPDATE governance_jobstep SET change = (repeat('[', 2000) || repeat(']', 2000))::jsonb"
)
OTHER_TITLE = "UPDATE governance_systemcontract SET title = 'Other'"
UNREADABLE = "the record cannot be read: RecursionError"


@pytest.fixture
def jobs(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> list[GovernanceJob]:
    """Five jobs in order of their contracts' ids, of which three batches are made."""
    monkeypatch.setattr(verification, "CONTRACTS_AT_ONCE", 2)
    return sorted((finished_job(cast) for _ in range(5)), key=lambda job: job.contract_id)


def problems(checked: list[Checked]) -> list[str | None]:
    return [one.finding.problem if one.finding else None for one in checked]


def make_unreadable(job: GovernanceJob) -> None:
    run_sql(f"{NESTED_TOO_DEEP} WHERE job_id = '{job.pk}'")


def rename(job: GovernanceJob) -> None:
    run_sql(f"{OTHER_TITLE} WHERE id = '{job.contract_id}'")


def take_away(job: GovernanceJob) -> None:
    """The contract alone: its chain and its job stay behind."""
    run_sql(f"DELETE FROM governance_systemcontract WHERE id = '{job.contract_id}'")


def test_several_batches__each_contract_once_in_order_of_id(jobs: list[GovernanceJob]) -> None:
    checked = list(verify_ledger())
    assert [one.contract_id for one in checked] == [job.contract_id for job in jobs]
    assert {one.entries for one in checked} == {11}
    assert problems(checked) == [None] * 5


@pytest.mark.parametrize("place", range(5))
def test_findings_in_one_batch__belong_to_their_contract(
    jobs: list[GovernanceJob], place: int
) -> None:
    rename(jobs[place])
    checked = list(verify_ledger())
    assert [one.contract_id for one in checked] == [job.contract_id for job in jobs]
    assert [one.finding is not None for one in checked] == [n == place for n in range(5)]


@pytest.mark.parametrize("place", range(5))
def test_batch_that_cannot_be_read__the_one_before_it_is_judged_all_the_same(
    jobs: list[GovernanceJob], place: int
) -> None:
    make_unreadable(jobs[place])
    rename(jobs[place - 1])
    checked = list(verify_ledger())
    assert [one.contract_id for one in checked] == [job.contract_id for job in jobs]
    found = problems(checked)
    assert found[place] == UNREADABLE
    assert found[place - 1] not in (None, UNREADABLE)
    assert [problem for problem in found if problem is None] == [None] * 3


def test_batch_that_fails_before_anything_else_was_done__the_one_before_it_is_judged(
    jobs: list[GovernanceJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    load = verification.load_dossiers

    def loaded(ids: list[UUID], *, meanwhile: Iterator[None]) -> Iterator[verification.Dossier]:
        if jobs[2].contract_id in ids:
            raise DataError
        return load(ids, meanwhile=meanwhile)

    monkeypatch.setattr(verification, "load_dossiers", loaded)
    found = problems(list(verify_ledger()))
    assert found == [None, None, "the record cannot be read: DataError", None, None]


def test_dossier_that_cannot_be_judged__is_a_finding_beside_the_others(
    jobs: list[GovernanceJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = verification.first_problem

    def judged(dossier: verification.Dossier) -> tuple[int, str] | None:
        if UUID(str(dossier.contract.pk)) == jobs[1].contract_id:
            raise RecursionError
        return judge(dossier)

    monkeypatch.setattr(verification, "first_problem", judged)
    assert problems(list(verify_ledger())) == [None, UNREADABLE, None, None, None]


def test_whoever_listens_to_the_questions__hears_them_and_finds_the_same(
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


def test_contract_that_was_taken_away__what_it_left_is_in_nobodys_dossier(
    jobs: list[GovernanceJob],
) -> None:
    take_away(jobs[0])
    ids = [job.contract_id for job in jobs]
    assert [UUID(str(one.contract.pk)) for one in load_dossiers(ids)] == ids[1:]
    assert problems(list(verify_ledger(ids))) == [None] * 4
    [left, *_] = sorted(verify_ledger(), key=lambda one: one.finding is None)
    assert left.finding is not None
    assert (left.contract_id, left.finding.problem) == (ids[0], "there is no such contract")


@pytest.mark.parametrize("many", [1, 5])
def test_dossiers__are_fourteen_questions_however_many(
    jobs: list[GovernanceJob], many: int
) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert len(list(load_dossiers([job.contract_id for job in jobs[:many]]))) == many
    assert len(asked) == 14
