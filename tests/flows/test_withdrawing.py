"""Withdrawal of an approval, the lead of a window, and signers who are no founders any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from governance.authorities.contract.queries import inactive_signers_of
from governance.domain.errors import (
    ContractImmutableError,
    InvalidInputError,
    InvalidTransitionError,
    InvalidWindowError,
    ReasonRequiredError,
    SignerNotActiveError,
    WrongPersonError,
)
from governance.domain.roles import Role
from governance.domain.values import ActivationWindow, ContractStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.review_contract import approve_contract, withdraw_approval
from governance.models import Account, LedgerEntry
from governance.record.ledger.verification import verify_contract
from governance.services.access.accounts import assign_role
from tests.support.attacks import check_deferred_triggers, run_sql
from tests.support.clock import as_of
from tests.support.contracts import refused
from tests.support.factories import approved, contract_in, eligible, now, reloaded, signed
from tests.support.freezes import frozen
from tests.support.roles import as_owner
from tests.support.signing import as_seen
from tests.support.users import Users

REASON = "The release was called off."
NOT_APPROVED = [s for s in ContractStatus if s not in ("VALIDATED", "APPROVED")]


def withdraw(contract: Any, person: Any, reason: Any = REASON) -> Any:
    return withdraw_approval(contract_id=contract.pk, founder=person, reason=reason)


# --- withdrawing ---
@pytest.mark.parametrize("who", ["founder", "second_founder", "operator"])
def test_withdrawal__by_any_founder__fails_the_contract_and_is_in_its_chain(
    users: Users, who: str
) -> None:
    """The operator proposed the contract, and is a founder here too."""
    contract, founder = approved(users), getattr(users, who)
    assign_role(founder, Role.FOUNDER)
    withdraw(contract, founder)
    check_deferred_triggers()
    ended = reloaded(contract)
    assert ended.status == ContractStatus.FAILED
    assert ended.closed_reason == f"approval_withdrawn: {REASON}"
    assert (ended.closed_by, ended.approved_by) == (founder, users.founder)
    entry = LedgerEntry.objects.filter(contract=contract).last()
    assert entry is not None
    assert entry.event == "contract.approval.withdrawn"
    assert (entry.from_status, entry.to_status) == ("APPROVED", "FAILED")
    assert entry.reason == ended.closed_reason
    checked, _ = verify_contract(contract.pk)
    assert checked is not None
    assert checked.finding is None


def test_withdrawal__while_changes_are_frozen__is_made(users: Users) -> None:
    contract = approved(users)
    frozen(users)
    assert withdraw(contract, users.second_founder).status == ContractStatus.FAILED


@pytest.mark.parametrize("who", ["operator", "executor", "auditor", "viewer", "outsider"])
def test_withdrawal__by_a_superuser_who_is_no_founder__refused(users: Users, who: str) -> None:
    contract, person = approved(users), getattr(users, who)
    person.is_superuser = True
    person.save()
    with refused(WrongPersonError, "not_permitted"):
        withdraw(contract, person)


@pytest.mark.parametrize("status", NOT_APPROVED)
def test_withdrawal__of_a_contract_in_another_state__refused(
    users: Users, status: ContractStatus
) -> None:
    contract = contract_in(users, status)
    ended = status in ("COMPLETED", "FAILED", "REJECTED", "EXPIRED")
    kind = ContractImmutableError if ended else InvalidTransitionError
    with refused(kind, "contract_immutable" if ended else "invalid_transition"):
        withdraw(contract, users.founder)


@pytest.mark.parametrize("reason", ["", "   ", "Called off", "\t12345678 "])
def test_withdrawal__without_more_than_ten_characters__refused(users: Users, reason: str) -> None:
    contract = approved(users)
    with refused(ReasonRequiredError, "reason_required"):
        withdraw(contract, users.founder, reason)


def test_withdrawal__with_a_reason_that_is_no_text__refused(users: Users) -> None:
    contract = approved(users)
    with refused(InvalidInputError, "invalid_input"):
        withdraw(contract, users.founder, 12345678901)


# --- how far ahead a window may open ---
def sign(users: Users, opens_in: timedelta) -> Any:
    contract, opens_at = eligible(users), now() + opens_in
    return approve_contract(
        contract_id=contract.pk,
        founder=users.founder,
        window=ActivationWindow(opens_at, opens_at + timedelta(hours=1)),
        **as_seen(contract),
    )


@pytest.mark.parametrize("hours", [720, 2])
def test_window__that_opens_too_far_ahead__refused_with_its_path(users: Users, hours: int) -> None:
    with override_settings(GOVSITE=settings.GOVSITE | {"MAX_LEAD_HOURS": hours}):
        with pytest.raises(InvalidWindowError, match=f"more than {hours} hours") as refusal:
            sign(users, timedelta(hours=hours, minutes=1))
        assert [error["path"] for error in refusal.value.errors] == ["window_opens_at"]
        assert sign(users, timedelta(hours=hours, minutes=-1)).status == ContractStatus.APPROVED


# --- who signed ---
def is_gone(person: Account) -> None:
    Account.objects.filter(pk=person.pk).update(is_active=False)


def is_no_founder(person: Account) -> None:
    person.groups.clear()


@pytest.mark.parametrize("leave", [is_gone, is_no_founder])
def test_activation__after_a_signer_left__refused_until_they_are_back(
    users: Users, leave: Any
) -> None:
    contract = approved(users)
    leave(users.founder)
    with refused(SignerNotActiveError, "signer_not_active"):
        activate_contract(contract_id=contract.pk, actor=users.operator)
    Account.objects.filter(pk=users.founder.pk).update(is_active=True)
    assign_role(users.founder, Role.FOUNDER)
    assert activate_contract(contract_id=contract.pk, actor=users.operator).status == "PENDING"


def test_inactive_signers__of_an_approved_contract_alone__are_named(users: Users) -> None:
    contract, open_one = approved(users), eligible(users)
    assert inactive_signers_of(contract) == []
    is_no_founder(users.founder)
    assert inactive_signers_of(contract) == ["founder"]
    assert inactive_signers_of(open_one) == []


def test_inactive_signers__of_a_contract__asks_for_the_role_of_no_other_account(
    users: Users,
) -> None:
    contract = approved(users)
    with as_owner():
        if run_sql("SHOW is_superuser") != [("on",)]:
            pytest.skip("only a superuser counts the calls of functions")
        run_sql("SET LOCAL track_functions = 'all'")
    assert inactive_signers_of(contract) == []
    calls = "SELECT pg_stat_get_xact_function_calls('governance_has_role'::regproc)"
    assert run_sql(calls) == [(1,)]


def test_activation__after_one_of_two_signers_left__names_who_must_sign_again(
    users: Users,
) -> None:
    with override_settings(GOVSITE=settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}):
        contract = signed(users, signed(users), founder=users.second_founder)
    is_no_founder(users.founder)
    with pytest.raises(SignerNotActiveError, match="withdraw the approval") as refusal:
        activate_contract(contract_id=contract.pk, actor=users.operator)
    assert refusal.value.details["signers"] == ["founder"]
    # The way out: withdraw, and propose again.
    assert withdraw(contract, users.second_founder).status == ContractStatus.FAILED


def test_activation__after_a_signer_left_whose_signature_did_not_count__is_made(
    users: Users,
) -> None:
    earlier, third = now() - timedelta(days=3), Account.objects.create_user("third-founder")
    assign_role(third, Role.FOUNDER)
    contract, later = eligible(users, at=earlier), now()
    with override_settings(GOVSITE=settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}):
        for at, founder in (
            (earlier, users.founder),
            (later, users.second_founder),
            (later, third),
        ):
            as_of(
                at,
                approve_contract,
                contract_id=contract.pk,
                founder=founder,
                window=ActivationWindow(at, at + timedelta(hours=1)),
                **as_seen(contract, at=at),
            )
    is_no_founder(users.founder)
    assert activate_contract(contract_id=contract.pk, actor=users.operator).status == "PENDING"


def test_activation__while_a_signer_leaves__is_refused_by_postgres(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    from governance.authorities.orchestrator import activation

    contract, really = approved(users), activation._require_activatable

    def then_leave(*args: Any, **kwargs: Any) -> Any:
        reading = really(*args, **kwargs)
        is_no_founder(users.founder)
        return reading

    monkeypatch.setattr(activation, "_require_activatable", then_leave)
    with pytest.raises(SignerNotActiveError) as refusal:
        activate_contract(contract_id=contract.pk, actor=users.operator)
    assert refusal.value.details == {"constraint": "signer_not_active", "signers": ["founder"]}
