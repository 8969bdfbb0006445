"""Raw SQL against signatures and the approvals that depend on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from governance.domain.canonical import canonical_text, sha256_hex
from governance.domain.values import ContractStatus
from governance.models import ApprovalSignature, SystemContract
from tests.support.attacks import (
    check_deferred_triggers,
    run_sql,
    trigger_off,
    update_row,
    violates_constraint,
)
from tests.support.clock import as_of, clock_at, now
from tests.support.contracts import taken_back
from tests.support.factories import approved, contract_in, draft, eligible, reloaded
from tests.support.forgery import (
    CONTRACT,
    NOON,
    SIGNATURE,
    forge_entry,
    forge_signature,
    forge_signing_entry,
)
from tests.support.roles import as_owner
from tests.support.users import Users

HOUR = timedelta(hours=1)
SIGNED = {"event": "contract.review.signed", "from_status": "", "to_status": ""}


# The body of an approval's ledger entry from before signatures existed.
ENTRY_BEFORE_SIGNATURES = {"body": {"records": {"approval_sha256": "b" * 64}}}


@pytest.fixture(autouse=True)
def noon(db: None) -> Iterator[None]:
    """Let the clock stand at NOON, from which the tests count."""
    with clock_at(NOON):
        yield


def forge_approval(
    contract: SystemContract, founder: Any, entry: Any = None, **changes: Any
) -> None:
    """Write an approval into the contract's row and append its ledger entry."""
    columns = {
        "status": "APPROVED",
        "approved_by_id": founder.pk,
        "approved_at": NOON,
        "approved_digest": contract.content_digest,
        "window_opens_at": NOON,
        "window_closes_at": NOON + HOUR,
    }
    update_row(CONTRACT, contract.pk, **(columns | changes))
    forge_signing_entry(contract.pk, **(entry or {}))


def test_forger__who_writes_everything_as_it_should_be__passes(users: Users) -> None:
    """A control: the attacks below fail because of what each changes in these writes."""
    contract = eligible(users)
    with as_owner():
        forge_signature(contract, users.founder, quorum=2)
        forge_signing_entry(contract.pk, **SIGNED)
        check_deferred_triggers()
        forge_signature(contract, users.second_founder, number=2, quorum=2)
        forge_approval(contract, users.second_founder)
        check_deferred_triggers()
    assert reloaded(contract).status == ContractStatus.APPROVED


# --- written once ---
def test_signature__changed_removed_or_truncated__refused(users: Users) -> None:
    approved(users)
    with violates_constraint("signature_append_only"):
        run_sql(f"UPDATE {SIGNATURE} SET shown = 'Something else.'")
    with violates_constraint("signature_append_only"):
        run_sql(f"DELETE FROM {SIGNATURE}")
    with violates_constraint("signature_append_only"):
        run_sql(f"TRUNCATE {SIGNATURE} CASCADE")


# --- in order ---
@pytest.mark.parametrize("status", [s for s in ContractStatus if s.value != "VALIDATED"])
def test_signature__under_a_contract_in_another_state__refused(
    users: Users, status: ContractStatus
) -> None:
    contract = contract_in(users, status)
    number = ApprovalSignature.objects.filter(contract=contract).count() + 1
    content = contract.content_digest or "c" * 64
    signed = {"number": number, "content_digest": content}
    if status is ContractStatus.ELIGIBLE:
        with taken_back():
            forge_signature(contract, users.second_founder, **signed)
        return
    with violates_constraint("signature_in_turn"):
        forge_signature(contract, users.second_founder, **signed)


def test_signature__by_the_proposer__refused(users: Users) -> None:
    with violates_constraint("signature_four_eyes"):
        forge_signature(eligible(users), users.operator)


def test_signature__under_other_content__refused(users: Users) -> None:
    with violates_constraint("signature_signs_content"):
        forge_signature(eligible(users), users.founder, content_digest="c" * 64)


def test_signature__under_another_view_than_its_own__refused(users: Users) -> None:
    contract = eligible(users)
    with violates_constraint("signature_signs_view"):
        forge_signature(contract, users.founder, view_digest="d" * 64)
    other = canonical_text({"content_digest": "c" * 64, "facts": {}})
    for view in (other, "[]", "{}"):
        with violates_constraint("signature_signs_view"):
            forge_signature(contract, users.founder, view=view, view_digest=sha256_hex(view))


@pytest.mark.parametrize("number", [0, 2, 7])
def test_signature__numbered_out_of_turn__refused(users: Users, number: int) -> None:
    with violates_constraint("signature_in_turn"):
        forge_signature(eligible(users), users.founder, number=number)


def test_signature__second_of_a_person_whose_first_is_still_valid__refused(users: Users) -> None:
    contract = eligible(users)
    forge_signature(contract, users.founder, quorum=2)
    forge_signing_entry(contract.pk, **SIGNED)
    late = {"number": 2, "window_closes_at": NOON + 3 * HOUR}
    with violates_constraint("signature_counts_once"):
        as_of(NOON + HOUR, forge_signature, contract, users.founder, **late)
    with taken_back(), clock_at(NOON + HOUR + timedelta(microseconds=1)):
        forge_signature(contract, users.founder, **late)
        forge_signing_entry(contract.pk, **SIGNED)
        update_row(CONTRACT, contract.pk, updated_at=now())
        check_deferred_triggers()


@pytest.mark.parametrize(
    "window",
    [
        {"window_closes_at": NOON},
        {"window_closes_at": NOON - HOUR},
        {"window_closes_at": NOON + timedelta(hours=168, microseconds=1)},
        {"window_opens_at": NOON - 2 * HOUR, "window_closes_at": NOON - HOUR},
    ],
)
def test_signature__for_an_impossible_window__refused(users: Users, window: Any) -> None:
    with violates_constraint("signature_window_in_bounds"):
        forge_signature(eligible(users), users.founder, **window)


