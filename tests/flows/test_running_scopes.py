"""SCOPE: claims pass over jobs whose scope is busy, and two overlapping jobs never run at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from governance.authorities.orchestrator import tracking
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.errors import InvalidJobTransitionError, JobImmutableError, ScopeBusyError
from governance.domain.roles import MachineAccount
from governance.domain.values import JobStatus
from governance.flows import run_job
from governance.models import GovernanceJob
from governance.record.ledger.verification import verify_ledger
from governance.services.access.accounts import machine_account
from governance.services.registry.operations import register_capabilities
from tests.support.factories import affecting, pending_job, running_job
from tests.support.routing import routes_file
from tests.support.threads import at_once, overtaking
from tests.support.users import Users

THREADS = 4


def pending_on(users: Users, *scope: str) -> UUID:
    job = pending_job(users, **affecting(scope[0]) | {"affected_capabilities": list(scope)})
    return job.pk


def claimed(users: Users, **limits: Any) -> UUID | None:
    found = GovernanceOrchestrator.claim_job(executor=users.executor, **limits)
    return found[0].pk if found else None


def end(users: Users, job_id: UUID) -> None:
    run_job.cancel_job(job_id=job_id, reason="It is over.", actor=users.operator)


def start(users: Users, job_id: UUID) -> GovernanceJob:
    return GovernanceOrchestrator.start_job(job_id=job_id, executor=users.executor)[0]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that claims made before they tried again."""
    made: list[float] = []
    monkeypatch.setattr(tracking, "sleep", made.append)
    return made


LIMITS: list[dict[str, Any]] = [
    {},
    {"capabilities": ["Search", "Stock", "Maps", "SYSTEM"]},
    {"step_types": ["capability_enable", "configuration_update", "parameter_change"]},
]


@pytest.mark.parametrize("limits", LIMITS, ids=["any", "token scope", "step types"])
class TestClaims:
    def test_claim__oldest_on_a_busy_capability__takes_the_next_and_later_the_oldest(
        self, users: Users, limits: dict[str, Any]
    ) -> None:
        running = running_job(users)
        oldest, next_one = pending_on(users, "Maps", "Search"), pending_on(users, "Stock")
        assert claimed(users, **limits) == next_one
        assert claimed(users, **limits) is None
        running.cancel()
        assert claimed(users, **limits) == oldest

    def test_claim__while_a_job_on_system_runs__takes_none(
        self, users: Users, limits: dict[str, Any]
    ) -> None:
        system, other = pending_on(users, "Search", "SYSTEM"), pending_on(users, "Stock")
        assert claimed(users, **limits) == system
        assert claimed(users, **limits) is None
        end(users, system)
        assert claimed(users, **limits) == other

    def test_claim__of_a_job_on_system__takes_it_when_nothing_runs(
        self, users: Users, limits: dict[str, Any]
    ) -> None:
        running = running_job(users)
        system, other = pending_on(users, "SYSTEM"), pending_on(users, "Stock")
        assert claimed(users, **limits) == other
        end(users, other)
        assert claimed(users, **limits) is None
        running.cancel()
        assert claimed(users, **limits) == system

    def test_claim__nothing_but_busy_capabilities__does_not_ask_again(
        self, users: Users, limits: dict[str, Any], pauses: list[float]
    ) -> None:
        running_job(users)
        pending_on(users, "Search")
        assert (claimed(users, **limits), pauses) == (None, [])

    def test_claim__beside_a_start_that_has_not_committed__takes_the_next_without_waiting(
        self, committed: Users, limits: dict[str, Any]
    ) -> None:
        first = pending_on(committed, "Search")
        pending_on(committed, "Search", "Maps")
        next_one = pending_on(committed, "Stock")
        with transaction.atomic():
            assert claimed(committed, **limits) == first
            assert at_once(lambda wait: claimed(committed, **limits)) == [next_one]


def test_start__that_waited_for_another_job__is_dated_after_its_end(committed: Users) -> None:
    first, second = pending_on(committed, "Search"), pending_on(committed, "Search")
    _, started = overtaking(
        lambda: start(committed, first),
        lambda: start(committed, second),
        meanwhile=lambda: end(committed, first),
    )
    ended_at = GovernanceJob.objects.get(pk=first).ended_at
    assert ended_at
    assert started.started_at > ended_at


def test_start__while_a_job_on_its_scope_ends__waits_for_the_end_and_is_not_refused(
    committed: Users,
) -> None:
    register_capabilities(documents=[{"name": "Search"}])
    first = pending_on(committed, "Search")
    start(committed, first)
    with routes_file():
        second = pending_on(committed, "Search")
    executor = machine_account(MachineAccount.EXECUTOR)
    _, started = overtaking(
        lambda: end(committed, first),
        lambda: GovernanceOrchestrator.start_job(job_id=second, executor=executor)[0],
    )
    assert started.status == JobStatus.RUNNING


# --- any scopes, many threads ---
def scopes(seed: int, number: int) -> Iterator[list[str]]:
    """Yield scopes of one to three capabilities; one in eight affects SYSTEM."""
    chance = random.Random(seed)
    for _ in range(number):
        scope = chance.sample(["Search", "Stock", "Maps", "Mail", "Rooms"], chance.randint(1, 3))
        yield [*scope, "SYSTEM"] if chance.random() < 1 / 8 else scope


@pytest.mark.parametrize("seed", range(3))
def test_jobs__of_any_scopes_in_many_threads__never_overlap_while_they_run(
    committed: Users, seed: int
) -> None:
    """Half of the threads claim; the others start what they choose, and are often refused."""
    jobs = [pending_on(committed, *scope) for scope in scopes(seed, 20)]

    def take(chance: random.Random, number: int) -> UUID | None:
        if number % 2:
            return claimed(committed)
        wanted = chance.choice(jobs)
        try:
            GovernanceOrchestrator.start_job(job_id=wanted, executor=committed.executor)
        except (ScopeBusyError, InvalidJobTransitionError, JobImmutableError):
            return None
        return wanted

    def working(number: int) -> Any:
        def work(wait: Any) -> int:
            chance, done = random.Random(f"{seed} {number}"), 0
            wait()
            while GovernanceJob.objects.filter(status=JobStatus.PENDING).exists():
                if job_id := take(chance, number):
                    end(committed, job_id)
                    done += 1
            return done

        return work

    assert sum(at_once(*(working(number) for number in range(THREADS)))) == len(jobs)
    ran = [
        (set(scope), started_at, ended_at)
        for scope, started_at, ended_at in GovernanceJob.objects.values_list(
            "contract__affected_capabilities", "started_at", "ended_at"
        )
    ]
    # A start sees a job that ended only after the commit of its end, so its time is later.
    for (one, began, ended), (other, other_began, other_ended) in combinations(ran, 2):
        if one & other or "SYSTEM" in one | other:
            assert ended <= other_began or other_ended <= began
    assert all(checked.finding is None for checked in verify_ledger())
