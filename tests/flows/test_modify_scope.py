"""A founder modifies a contract: a new draft takes its place, and must be judged anew."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from governance.contract.operations import expire_contract
from governance.contract.succession import LONGEST_REFERENCE, revision_names, supersede_contract
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.modify_scope import modify_scope, read_scope
from governance.flows.propose_contract import record_verdicts
from governance.flows.review_contract import approve_contract, reject_contract
from governance.ledger.verification import verify_ledger
from governance.models import Account, JobStep, LedgerEntry, SystemContract
from governance.registry.operations import register_capabilities
from governance.vocabulary.errors import (
    ContractExpiredError,
    ContractImmutableError,
    FourEyesError,
    InvalidChangesError,
    InvalidInputError,
    NotFoundError,
    ReasonRequiredError,
    StaleCopyError,
    WrongPersonError,
    WrongStateError,
)
from governance.vocabulary.values import ActivationWindow, ContractStatus
from tests.support.attacks import check_deferred_laws, nothing_written
from tests.support.cast import Cast
from tests.support.contracts import refused
from tests.support.line import frozen
from tests.support.signing import as_seen
from tests.support.stories import (
    MAY,
    MAY_NOT,
    THREE_CHANGES,
    VALIDATOR_VERDICT,
    Running,
    again,
    approved,
    asked,
    contract_in,
    eligible,
    now,
)
from tests.support.succession import FEWER, MODIFYING, modified, modify

MOMENT = timedelta(microseconds=1)


def judged(contract: SystemContract, cast: Cast, gate: dict[str, Any] = MAY) -> SystemContract:
    return record_verdicts(
        contract_id=contract.pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=gate,
        actor=cast.operator,
        at=now(),
    )


def approve(contract: SystemContract, founder: Any) -> SystemContract:
    at = now()
    return approve_contract(
        contract_id=contract.pk,
        founder=founder,
        window=ActivationWindow(at, at + timedelta(hours=24)),
        at=at,
        **as_seen(again(contract), at=at),
    )


def findings() -> list[Any]:
    return [checked.finding for checked in verify_ledger() if checked.finding]


# --- what it does ---
def test_modify__replaces_the_contract_by_a_draft_of_the_founders(cast: Cast) -> None:
    old = eligible(cast, reference="OPS-7", description="Asked for.", risk_level="high")
    successor = again(modify(old, cast.founder))
    check_deferred_laws()
    old = again(old)
    assert (old.status, old.closed_by) == (ContractStatus.REJECTED, cast.founder)
    assert old.closed_reason == f"Superseded by OPS-7 (rev 2): {MODIFYING}"
    assert (successor.status, successor.parent_id) == (ContractStatus.DRAFT, old.pk)
    assert old.successor == successor
    assert (successor.reference, successor.proposed_by) == ("OPS-7 (rev 2)", cast.founder)
    for name in ("title", "description", "source", "requested_by", "risk_level"):
        assert getattr(successor, name) == getattr(old, name), name
    assert successor.proposed_changes == FEWER
    assert [step["change"] for step in successor.plan] == FEWER
    # Verdicts do not carry over.
    for name in (
        *("validator_verdict", "eligibility_verdict", "confidence_score", "content_digest"),
        *("eligibility_decision", "approved_by", "approved_digest"),
    ):
        assert getattr(successor, name) is None, name


def test_modify__is_told_in_both_chains_each_naming_the_other(cast: Cast) -> None:
    old = eligible(cast, reference="OPS-7")
    successor = modify(old, cast.founder)
    last = LedgerEntry.objects.filter(contract=old).latest("seq")
    assert (last.event, last.from_status, last.to_status) == (
        "contract.review.superseded",
        "ELIGIBLE",
        "REJECTED",
    )
    assert json.loads(last.body)["records"]["successor_id"] == str(successor.pk)
    assert last.reason.startswith("Superseded by OPS-7 (rev 2): ")
    first = LedgerEntry.objects.get(contract=successor)
    assert (first.event, first.actor) == (
        "contract.proposal.drafted",
        f"user:{cast.founder.pk}:founder",
    )
    assert first.reason == f"In place of OPS-7: {MODIFYING}"
    assert successor.draft_record()["parent"] == str(old.pk)
    assert "parent" not in old.draft_record()
    assert findings() == []


def test_modified_contract__judged_and_approved_by_another__executed_as_modified(
    cast: Cast,
) -> None:
    successor = modified(cast)
    judged(successor, cast)
    with refused(FourEyesError, "four_eyes"):
        approve(successor, cast.founder)
    approve(successor, cast.second_founder)
    job = activate_contract(contract_id=successor.pk, actor=cast.operator, at=now())
    assert [step.change for step in JobStep.objects.filter(job=job)] == FEWER
    job, token = run_job.start_job(job_id=job.pk, executor=cast.executor, at=now())
    running = Running(job, token, cast)
    running.complete_steps()
    assert running.complete().status == "COMPLETED"
    check_deferred_laws()
    assert findings() == []


def test_modified_contract__four_eyes_bind_a_superuser_too(cast: Cast) -> None:
    Account.objects.filter(pk=cast.founder.pk).update(is_superuser=True)
    successor = modified(cast)
    judged(successor, cast)
    with refused(FourEyesError, "four_eyes"):
        approve(successor, Account.objects.get(pk=cast.founder.pk))
    with refused(FourEyesError, "four_eyes"):
        modify(again(successor), Account.objects.get(pk=cast.founder.pk), changes=THREE_CHANGES)


def test_modified_contract__that_may_not__is_rejected(cast: Cast) -> None:
    assert judged(modified(cast), cast, MAY_NOT).status == ContractStatus.REJECTED


def test_modified_contract__that_nobody_judges__expires(cast: Cast) -> None:
    successor = modified(cast)
    at = successor.expires_at + MOMENT
    assert expire_contract(contract_id=successor.pk, actor=cast.operator, at=at).status == "EXPIRED"


def test_modified_contract__modified_again__is_the_third_of_its_line(cast: Cast) -> None:
    first = eligible(cast, reference="OPS-7")
    second = modify(first, cast.founder)
    judged(second, cast)
    third = modify(again(second), cast.second_founder, changes=THREE_CHANGES)
    assert (third.reference, third.parent_id) == ("OPS-7 (rev 3)", second.pk)
    check_deferred_laws()
    assert findings() == []


def test_modify__while_the_line_stands_or_a_question_is_open__is_taken(cast: Cast) -> None:
    contract = asked(cast)
    frozen(cast)
    assert modify(contract, cast.second_founder).parent_id == contract.pk
    check_deferred_laws()
    assert findings() == []


# --- the scope ---
def test_scope__of_what_was_removed_goes_and_of_what_was_only_named_stays(cast: Cast) -> None:
    old = eligible(
        cast,
        affected_capabilities=["Billing", "Search", "Export"],
        proposed_changes=[
            *THREE_CHANGES,
            {"type": "capability_disable", "capability_name": "Export", "reason": "Unused."},
        ],
    )
    enable = {"type": "capability_enable", "capability_name": "Sync", "target_lifecycle": "PREVIEW"}
    successor = modify(old, cast.founder, changes=[THREE_CHANGES[0], enable])
    assert successor.affected_capabilities == ["Billing", "Search", "Sync"]


def test_plan__is_made_anew_of_the_platform_as_it_is(cast: Cast) -> None:
    register_capabilities(documents=[{"name": "Search", "lifecycle": "LAUNCHED"}])
    successor = modify(eligible(cast), cast.founder, changes=[THREE_CHANGES[0]])
    assert successor.plan[0]["rollback_action"]["target_lifecycle"] == "LAUNCHED"


# --- references ---
@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("OPS-7", "OPS-7 (rev 2)"),
        ("OPS-7 (rev 2)", "OPS-7 (rev 3)"),
        ("OPS-7 (rev 99)", "OPS-7 (rev 100)"),
        ("OPS-7 (rev 02)", "OPS-7 (rev 02) (rev 2)"),
        ("(rev 2)", "(rev 2) (rev 2)"),
        ("OPS-7 (rev 12345678)", "OPS-7 (rev 12345678) (rev 2)"),
        ("two\nlines (rev 2)", "two\nlines (rev 3)"),
        ("x" * 248, "x" * 248 + " (rev 2)"),
        ("x" * 249, "x" * 247 + "… (rev 2)"),
        ("x" * 256, "x" * 247 + "… (rev 2)"),
        ("x" * 247 + "… (rev 9)", "x" * 246 + "… (rev 10)"),
    ],
)
def test_revision__of_a_reference__is_the_next_and_fits(reference: str, name: str) -> None:
    first = next(revision_names(reference))
    assert first == name
    assert len(first) <= LONGEST_REFERENCE


def test_revision__whose_name_is_taken__gets_the_next(cast: Cast) -> None:
    for number in (2, 3, 5):
        eligible(cast, reference=f"OPS-7 (rev {number})")
    first, second = eligible(cast, reference="OPS-7"), eligible(cast, reference="OPS-7", title="B")
    assert modify(first, cast.founder).reference == "OPS-7 (rev 4)"
    assert modify(second, cast.founder).reference == "OPS-7 (rev 6)"


# --- refusals ---
@pytest.mark.parametrize("who", ["operator", "executor", "auditor", "viewer", "outsider"])
def test_modify__by_anybody_else__refused(cast: Cast, who: str) -> None:
    contract = eligible(cast)
    with refused(WrongPersonError, "not_permitted"):
        modify(contract, getattr(cast, who))


def test_modify__what_one_proposed__refused_for_a_superuser_too(cast: Cast) -> None:
    Account.objects.filter(pk=cast.operator.pk).update(is_superuser=True)
    contract = eligible(cast)
    with refused(FourEyesError, "four_eyes"):
        modify(contract, Account.objects.get(pk=cast.operator.pk))


@pytest.mark.parametrize(
    "status",
    [s for s in ContractStatus if s not in (ContractStatus.VALIDATED, ContractStatus.ELIGIBLE)],
)
def test_modify__in_another_state__refused(cast: Cast, status: ContractStatus) -> None:
    contract = again(contract_in(cast, status))
    ended = status in ("COMPLETED", "FAILED", "REJECTED", "EXPIRED")
    kind, code = (
        (ContractImmutableError, "contract_immutable")
        if ended
        else (WrongStateError, "not_eligible")
    )
    with refused(kind, code):
        modify(contract, cast.founder)


def test_modify__again__refused(cast: Cast) -> None:
    contract = eligible(cast)
    modify(contract, cast.founder)
    with refused(ContractImmutableError, "contract_immutable"):
        modify(contract, cast.founder)
    with refused(ContractImmutableError, "contract_immutable"):
        reject_contract(contract_id=contract.pk, founder=cast.founder, reason=MODIFYING, at=now())


def test_modify__after_the_time_for_review__refused(cast: Cast) -> None:
    contract = eligible(cast)
    with refused(ContractExpiredError, "contract_expired"):
        modify(contract, cast.founder, at=contract.expires_at + MOMENT)


@pytest.mark.parametrize("seen", ["0" * 64, "", None])
def test_modify__another_content_than_the_one_seen__refused(cast: Cast, seen: Any) -> None:
    contract = eligible(cast)
    with refused(StaleCopyError, "stale_copy"):
        modify(contract, cast.founder, seen_digest=seen)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 10, f" {'x' * 10} "])
def test_modify__without_a_reason__refused(cast: Cast, reason: str) -> None:
    contract = eligible(cast)
    with refused(ReasonRequiredError, "reason_required"):
        modify(contract, cast.founder, reason=reason)


@pytest.mark.parametrize(
    "same",
    [
        THREE_CHANGES,
        {"changes": THREE_CHANGES},
        [*THREE_CHANGES[:1], THREE_CHANGES[1] | {"new_value": 50.0}, *THREE_CHANGES[2:]],
    ],
)
def test_modify__nothing__refused(cast: Cast, same: Any) -> None:
    contract = eligible(cast)
    with refused(InvalidChangesError, "nothing_modified"):
        modify(contract, cast.founder, changes=same)


def test_modify__only_the_order__is_a_modification(cast: Cast) -> None:
    successor = modify(eligible(cast), cast.founder, changes=THREE_CHANGES[::-1])
    assert successor.proposed_changes == THREE_CHANGES[::-1]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ([], "proposed_changes"),
        ([*THREE_CHANGES, {"type": "magic"}], "proposed_changes[3].type"),
        ([THREE_CHANGES[1] | {"new_value": 2**53}], "proposed_changes[0].new_value"),
        ([THREE_CHANGES[0] | {"capability_name": " x"}], "proposed_changes[0].capability_name"),
        ([THREE_CHANGES[2] | {"parameters": {}}], "proposed_changes[0].parameters"),
    ],
)
def test_modify__into_what_is_no_change__refused_by_the_path_of_the_field(
    cast: Cast, changes: Any, path: str
) -> None:
    contract = eligible(cast)
    with nothing_written(), pytest.raises(InvalidChangesError) as caught:
        modify(contract, cast.founder, changes=changes)
    assert [fault["path"] for fault in caught.value.errors] == [path]


def test_modify__to_more_capabilities_than_fit__refused(cast: Cast) -> None:
    contract = eligible(cast)
    many = [THREE_CHANGES[0] | {"capability_name": f"C{number}"} for number in range(1001)]
    with refused(InvalidInputError, "invalid_input"):
        modify(contract, cast.founder, changes=many)


def test_modify__what_is_not_there__refused(cast: Cast) -> None:
    with refused(NotFoundError, "contract_not_found"):
        modify_scope(
            contract_id=uuid4(),
            founder=cast.founder,
            changes=FEWER,
            reason=MODIFYING,
            seen_digest="",
            at=now(),
        )


def test_approved_contract__cannot_be_modified_and_its_signature_stands(cast: Cast) -> None:
    contract = approved(cast)
    with refused(WrongStateError, "not_eligible"):
        modify(contract, cast.founder)
    with refused(WrongStateError, "not_eligible"):
        supersede_contract(
            contract_id=contract.pk,
            changes=[],
            plan=[],
            founder=cast.founder,
            reason="Only the first of them, please.",
            seen_digest=contract.content_digest or "",
            at=now(),
        )


def test_read_scope__writes_nothing(cast: Cast) -> None:
    scope = read_scope(FEWER)
    assert [change.document() for change in scope.changes] == FEWER
    assert len(scope.plan) == len(FEWER)
    assert not SystemContract.objects.exists()
