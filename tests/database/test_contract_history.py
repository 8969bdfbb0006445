"""The operations that create, decide and end a contract, and the ledger entries they append."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from governance.authorities.contract import operations
from governance.authorities.contract.creation import create_contract, create_draft
from governance.authorities.contract.proposals import parse_proposal
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.canonical import canonical_text, digest
from governance.domain.errors import (
    ContractExpiredError,
    ContractNotFoundError,
    DuplicateContractError,
    InvalidPlanError,
    InvalidTransitionError,
    InvalidVerdictError,
    ReviewOpenError,
    WindowOpenError,
)
from governance.domain.values import ContractStatus, PlatformState
from governance.flows.propose_contract import draft_contract
from governance.models import LedgerEntry, SystemContract
from tests.support.clock import as_of
from tests.support.contracts import refused
from tests.support.factories import (
    MAY,
    MAY_NOT,
    VALIDATOR_VERDICT,
    approved,
    contract_in,
    draft,
    eligible,
    now,
    proposal_document,
    reloaded,
)
from tests.support.users import Users

BORN = [
    ("contract.proposal.drafted", "", "DRAFT"),
    ("contract.validation.recorded", "DRAFT", "VALIDATED"),
    ("contract.eligibility.granted", "VALIDATED", "ELIGIBLE"),
]
# The statuses that lead to each resting state, as the ledger must record them.
_ELIGIBLE = ["DRAFT", "VALIDATED", "ELIGIBLE"]
PATHS: dict[ContractStatus, list[str]] = {
    ContractStatus.DRAFT: ["DRAFT"],
    ContractStatus.ELIGIBLE: _ELIGIBLE,
    ContractStatus.APPROVED: [*_ELIGIBLE, "APPROVED"],
    ContractStatus.ACTIVE: [*_ELIGIBLE, "APPROVED", "ACTIVE"],
    ContractStatus.COMPLETED: [*_ELIGIBLE, "APPROVED", "ACTIVE", "COMPLETED"],
    ContractStatus.FAILED: [*_ELIGIBLE, "APPROVED", "ACTIVE", "FAILED"],
    ContractStatus.REJECTED: [*_ELIGIBLE, "REJECTED"],
    ContractStatus.EXPIRED: [*_ELIGIBLE, "EXPIRED"],
}


def entries_of(contract: SystemContract) -> list[LedgerEntry]:
    return list(LedgerEntry.objects.filter(contract=contract).order_by("seq"))


def moves_of(contract: SystemContract) -> list[tuple[str, str, str]]:
    return [(entry.event, entry.from_status, entry.to_status) for entry in entries_of(contract)]


def give_verdicts(
    contract: SystemContract, users: Users, eligibility: dict[str, Any] = MAY, **changes: Any
) -> SystemContract:
    arguments = {
        "contract_id": contract.pk,
        "validator_verdict": VALIDATOR_VERDICT,
        "eligibility_verdict": eligibility,
        "actor": users.operator,
    }
    return operations.record_review_verdicts(**(arguments | changes))


class TestContractHistory:
    def test_born_eligible__history_is_draft_validated_eligible(
        self, users: Users, commit_now: Any
    ) -> None:
        contract = eligible(users)
        commit_now()
        assert moves_of(contract) == BORN

    def test_born_eligible__history_is_chained_and_recomputes_with_sha256_alone(
        self, users: Users
    ) -> None:
        previous = bytes(32)
        for seq, entry in enumerate(entries_of(eligible(users)), start=1):
            assert entry.seq == seq
            assert bytes(entry.prev_hash) == previous
            previous = hashlib.sha256(previous + entry.body.encode()).digest()
            assert bytes(entry.hash) == previous

    def test_born_eligible__history_vouches_for_what_came_and_what_is_signed(
        self, users: Users
    ) -> None:
        contract = reloaded(eligible(users))
        records = [json.loads(entry.body)["records"] for entry in entries_of(contract)]
        assert records == [
            {
                "proposal_sha256": digest(contract.proposal_record()),
                "draft_sha256": digest(contract.draft_record()),
            },
            {"validator_verdict_sha256": digest(contract.validator_verdict)},
            {"content_sha256": digest(contract.content_record())},
        ]
        assert contract.content_digest == records[2]["content_sha256"]

    def test_entry__body__is_canonical_and_says_what_the_columns_say(self, users: Users) -> None:
        contract = approved(users)
        for entry in entries_of(contract):
            body = json.loads(entry.body)
            assert entry.body == canonical_text(body)
            columns = ("seq", "actor", "event", "from_status", "to_status", "reason", "step_index")
            assert {name: body[name] for name in columns} == {
                name: getattr(entry, name) for name in columns
            }
            assert body["contract_id"] == str(contract.pk)

    @pytest.mark.parametrize("status", PATHS)
    def test_ledger__at_each_resting_state__has_the_whole_path(
        self, users: Users, status: ContractStatus
    ) -> None:
        contract = contract_in(users, status)
        contract_moves = [m for m in moves_of(contract) if m[0].startswith("contract.") and m[2]]
        assert [after for _, _, after in contract_moves] == PATHS[status]
        assert [before for _, before, _ in contract_moves] == ["", *PATHS[status][:-1]]

    def test_drafted_and_found_eligible__same_history_as_born_eligible(
        self, users: Users, commit_now: Any
    ) -> None:
        contract = give_verdicts(draft(users), users)
        commit_now()
        assert reloaded(contract).status == ContractStatus.ELIGIBLE
        assert moves_of(contract) == BORN
        assert reloaded(contract).content_digest == digest(reloaded(contract).content_record())

    def test_drafted_and_refused__history_ends_rejected(
        self, users: Users, commit_now: Any
    ) -> None:
        contract = give_verdicts(draft(users), users, MAY_NOT)
        commit_now()
        refusal = ("contract.eligibility.refused", "VALIDATED", "REJECTED")
        assert moves_of(contract) == [*BORN[:2], refusal]


class TestContractBirth:
    def test_record_verdicts__on_what_has_its_verdicts__refused(self, users: Users) -> None:
        contract = eligible(users)
        with refused(InvalidTransitionError, "invalid_transition"):
            give_verdicts(contract, users)

    def test_record_verdicts__after_the_time_for_review__refused(self, users: Users) -> None:
        contract = draft(users, at=now() - timedelta(days=30))
        with refused(ContractExpiredError, "contract_expired"):
            give_verdicts(contract, users)

    def test_record_verdicts__verdict_that_is_none__refused(self, users: Users) -> None:
        contract = draft(users)
        with refused(InvalidVerdictError, "invalid_verdict"):
            give_verdicts(contract, users, validator_verdict={"severity": "low"})

    def test_record_verdicts__on_nothing__refused(self, users: Users) -> None:
        with refused(ContractNotFoundError, "contract_not_found"):
            give_verdicts(SystemContract(), users)

    def test_create__with_a_plan_of_other_changes__refused(self, users: Users) -> None:
        proposal = parse_proposal(proposal_document())
        plan = GovernanceOrchestrator.plan_changes(proposal.changes, state=PlatformState())
        with refused(InvalidPlanError, "invalid_plan"):
            create_draft(proposal=proposal, plan=plan[:-1], proposer=users.operator)

    def test_draft__twice__refused(self, users: Users) -> None:
        document = proposal_document()
        draft_contract(document=document, proposer=users.operator)
        with refused(DuplicateContractError, "duplicate_contract"):
            draft_contract(document=document, proposer=users.operator)

    def test_create__by_four_at_once__one_contract(self, committed: Users) -> None:
        proposal = parse_proposal(proposal_document())
        plan = GovernanceOrchestrator.plan_changes(proposal.changes, state=PlatformState())
        start, outcomes = threading.Barrier(4), []

        def race() -> None:
            start.wait()
            try:
                create_contract(
                    proposal=proposal,
                    plan=plan,
                    validator_verdict=VALIDATOR_VERDICT,
                    eligibility_verdict=MAY,
                    proposer=committed.operator,
                )
                outcomes.append("created")
            except DuplicateContractError as refusal:
                outcomes.append(refusal.code)
            finally:
                connection.close()

        threads = [threading.Thread(target=race) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["created", *["duplicate_contract"] * 3]
        assert moves_of(SystemContract.objects.get()) == BORN


class TestContractTimeEnds:
    def test_expire__at_the_last_moment_of_its_time__refused(self, users: Users) -> None:
        contract = eligible(users)
        with refused(ReviewOpenError, "review_open"):
            as_of(
                contract.expires_at,
                operations.expire_contract,
                contract_id=contract.pk,
                actor=users.operator,
            )

    def test_expire__just_after__expired(self, users: Users, commit_now: Any) -> None:
        contract = eligible(users)
        at = contract.expires_at + timedelta(microseconds=1)
        as_of(at, operations.expire_contract, contract_id=contract.pk, actor=users.operator)
        commit_now()
        contract = reloaded(contract)
        assert (contract.status, contract.closed_reason) == ("EXPIRED", "review_ttl_passed")
        assert (contract.closed_at, contract.closed_by) == (at, users.operator)

    def test_lapse__while_the_window_is_open__refused(self, users: Users) -> None:
        contract = approved(users)
        with refused(WindowOpenError, "window_open"):
            as_of(
                contract.window_closes_at,
                operations.fail_contract_past_window,
                contract_id=contract.pk,
                actor=users.operator,
            )

    def test_lapse__after_the_window__failed(self, users: Users, commit_now: Any) -> None:
        contract = approved(users)
        at = contract.window_closes_at + timedelta(microseconds=1)
        as_of(
            at, operations.fail_contract_past_window, contract_id=contract.pk, actor=users.operator
        )
        commit_now()
        contract = reloaded(contract)
        assert (contract.status, contract.closed_reason) == ("FAILED", "window_lapsed")
        assert (contract.audit_verdict, contract.closed_at) == ("PENDING", at)
