"""Races of two decisions on one contract: the first commits, the second raises a domain error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from governance.authorities.contract.operations import (
    expire_contract,
    fail_contract_past_window,
    record_review_verdicts,
)
from governance.domain.errors import GovernanceError
from governance.domain.values import ActivationWindow, AuditVerdict
from governance.flows.activate_contract import activate_contract
from governance.flows.propose_contract import propose_contract
from governance.flows.review_contract import approve_contract, reject_contract, withdraw_approval
from governance.models import (
    AuditResolution,
    GovernanceAudit,
    GovernanceJob,
    LedgerEntry,
    SystemContract,
)
from governance.record.ledger.verification import verify_ledger
from tests.support.clock import as_of
from tests.support.databases import cloned, ensure_template
from tests.support.factories import (
    MAY,
    VALIDATOR_VERDICT,
    approved,
    draft,
    eligible,
    finished_job,
    now,
    proposal_document,
    reloaded,
)
from tests.support.signing import as_seen
from tests.support.succession import FEWER
from tests.support.succession import modify as modify_scope_of
from tests.support.threads import at_once, overtaking
from tests.support.users import Users, create_users
from tests.support.verdicts import judge, settle

Move = Callable[[SystemContract, Users], Any]

CREATED = now()
DURING_REVIEW = CREATED + timedelta(days=1)
AFTER_REVIEW = CREATED + timedelta(days=7, hours=1)
# It is still open after the review, so that it does not refuse a late approval.
WINDOW = ActivationWindow(DURING_REVIEW, DURING_REVIEW + timedelta(hours=168))
IN_WINDOW = DURING_REVIEW + timedelta(hours=1)
AFTER_WINDOW = WINDOW.closes_at + timedelta(hours=1)
DECIDED_ALREADY = {"invalid_transition", "contract_immutable", "not_eligible"}
REASON = "Not this quarter, sorry."


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[Users]:
    """Clone one database for the whole module; each race creates its own contracts."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        yield create_users()


@pytest.fixture(autouse=True)
def _record_verifies(committed: Users) -> Iterator[None]:
    yield
    assert [checked.finding for checked in verify_ledger() if checked.finding] == []


def approve(contract: SystemContract, users: Users) -> SystemContract:
    return as_of(
        DURING_REVIEW,
        approve_contract,
        contract_id=contract.pk,
        founder=users.founder,
        window=WINDOW,
        **as_seen(contract),
    )


def reject(contract: SystemContract, users: Users) -> SystemContract:
    return as_of(
        DURING_REVIEW,
        reject_contract,
        contract_id=contract.pk,
        founder=users.second_founder,
        reason=REASON,
    )


def modify(contract: SystemContract, users: Users) -> SystemContract:
    return modify_scope_of(contract, users.second_founder, at=DURING_REVIEW)


def expire(contract: SystemContract, users: Users) -> SystemContract:
    return as_of(AFTER_REVIEW, expire_contract, contract_id=contract.pk, actor=users.operator)


def activate(contract: SystemContract, users: Users) -> GovernanceJob:
    return as_of(IN_WINDOW, activate_contract, contract_id=contract.pk, actor=users.operator)


def activate_under_lock(contract: SystemContract, users: Users) -> GovernanceJob:
    """Activate in a transaction that locked the contract, so that even a refusal waits."""
    with transaction.atomic():
        SystemContract.objects.lock(contract.pk)
        return activate(contract, users)


def lapse(contract: SystemContract, users: Users) -> SystemContract:
    return as_of(
        AFTER_WINDOW, fail_contract_past_window, contract_id=contract.pk, actor=users.operator
    )


def withdraw(contract: SystemContract, users: Users) -> SystemContract:
    return as_of(
        IN_WINDOW,
        withdraw_approval,
        contract_id=contract.pk,
        founder=users.second_founder,
        reason=REASON,
    )


