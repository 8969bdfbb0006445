"""A founder decides: once, on what they read, in time, with a reason, and never on their own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from governance.authorities.contract import operations
from governance.authorities.health.signals import record_signal
from governance.domain.errors import (
    CapabilityFrozenError,
    ContractExpiredError,
    ContractImmutableError,
    FourEyesError,
    HealthBlocksError,
    InvalidInputError,
    InvalidWindowError,
    NotFoundError,
    ReasonRequiredError,
    StaleCopyError,
    WrongPersonError,
)
from governance.domain.values import ActivationWindow, HealthDecision
from governance.flows.review_contract import approve_contract, reject_contract
from governance.models import Account, Capability, LedgerEntry, SystemContract
from tests.support.contracts import refused
from tests.support.factories import (
    draft,
    eligible,
    now,
    reloaded,
)
from tests.support.signing import as_seen
from tests.support.users import Users

REASON = "Not this quarter, sorry."


def approve(contract: SystemContract, founder: Any, **changes: Any) -> SystemContract:
    at = now()
    arguments: dict[str, Any] = {
        "contract_id": contract.pk,
        "founder": founder,
        "window": ActivationWindow(at, at + timedelta(hours=24)),
        "at": at,
    } | as_seen(contract)
    return approve_contract(**(arguments | changes))


def reject(contract: SystemContract, founder: Any, **changes: Any) -> SystemContract:
    arguments = {"contract_id": contract.pk, "founder": founder, "reason": REASON, "at": now()}
    return reject_contract(**(arguments | changes))


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
    with pytest.raises(InvalidWindowError, match="beyond the calendar"):
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
    Capability.objects.create(name="Search", frozen=True)
    contract = eligible(users)
    with refused(CapabilityFrozenError, "capability_frozen"):
        approve(contract, users.founder)


@pytest.mark.parametrize("scope", ["Search", "SYSTEM"])
def test_approve__on_a_platform_that_is_blocked__refused(users: Users, scope: str) -> None:
    signal: dict[str, Any] = {"scope": scope, "signal_type": "errors", "reason": "Too many."}
    record_signal(**signal, decision=HealthDecision.BLOCKED, actor=users.operator, at=now())
    contract = eligible(users)
    with refused(HealthBlocksError, "health_blocked"):
        approve(contract, users.founder)
    record_signal(**signal, decision=HealthDecision.DEGRADED, actor=users.operator, at=now())
    assert approve(contract, users.founder).status == "APPROVED"


def test_approve__when_health_is_unknown__refused(users: Users, settings: Any) -> None:
    contract = eligible(users)
    provider = "tests.flows.test_health_readings.BrokenProvider"
    settings.GOVSITE = settings.GOVSITE | {"HEALTH_PROVIDER": provider}
    with refused(HealthBlocksError, "health_unknown"):
        approve(contract, users.founder)


def test_approve__twice__the_first_is_kept(users: Users) -> None:
    contract = approve(eligible(users), users.founder)
    with pytest.raises(Exception, match="APPROVED cannot become APPROVED"):
        approve(contract, users.second_founder)
    assert reloaded(contract).approved_by == users.founder


@pytest.mark.parametrize("decide", [approve, reject])
def test_decide__on_nothing__refused(users: Users, decide: Any) -> None:
    nothing = SystemContract(id=uuid4(), content_digest="0" * 64)
    with refused(NotFoundError, "contract_not_found"):
        decide(nothing, users.founder)


def test_reject_operation__before_eligible__may_end_what_never_was_reviewed(users: Users) -> None:
    contract = draft(users)
    rejected = operations.reject_contract(
        contract_id=contract.pk, founder=users.founder, reason=REASON, at=now()
    )
    assert rejected.status == "REJECTED"