def test_signature__with_a_quorum_of_zero__refused(users: Users) -> None:
    with violates_constraint("signature_quorum_in_bounds"):
        forge_signature(eligible(users), users.founder, quorum=0)


def test_two_signatures__of_one_number__refused_without_the_trigger_too(users: Users) -> None:
    contract = eligible(users)
    with (
        trigger_off(SIGNATURE, "signature_in_turn"),
        violates_constraint("signature_numbered_once"),
    ):
        forge_signature(contract, users.founder)
        forge_signature(contract, users.second_founder)


# --- an approval needs its signatures ---
def test_approval__without_a_signature__refused_at_commit(users: Users) -> None:
    contract = eligible(users)
    with violates_constraint("approval_signed", at_commit=True):
        forge_approval(contract, users.founder)


@pytest.mark.parametrize(
    "changes",
    [
        {"approved_at": NOON + timedelta(microseconds=1)},
        {"approval_note": "Yes!"},
        {"window_opens_at": NOON - HOUR},
        {"window_closes_at": NOON + 2 * HOUR},
        {"window_closes_at": NOON + HOUR / 2},
    ],
)
def test_approval__that_says_something_else_than_its_signature__refused_at_commit(
    users: Users, changes: Any
) -> None:
    contract = eligible(users)
    with violates_constraint("approval_signed", at_commit=True):
        forge_signature(contract, users.founder)
        forge_approval(contract, users.founder, **changes)


def test_approval__in_the_name_of_who_did_not_sign_last__refused_at_commit(users: Users) -> None:
    contract = eligible(users)
    with violates_constraint("approval_signed", at_commit=True):
        forge_signature(contract, users.founder)
        forge_approval(contract, users.second_founder)


def test_approval__with_a_signature_too_few__refused_at_commit(users: Users) -> None:
    contract = eligible(users)
    with violates_constraint("approval_signed", at_commit=True):
        forge_signature(contract, users.founder, quorum=2)
        forge_approval(contract, users.founder)


def test_approval__with_two_signatures_of_one_person__refused_at_commit(users: Users) -> None:
    contract = eligible(users)
    window = {"window_opens_at": NOON, "window_closes_at": NOON + 3 * HOUR}
    with violates_constraint("approval_signed", at_commit=True):
        forge_signature(contract, users.founder, quorum=2)
        forge_signing_entry(contract.pk, **SIGNED)
        with clock_at(NOON + 2 * HOUR):
            forge_signature(contract, users.founder, number=2, quorum=2, **window)
            forge_approval(contract, users.founder, approved_at=NOON + 2 * HOUR, **window)


def test_approval__with_one_person_counted_twice__refused_without_the_trigger_too(
    users: Users,
) -> None:
    contract = eligible(users)
    with (
        trigger_off(SIGNATURE, "signature_in_turn"),
        violates_constraint("approval_signed", at_commit=True),
    ):
        forge_signature(contract, users.founder, quorum=2)
        forge_signing_entry(contract.pk, **SIGNED)
        forge_signature(contract, users.founder, number=2, quorum=2)
        forge_approval(contract, users.founder)


def test_approval__for_a_wider_window_than_another_signed_for__refused_at_commit(
    users: Users,
) -> None:
    contract = eligible(users)
    with violates_constraint("approval_signed", at_commit=True):
        forge_signature(contract, users.founder, quorum=2)
        forge_signing_entry(contract.pk, **SIGNED)
        window = {"window_closes_at": NOON + 2 * HOUR}
        forge_signature(contract, users.second_founder, number=2, quorum=2, **window)
        forge_approval(contract, users.second_founder, **window)


# --- each signature has a ledger entry ---
def test_signature__without_an_entry__refused_at_commit(users: Users) -> None:
    contract = eligible(users)
    with violates_constraint("ledger_covers_signature", at_commit=True):
        forge_signature(contract, users.founder, quorum=2)


def test_approval__whose_entry_vouches_for_no_signature__refused_at_commit(users: Users) -> None:
    contract = eligible(users)
    with violates_constraint("ledger_covers_signature", at_commit=True):
        forge_signature(contract, users.founder)
        forge_approval(contract, users.founder, entry=ENTRY_BEFORE_SIGNATURES)


def test_entry__of_a_signature_that_is_not_there__refused_at_commit(users: Users) -> None:
    contract = eligible(users)
    with violates_constraint("ledger_covers_signature", at_commit=True):
        forge_signing_entry(contract.pk, **SIGNED)


def test_entry_of_a_signature__that_moves_a_status__refused(users: Users) -> None:
    contract = eligible(users)
    with violates_constraint("ledger_chain"):
        forge_signing_entry(contract.pk, event="contract.review.signed")


def test_contract_without_content__is_not_signed(users: Users) -> None:
    with violates_constraint("signature_in_turn"):
        forge_signature(draft(users), users.founder, content_digest="c" * 64)


def test_contract_approved_before_signatures__goes_on_and_is_not_asked_for_any(
    users: Users,
) -> None:
    contract = eligible(users)
    with as_owner(), trigger_off(CONTRACT, "approval_signed"):
        forge_approval(contract, users.founder, entry=ENTRY_BEFORE_SIGNATURES)
    with as_owner(), clock_at(NOON + 2 * HOUR):
        # The next transition runs with every trigger enabled.
        lapsed = {"status": "FAILED", "closed_reason": "window_lapsed"}
        update_row(CONTRACT, contract.pk, **lapsed, closed_at=now(), updated_at=now())
        forge_entry(
            contract.pk,
            event="contract.window.lapsed",
            from_status="APPROVED",
            to_status="FAILED",
        )
        check_deferred_triggers()
