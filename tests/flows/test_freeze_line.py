"""Freeze: a founder stops the line; it runs again by a thaw or by the clock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.freeze_line import freeze_line, thaw_freeze, thaw_line
from governance.flows.review_contract import approve_contract, reject_contract
from governance.flows.sweep import activate_due_contracts, expire_contracts
from governance.ledger.verification import verify_ledger
from governance.models import LineFreeze, LineThaw
from governance.orchestrator.facade import GovernanceOrchestrator
from governance.review.queries import freeze_in_force
from governance.vocabulary.canonical import timestamp
from governance.vocabulary.errors import (
    InvalidInputError,
    InvalidWindowError,
    LineFrozenError,
    NotFoundError,
    ReasonRequiredError,
    WrongPersonError,
    WrongStateError,
)
from governance.vocabulary.values import ActivationWindow, ContractStatus, JobStatus
from tests.support.attacks import nothing_written
from tests.support.cast import Cast
from tests.support.line import HOUR, frozen, thawed
from tests.support.signing import as_seen
from tests.support.stories import (
    again,
    approved,
    eligible,
    judged_job,
    now,
    pending_job,
    running_job,
)
from tests.support.verdicts import judge

Move = Callable[[], Any]
TICK = timedelta(microseconds=1)


def approve(cast: Cast, contract: Any, at: datetime | None = None) -> Any:
    at = at or now()
    return approve_contract(
        contract_id=contract.pk,
        founder=cast.founder,
        window=ActivationWindow(at, at + 24 * HOUR),
        **as_seen(contract),
        at=at,
    )


@pytest.fixture
def held(cast: Cast) -> dict[str, Move]:
    """Each move that a freeze holds, ready to be made."""
    to_approve, to_activate = eligible(cast), approved(cast)
    first = pending_job(cast)
    return {
        "approve": lambda: approve(cast, to_approve),
        "activate": lambda: activate_contract(
            contract_id=to_activate.pk, actor=cast.operator, at=now()
        ),
        "start": lambda: run_job.start_job(job_id=first.pk, executor=cast.executor, at=now()),
        "claim": lambda: run_job.claim_job(executor=cast.executor, at=now()),
    }


HELD = ["approve", "activate", "start", "claim"]


class TestFrozenLine:
    @pytest.mark.parametrize("move", HELD)
    def test_move__while_frozen__refused_with_until_and_reason(
        self, cast: Cast, held: dict[str, Move], move: str
    ) -> None:
        freeze = frozen(cast)
        with nothing_written(), pytest.raises(LineFrozenError) as refusal:
            held[move]()
        assert refusal.value.code == "line_frozen"
        assert refusal.value.details == {
            "until": timestamp(freeze.ends_at),
            "reason": freeze.reason,
        }
        assert freeze.reason in str(refusal.value)

    @pytest.mark.parametrize("move", HELD)
    def test_move__after_the_thaw__made(
        self, cast: Cast, held: dict[str, Move], move: str, commit_now: Move
    ) -> None:
        thawed(cast, frozen(cast))
        assert held[move]()
        commit_now()

    @pytest.mark.parametrize("move", HELD)
    def test_move__after_the_end_of_the_freeze__made(
        self, cast: Cast, held: dict[str, Move], move: str, commit_now: Move
    ) -> None:
        frozen(cast, at=now() - 2 * HOUR)
        assert held[move]()
        commit_now()

    @pytest.mark.parametrize("move", HELD)
    def test_move__one_of_two_freezes_thawed__still_refused(
        self, cast: Cast, held: dict[str, Move], move: str
    ) -> None:
        longer, shorter = frozen(cast, hours=3), frozen(cast, hours=2, reason="Me too.")
        thawed(cast, longer)
        with pytest.raises(LineFrozenError) as refusal:
            held[move]()
        assert refusal.value.details["reason"] == "Me too."
        thawed(cast, shorter)
        assert held[move]()

    def test_claim__nothing_waits__still_hears_why(self, cast: Cast) -> None:
        frozen(cast)
        with pytest.raises(LineFrozenError):
            run_job.claim_job(executor=cast.executor, at=now())

    def test_running_job__while_frozen__goes_on_to_its_verdict(
        self, cast: Cast, commit_now: Move
    ) -> None:
        running, other = running_job(cast), running_job(cast)
        frozen(cast)
        running.complete_steps()
        job = running.complete()
        judge(job, cast.auditor)
        assert again(job.contract).status == ContractStatus.COMPLETED
        assert other.cancel().status == JobStatus.CANCELLED
        commit_now()

    def test_rejecting_and_expiring__while_frozen__go_on(
        self, cast: Cast, commit_now: Move
    ) -> None:
        refused, waited = eligible(cast), eligible(cast, at=now() - timedelta(days=30))
        frozen(cast)
        reject_contract(
            contract_id=refused.pk, founder=cast.founder, reason="Not this year.", at=now()
        )
        list(expire_contracts(actor=cast.operator, at=now()))
        assert again(refused).status == ContractStatus.REJECTED
        assert again(waited).status == ContractStatus.EXPIRED
        commit_now()

    def test_sweep__while_frozen__passes_all_over_and_says_so(self, cast: Cast) -> None:
        contracts = [approved(cast), approved(cast)]
        freeze = frozen(cast)
        outcomes = list(activate_due_contracts(actor=cast.operator, at=now()))
        assert {outcome.subject_id for outcome in outcomes} == {one.pk for one in contracts}
        assert all(outcome.line_is_frozen for outcome in outcomes)
        thawed(cast, freeze)
        outcomes = list(activate_due_contracts(actor=cast.operator, at=now()))
        assert not any(outcome.line_is_frozen for outcome in outcomes)
        assert {outcome.status for outcome in outcomes} == {"ACTIVE"}

    def test_contracts_ledger__of_what_was_held__tells_nothing_of_it(self, cast: Cast) -> None:
        thawed(cast, frozen(cast))
        judged_job(cast)
        assert all(checked.finding is None for checked in verify_ledger())


class TestFreezing:
    def test_freeze__kept_with_who_when_and_why(self, cast: Cast) -> None:
        at = now()
        frozen(cast, at=at, hours=2)
        kept = LineFreeze.objects.get()
        assert kept.as_record() == {
            "id": str(kept.pk),
            "reason": "The payment provider is down.",
            "frozen_by": cast.founder.pk,
            "frozen_at": timestamp(at),
            "ends_at": timestamp(at + 2 * HOUR),
        }

    @pytest.mark.parametrize("who", ["operator", "executor", "auditor", "viewer", "outsider"])
    def test_freezing_and_thawing__not_a_founder__refused(self, cast: Cast, who: str) -> None:
        freeze, person = frozen(cast), getattr(cast, who)
        why: dict[str, Any] = {"reason": "Because.", "founder": person, "at": now()}
        with nothing_written():
            for attempt in (
                lambda: freeze_line(ends_at=now() + HOUR, **why),
                lambda: thaw_freeze(freeze_id=freeze.pk, **why),
                lambda: thaw_line(**why),
            ):
                with pytest.raises(WrongPersonError):
                    attempt()

    @pytest.mark.parametrize("reason", ["", "   \n", "x" * 4001, None, 5, "half\ud800", "nul\x00"])
    def test_freezing_and_thawing__reason_missing_or_unfit__refused(
        self, cast: Cast, reason: Any
    ) -> None:
        freeze = frozen(cast)
        with nothing_written():
            with pytest.raises(InvalidInputError) as refusal:
                frozen(cast, reason=reason)
            assert refusal.value.errors[0]["path"].startswith("reason")
            with pytest.raises(InvalidInputError):
                thaw_freeze(freeze_id=freeze.pk, reason=reason, founder=cast.founder, at=now())
            with pytest.raises(InvalidInputError):
                thaw_line(reason=reason, founder=cast.founder, at=now())

    def test_freezing__reason_of_4000_characters__taken(self, cast: Cast) -> None:
        assert len(frozen(cast, reason="x" * 4000).reason) == 4000

    def test_freezing__no_reason__has_its_own_code(self, cast: Cast) -> None:
        with pytest.raises(ReasonRequiredError):
            frozen(cast, reason=" ")

    @pytest.mark.parametrize("length", [timedelta(0), -HOUR, 168 * HOUR + TICK])
    def test_freezing__end_past_or_too_late__refused(self, cast: Cast, length: timedelta) -> None:
        at = now()
        with nothing_written(), pytest.raises(InvalidWindowError) as refusal:
            freeze_line(reason="Because.", ends_at=at + length, founder=cast.founder, at=at)
        assert refusal.value.errors[0]["path"] == "ends_at"

    @pytest.mark.parametrize("length", [TICK, 168 * HOUR])
    def test_freezing__shortest_and_longest__taken(self, cast: Cast, length: timedelta) -> None:
        at = now()
        assert freeze_line(reason="Because.", ends_at=at + length, founder=cast.founder, at=at)

    def test_freezing__setting_allows_less__refused_beyond_it(
        self, cast: Cast, settings: Any
    ) -> None:
        settings.GOVERNANCE = settings.GOVERNANCE | {"LONGEST_FREEZE_HOURS": 2}
        frozen(cast, hours=2)
        with pytest.raises(InvalidWindowError, match="2 hours"):
            frozen(cast, hours=2.1)

    def test_freezing__end_without_time_zone__refused(self, cast: Cast) -> None:
        end = (now() + HOUR).replace(tzinfo=None)
        with pytest.raises(InvalidWindowError):
            freeze_line(reason="Because.", ends_at=end, founder=cast.founder, at=now())


class TestThawing:
    def test_thaw__kept_beside_the_freeze_which_stays(self, cast: Cast) -> None:
        freeze = frozen(cast)
        at = now()
        thaw = thawed(cast, freeze, at=at)
        assert LineFreeze.objects.get().as_record() == freeze.as_record()
        assert LineThaw.objects.get().as_record() == {
            "freeze": str(freeze.pk),
            "reason": thaw.reason,
            "thawed_by": cast.second_founder.pk,
            "thawed_at": timestamp(at),
        }

    def test_thawing__twice__refused(self, cast: Cast) -> None:
        freeze = frozen(cast)
        thawed(cast, freeze)
        with nothing_written(), pytest.raises(WrongStateError) as refusal:
            thawed(cast, freeze)
        assert refusal.value.code == "freeze_over"

    def test_thawing__after_its_end__refused(self, cast: Cast) -> None:
        freeze = frozen(cast, at=now() - 2 * HOUR)
        with nothing_written(), pytest.raises(WrongStateError) as refusal:
            thawed(cast, freeze)
        assert refusal.value.code == "freeze_over"

    def test_thawing__no_such_freeze__not_found(self, cast: Cast) -> None:
        with pytest.raises(NotFoundError) as refusal:
            thaw_freeze(freeze_id=uuid4(), reason="Over.", founder=cast.founder, at=now())
        assert refusal.value.code == "freeze_not_found"

    def test_thawing__by_a_clock_that_is_late__at_the_freezes_own_time(self, cast: Cast) -> None:
        freeze = frozen(cast)
        assert thawed(cast, freeze, at=freeze.frozen_at - TICK).thawed_at == freeze.frozen_at

    def test_thawing_the_line__ends_all_that_are_in_force(self, cast: Cast) -> None:
        over, gone = frozen(cast, at=now() - 2 * HOUR), frozen(cast)
        thawed(cast, gone)
        standing = {frozen(cast).pk, frozen(cast, hours=5).pk}
        thaws = thaw_line(reason="Over.", founder=cast.founder, at=now())
        assert {thaw.freeze_id for thaw in thaws} == standing
        assert freeze_in_force(now()) is None
        assert not LineThaw.objects.filter(freeze=over).exists()

    def test_thawing_the_line__while_it_runs__refused(self, cast: Cast) -> None:
        with nothing_written(), pytest.raises(WrongStateError) as refusal:
            thaw_line(reason="Over.", founder=cast.founder, at=now())
        assert refusal.value.code == "line_not_frozen"


def is_in_force(at: datetime, cast: Cast) -> bool:
    """As whoever decides hears it; pages and claims ask in other words, and hear the same."""
    said = freeze_in_force(at) is not None
    assert LineFreeze.objects.in_force(at).exists() is said
    heard: AbstractContextManager[Any] = pytest.raises(LineFrozenError) if said else nullcontext()
    with heard:
        assert GovernanceOrchestrator.claim_job(executor=cast.executor, at=at) is None
    return said


class TestFreezeInForce:
    def test_line__never_frozen__runs(self, cast: Cast) -> None:
        assert not is_in_force(now(), cast)

    def test_freeze__at_its_edges__from_the_beginning_to_before_its_end(self, cast: Cast) -> None:
        freeze = frozen(cast)
        for at, stands in (
            (freeze.frozen_at, True),
            (freeze.ends_at - TICK, True),
            (freeze.ends_at, False),
        ):
            assert is_in_force(at, cast) is stands, at

    def test_freeze__thawed__in_force_until_then_and_on_record_for_that_time(
        self, cast: Cast
    ) -> None:
        freeze = frozen(cast)
        thaw = thawed(cast, freeze, at=freeze.frozen_at + HOUR / 2)
        for at, stands in (
            (freeze.frozen_at - TICK, False),
            (freeze.frozen_at, True),
            (thaw.thawed_at - TICK, True),
            (thaw.thawed_at, False),
        ):
            assert is_in_force(at, cast) is stands, at

    def test_move__that_took_its_time_before_the_freeze__refused_all_the_same(
        self, cast: Cast
    ) -> None:
        freeze = frozen(cast)
        assert is_in_force(freeze.frozen_at - TICK, cast)

    def test_several__the_one_that_lasts_longest_speaks(self, cast: Cast) -> None:
        frozen(cast, hours=2)
        longest = frozen(cast, hours=5, reason="Longest.", founder=cast.second_founder)
        frozen(cast, hours=1)
        standing = freeze_in_force(now())
        assert standing is not None
        assert (standing.until, standing.reason, standing.by, standing.freezes) == (
            longest.ends_at,
            "Longest.",
            "second-founder",
            3,
        )
