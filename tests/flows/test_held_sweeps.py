"""Sweeps that would end too much at once end nothing, until a person typed or saw how many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.domain.errors import EndingsChangedError, TooManyEndingsError
from governance.flows.endings import CONTRACTS, JOBS, Endings, Sweep, read_endings
from governance.flows.sweep import SweepResult, expire_contracts, fail_timed_out_jobs
from governance.models import SystemContract
from tests.support.attacks import nothing_written
from tests.support.clock import as_of
from tests.support.factories import affecting, approved, eligible, now, running_job
from tests.support.users import Users

LATER = timedelta(days=9)  # reviews, windows and leases of now are over
TOO_MANY = 21


def reviews(users: Users, number: int) -> list[UUID]:
    return [eligible(users).pk for _ in range(number)]


def windows(users: Users, number: int) -> list[UUID]:
    return [approved(users).pk for _ in range(number)]


def leases(users: Users, number: int) -> list[UUID]:
    return [running_job(users, **affecting(f"Part {n}")).job.pk for n in range(number)]


def open_elsewhere(users: Users, number: int) -> None:
    """Make contracts that are open later too, and that no sweep ends."""
    for _ in range(number):
        eligible(users, at=now() + LATER)


def sweep(users: Users, operation: Any = expire_contracts, **options: Any) -> list[SweepResult]:
    return list(as_of(now() + LATER, operation, actor=users.operator, **options))


@pytest.mark.parametrize(
    ("make", "operation"),
    [
        (reviews, expire_contracts),
        (windows, expire_contracts),
        (leases, fail_timed_out_jobs),
    ],
)
class TestHeldSweeps:
    def test_sweep__of_more_than_a_tenth_and_more_than_20__ends_none(
        self, users: Users, make: Callable[[Users, int], list[UUID]], operation: Any
    ) -> None:
        make(users, TOO_MANY)
        with nothing_written(), pytest.raises(TooManyEndingsError) as refusal:
            sweep(users, operation)
        assert refusal.value.details == {"count": TOO_MANY}

    def test_sweep__of_20__ends_all(
        self, users: Users, make: Callable[[Users, int], list[UUID]], operation: Any
    ) -> None:
        due = make(users, TOO_MANY - 1)
        assert {one.subject_id for one in sweep(users, operation) if one.status} == set(due)

    def test_sweep__forced_with_the_number_typed__ends_all(
        self, users: Users, make: Callable[[Users, int], list[UUID]], operation: Any
    ) -> None:
        due = make(users, TOO_MANY)
        for wrong in (TOO_MANY - 1, TOO_MANY + 1):
            with nothing_written(), pytest.raises(EndingsChangedError) as refusal:
                sweep(users, operation, force=wrong)
            assert refusal.value.details == {"count": TOO_MANY}
        assert len([one for one in sweep(users, operation, force=TOO_MANY) if one.status]) == len(
            due
        )

    def test_sweep__of_exactly_those_that_a_person_saw__ends_no_others(
        self, users: Users, make: Callable[[Users, int], list[UUID]], operation: Any
    ) -> None:
        due = make(users, TOO_MANY)
        seen = frozenset([*due[:3], UUID(int=7)])
        ended = sweep(users, operation, only=seen)
        assert {one.subject_id for one in ended} == set(due[:3])
        assert all(one.status for one in ended)


def test_sweep__of_a_part_that_is_seen_and_not_due__leaves_it(users: Users) -> None:
    due, young = eligible(users), eligible(users, at=now() + LATER)
    [ended] = sweep(users, only={due.pk, young.pk})
    assert ended.subject_id == due.pk
    assert SystemContract.objects.get(pk=young.pk).status == "ELIGIBLE"


def test_sweep__reviews_and_windows_together__are_counted_together(users: Users) -> None:
    reviews(users, 11)
    windows(users, 10)
    with pytest.raises(TooManyEndingsError):
        sweep(users)


def endings(due: int, of: int, sweep: Sweep = CONTRACTS) -> Endings:
    move = sweep.moves[0][0]
    return Endings([(move, [UUID(int=number) for number in range(due)])], min(of, 10 * due))


@pytest.mark.parametrize(
    ("due", "of", "is_held"),
    [
        (0, 0, False),
        (20, 20, False),
        (21, 21, True),
        (21, 209, True),
        (21, 210, False),  # exactly a tenth
        (100, 999, True),
        (100, 1000, False),
        (100, 50_000, False),
    ],
)
def test_endings__beside_what_is_open__are_held_beyond_a_tenth(
    due: int, of: int, is_held: bool
) -> None:
    assert endings(due, of).is_held is is_held


def test_endings__of_every_sweep__are_read_by_one_statement(users: Users) -> None:
    reviews(users, 2)
    open_elsewhere(users, 30)
    [job] = leases(users, 1)
    with CaptureQueriesContext(connection) as sent:
        contracts, jobs = read_endings(CONTRACTS, JOBS, at=now() + LATER)
    assert len(sent) == 1
    assert len(contracts.ids) == 2
    assert contracts.open_count == 20  # of 33, read up to ten times the endings
    assert (jobs.ids, jobs.open_count) == ([job], 1)


def test_endings__when_nothing_is_due__count_nothing(users: Users) -> None:
    open_elsewhere(users, 1)
    [found] = read_endings(CONTRACTS, at=now())
    assert (found.ids, found.open_count, found.is_held) == ([], 0, False)
