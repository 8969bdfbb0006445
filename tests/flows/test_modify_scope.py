"""Tests of `modify_scope`: a new draft replaces the contract and needs new verdicts."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from governance.authorities.contract.operations import expire_contract
from governance.authorities.contract.references import REVISION, numbered_references
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.errors import (
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
from governance.domain.names import MAX_REFERENCE_LENGTH
from governance.domain.roles import Role
from governance.domain.values import ActivationWindow, ContractStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.modify_scope import modify_scope, read_scope
from governance.flows.propose_contract import record_review_verdicts
from governance.flows.review_contract import approve_contract, reject_contract
from governance.models import Account, JobStep, LedgerEntry, SystemContract
from governance.record.ledger.verification import verify_ledger
from governance.services.access.accounts import assign_role
from governance.services.registry.operations import register_capabilities
from tests.support.attacks import check_deferred_triggers, nothing_written
from tests.support.clock import as_of
from tests.support.contracts import refused
from tests.support.factories import (
    MAY,
    MAY_NOT,
    THREE_CHANGES,
    VALIDATOR_VERDICT,
    Running,
    approved,
    asked,
    contract_in,
    eligible,
    now,
    reloaded,
)
from tests.support.freezes import frozen
from tests.support.signing import as_seen
from tests.support.succession import FEWER, MODIFYING, modified, modify
from tests.support.users import Users

MOMENT = timedelta(microseconds=1)


def judged(contract: SystemContract, users: Users, gate: dict[str, Any] = MAY) -> SystemContract:
    return record_review_verdicts(
        contract_id=contract.pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=gate,
        actor=users.operator,
    )


def approve(contract: SystemContract, founder: Any) -> SystemContract:
    at = now()
    return as_of(
        at,
        approve_contract,
        contract_id=contract.pk,
        founder=founder,
        window=ActivationWindow(at, at + timedelta(hours=24)),
        **as_seen(reloaded(contract), at=at),
    )


def findings() -> list[Any]:
    return [checked.finding for checked in verify_ledger() if checked.finding]


# --- the successor ---
def test_modify__replaces_the_contract_by_a_draft_of_the_founders(users: Users) -> None:
    old = eligible(users, reference="OPS-7", description="Asked for.", risk_level="high")
    successor = reloaded(modify(old, users.founder))
    check_deferred_triggers()
    old = reloaded(old)
    assert (old.status, old.closed_by) == (ContractStatus.REJECTED, users.founder)
    assert old.closed_reason == f"Superseded by OPS-7 (rev 2): {MODIFYING}"
    assert (successor.status, successor.parent_id) == (ContractStatus.DRAFT, old.pk)
    assert old.successor == successor
    assert (successor.reference, successor.proposed_by) == ("OPS-7 (rev 2)", users.founder)
    for name in ("title", "description", "source", "requested_by", "risk_level"):
        assert getattr(successor, name) == getattr(old, name), name
    assert successor.proposed_changes == FEWER
    assert [step["change"] for step in successor.plan] == FEWER
    # The successor must be reviewed again, so it inherits no verdict and no approval.
    for name in (
        *("validator_verdict", "eligibility_verdict", "confidence_score", "content_digest"),
        *("eligibility_decision", "approved_by", "approved_digest"),
    ):
        assert getattr(successor, name) is None, name


def test_modify__is_recorded_in_both_chains_each_naming_the_other(users: Users) -> None:
    old = eligible(users, reference="OPS-7")
    successor = modify(old, users.founder)
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
        f"user:{users.founder.pk}:founder",
    )
    assert first.reason == f"In place of OPS-7: {MODIFYING}"
    assert successor.draft_record()["parent"] == str(old.pk)
    assert "parent" not in old.draft_record()
    assert findings() == []


def test_modified_contract__judged_and_approved_by_another__executed_as_modified(
    users: Users,
) -> None:
    successor = modified(users)
    judged(successor, users)
    with refused(FourEyesError, "four_eyes"):
        approve(successor, users.founder)
    approve(successor, users.second_founder)
    job = activate_contract(contract_id=successor.pk, actor=users.operator)
    assert [step.change for step in JobStep.objects.filter(job=job)] == FEWER
    job, token = GovernanceOrchestrator.start_job(job_id=job.pk, executor=users.executor)
    running = Running(job, token, users)
    running.complete_steps()
    assert running.complete().status == "COMPLETED"
    check_deferred_triggers()
    assert findings() == []


def test_modified_contract__four_eyes_bind_a_superuser_too(users: Users) -> None:
    Account.objects.filter(pk=users.founder.pk).update(is_superuser=True)
    successor = modified(users)
    judged(successor, users)
    with refused(FourEyesError, "four_eyes"):
        approve(successor, Account.objects.get(pk=users.founder.pk))
    with refused(FourEyesError, "four_eyes"):
        modify(reloaded(successor), Account.objects.get(pk=users.founder.pk), changes=THREE_CHANGES)


def test_modified_contract__that_may_not__is_rejected(users: Users) -> None:
    assert judged(modified(users), users, MAY_NOT).status == ContractStatus.REJECTED


def test_modified_contract__without_verdicts__expires(users: Users) -> None:
    successor = modified(users)
    at = successor.expires_at + MOMENT
    assert (
        as_of(at, expire_contract, contract_id=successor.pk, actor=users.operator).status
        == "EXPIRED"
    )


def test_modified_contract__modified_again__is_the_third_revision(users: Users) -> None:
    first = eligible(users, reference="OPS-7")
    second = modify(first, users.founder)
    judged(second, users)
    third = modify(reloaded(second), users.second_founder, changes=THREE_CHANGES)
    assert (third.reference, third.parent_id) == ("OPS-7 (rev 3)", second.pk)
    check_deferred_triggers()
    assert findings() == []


def test_modify__while_changes_are_frozen_or_a_question_is_open__is_accepted(users: Users) -> None:
    contract = asked(users)
    frozen(users)
    assert modify(contract, users.second_founder).parent_id == contract.pk
    check_deferred_triggers()
    assert findings() == []


# --- scope and plan ---
def test_scope__of_what_was_removed_goes_and_of_what_was_only_named_stays(users: Users) -> None:
    old = eligible(
        users,
        affected_capabilities=["Billing", "Search", "Export"],
        proposed_changes=[
            *THREE_CHANGES,
            {"type": "capability_disable", "capability_name": "Export", "reason": "Unused."},
        ],
    )
    enable = {"type": "capability_enable", "capability_name": "Sync", "target_lifecycle": "PREVIEW"}
    successor = modify(old, users.founder, changes=[THREE_CHANGES[0], enable])
    assert successor.affected_capabilities == ["Billing", "Search", "Sync"]


def test_plan__is_made_anew_of_the_platform_as_it_is(users: Users) -> None:
    register_capabilities(documents=[{"name": "Search", "lifecycle": "LAUNCHED"}])
    successor = modify(eligible(users), users.founder, changes=[THREE_CHANGES[0]])
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
    first = next(numbered_references(reference, REVISION))
    assert first == name
    assert len(first) <= MAX_REFERENCE_LENGTH


def test_revision__whose_name_is_taken__gets_the_next(users: Users) -> None:
    for number in (2, 3, 5):
        eligible(users, reference=f"OPS-7 (rev {number})")
    eligible(users, reference="ops-7 (rev 6)")
    revision = modify(eligible(users, reference="OPS-7"), users.founder)
    assert revision.reference == "OPS-7 (rev 4)"
    again = modify(judged(revision, users), users.second_founder, changes=FEWER[:1])
    assert again.reference == "OPS-7 (rev 7)"


# --- refusals ---
@pytest.mark.parametrize("who", ["operator", "executor", "auditor", "viewer", "outsider"])
def test_modify__by_anybody_else__refused(users: Users, who: str) -> None:
    contract = eligible(users)
    with refused(WrongPersonError, "not_permitted"):
        modify(contract, getattr(users, who))


def test_modify__what_one_proposed__refused_for_a_superuser_too(users: Users) -> None:
    Account.objects.filter(pk=users.operator.pk).update(is_superuser=True)
    assign_role(users.operator, Role.FOUNDER)
    contract = eligible(users)
    with refused(FourEyesError, "four_eyes"):
        modify(contract, Account.objects.get(pk=users.operator.pk))


@pytest.mark.parametrize(
    "status",
    [s for s in ContractStatus if s not in (ContractStatus.VALIDATED, ContractStatus.ELIGIBLE)],
)
def test_modify__in_another_state__refused(users: Users, status: ContractStatus) -> None:
    contract = reloaded(contract_in(users, status))
    ended = status in ("COMPLETED", "FAILED", "REJECTED", "EXPIRED")
    kind, code = (
        (ContractImmutableError, "contract_immutable")
        if ended
        else (WrongStateError, "not_eligible")
    )
    with refused(kind, code):
        modify(contract, users.founder)


def test_modify__again__refused(users: Users) -> None:
    contract = eligible(users)
    modify(contract, users.founder)
    with refused(ContractImmutableError, "contract_immutable"):
        modify(contract, users.founder)
    with refused(ContractImmutableError, "contract_immutable"):
        reject_contract(contract_id=contract.pk, founder=users.founder, reason=MODIFYING)


def test_modify__after_the_time_for_review__refused(users: Users) -> None:
    contract = eligible(users)
    with refused(ContractExpiredError, "contract_expired"):
        as_of(contract.expires_at + MOMENT, modify, contract, users.founder)


@pytest.mark.parametrize("seen", ["0" * 64, "", None])
def test_modify__another_content_than_the_one_seen__refused(users: Users, seen: Any) -> None:
    contract = eligible(users)
    with refused(StaleCopyError, "stale_copy"):
        modify(contract, users.founder, seen_digest=seen)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 10, f" {'x' * 10} "])
def test_modify__without_a_reason__refused(users: Users, reason: str) -> None:
    contract = eligible(users)
    with refused(ReasonRequiredError, "reason_required"):
        modify(contract, users.founder, reason=reason)


@pytest.mark.parametrize(
    "same",
    [
        THREE_CHANGES,
        {"changes": THREE_CHANGES},
        [*THREE_CHANGES[:1], THREE_CHANGES[1] | {"new_value": 50.0}, *THREE_CHANGES[2:]],
    ],
)
def test_modify__nothing__refused(users: Users, same: Any) -> None:
    contract = eligible(users)
    with refused(InvalidChangesError, "nothing_modified"):
        modify(contract, users.founder, changes=same)


def test_modify__only_the_order__is_a_modification(users: Users) -> None:
    successor = modify(eligible(users), users.founder, changes=THREE_CHANGES[::-1])
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
    users: Users, changes: Any, path: str
) -> None:
    contract = eligible(users)
    with nothing_written(), pytest.raises(InvalidChangesError) as caught:
        modify(contract, users.founder, changes=changes)
    assert [fault["path"] for fault in caught.value.errors] == [path]


def test_modify__to_more_capabilities_than_fit__refused(users: Users) -> None:
    contract = eligible(users)
    many = [THREE_CHANGES[0] | {"capability_name": f"C{number}"} for number in range(1001)]
    with refused(InvalidInputError, "invalid_input"):
        modify(contract, users.founder, changes=many)


def test_modify__what_is_not_there__refused(users: Users) -> None:
    with refused(NotFoundError, "contract_not_found"):
        modify_scope(
            contract_id=uuid4(),
            founder=users.founder,
            changes=FEWER,
            reason=MODIFYING,
            seen_digest="",
        )


def test_approved_contract__cannot_be_modified_and_its_signature_is_kept(users: Users) -> None:
    contract = approved(users)
    with refused(WrongStateError, "not_eligible"):
        modify(contract, users.founder)


def test_read_scope__writes_nothing(users: Users) -> None:
    scope = read_scope(FEWER)
    assert [change.document() for change in scope.changes] == FEWER
    assert len(scope.plan) == len(FEWER)
    assert not SystemContract.objects.exists()
