"""Races of a change freeze and an operation: the operation commits before the freeze or never."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.canonical import timestamp
from governance.domain.errors import ChangeFreezeActiveError
from governance.domain.values import ActivationWindow, ContractStatus, JobStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.review_contract import approve_contract
from governance.models import ChangeFreeze, GovernanceJob, SystemContract
from governance.record.ledger.verification import verify_ledger
from tests.support.attacks import run_sql, violated_constraint
from tests.support.factories import approved, eligible, now, pending_job
from tests.support.freezes import HOUR, frozen, lifted
from tests.support.signing import as_seen
from tests.support.threads import at_once, overtaking
from tests.support.users import Users

Moves = dict[str, Callable[[], Any]]
MOVES = ["approve", "activate", "start", "claim"]


@pytest.fixture
def moves(committed: Users) -> Moves:
    to_approve, to_activate, job = eligible(committed), approved(committed), pending_job(committed)

    def approve() -> Any:
        at = now()
        return approve_contract(
            contract_id=to_approve.pk,
            founder=committed.second_founder,
            window=ActivationWindow(at, at + HOUR),
            **as_seen(to_approve),
        )

    return {
        "approve": approve,
        "activate": lambda: activate_contract(contract_id=to_activate.pk, actor=committed.operator),
        "start": lambda: GovernanceOrchestrator.start_job(
            job_id=job.pk, executor=committed.executor
        ),
        "claim": lambda: GovernanceOrchestrator.claim_job(executor=committed.executor),
    }


def moved() -> dict[str, int]:
    """Count the contracts and jobs in the statuses that the operations lead to."""
    return {
        "approved": SystemContract.objects.filter(status=ContractStatus.APPROVED).count(),
        "active": SystemContract.objects.filter(status=ContractStatus.ACTIVE).count(),
        "running": GovernanceJob.objects.filter(status=JobStatus.RUNNING).count(),
    }


@pytest.mark.parametrize("move", MOVES)
def test_freeze__committed_while_a_move_is_open__the_move_is_refused_at_its_commit(
    committed: Users, moves: Moves, move: str
) -> None:
    """The operation saw no freeze when it read; the constraint trigger checks again at commit."""
    before = moved()

    def slow_move(wait: Any) -> str:
        try:
            with transaction.atomic():
                moves[move]()
                wait()  # lets the freeze start
                wait()  # resumes after the freeze committed
        except IntegrityError as refusal:
            # The test's own transaction fails at commit, so no `write_transaction` translates it.
            return violated_constraint(refusal)
        return "moved"

    def freeze(wait: Any) -> ChangeFreeze:
        wait()
        done = frozen(committed)
        wait()
        return done

    outcome, stop = at_once(slow_move, freeze)
    assert outcome == "change_freeze_active"
    assert isinstance(stop, ChangeFreeze)
    assert moved() == before


@pytest.mark.parametrize("move", ["approve", "activate", "start"])
def test_freeze__between_read_and_commit_of_a_flow__refused_with_until_and_reason(
    committed: Users, moves: Moves, move: str
) -> None:
    """The flow checked for freezes before this one started, and then waited for a row lock."""
    before = moved()
    stops: list[ChangeFreeze] = []

    def lock_everything() -> int:
        return len(SystemContract.objects.select_for_update())

    def stop() -> None:
        [stopped] = at_once(lambda wait: frozen(committed))
        stops.append(stopped)

    _, refusal = overtaking(lock_everything, moves[move], meanwhile=stop)
    assert isinstance(refusal, ChangeFreezeActiveError)
    details = refusal.details
    assert (details["until"], details["reason"]) == (timestamp(stops[0].ends_at), stops[0].reason)
    assert moved() == before


def test_freeze__while_a_move_commits__waits_for_it(committed: Users) -> None:
    """A commit holds the shared advisory lock; starting a freeze waits until it is released."""

    def commit_slowly() -> str:
        run_sql(
            "SELECT pg_advisory_xact_lock_shared(hashtext(%s))", '"public".governance_change_freeze'
        )
        return "moved"

    first, second = overtaking(commit_slowly, lambda: frozen(committed))
    assert first == "moved"
    assert isinstance(second, ChangeFreeze)


def test_move__while_a_freeze_commits__waits_and_is_refused(committed: Users, moves: Moves) -> None:
    before = moved()
    freeze, refusal = overtaking(lambda: frozen(committed), moves["start"])
    assert isinstance(freeze, ChangeFreeze)
    assert isinstance(refusal, ChangeFreezeActiveError)
    assert refusal.details["reason"] == freeze.reason
    assert moved() == before


def test_moves__of_different_contracts__do_not_wait_for_each_other(
    committed: Users, moves: Moves
) -> None:
    def commit_both(wait: Any, move: str) -> Any:
        with transaction.atomic():
            done = moves[move]()
            run_sql("SET CONSTRAINTS ALL IMMEDIATE")
            wait()  # returns only if both transactions hold the shared lock
        return done

    outcomes = at_once(
        lambda wait: commit_both(wait, "approve"), lambda wait: commit_both(wait, "activate")
    )
    assert not any(isinstance(outcome, Exception) for outcome in outcomes)


@pytest.mark.parametrize("number", range(3))
def test_freeze_and_all_moves__at_once__each_is_before_the_freeze_or_refused(
    committed: Users, moves: Moves, number: int
) -> None:
    names = ["approve", "activate", "start"]

    def making(move: str) -> Callable[[Any], Any]:
        def call(wait: Any) -> Any:
            wait()
            return moves[move]()

        return call

    def stop(wait: Any) -> Any:
        wait()
        frozen(committed)
        return moved()  # later operations must be refused

    *outcomes, as_it_stopped = at_once(*(making(name) for name in names), stop)
    for outcome in outcomes:
        assert isinstance(outcome, ChangeFreezeActiveError) or not isinstance(outcome, Exception)
    assert moved() == as_it_stopped
    assert all(checked.finding is None for checked in verify_ledger())


def test_two_lifts__at_once__one_of_them_counts(committed: Users) -> None:
    freeze = frozen(committed)

    def lift(wait: Any) -> Any:
        wait()
        return lifted(committed, freeze)

    outcomes = at_once(lift, lift)
    assert sorted(isinstance(outcome, Exception) for outcome in outcomes) == [False, True]
