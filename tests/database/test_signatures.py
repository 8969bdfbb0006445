"""Signatures and the approvals that stand on them, attacked with raw SQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.models import ApprovalSignature, SystemContract
from governance.vocabulary.canonical import canonical_text, sha256_hex
from governance.vocabulary.values import ContractStatus
from tests.support.attacks import check_deferred_laws, law_off, refused_by, run_sql, update_row
from tests.support.cast import Cast
from tests.support.contracts import taken_back
from tests.support.forgery import (
    CONTRACT,
    NOON,
    SIGNATURE,
    forge_entry,
    forge_signature,
    forge_signing_entry,
)
from tests.support.roles import as_owner
from tests.support.stories import again, approved, contract_in, draft, eligible

HOUR = timedelta(hours=1)
SIGNED = {"event": "contract.review.signed", "from_status": "", "to_status": ""}


# An entry of an approval as it was told before there were signatures.
TOLD_BEFORE = {"body": {"records": {"approval_sha256": "b" * 64}}}


def forge_approval(
    contract: SystemContract, founder: Any, told: Any = None, **changes: Any
) -> None:
    """What an approval writes into the contract's row, and its entry."""
    columns = {
        "status": "APPROVED",
        "approved_by_id": founder.pk,
        "approved_at": NOON,
        "approved_digest": contract.content_digest,
        "window_opens_at": NOON,
        "window_closes_at": NOON + HOUR,
    }
    update_row(CONTRACT, contract.pk, **(columns | changes))
    forge_signing_entry(contract.pk, **(told or {}))


def test_forger__who_writes_everything_as_it_should_be__passes(cast: Cast) -> None:
    """So that what the attacks below leave out or change is what is refused."""
    contract = eligible(cast)
    with as_owner():
        forge_signature(contract, cast.founder, quorum=2)
        forge_signing_entry(contract.pk, **SIGNED)
        check_deferred_laws()
        forge_signature(contract, cast.second_founder, number=2, quorum=2)
        forge_approval(contract, cast.second_founder)
        check_deferred_laws()
    assert again(contract).status == ContractStatus.APPROVED


# --- written once ---
def test_signature__changed_removed_or_truncated__refused(cast: Cast) -> None:
    approved(cast)
    with refused_by("signature_append_only"):
        run_sql(f"UPDATE {SIGNATURE} SET shown = 'Something else.'")
    with refused_by("signature_append_only"):
        run_sql(f"DELETE FROM {SIGNATURE}")
    with refused_by("signature_append_only"):
        run_sql(f"TRUNCATE {SIGNATURE} CASCADE")


# --- in turn ---
@pytest.mark.parametrize("status", [s for s in ContractStatus if s.value != "VALIDATED"])
def test_signature__under_a_contract_in_another_state__refused(
    cast: Cast, status: ContractStatus
) -> None:
    contract = contract_in(cast, status)
    number = ApprovalSignature.objects.filter(contract=contract).count() + 1
    content = contract.content_digest or "c" * 64
    signed = {"number": number, "content_digest": content}
    if status is ContractStatus.ELIGIBLE:
        with taken_back():
            forge_signature(contract, cast.second_founder, **signed)
        return
    with refused_by("signature_in_turn"):
        forge_signature(contract, cast.second_founder, **signed)


def test_signature__by_the_proposer__refused(cast: Cast) -> None:
    with refused_by("signature_four_eyes"):
        forge_signature(eligible(cast), cast.operator)


def test_signature__under_other_content__refused(cast: Cast) -> None:
    with refused_by("signature_signs_content"):
        forge_signature(eligible(cast), cast.founder, content_digest="c" * 64)


def test_signature__under_another_view_than_stands_beside_it__refused(cast: Cast) -> None:
    contract = eligible(cast)
    with refused_by("signature_signs_view"):
        forge_signature(contract, cast.founder, view_digest="d" * 64)
    other = canonical_text({"content_digest": "c" * 64, "facts": {}})
    for view in (other, "[]", "{}"):
        with refused_by("signature_signs_view"):
            forge_signature(contract, cast.founder, view=view, view_digest=sha256_hex(view))


@pytest.mark.parametrize("number", [0, 2, 7])
def test_signature__numbered_out_of_turn__refused(cast: Cast, number: int) -> None:
    with refused_by("signature_in_turn"):
        forge_signature(eligible(cast), cast.founder, number=number)


def test_signature__second_of_a_person_whose_first_still_stands__refused(cast: Cast) -> None:
    contract = eligible(cast)
    forge_signature(contract, cast.founder, quorum=2)
    forge_signing_entry(contract.pk, **SIGNED)
    late = {"number": 2, "window_closes_at": NOON + 3 * HOUR}
    with refused_by("signature_counts_once"):
        forge_signature(contract, cast.founder, signed_at=NOON + HOUR, **late)
    with taken_back():
        lapsed = NOON + HOUR + timedelta(microseconds=1)
        forge_signature(contract, cast.founder, signed_at=lapsed, **late)
        forge_signing_entry(contract.pk, **SIGNED)
        check_deferred_laws()


@pytest.mark.parametrize(
    "window",
    [
        {"window_closes_at": NOON},
        {"window_closes_at": NOON - HOUR},
        {"window_closes_at": NOON + timedelta(hours=168, microseconds=1)},
        {"signed_at": NOON + 2 * HOUR},
    ],
)
def test_signature__for_an_impossible_window__refused(cast: Cast, window: Any) -> None:
    with refused_by("signature_window_in_bounds"):
        forge_signature(eligible(cast), cast.founder, **window)


