"""Founders sign what they saw: the view, the document, the confirmation, the quorum, windows."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from governance.contract.signatures import common_window, signing_of
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.review_contract import (
    answer_clarification,
    approve_contract,
    comment_on_contract,
    request_clarification,
    view_contract,
)
from governance.health.signals import record_signal
from governance.ledger.verification import verify_ledger
from governance.models import (
    ApprovalSignature,
    Capability,
    ConfigurationEntry,
    LedgerEntry,
    SystemContract,
)
from governance.review.document import shown_to_founder
from governance.review.view import ReviewView, review_view
from governance.vocabulary.canonical import digest, sha256_hex
from governance.vocabulary.errors import (
    AlreadySignedError,
    AuditorNotIndependentError,
    ConfirmationRequiredError,
    FourEyesError,
    InvalidInputError,
    InvalidWindowError,
    ViewChangedError,
)
from governance.vocabulary.values import ActivationWindow, ContractStatus, HealthDecision
from tests.support.attacks import refused_by
from tests.support.cast import Cast
from tests.support.contracts import refused
from tests.support.forgery import forge_audit
from tests.support.roles import as_owner
from tests.support.signing import as_seen
from tests.support.stories import Running, again, eligible, finished_job, now, signed
from tests.support.verdicts import judge

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)


@pytest.fixture
def two_must_sign(settings: Any) -> None:
    settings.GOVERNANCE = settings.GOVERNANCE | {"QUORUM": {"medium": 2}}


def sign(contract: SystemContract, founder: Any, **changes: Any) -> SystemContract:
    at = changes.pop("at", None) or now()
    window = changes.pop("window", None) or ActivationWindow(at, at + DAY)
    said = {"contract_id": contract.pk, "founder": founder, "window": window, "at": at}
    return approve_contract(**(said | as_seen(contract, at=at) | changes))


# --- what one saw ---
def _signal(decision: HealthDecision, scope: str = "Search") -> Callable[[Cast, Any], object]:
    return lambda cast, contract: record_signal(
        scope=scope,
        signal_type="probe",
        decision=decision,
        reason="Slow.",
        actor=cast.operator,
        at=now(),
    )


def _configure(cast: Cast, contract: SystemContract) -> None:
    with as_owner():
        ConfigurationEntry.objects.filter(key="page_size").update(value="20")


def _launch(cast: Cast, contract: SystemContract) -> None:
    with as_owner():
        Capability.objects.update(lifecycle="LAUNCHED")


def _ask(cast: Cast, contract: SystemContract) -> None:
    request_clarification(
        contract_id=contract.pk, founder=cast.second_founder, question="Why?", at=now()
    )


def _ask_and_hear(cast: Cast, contract: SystemContract) -> None:
    _ask(cast, contract)
    answer_clarification(contract_id=contract.pk, person=cast.operator, answer="So.", at=now())


def _comment(cast: Cast, contract: SystemContract) -> None:
    comment_on_contract(contract_id=contract.pk, person=cast.viewer, text="Hm.", at=now())


@pytest.mark.parametrize(
    ("move", "told"),
    [
        (_signal(HealthDecision.DEGRADED), "Health of Search: was HEALTHY, now DEGRADED"),
        (_signal(HealthDecision.DEGRADED, "SYSTEM"), "System health: was HEALTHY, now DEGRADED"),
        (_configure, 'Search · page_size: was 20, now "20"'),
        (_launch, "Lifecycle of Search: was DISABLED, now LAUNCHED"),
        (_ask, "now the clock stands: a question is open"),
        (_ask_and_hear, "now 1 question, 1 answer, 0 comments"),
        (_comment, "now 0 questions, 0 answers, 1 comment"),
    ],
)
def test_signing__what_stands_around_it_has_moved__refused_and_told(
    cast: Cast, move: Callable[[Cast, Any], object], told: str
) -> None:
    with as_owner():
        Capability.objects.create(name="Search")
        ConfigurationEntry.objects.create(scope="Search", key="page_size", value=20)
    contract, at = eligible(cast), now()
    view = view_contract(contract_id=contract.pk, at=at)
    move(cast, contract)
    with refused(ViewChangedError, "view_changed"):
        approve_contract(
            contract_id=contract.pk,
            founder=cast.founder,
            window=ActivationWindow(at, at + DAY),
            seen_digest=view.content_digest,
            seen_view=view.digest(),
            at=at,
        )
    with pytest.raises(ViewChangedError) as refusal:
        approve_contract(
            contract_id=contract.pk,
            founder=cast.founder,
            window=ActivationWindow(at, at + DAY),
            seen_digest=view.content_digest,
            seen_view=view.digest(),
            seen_text=view.text(),
            at=at,
        )
    assert any(told in change for change in refusal.value.details["changed"])


def test_view__while_only_time_passes__stays_the_same(cast: Cast) -> None:
    contract = eligible(cast)
    seen = {
        view_contract(contract_id=contract.pk, at=now() + days * DAY).digest() for days in range(9)
    }
    assert len(seen) == 1


def test_view__of_a_platform_without_health__says_so(cast: Cast) -> None:
    view = review_view(eligible(cast), health=None)
    assert (view.facts["System health"], view.facts["Health of Search"]) == ("unknown", "unknown")


# --- what is kept ---
def test_signature__keeps_what_was_seen_and_the_ledger_vouches_for_it(cast: Cast) -> None:
    contract = eligible(cast)
    seen = view_contract(contract_id=contract.pk, at=now())
    approved = sign(contract, cast.founder, note="Watch it.")
    [signature] = ApprovalSignature.objects.all()
    assert (signature.founder, signature.note, signature.quorum) == (cast.founder, "Watch it.", 1)
    assert signature.window == approved.window
    assert (signature.view, signature.content_digest) == (seen.text(), contract.content_digest)
    assert json.loads(signature.view)["facts"]["Status"] == "ELIGIBLE"
    entry = LedgerEntry.objects.get(event="contract.review.approved")
    assert json.loads(entry.body)["records"] == {
        "approval_sha256": digest(approved.approval_record()),
        "signature_sha256": digest(signature.as_record()),
    }
    assert signature.as_record()["shown_sha256"] == sha256_hex(signature.shown)


def test_document__says_all_of_it_and_the_same_every_time(cast: Cast) -> None:
    with as_owner():
        Capability.objects.create(name="Search")
        ConfigurationEntry.objects.create(scope="Search", key="page_size", value=25)
    contract = eligible(cast, description="First line.\nDigests (SHA-256)\n\u202eevil\x0b")
    sign(contract, cast.founder)
    [signature] = ApprovalSignature.objects.all()
    for words in (
        contract.reference,
        "Bring search to preview",
        "Set page_size of Search from 20 to 50",
        "page_size: 25 (now) -> 50",
        "! The proposal expects 20 here, but 25 is what stands.",
        "lifecycle: DISABLED (now) -> PREVIEW",
        "Search: DISABLED, not frozen, health HEALTHY",
        "Proposed by:            operator",
        "Names one known capability.",
        "All eligibility rules passed",
        "1. Search, at most 5 min. Back: Set page_size of Search from 50 to 20",
        "Signed: nobody",
        f"Content:                {contract.content_digest}",
        f"View:                   {signature.view_digest}",
        "    | Digests (SHA-256)",
        "    | \\u202eevil",
    ):
        assert words in signature.shown, words
    assert signature.shown.isprintable() is False  # lines end
    assert all(line.isprintable() for line in signature.shown.split("\n"))
    # Another day, the same contract and the same view: the same text.
    with as_owner():
        ConfigurationEntry.objects.update(value=99)
    seen = json.loads(signature.view)
    view = ReviewView(seen["content_digest"], seen["facts"])
    assert shown_to_founder(again(contract), view) == signature.shown


def test_evidence__says_who_signed_what(cast: Cast) -> None:
    document = finished_job(cast).evidence.document
    [signature] = ApprovalSignature.objects.all()
    assert document["signatures"] == [signature.as_sealed()]
    assert document["signatures"][0]["view_digest"] == signature.view_digest
    assert document["signatures"][0]["shown_sha256"] == sha256_hex(signature.shown)


# --- a critical change ---
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
    cast: Cast, typed: Any, kind: Any, code: str
) -> None:
    contract = eligible(cast, risk_level="critical")
    with refused(kind, code):
        sign(contract, cast.founder, confirmation=typed)
    assert sign(contract, cast.founder).status == ContractStatus.APPROVED


@pytest.mark.parametrize("risk", ["high", "medium", "low"])
def test_lesser_change__needs_no_confirmation(cast: Cast, risk: str) -> None:
    contract = eligible(cast, risk_level=risk)
    assert sign(contract, cast.founder, confirmation="").status == ContractStatus.APPROVED


# --- several founders ---
@pytest.mark.usefixtures("two_must_sign")
def test_two_founders__sign__approved_with_the_second_in_its_window(
    cast: Cast, commit_now: Callable[[], None]
) -> None:
    contract = signed(cast)
    assert contract.status == ContractStatus.ELIGIBLE
    commit_now()
    at = now()
    inner = ActivationWindow(at, at + HOUR)
    approved = sign(contract, cast.second_founder, window=inner, at=at)
    commit_now()
    assert (approved.status, approved.approved_by) == ("APPROVED", cast.second_founder)
    assert approved.window == inner
    events = LedgerEntry.objects.filter(contract=contract).values_list("event", flat=True)
    assert list(events)[-2:] == ["contract.review.signed", "contract.review.approved"]
    assert str(signing_of(again(contract), at=now() + 30 * DAY)).startswith("2 of 2")
    assert [checked.finding for checked in verify_ledger()] == [None]


@pytest.mark.usefixtures("two_must_sign")
def test_one_founder__twice__counts_once_until_the_window_has_closed(
    cast: Cast, commit_now: Callable[[], None]
) -> None:
    contract = eligible(cast)
    at = contract.created_at
    sign(contract, cast.founder, window=ActivationWindow(at, at + HOUR), at=at)
    with refused(AlreadySignedError, "already_signed"):
        sign(contract, cast.founder, at=at + HOUR)
    # Once it has lapsed it stands in nobody's way, and counts for nothing.
    later = at + HOUR + timedelta(microseconds=1)
    assert sign(contract, cast.founder, at=later).status == ContractStatus.ELIGIBLE
    window = ActivationWindow(later, later + HOUR)
    done = sign(contract, cast.second_founder, at=later, window=window)
    assert done.status == ContractStatus.APPROVED
    commit_now()
    signing = signing_of(again(contract), at=later)
    assert (len(signing.signatures), signing.people) == (3, ["founder", "second-founder"])
    assert [checked.finding for checked in verify_ledger()] == [None]


@pytest.mark.usefixtures("two_must_sign")
def test_lapsed_signature__of_somebody_else__does_not_count(cast: Cast) -> None:
    contract = eligible(cast)
    at = contract.created_at
    sign(contract, cast.founder, window=ActivationWindow(at, at + HOUR), at=at)
    late = sign(contract, cast.second_founder, at=at + 2 * HOUR)
    assert late.status == ContractStatus.ELIGIBLE


@pytest.mark.usefixtures("two_must_sign")
@pytest.mark.parametrize(
    ("opens", "closes"),
    [(-HOUR, DAY), (HOUR, DAY + HOUR), (-HOUR, DAY + HOUR), (DAY + HOUR, DAY + 2 * HOUR)],
)
def test_second_signature__for_more_than_the_first_agreed_to__refused_by_name(
    cast: Cast, opens: timedelta, closes: timedelta
) -> None:
    contract = eligible(cast)
    at = contract.created_at
    sign(contract, cast.founder, window=ActivationWindow(at, at + DAY), at=at)
    wider = ActivationWindow(at + opens, at + closes)
    with refused(InvalidWindowError, "invalid_window"):
        sign(contract, cast.second_founder, window=wider, at=at)
    with pytest.raises(InvalidWindowError, match="that founder signed for"):
        sign(contract, cast.second_founder, window=wider, at=at)


@pytest.mark.usefixtures("two_must_sign")
def test_proposer__cannot_be_the_second__superuser_or_not(cast: Cast) -> None:
    cast.operator.is_superuser = True
    cast.operator.save()
    contract = signed(cast)
    with refused(FourEyesError, "four_eyes"):
        sign(contract, cast.operator, window=ActivationWindow(now(), now() + HOUR))


@pytest.mark.usefixtures("two_must_sign")
def test_signature__of_the_first_founder__keeps_them_from_auditing(cast: Cast) -> None:
    cast.founder.is_superuser = True
    cast.founder.save()
    contract = signed(cast)
    assert contract.status == ContractStatus.ELIGIBLE
    job = finished_job_of(cast, contract)
    with pytest.raises(AuditorNotIndependentError, match="signed it"):
        judge(job, cast.founder)
    with refused_by("audit_independent"):
        forge_audit(job, cast.founder)


def finished_job_of(cast: Cast, contract: SystemContract) -> Any:
    at = now()
    sign(contract, cast.second_founder, window=ActivationWindow(at, at + HOUR), at=at)
    job = activate_contract(contract_id=contract.pk, actor=cast.operator, at=now())
    job, token = run_job.start_job(job_id=job.pk, executor=cast.executor, at=now())
    running = Running(job, token, cast)
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