def give_verdicts(contract: SystemContract, users: Users) -> SystemContract:
    return as_of(
        DURING_REVIEW,
        record_review_verdicts,
        contract_id=contract.pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=MAY,
        actor=users.operator,
    )


def drafted(users: Users) -> SystemContract:
    return draft(users, at=CREATED)


def in_review(users: Users) -> SystemContract:
    return eligible(users, at=CREATED)


def signed(users: Users) -> SystemContract:
    return approved(users, at=DURING_REVIEW, window=WINDOW)


class TestContractRaces:
    @pytest.mark.parametrize(
        ("begin", "first", "second", "status", "code"),
        [
            (drafted, give_verdicts, give_verdicts, "ELIGIBLE", "invalid_transition"),
            (drafted, give_verdicts, expire, "EXPIRED", None),
            (drafted, expire, give_verdicts, "EXPIRED", "contract_immutable"),
            (in_review, approve, approve, "APPROVED", "invalid_transition"),
            (in_review, approve, reject, "APPROVED", "not_eligible"),
            (in_review, approve, expire, "APPROVED", "invalid_transition"),
            (in_review, approve, activate_under_lock, "ACTIVE", None),
            (in_review, reject, approve, "REJECTED", "contract_immutable"),
            (in_review, reject, reject, "REJECTED", "contract_immutable"),
            (in_review, reject, expire, "REJECTED", "contract_immutable"),
            (in_review, reject, activate_under_lock, "REJECTED", "contract_not_approved"),
            (in_review, modify, modify, "REJECTED", "contract_immutable"),
            (in_review, modify, approve, "REJECTED", "contract_immutable"),
            (in_review, modify, expire, "REJECTED", "contract_immutable"),
            (in_review, approve, modify, "APPROVED", "not_eligible"),
            (in_review, reject, modify, "REJECTED", "contract_immutable"),
            (in_review, expire, modify, "EXPIRED", "contract_immutable"),
            (in_review, expire, approve, "EXPIRED", "contract_immutable"),
            (in_review, expire, reject, "EXPIRED", "contract_immutable"),
            (in_review, expire, expire, "EXPIRED", "contract_immutable"),
            (signed, activate, lapse, "ACTIVE", "not_lapsed"),
            (signed, activate, reject, "ACTIVE", "not_eligible"),
            (signed, activate, approve, "ACTIVE", "invalid_transition"),
            (signed, lapse, activate, "FAILED", "contract_not_approved"),
            (signed, lapse, lapse, "FAILED", "contract_immutable"),
            (signed, lapse, reject, "FAILED", "contract_immutable"),
            (signed, withdraw, activate, "FAILED", "contract_not_approved"),
            (signed, activate, withdraw, "ACTIVE", "invalid_transition"),
            (signed, withdraw, withdraw, "FAILED", "contract_immutable"),
            (signed, withdraw, lapse, "FAILED", "contract_immutable"),
            (signed, lapse, withdraw, "FAILED", "contract_immutable"),
            (in_review, approve, withdraw, "FAILED", None),
        ],
    )
    def test_second_move__before_the_first_commits__judged_by_what_the_first_did(
        self,
        committed: Users,
        begin: Callable[[Users], SystemContract],
        first: Move,
        second: Move,
        status: str,
        code: str | None,
    ) -> None:
        contract = begin(committed)
        _, outcome = overtaking(
            lambda: first(contract, committed), lambda: second(contract, committed)
        )
        assert getattr(outcome, "code", None) == code, outcome
        assert reloaded(contract).status == status
        entries = LedgerEntry.objects.filter(contract=contract)
        assert entries.filter(to_status=status).count() == 1
        assert SystemContract.objects.filter(parent=contract).count() == (first is modify)
        assert GovernanceJob.objects.filter(contract=contract).exists() == (status == "ACTIVE")

    def test_six_people__decide_at_once__one_decision(self, committed: Users) -> None:
        contract = in_review(committed)

        def deciding(move: Move) -> Callable[[Any], Any]:
            def call(wait: Any) -> Any:
                wait()
                return move(contract, committed)

            return call

        outcomes = at_once(*[deciding(move) for move in (approve, reject, expire) * 2])
        refused = [outcome for outcome in outcomes if isinstance(outcome, GovernanceError)]
        assert len(refused) == 5
        assert {each.code for each in refused} <= DECIDED_ALREADY
        assert LedgerEntry.objects.filter(contract=contract, from_status="ELIGIBLE").count() == 1

    def test_two_founders__modify_differently_at_once__one_successor(
        self, committed: Users
    ) -> None:
        contract = in_review(committed)
        founders = (committed.founder, committed.second_founder)

        def modifying(number: int) -> Callable[[Any], Any]:
            changes = [FEWER[number % 2]]

            def call(wait: Any) -> Any:
                wait()
                return modify_scope_of(
                    contract, founders[number % 2], changes=changes, at=DURING_REVIEW
                )

            return call

        outcomes = at_once(*[modifying(number) for number in range(6)])
        refused = [outcome for outcome in outcomes if isinstance(outcome, GovernanceError)]
        assert {each.code for each in refused} == {"contract_immutable"}
        [successor] = [outcome for outcome in outcomes if isinstance(outcome, SystemContract)]
        assert reloaded(contract).successor == successor

    def test_two_contracts__whose_revisions_have_one_name__get_names_of_their_own(
        self, committed: Users
    ) -> None:
        one = eligible(committed, at=CREATED, reference="SHARED", title="One")
        two = eligible(committed, at=CREATED, reference="SHARED (rev 1)", title="Two")
        first, second = overtaking(lambda: modify(one, committed), lambda: modify(two, committed))
        assert (first.reference, second.reference) == ("SHARED (rev 2)", "SHARED (rev 3)")

    def test_same_proposal__twice_at_once__one_contract(self, committed: Users) -> None:
        document = proposal_document()

        def propose() -> Any:
            return as_of(
                CREATED,
                propose_contract,
                document=document,
                validator_verdict=VALIDATOR_VERDICT,
                eligibility_verdict=MAY,
                proposer=committed.operator,
            )

        (contract, is_new), refusal = overtaking(propose, propose)
        assert is_new
        assert refusal.code == "duplicate_contract"
        assert SystemContract.objects.get(reference=document["reference"]) == contract
        assert propose() == (contract, False)