def test_signature__that_nobody_needs__refused(cast: Cast) -> None:
    with refused_by("signature_quorum_in_bounds"):
        forge_signature(eligible(cast), cast.founder, quorum=0)


def test_two_signatures__of_one_number__refused_without_the_trigger_too(cast: Cast) -> None:
    contract = eligible(cast)
    with law_off(SIGNATURE, "signature_in_turn"), refused_by("signature_numbered_once"):
        forge_signature(contract, cast.founder)
        forge_signature(contract, cast.second_founder)


# --- an approval stands on its signatures ---
def test_approval__without_a_signature__refused_at_commit(cast: Cast) -> None:
    contract = eligible(cast)
    with refused_by("approval_signed", at_commit=True):
        forge_approval(contract, cast.founder)


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
    cast: Cast, changes: Any
) -> None:
    contract = eligible(cast)
    with refused_by("approval_signed", at_commit=True):
        forge_signature(contract, cast.founder)
        forge_approval(contract, cast.founder, **changes)


def test_approval__in_the_name_of_who_did_not_sign_last__refused_at_commit(cast: Cast) -> None:
    contract = eligible(cast)
    with refused_by("approval_signed", at_commit=True):
        forge_signature(contract, cast.founder)
        forge_approval(contract, cast.second_founder)


def test_approval__with_a_signature_too_few__refused_at_commit(cast: Cast) -> None:
    contract = eligible(cast)
    with refused_by("approval_signed", at_commit=True):
        forge_signature(contract, cast.founder, quorum=2)
        forge_approval(contract, cast.founder)


def test_approval__with_two_signatures_of_one_person__refused_at_commit(cast: Cast) -> None:
    contract = eligible(cast)
    again_at = NOON + 2 * HOUR
    window = {"window_opens_at": NOON, "window_closes_at": NOON + 3 * HOUR}
    with refused_by("approval_signed", at_commit=True):
        forge_signature(contract, cast.founder, quorum=2)
        forge_signing_entry(contract.pk, **SIGNED)
        forge_signature(contract, cast.founder, number=2, quorum=2, signed_at=again_at, **window)
        forge_approval(contract, cast.founder, approved_at=again_at, **window)


def test_approval__with_one_person_counted_twice__refused_without_the_trigger_too(
    cast: Cast,
) -> None:
    contract = eligible(cast)
    with law_off(SIGNATURE, "signature_in_turn"), refused_by("approval_signed", at_commit=True):
        forge_signature(contract, cast.founder, quorum=2)
        forge_signing_entry(contract.pk, **SIGNED)
        forge_signature(contract, cast.founder, number=2, quorum=2)
        forge_approval(contract, cast.founder)


def test_approval__for_a_wider_window_than_another_signed_for__refused_at_commit(
    cast: Cast,
) -> None:
    contract = eligible(cast)
    with refused_by("approval_signed", at_commit=True):
        forge_signature(contract, cast.founder, quorum=2)
        forge_signing_entry(contract.pk, **SIGNED)
        window = {"window_closes_at": NOON + 2 * HOUR}
        forge_signature(contract, cast.second_founder, number=2, quorum=2, **window)
        forge_approval(contract, cast.second_founder, **window)


# --- the ledger tells every signature ---
def test_signature__that_no_entry_tells__refused_at_commit(cast: Cast) -> None:
    contract = eligible(cast)
    with refused_by("ledger_tells_signature", at_commit=True):
        forge_signature(contract, cast.founder, quorum=2)


def test_approval__whose_entry_vouches_for_no_signature__refused_at_commit(cast: Cast) -> None:
    contract = eligible(cast)
    with refused_by("ledger_tells_signature", at_commit=True):
        forge_signature(contract, cast.founder)
        forge_approval(contract, cast.founder, told=TOLD_BEFORE)


def test_entry__of_a_signature_that_is_not_there__refused_at_commit(cast: Cast) -> None:
    contract = eligible(cast)
    with refused_by("ledger_tells_signature", at_commit=True):
        forge_signing_entry(contract.pk, **SIGNED)


def test_entry_of_a_signature__that_moves_a_status__refused(cast: Cast) -> None:
    contract = eligible(cast)
    with refused_by("ledger_chain"):
        forge_signing_entry(contract.pk, event="contract.review.signed")


def test_contract_without_content__is_not_signed(cast: Cast) -> None:
    with refused_by("signature_in_turn"):
        forge_signature(draft(cast), cast.founder, content_digest="c" * 64)


def test_contract_approved_before_signatures__goes_on_and_is_not_asked_for_any(cast: Cast) -> None:
    contract = eligible(cast)
    with as_owner(), law_off(CONTRACT, "approval_signed"):
        forge_approval(contract, cast.founder, told=TOLD_BEFORE)
    with as_owner():
        # The move after it, under the laws as they are now.
        update_row(CONTRACT, contract.pk, status="FAILED", closed_at=NOON + 2 * HOUR)
        forge_entry(
            contract.pk,
            event="contract.window.lapsed",
            from_status="APPROVED",
            to_status="FAILED",
        )
        check_deferred_laws()
