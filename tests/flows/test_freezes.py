"""Tests of change freezes: a founder starts one; it ends at its time or when it is lifted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.db.errors import translated_errors
from governance.domain.canonical import timestamp
from governance.domain.errors import (
    ChangeFreezeActiveError,
    InvalidInputError,
    InvalidWindowError,
    NotFoundError,
    ReasonRequiredError,
    WrongPersonError,
    WrongStateError,
)
from governance.domain.values import ActivationWindow, ContractStatus, JobStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.review_contract import approve_contract, reject_contract
from governance.flows.sweep import activate_due_contracts, expire_contracts
from governance.models import ChangeFreeze, FreezeLift
from governance.record.ledger.verification import verify_ledger
from governance.services.freezes.operations import lift_active_freezes, lift_freeze, start_freeze
from governance.services.freezes.queries import active_freeze, active_freezes
from tests.support.attacks import nothing_written
from tests.support.clock import as_of
from tests.support.factories import (
    affecting,
    approved,
    eligible,
    judged_job,
    now,
    pending_job,
    reloaded,
    running_job,
)
from tests.support.freezes import HOUR, frozen, lifted
from tests.support.signing import as_seen
from tests.support.users import Users
from tests.support.verdicts import judge

Move = Callable[[], Any]
TICK = timedelta(microseconds=1)


def approve(users: Users, contract: Any, at: datetime | None = None) -> Any:
    at = at or now()
    return as_of(
        at,
        approve_contract,
        contract_id=contract.pk,
        founder=users.founder,
        window=ActivationWindow(at, at + 24 * HOUR),
        **as_seen(contract),
    )


@pytest.fixture
def held(users: Users) -> dict[str, Move]:
    """Return the operations that a change freeze blocks, each ready to be called."""
    to_approve, to_activate = eligible(users), approved(users)
    first = pending_job(users)
    return {
        "approve": lambda: approve(users, to_approve),
        "activate": lambda: activate_contract(contract_id=to_activate.pk, actor=users.operator),
        "start": lambda: GovernanceOrchestrator.start_job(job_id=first.pk, executor=users.executor),
        "claim": lambda: GovernanceOrchestrator.claim_job(executor=users.executor),
    }


HELD = ["approve", "activate", "start", "claim"]


class TestActiveFreeze:
    @pytest.mark.parametrize("move", HELD)
    def test_move__while_frozen__refused_with_until_and_reason(
        self, users: Users, held: dict[str, Move], move: str
    ) -> None:
        freeze = frozen(users)
        with (
            nothing_written(),
            pytest.raises(ChangeFreezeActiveError) as refusal,
            transaction.atomic(),
        ):
            held[move]()
        assert refusal.value.code == "change_freeze_active"
        details = refusal.value.details
        assert (details["until"], details["reason"]) == (timestamp(freeze.ends_at), freeze.reason)
        assert freeze.reason in str(refusal.value)

    @pytest.mark.parametrize("move", HELD)
    def test_move__after_the_freeze_was_lifted__made(
        self, users: Users, held: dict[str, Move], move: str, commit_now: Move
    ) -> None:
        lifted(users, frozen(users))
        assert held[move]()
        commit_now()

    @pytest.mark.parametrize("move", HELD)
    def test_move__after_the_end_of_the_freeze__made(
        self, users: Users, held: dict[str, Move], move: str, commit_now: Move
    ) -> None:
        frozen(users, at=now() - 2 * HOUR)
        assert held[move]()
        commit_now()

    @pytest.mark.parametrize("move", HELD)
    def test_move__one_of_two_freezes_lifted__still_refused(
        self, users: Users, held: dict[str, Move], move: str
    ) -> None:
        longer, shorter = frozen(users, hours=3), frozen(users, hours=2, reason="Me too.")
        lifted(users, longer)
        with pytest.raises(ChangeFreezeActiveError) as refusal, transaction.atomic():
            held[move]()
        assert refusal.value.details["reason"] == "Me too."
        lifted(users, shorter)
        assert held[move]()

    def test_claim__nothing_pending_while_frozen__refused_with_the_reason(
        self, users: Users
    ) -> None:
        frozen(users)
        with pytest.raises(ChangeFreezeActiveError):
            GovernanceOrchestrator.claim_job(executor=users.executor)

    def test_running_job__while_frozen__goes_on_to_its_verdict(
        self, users: Users, commit_now: Move
    ) -> None:
        running = running_job(users)
        other = running_job(users, **affecting("Stock"))
        frozen(users)
        running.complete_steps()
        job = running.complete()
        judge(job, users.auditor)
        assert reloaded(job.contract).status == ContractStatus.COMPLETED
        assert other.cancel().status == JobStatus.CANCELLED
        commit_now()

    def test_rejecting_and_expiring__while_frozen__go_on(
        self, users: Users, commit_now: Move
    ) -> None:
        refused, waited = eligible(users), eligible(users, at=now() - timedelta(days=30))
        frozen(users)
        reject_contract(contract_id=refused.pk, founder=users.founder, reason="Not this year.")
        list(expire_contracts(actor=users.operator))
        assert reloaded(refused).status == ContractStatus.REJECTED
        assert reloaded(waited).status == ContractStatus.EXPIRED
        commit_now()

    def test_sweep__while_frozen__passes_all_over_and_says_so(self, committed: Users) -> None:
        users = committed
        contracts = [approved(users), approved(users)]
        freeze = frozen(users)
        outcomes = list(activate_due_contracts(actor=users.operator))
        assert {outcome.subject_id for outcome in outcomes} == {one.pk for one in contracts}
        assert all(outcome.held_by_freeze for outcome in outcomes)
        lifted(users, freeze)
        outcomes = list(activate_due_contracts(actor=users.operator))
        assert not any(outcome.held_by_freeze for outcome in outcomes)
        assert {outcome.status for outcome in outcomes} == {"ACTIVE"}

    def test_contracts_ledger__of_what_a_freeze_held__has_no_entry_of_it(
        self, users: Users
    ) -> None:
        lifted(users, frozen(users))
        judged_job(users)
        assert all(checked.finding is None for checked in verify_ledger())


class TestFreezing:
    def test_freeze__kept_with_who_when_and_why(self, users: Users) -> None:
        at = now()
        frozen(users, at=at, hours=2)
        kept = ChangeFreeze.objects.get()
        assert kept.as_record() == {
            "id": str(kept.pk),
            "reason": "The payment provider is down.",
            "started_by": users.founder.pk,
            "started_at": timestamp(at),
            "ends_at": timestamp(at + 2 * HOUR),
        }

    @pytest.mark.parametrize("who", ["operator", "executor", "auditor", "viewer", "outsider"])
    def test_starting_and_lifting__not_a_founder__refused(self, users: Users, who: str) -> None:
        freeze, person = frozen(users), getattr(users, who)
        why: dict[str, Any] = {"reason": "Because.", "founder": person}
        with nothing_written():
            for attempt in (
                lambda: start_freeze(ends_at=now() + HOUR, **why),
                lambda: lift_freeze(freeze_id=freeze.pk, **why),
                lambda: lift_active_freezes(**why),
            ):
                with pytest.raises(WrongPersonError):
                    attempt()

    @pytest.mark.parametrize("reason", ["", "   \n", "x" * 4001, None, 5, "half\ud800", "nul\x00"])
    def test_starting_and_lifting__reason_missing_or_unfit__refused(
        self, users: Users, reason: Any
    ) -> None:
        freeze = frozen(users)
        with nothing_written():
            with pytest.raises(InvalidInputError) as refusal:
                frozen(users, reason=reason)
            assert refusal.value.errors[0]["path"].startswith("reason")
            with pytest.raises(InvalidInputError):
                lift_freeze(freeze_id=freeze.pk, reason=reason, founder=users.founder)
            with pytest.raises(InvalidInputError):
                lift_active_freezes(reason=reason, founder=users.founder)

    def test_freezing__reason_of_4000_characters__taken(self, users: Users) -> None:
        assert len(frozen(users, reason="x" * 4000).reason) == 4000

    def test_freezing__no_reason__has_its_own_code(self, users: Users) -> None:
        with pytest.raises(ReasonRequiredError):
            frozen(users, reason=" ")

    @pytest.mark.parametrize("length", [timedelta(0), -HOUR, 168 * HOUR + TICK])
    def test_freezing__end_past_or_too_late__refused(self, users: Users, length: timedelta) -> None:
        at = now()
        with nothing_written(), pytest.raises(InvalidWindowError) as refusal:
            as_of(at, start_freeze, reason="Because.", ends_at=at + length, founder=users.founder)
        assert refusal.value.errors[0]["path"] == "ends_at"

    @pytest.mark.parametrize("length", [TICK, 168 * HOUR])
    def test_freezing__shortest_and_longest__taken(self, users: Users, length: timedelta) -> None:
        at = now()
        assert as_of(
            at, start_freeze, reason="Because.", ends_at=at + length, founder=users.founder
        )

    def test_freezing__setting_allows_less__refused_beyond_it(
        self, users: Users, settings: Any
    ) -> None:
        settings.GOVSITE = settings.GOVSITE | {"MAX_FREEZE_HOURS": 2}
        frozen(users, hours=2)
        with pytest.raises(InvalidWindowError, match="2 hours"):
            frozen(users, hours=2.1)

    def test_freezing__end_without_time_zone__refused(self, users: Users) -> None:
        end = (now() + HOUR).replace(tzinfo=None)
        with pytest.raises(InvalidWindowError):
            start_freeze(reason="Because.", ends_at=end, founder=users.founder)


class TestLiftingFreezes:
    def test_lift__kept_beside_the_freeze_which_stays(self, users: Users) -> None:
        freeze = frozen(users)
        at = now()
        lift = lifted(users, freeze, at=at)
        assert ChangeFreeze.objects.get().as_record() == freeze.as_record()
        assert FreezeLift.objects.get().as_record() == {
            "freeze": str(freeze.pk),
            "reason": lift.reason,
            "lifted_by": users.second_founder.pk,
            "lifted_at": timestamp(at),
        }

    def test_lifting__twice__refused(self, users: Users) -> None:
        freeze = frozen(users)
        lifted(users, freeze)
        with nothing_written(), pytest.raises(WrongStateError) as refusal:
            lifted(users, freeze)
        assert refusal.value.code == "freeze_over"

    def test_lifting__after_its_end__refused(self, users: Users) -> None:
        freeze = frozen(users, at=now() - 2 * HOUR)
        with nothing_written(), pytest.raises(WrongStateError) as refusal:
            lifted(users, freeze)
        assert refusal.value.code == "freeze_over"

    def test_lifting__no_such_freeze__not_found(self, users: Users) -> None:
        with pytest.raises(NotFoundError) as refusal:
            lift_freeze(freeze_id=uuid4(), reason="Over.", founder=users.founder)
        assert refusal.value.code == "freeze_not_found"

    def test_lifting_all_freezes__ends_all_that_are_in_force(self, users: Users) -> None:
        over, gone = frozen(users, at=now() - 2 * HOUR), frozen(users)
        lifted(users, gone)
        active = {frozen(users).pk, frozen(users, hours=5).pk}
        lifts = lift_active_freezes(reason="Over.", founder=users.founder)
        assert {lift.freeze_id for lift in lifts} == active
        assert active_freeze(now()) is None
        assert not FreezeLift.objects.filter(freeze=over).exists()

    def test_lifting_all_freezes__while_none_is_active__refused(self, users: Users) -> None:
        with nothing_written(), pytest.raises(WrongStateError) as refusal:
            lift_active_freezes(reason="Over.", founder=users.founder)
        assert refusal.value.code == "no_active_freeze"


def is_in_force(at: datetime, users: Users) -> bool:
    """Return whether a freeze is active; assert that queries, liftings and claims agree."""
    is_active = active_freeze(at) is not None
    assert bool(as_of(at, active_freezes)) is is_active
    expectation: AbstractContextManager[Any] = (
        pytest.raises(ChangeFreezeActiveError) if is_active else nullcontext()
    )
    with expectation, transaction.atomic():
        assert as_of(at, GovernanceOrchestrator.claim_job, executor=users.executor) is None
    return is_active


class TestFreezeInForce:
    def test_freeze__never_started__nothing_is_held(self, users: Users) -> None:
        assert not is_in_force(now(), users)

    def test_freeze__at_its_edges__from_the_beginning_to_before_its_end(self, users: Users) -> None:
        freeze = frozen(users)
        for at, active in (
            (freeze.started_at, True),
            (freeze.ends_at - TICK, True),
            (freeze.ends_at, False),
        ):
            assert is_in_force(at, users) is active, at

    def test_freeze__lifted__in_force_until_then_and_on_record_for_that_time(
        self, users: Users
    ) -> None:
        freeze = frozen(users)
        lift = lifted(users, freeze, at=freeze.started_at + HOUR / 2)
        for at, active in (
            (freeze.started_at - TICK, False),
            (freeze.started_at, True),
            (lift.lifted_at - TICK, True),
            (lift.lifted_at, False),
        ):
            assert is_in_force(at, users) is active, at

    def test_move__made_before_the_freeze_and_committed_after_it__refused_all_the_same(
        self, users: Users, commit_now: Move
    ) -> None:
        job = pending_job(users)
        commit_now()
        GovernanceOrchestrator.start_job(job_id=job.pk, executor=users.executor)
        start_freeze(reason="Because.", ends_at=now() + HOUR, founder=users.founder)
        with pytest.raises(ChangeFreezeActiveError), translated_errors():
            commit_now()

    def test_several__the_one_that_lasts_longest_speaks(self, users: Users) -> None:
        frozen(users, hours=2)
        longest = frozen(users, hours=5, reason="Longest.", founder=users.second_founder)
        frozen(users, hours=1)
        freeze = active_freeze(now())
        assert freeze is not None
        assert (
            freeze.until,
            freeze.reason,
            freeze.by,
            freeze.freezes,
        ) == (
            longest.ends_at,
            "Longest.",
            "second-founder",
            3,
        )