class TestVerdictRaces:
    def test_settling__while_the_inconclusive_verdict_is_being_recorded__settles_it(
        self, committed: Users
    ) -> None:
        job = finished_job(committed)
        audit, resolution = overtaking(
            lambda: judge(job, committed.auditor, verdict=AuditVerdict.INCONCLUSIVE),
            lambda: settle(job, committed.second_auditor),
        )
        assert resolution.audit == audit
        assert reloaded(job.contract).status == "COMPLETED"

    def test_verdict__while_the_doubt_is_settled__refused(self, committed: Users) -> None:
        job = in_doubt(committed)
        _, refusal = overtaking(
            lambda: settle(job, committed.second_auditor, AuditVerdict.FAIL),
            lambda: judge(job, committed.second_auditor),
        )
        assert refusal.code == "verdict_exists"
        assert GovernanceAudit.objects.get(job=job).verdict == AuditVerdict.INCONCLUSIVE
        assert reloaded(job.contract).status == "FAILED"

    def test_two_people__settle_at_once__the_first_is_kept(self, committed: Users) -> None:
        job = in_doubt(committed)
        resolution, refusal = overtaking(
            lambda: settle(job, committed.auditor, AuditVerdict.FAIL),
            lambda: settle(job, committed.second_auditor, AuditVerdict.PASS),
        )
        assert refusal.code == "verdict_final"
        assert AuditResolution.objects.get(audit__job=job) == resolution
        assert reloaded(job.contract).status == "FAILED"


def in_doubt(users: Users) -> GovernanceJob:
    job = finished_job(users)
    judge(job, users.auditor, verdict=AuditVerdict.INCONCLUSIVE)
    return job
