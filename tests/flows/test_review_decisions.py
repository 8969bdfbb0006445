"""Tests of approving and rejecting: who may decide, once, in time, and on which content."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from governance.authorities.contract import operations
from governance.authorities.health.signals import record_signal
from governance.db.transactions import write_transaction
from governance.domain.errors import (
    CapabilityFrozenError,
    ContractExpiredError,
    ContractImmutableError,
    FourEyesError,
    HealthBlocksError,
    HealthUnknownError,
    InvalidInputError,
    InvalidTransitionError,
    InvalidWindowError,
    NotFoundError,
    ReasonRequiredError,
    StaleCopyError,
    WrongPersonError,
    WrongStateError,
)
from governance.domain.roles import Role
from governance.domain.values import ActivationWindow, ContractStatus, HealthDecision
from governance.flows.propose_contract import record_review_verdicts
from governance.flows.review_contract import approve_contract, reject_contract
from governance.models import Account, LedgerEntry, SystemContract
from governance.services.access.accounts import assign_role
from tests.support.clock import as_of
from tests.support.contracts import refused
from tests.support.factories import (
    MAY_NOT,
    VALIDATOR_VERDICT,
    contract_in,
    draft,
    eligible,
    now,
    reloaded,
)
from tests.support.registry import registered
from tests.support.signing import as_seen
from tests.support.users import Users

REASON = "Not this quarter, sorry."


def approve(
    contract: SystemContract, founder: Any, *, at: datetime | None = None, **changes: Any
) -> SystemContract:
    at = at or now()
    arguments: dict[str, Any] = {
        "contract_id": contract.pk,
        "founder": founder,
        "window": ActivationWindow(at, at + timedelta(hours=24)),
    } | as_seen(contract)
    return as_of(at, approve_contract, **(arguments | changes))


def reject(
    contract: SystemContract, founder: Any, *, at: datetime | None = None, **changes: Any
) -> SystemContract:
    arguments = {"contract_id": contract.pk, "founder": founder, "reason": REASON}
    return as_of(at, reject_contract, **(arguments | changes))


def test_approve__by_a_founder__signed_and_recorded(users: Users, commit_now: Any) -> None:
    contract = approve(eligible(users), users.founder, note="  After the release. ")
    commit_now()
    contract = reloaded(contract)
    assert (contract.status, contract.approval_note) == ("APPROVED", "After the release.")
    assert contract.approved_by == users.founder
    entry = LedgerEntry.objects.get(contract=contract, event="contract.review.approved")
    assert entry.actor == f"user:{users.founder.pk}:founder"
    assert entry.reason == "After the release."


def test_reject__by_a_founder__final_with_its_reason(users: Users, commit_now: Any) -> None:
    contract = reject(eligible(users), users.founder, reason=f" {REASON} ")
    commit_now()
    contract = reloaded(contract)
    assert (contract.status, contract.closed_reason) == ("REJECTED", REASON)
    assert (contract.closed_by, contract.approved_by) == (users.founder, None)
    with refused(ContractImmutableError, "contract_immutable"):
        approve(contract, users.founder)


@pytest.mark.parametrize("decide", [approve, reject])
@pytest.mark.parametrize("who", ["operator", "executor", "auditor", "viewer", "outsider"])
def test_decide__by_anybody_else__refused(users: Users, decide: Any, who: str) -> None:
    contract = eligible(users)
    with refused(WrongPersonError, "not_permitted"):
        decide(contract, getattr(users, who))


@pytest.mark.parametrize("decide", [approve, reject])
def test_decide__by_a_founder_who_left__refused(users: Users, decide: Any) -> None:
    contract = eligible(users)
    users.founder.is_active = False
    with refused(WrongPersonError, "not_permitted"):
        decide(contract, users.founder)


@pytest.mark.parametrize("decide", [approve, reject])
def test_decide__on_what_one_proposed__refused_for_a_superuser_too(
    users: Users, decide: Any
) -> None:
    Account.objects.filter(pk=users.operator.pk).update(is_superuser=True)
    assign_role(users.operator, Role.FOUNDER)
    contract = eligible(users)
    with refused(FourEyesError, "four_eyes"):
        decide(contract, Account.objects.get(pk=users.operator.pk))


@pytest.mark.parametrize("seen", ["0" * 64, "", None])
def test_approve__another_content_than_the_one_read__refused(users: Users, seen: Any) -> None:
    contract = eligible(users)
    with refused(StaleCopyError, "stale_copy"):
        approve(contract, users.founder, seen_digest=seen)


def test_approve__after_the_time_for_review__refused(users: Users) -> None:
    contract = eligible(users)
    at = contract.expires_at + timedelta(microseconds=1)
    window = ActivationWindow(at, at + timedelta(hours=1))
    with refused(ContractExpiredError, "contract_expired"):
        approve(contract, users.founder, window=window, at=at)


def test_approve__at_the_last_moment__approved(users: Users) -> None:
    contract = eligible(users)
    at = contract.expires_at
    window = ActivationWindow(at, at + timedelta(hours=1))
    assert approve(contract, users.founder, window=window, at=at).status == "APPROVED"


WINDOWS = {
    "ends before it starts": (2, 1, False),
    "ends as it starts": (1, 1, False),
    "over": (-2, -1, False),
    "over at this moment": (-2, 0, False),
    "longer than 168 hours": (0, 168.001, False),
    "exactly 168 hours": (0, 168, True),
    "open already": (-1, 1, True),
    "next week": (200, 201, True),
}


@pytest.mark.parametrize(("opens", "closes", "fits"), WINDOWS.values(), ids=list(WINDOWS))
def test_approve__each_kind_of_window__only_those_that_fit(
    users: Users, opens: float, closes: float, fits: bool
) -> None:
    contract, at = eligible(users), now()
    window = ActivationWindow(at + timedelta(hours=opens), at + timedelta(hours=closes))
    if fits:
        assert reloaded(approve(contract, users.founder, window=window, at=at)).window == window
        return
    with refused(InvalidWindowError, "invalid_window"):
        approve(contract, users.founder, window=window, at=at)


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        ("9999-12-30T00:00Z", "9999-12-31T23:59-01:00"),
        ("0001-01-01T00:00+01:00", "0001-01-02T00:00Z"),
    ],
)
def test_approve__window_with_an_end_that_utc_cannot_write__refused(
    users: Users, opens: str, closes: str
) -> None:
    contract = eligible(users)
    window = ActivationWindow(datetime.fromisoformat(opens), datetime.fromisoformat(closes))
    with refused(InvalidWindowError, "invalid_window"):
        approve(contract, users.founder, window=window)
    with pytest.raises(InvalidWindowError, match="outside the years 1 to 9999"):
        approve(contract, users.founder, window=window)


@pytest.mark.parametrize("reason", ["", "No.", "0123456789", "   0123456789   "])
def test_reject__with_ten_characters_or_fewer__refused(users: Users, reason: str) -> None:
    contract = eligible(users)
    with refused(ReasonRequiredError, "reason_required"):
        reject(contract, users.founder, reason=reason)


def test_reject__with_eleven_characters__rejected(users: Users) -> None:
    assert reject(eligible(users), users.founder, reason="01234567890").status == "REJECTED"


UNUSABLE_TEXT = {
    "none": (None, "invalid_input"),
    "number": (12345678901, "invalid_input"),
    "too long": ("x" * 4001, "invalid_input"),
    "NUL": ("0123456789\x00", "invalid_json"),
    "lone surrogate": ("0123456789\ud800", "invalid_json"),
}


@pytest.mark.parametrize(("text", "code"), UNUSABLE_TEXT.values(), ids=list(UNUSABLE_TEXT))
def test_decide__with_text_that_cannot_be_kept__refused(users: Users, text: Any, code: str) -> None:
    contract = eligible(users)
    with refused(InvalidInputError, code):
        reject(contract, users.founder, reason=text)
    with refused(InvalidInputError, code):
        approve(contract, users.founder, note=text)


def test_approve__a_frozen_capability__refused(users: Users) -> None:
    registered("Search", frozen=True)
    contract = eligible(users)
    with refused(CapabilityFrozenError, "capability_frozen"):
        approve(contract, users.founder)


@pytest.mark.parametrize("scope", ["Search", "SYSTEM"])
def test_approve__on_a_platform_that_is_blocked__refused(users: Users, scope: str) -> None:
    signal: dict[str, Any] = {"scope": scope, "signal_type": "errors", "reason": "Too many."}
    record_signal(**signal, decision=HealthDecision.BLOCKED, actor=users.operator)
    contract = eligible(users)
    with refused(HealthBlocksError, "health_blocked"):
        approve(contract, users.founder)
    record_signal(**signal, decision=HealthDecision.DEGRADED, actor=users.operator)
    assert approve(contract, users.founder).status == "APPROVED"


def test_approve__when_health_is_unknown__refused(users: Users, settings: Any) -> None:
    contract = eligible(users)
    provider = "tests.flows.test_health_readings.BrokenProvider"
    settings.GOVSITE = settings.GOVSITE | {"HEALTH_PROVIDER": provider}
    with refused(HealthUnknownError, "health_unknown"):
        approve(contract, users.founder)


def test_approve__twice__the_first_is_kept(users: Users) -> None:
    contract = approve(eligible(users), users.founder)
    with refused(InvalidTransitionError, "invalid_transition"):
        approve(contract, users.second_founder)
    assert reloaded(contract).approved_by == users.founder


DECIDED_AT = datetime(2026, 11, 4, 14, 2, 31, tzinfo=UTC)
TIMES = {
    "the same day": (DECIDED_AT + timedelta(hours=9), "at 14:02 UTC"),
    "the next day": (DECIDED_AT + timedelta(hours=10), "on 4 Nov 2026 at 14:02 UTC"),
    "the same day in UTC, the next in Tokyo": (
        (DECIDED_AT + timedelta(hours=9)).astimezone(timezone(timedelta(hours=9))),
        "at 14:02 UTC",
    ),
}


@pytest.mark.parametrize("decide", [approve, reject])
@pytest.mark.parametrize(
    ("decided", "words"),
    [(approve, "approved"), (reject, "rejected")],
    ids=["approved", "rejected"],
)
@pytest.mark.parametrize(("at", "when"), TIMES.values(), ids=list(TIMES))
def test_decide__on_a_decided_contract__says_who_decided_and_when(
    users: Users, decide: Any, decided: Any, words: str, at: datetime, when: str
) -> None:
    contract = eligible(users, at=DECIDED_AT - timedelta(hours=1))
    decided(contract, users.founder, at=DECIDED_AT)
    with pytest.raises(WrongStateError) as caught:
        decide(contract, users.second_founder, at=at)
    assert str(caught.value) == f"This contract was already {words} by founder {when}."


@pytest.mark.parametrize(
    ("decided", "decide", "kind", "code", "details"),
    [
        (
            *(approve, approve, InvalidTransitionError, "invalid_transition"),
            {"from_status": "APPROVED", "to_status": "APPROVED"},
        ),
        (approve, reject, WrongStateError, "not_eligible", {"status": "APPROVED"}),
        (
            *(reject, approve, ContractImmutableError, "contract_immutable"),
            {"from_status": "REJECTED", "to_status": "APPROVED"},
        ),
        (reject, reject, ContractImmutableError, "contract_immutable", {"status": "REJECTED"}),
    ],
)
def test_decide__on_a_decided_contract__refused_with_code_and_statuses(
    users: Users, decided: Any, decide: Any, kind: Any, code: str, details: dict[str, str]
) -> None:
    contract = decided(eligible(users), users.founder)
    with refused(kind, code):
        decide(contract, users.second_founder)
    with pytest.raises(kind) as caught:
        decide(contract, users.second_founder)
    assert caught.value.details == details


ENDED = {
    ContractStatus.ACTIVE: "This contract was already approved by founder at ",
    ContractStatus.COMPLETED: "This contract was already completed at ",
    ContractStatus.FAILED: "This contract already failed at ",
    ContractStatus.EXPIRED: "This contract already expired at ",
}


@pytest.mark.parametrize("decide", [approve, reject])
@pytest.mark.parametrize(("status", "words"), ENDED.items())
def test_decide__on_a_contract_that_went_on__says_what_became_of_it(
    users: Users, decide: Any, status: ContractStatus, words: str
) -> None:
    contract = contract_in(users, status)
    with pytest.raises(WrongStateError) as caught:
        decide(contract, users.second_founder, at=contract.closed_at or contract.approved_at)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize("decide", [approve, reject])
def test_decide__on_what_eligibility_refused__names_no_founder(users: Users, decide: Any) -> None:
    contract = record_review_verdicts(
        contract_id=draft(users).pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=MAY_NOT,
        actor=users.operator,
    )
    with pytest.raises(ContractImmutableError, match="rejected by its eligibility verdict at "):
        decide(contract, users.founder, at=contract.closed_at)


@pytest.mark.parametrize(
    ("decide", "words"),
    [
        (approve, "Only an ELIGIBLE contract is reviewed; this one is DRAFT"),
        (reject, "Only an ELIGIBLE contract is reviewed; this one is DRAFT"),
    ],
)
def test_decide__on_a_draft__says_its_status(users: Users, decide: Any, words: str) -> None:
    with pytest.raises(WrongStateError, match=words):
        decide(draft(users), users.founder)


@pytest.mark.parametrize("decide", [approve, reject])
def test_decide__on_nothing__refused(users: Users, decide: Any) -> None:
    nothing = SystemContract(id=uuid4(), content_digest="0" * 64)
    with refused(NotFoundError, "contract_not_found"):
        decide(nothing, users.founder)


def test_reject_move__before_eligible__may_end_what_never_was_reviewed(users: Users) -> None:
    contract = draft(users)
    with write_transaction():
        locked = SystemContract.objects.lock(contract.pk)
        operations.reject(contract=locked, founder=users.founder, reason=REASON, at=now())
    assert reloaded(contract).status == "REJECTED"
