"""Tests of signing: view, signed text, confirmation, number of approvals and windows."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from governance.authorities.contract.signatures import common_window, signing_progress
from governance.authorities.health.signals import record_signal
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.review.differences import SettingKey
from governance.authorities.review.signed_text import render_signed_text
from governance.authorities.review.view import ReviewView, fact_name, review_view
from governance.domain.canonical import canonical_text, digest, sha256_hex
from governance.domain.errors import (
    AlreadySignedError,
    AuditorNotIndependentError,
    ConfirmationRequiredError,
    FourEyesError,
    InvalidInputError,
    InvalidWindowError,
    ViewChangedError,
)
from governance.domain.roles import Role
from governance.domain.values import ActivationWindow, ContractStatus, HealthDecision
from governance.flows.activate_contract import activate_contract
from governance.flows.review_contract import (
    answer_clarification,
    approve_contract,
    comment_on_contract,
    request_clarification,
    view_contract,
)
from governance.models import ApprovalSignature, LedgerEntry, SystemContract
from governance.record.ledger.verification import verify_ledger
from governance.services.access.accounts import assign_role
from tests.support.attacks import violates_constraint
from tests.support.clock import as_of
from tests.support.contracts import refused
from tests.support.factories import Running, eligible, finished_job, now, reloaded, signed
from tests.support.forgery import forge_audit
from tests.support.registry import registered, set_lifecycle, set_value
from tests.support.signing import as_seen
from tests.support.users import Users
from tests.support.verdicts import judge

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)


@pytest.fixture
def two_must_sign(settings: Any) -> None:
    settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}


def sign(contract: SystemContract, founder: Any, **changes: Any) -> SystemContract:
    at = changes.pop("at", None) or now()
    window = changes.pop("window", None) or ActivationWindow(at, at + DAY)
    arguments = {"contract_id": contract.pk, "founder": founder, "window": window}
    return as_of(at, approve_contract, **(arguments | as_seen(contract, at=at) | changes))


# --- the view ---
def _signal(decision: HealthDecision, scope: str = "Search") -> Callable[[Users, Any], object]:
    return lambda users, contract: record_signal(
        scope=scope,
        signal_type="probe",
        decision=decision,
        reason="Slow.",
        actor=users.operator,
    )


def _configure(users: Users, contract: SystemContract) -> None:
    set_value("Search", "page_size", "20")


def _launch(users: Users, contract: SystemContract) -> None:
    set_lifecycle("Search", "LAUNCHED")


def _ask(users: Users, contract: SystemContract) -> None:
    request_clarification(contract_id=contract.pk, founder=users.second_founder, question="Why?")


def _ask_and_hear(users: Users, contract: SystemContract) -> None:
    _ask(users, contract)
    answer_clarification(contract_id=contract.pk, person=users.operator, answer="So.")


def _comment(users: Users, contract: SystemContract) -> None:
    comment_on_contract(contract_id=contract.pk, person=users.viewer, text="Hm.")


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (_signal(HealthDecision.DEGRADED), "Health of Search: was HEALTHY, now DEGRADED"),
        (_signal(HealthDecision.DEGRADED, "SYSTEM"), "System health: was HEALTHY, now DEGRADED"),
        (_configure, 'Search · page_size: was 20, now "20"'),
        (_launch, "Lifecycle of Search: was DISABLED, now LAUNCHED"),
        (_ask, "now review paused: a question is open"),
        (_ask_and_hear, "now 1 question, 1 answer, 0 comments"),
        (_comment, "now 0 questions, 0 answers, 1 comment"),
    ],
)
def test_signing__when_the_view_has_changed__refused_with_the_changes(
    users: Users, move: Callable[[Users, Any], object], expected: str
) -> None:
    registered("Search")
    set_value("Search", "page_size", 20)
    contract, at = eligible(users), now()
    view = as_of(at, view_contract, contract_id=contract.pk)
    move(users, contract)
    with refused(ViewChangedError, "view_changed"):
        as_of(
            at,
            approve_contract,
            contract_id=contract.pk,
            founder=users.founder,
            window=ActivationWindow(at, at + DAY),
            seen_digest=view.content_digest,
            seen_view=view.digest(),
        )
    with pytest.raises(ViewChangedError) as refusal:
        as_of(
            at,
            approve_contract,
            contract_id=contract.pk,
            founder=users.founder,
            window=ActivationWindow(at, at + DAY),
            seen_digest=view.content_digest,
            seen_view=view.digest(),
            seen_text=view.text(),
        )
    assert any(expected in change for change in refusal.value.details["changed"])


def test_view__while_only_time_passes__stays_the_same(users: Users) -> None:
    contract = eligible(users)
    seen = {
        as_of(now() + days * DAY, view_contract, contract_id=contract.pk).digest()
        for days in range(9)
    }
    assert len(seen) == 1


def test_view__of_a_platform_without_health__says_so(users: Users) -> None:
    view = review_view(eligible(users), health=None)
    assert (view.facts["System health"], view.facts["Health of Search"]) == ("unknown", "unknown")


@pytest.mark.parametrize("fact", ["Lifecycle", "Freeze", "Health"])
@pytest.mark.parametrize(
    ("capability", "name", "key"),
    [
        # Split at the separator of fact names, with the name plain and JSON-quoted.
        ("A · B", "A", "B"),
        ("A · B", '"A', 'B"'),
        ('A" · "B', 'A"', '"B'),
        ('A" · "B', '"A\\"', '\\"B"'),
    ],
)
def test_view__of_a_key_that_poses_as_a_capability__shows_both(
    users: Users, fact: str, capability: str, name: str, key: str
) -> None:
    scope = f"{fact} of {name}"
    registered(capability, lifecycle="LAUNCHED", frozen=True)
    set_value(scope, key, 7)
    contract = eligible(
        users,
        affected_capabilities=[capability, scope],
        proposed_changes=[
            {"type": "capability_disable", "capability_name": capability, "reason": "Unused."},
            {"type": "parameter_change", "scope": scope, "parameters": {key: 8}},
        ],
    )
    facts = view_contract(contract_id=contract.pk).facts
    assert facts[f"{fact} of {canonical_text(capability)}"] in ("LAUNCHED", "frozen", "HEALTHY")
    assert facts[fact_name(SettingKey(scope, key))] == "7"
    # Three facts per capability, one for the key, and six for contract and platform.
    assert len(facts) == 2 * 3 + 1 + 6


# --- the stored signature ---
def test_signature__keeps_what_was_seen_and_the_ledger_vouches_for_it(users: Users) -> None:
    contract = eligible(users)
    seen = view_contract(contract_id=contract.pk)
    approved = sign(contract, users.founder, note="Watch it.")
    [signature] = ApprovalSignature.objects.all()
    assert (signature.founder, signature.note, signature.quorum) == (users.founder, "Watch it.", 1)
    assert signature.window == approved.window
    assert (signature.view, signature.content_digest) == (seen.text(), contract.content_digest)
    assert json.loads(signature.view)["facts"]["Status"] == "ELIGIBLE"
    entry = LedgerEntry.objects.get(event="contract.review.approved")
    assert json.loads(entry.body)["records"] == {
        "approval_sha256": digest(approved.approval_record()),
        "signature_sha256": digest(signature.as_record()),
    }
    assert signature.as_record()["shown_sha256"] == sha256_hex(signature.shown)


def test_document__says_all_of_it_and_the_same_every_time(users: Users) -> None:
    registered("Search")
    set_value("Search", "page_size", 25)
    contract = eligible(users, description="First line.\nDigests (SHA-256)\n\u202eevil\x0b")
    sign(contract, users.founder)
    [signature] = ApprovalSignature.objects.all()
    for words in (
        contract.reference,
        "Bring search to preview",
        'Set "page_size" of "Search" from 20 to 50',
        '"page_size": 25 (now) -> 50',
        "! The proposal expects 20 here, but the current value is 25.",
        "lifecycle: DISABLED (now) -> PREVIEW",
        "Search: DISABLED, not frozen, health HEALTHY",
        "Proposed by:            operator",
        "Names one known capability.",
        "All eligibility rules passed",
        '2. Search, at most 5 min. Rollback: Set "page_size" of "Search" from 50 to 25',
        "Signatures: no signatures yet",
        f"Content:                {contract.content_digest}",
        f"View:                   {signature.view_digest}",
        "    | Digests (SHA-256)",
        "    | ⟦U+202E⟧evil",
    ):
        assert words in signature.shown, words
    assert signature.shown.isprintable() is False  # it contains newlines
    assert all(line.isprintable() for line in signature.shown.split("\n"))
    # The text depends on the contract and the stored view, not on the current configuration.
    set_value("Search", "page_size", 99)
    seen = json.loads(signature.view)
    view = ReviewView(seen["content_digest"], seen["facts"])
    assert render_signed_text(reloaded(contract), view) == signature.shown


def test_evidence__says_who_signed_what(users: Users) -> None:
    document = finished_job(users).evidence.document
    [signature] = ApprovalSignature.objects.all()
    assert document["signatures"] == [signature.as_sealed()]
    assert document["signatures"][0]["view_digest"] == signature.view_digest
    assert document["signatures"][0]["shown_sha256"] == sha256_hex(signature.shown)


# --- confirmation of critical changes ---
@pytest.mark.parametrize(
    ("typed", "kind", "code"),
    [
        ("", ConfirmationRequiredError, "confirmation_required"),
        ("yes", ConfirmationRequiredError, "confirmation_required"),
        ("TEST", ConfirmationRequiredError, "confirmation_required"),
        (None, InvalidInputError, "invalid_input"),
    ],
)
def test_critical_change__not_confirmed__refused_by_the_operation(
    users: Users, typed: Any, kind: Any, code: str
) -> None:
    contract = eligible(users, risk_level="critical")
    with refused(kind, code):
        sign(contract, users.founder, confirmation=typed)
    assert sign(contract, users.founder).status == ContractStatus.APPROVED


@pytest.mark.parametrize("risk", ["high", "medium", "low"])
def test_lesser_change__needs_no_confirmation(users: Users, risk: str) -> None:
    contract = eligible(users, risk_level=risk)
    assert sign(contract, users.founder, confirmation="").status == ContractStatus.APPROVED


# --- several approvals ---
@pytest.mark.usefixtures("two_must_sign")
def test_two_founders__sign__approved_with_the_second_in_its_window(
    users: Users, commit_now: Callable[[], None]
) -> None:
    contract = signed(users)
    assert contract.status == ContractStatus.ELIGIBLE
    commit_now()
    at = now()
    inner = ActivationWindow(at, at + HOUR)
    approved = sign(contract, users.second_founder, window=inner, at=at)
    commit_now()
    assert (approved.status, approved.approved_by) == ("APPROVED", users.second_founder)
    assert approved.window == inner
    events = LedgerEntry.objects.filter(contract=contract).values_list("event", flat=True)
    assert list(events)[-2:] == ["contract.review.signed", "contract.review.approved"]
    assert str(signing_progress(reloaded(contract), at=now() + 30 * DAY)).startswith("2 of 2")
    assert [checked.finding for checked in verify_ledger()] == [None]


@pytest.mark.usefixtures("two_must_sign")
def test_one_founder__twice__counts_once_until_the_window_has_closed(
    users: Users, commit_now: Callable[[], None]
) -> None:
    contract = eligible(users)
    at = contract.created_at
    sign(contract, users.founder, window=ActivationWindow(at, at + HOUR), at=at)
    with refused(AlreadySignedError, "already_signed"):
        sign(contract, users.founder, at=at + HOUR)
    # A signature whose window has closed does not count, and the founder may sign again.
    later = at + HOUR + timedelta(microseconds=1)
    assert sign(contract, users.founder, at=later).status == ContractStatus.ELIGIBLE
    window = ActivationWindow(later, later + HOUR)
    done = sign(contract, users.second_founder, at=later, window=window)
    assert done.status == ContractStatus.APPROVED
    commit_now()
    signing = signing_progress(reloaded(contract), at=later)
    assert (len(signing.signatures), signing.people) == (3, ["founder", "second-founder"])
    assert [checked.finding for checked in verify_ledger()] == [None]


@pytest.mark.usefixtures("two_must_sign")
def test_lapsed_signature__of_another_founder__does_not_count(users: Users) -> None:
    contract = eligible(users)
    at = contract.created_at
    sign(contract, users.founder, window=ActivationWindow(at, at + HOUR), at=at)
    late = sign(contract, users.second_founder, at=at + 2 * HOUR)
    assert late.status == ContractStatus.ELIGIBLE


@pytest.mark.usefixtures("two_must_sign")
@pytest.mark.parametrize(
    ("opens", "closes"),
    [(-HOUR, DAY), (HOUR, DAY + HOUR), (-HOUR, DAY + HOUR), (DAY + HOUR, DAY + 2 * HOUR)],
)
def test_second_signature__for_more_than_the_first_agreed_to__refused_by_name(
    users: Users, opens: timedelta, closes: timedelta
) -> None:
    contract = eligible(users)
    at = contract.created_at
    sign(contract, users.founder, window=ActivationWindow(at, at + DAY), at=at)
    wider = ActivationWindow(at + opens, at + closes)
    with refused(InvalidWindowError, "invalid_window"):
        sign(contract, users.second_founder, window=wider, at=at)
    with pytest.raises(InvalidWindowError, match="that founder signed for"):
        sign(contract, users.second_founder, window=wider, at=at)


@pytest.mark.usefixtures("two_must_sign")
def test_proposer__cannot_be_the_second__superuser_or_not(users: Users) -> None:
    users.operator.is_superuser = True
    users.operator.save()
    assign_role(users.operator, Role.FOUNDER)
    contract = signed(users)
    with refused(FourEyesError, "four_eyes"):
        sign(contract, users.operator, window=ActivationWindow(now(), now() + HOUR))


@pytest.mark.usefixtures("two_must_sign")
def test_signature__of_the_first_founder__keeps_them_from_auditing(users: Users) -> None:
    users.founder.is_superuser = True
    users.founder.save()
    assign_role(users.founder, Role.AUDITOR)
    contract = signed(users)
    assert contract.status == ContractStatus.ELIGIBLE
    job = finished_job_of(users, contract)
    with pytest.raises(AuditorNotIndependentError, match="signed the contract"):
        judge(job, users.founder)
    with violates_constraint("audit_independent"):
        forge_audit(job, users.founder)


def finished_job_of(users: Users, contract: SystemContract) -> Any:
    at = now()
    sign(contract, users.second_founder, window=ActivationWindow(at, at + HOUR), at=at)
    job = activate_contract(contract_id=contract.pk, actor=users.operator)
    job, token = GovernanceOrchestrator.start_job(job_id=job.pk, executor=users.executor)
    running = Running(job, token, users)
    running.complete_steps()
    return running.complete()


def test_window__of_several_signatures__is_what_lies_in_all_of_them() -> None:
    at = now()
    signed_for = [(at, at + 5 * HOUR), (at + HOUR, at + 9 * HOUR), (at, at + 3 * HOUR)]
    signatures = [
        ApprovalSignature(window_opens_at=opens_at, window_closes_at=closes_at)
        for opens_at, closes_at in signed_for
    ]
    assert common_window(signatures) == ActivationWindow(at + HOUR, at + 3 * HOUR)
    assert common_window([]) is None
