"""How a contract comes to be, decides and ends: the operations, and the history they leave."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from governance.contract import operations
from governance.contract.proposals import parse_proposal
from governance.flows.propose_contract import draft_contract
from governance.models import LedgerEntry, SystemContract
from governance.orchestrator.facade import GovernanceOrchestrator
from governance.vocabulary.canonical import canonical_text, digest
from governance.vocabulary.errors import (
    ContractExpiredError,
    DuplicateContractError,
    InvalidInputError,
    InvalidTransitionError,
    InvalidVerdictError,
    NotFoundError,
    WrongStateError,
)
from governance.vocabulary.values import ContractStatus, PlatformState
from tests.support.cast import Cast
from tests.support.contracts import refused
from tests.support.stories import (
    MAY,
    MAY_NOT,
    VALIDATOR_VERDICT,
    again,
    approved,
    contract_in,
    draft,
    eligible,
    now,
    proposal_document,
)

BORN = [
    ("contract.proposal.drafted", "", "DRAFT"),
    ("contract.validation.recorded", "DRAFT", "VALIDATED"),
    ("contract.eligibility.granted", "VALIDATED", "ELIGIBLE"),
]
# The path that each resting state was reached by, as the ledger must tell it.
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
    contract: SystemContract, cast: Cast, eligibility: dict[str, Any] = MAY, **changes: Any
) -> SystemContract:
    arguments = {
        "contract_id": contract.pk,
        "validator_verdict": VALIDATOR_VERDICT,
        "eligibility_verdict": eligibility,
        "actor": cast.operator,
        "at": now(),
    }
    return operations.record_verdicts(**(arguments | changes))


class TestContractHistory:
    def test_born_eligible__history_is_draft_validated_eligible(
        self, cast: Cast, commit_now: Any
    ) -> None:
        contract = eligible(cast)
        commit_now()
        assert moves_of(contract) == BORN

    def test_born_eligible__history_is_chained_and_recomputes_with_sha256_alone(
        self, cast: Cast
    ) -> None:
        previous = bytes(32)
        for seq, entry in enumerate(entries_of(eligible(cast)), start=1):
            assert entry.seq == seq
            assert bytes(entry.prev_hash) == previous
            previous = hashlib.sha256(previous + entry.body.encode()).digest()
            assert bytes(entry.hash) == previous

    def test_born_eligible__history_vouches_for_what_came_and_what_is_signed(
        self, cast: Cast
    ) -> None:
        contract = again(eligible(cast))
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

    def test_entry__body__is_canonical_and_says_what_the_columns_say(self, cast: Cast) -> None:
        contract = approved(cast)
        for entry in entries_of(contract):
            said = json.loads(entry.body)
            assert entry.body == canonical_text(said)
            columns = ("seq", "actor", "event", "from_status", "to_status", "reason", "step_index")
            assert {name: said[name] for name in columns} == {
                name: getattr(entry, name) for name in columns
            }
            assert said["contract_id"] == str(contract.pk)

    @pytest.mark.parametrize("status", PATHS)
    def test_ledger__at_each_resting_state__tells_the_whole_path(
        self, cast: Cast, status: ContractStatus
    ) -> None:
        contract = contract_in(cast, status)
        told = [m for m in moves_of(contract) if m[0].startswith("contract.") and m[2]]
        assert [after for _, _, after in told] == PATHS[status]
        assert [before for _, before, _ in told] == ["", *PATHS[status][:-1]]

    def test_drafted_and_found_eligible__same_history_as_born_eligible(
        self, cast: Cast, commit_now: Any
    ) -> None:
        contract = give_verdicts(draft(cast), cast)
        commit_now()
        assert again(contract).status == ContractStatus.ELIGIBLE
        assert moves_of(contract) == BORN
        assert again(contract).content_digest == digest(again(contract).content_record())

    def test_drafted_and_refused__history_ends_rejected(self, cast: Cast, commit_now: Any) -> None:
        contract = give_verdicts(draft(cast), cast, MAY_NOT)
        commit_now()
        refusal = ("contract.eligibility.refused", "VALIDATED", "REJECTED")
        assert moves_of(contract) == [*BORN[:2], refusal]


class TestContractBirth:
    def test_record_verdicts__on_what_has_its_verdicts__refused(self, cast: Cast) -> None:
        contract = eligible(cast)
        with refused(InvalidTransitionError, "invalid_transition"):
            give_verdicts(contract, cast)

    def test_record_verdicts__after_the_time_for_review__refused(self, cast: Cast) -> None:
        contract = draft(cast, at=now() - timedelta(days=30))
        with refused(ContractExpiredError, "contract_expired"):
            give_verdicts(contract, cast)

    def test_record_verdicts__verdict_that_is_none__refused(self, cast: Cast) -> None:
        contract = draft(cast)
        with refused(InvalidVerdictError, "invalid_verdict"):
            give_verdicts(contract, cast, validator_verdict={"severity": "low"})

    def test_record_verdicts__on_nothing__refused(self, cast: Cast) -> None:
        with refused(NotFoundError, "contract_not_found"):
            give_verdicts(SystemContract(), cast)

    def test_create__with_a_plan_of_other_changes__refused(self, cast: Cast) -> None:
        proposal = parse_proposal(proposal_document())
        plan = GovernanceOrchestrator.plan_changes(proposal.changes, state=PlatformState())
        with refused(InvalidInputError, "invalid_plan"):
            operations.draft_contract(
                proposal=proposal, plan=plan[:-1], proposer=cast.operator, at=now()
            )

    def test_draft__twice__refused(self, cast: Cast) -> None:
        document = proposal_document()
        draft_contract(document=document, proposer=cast.operator, at=now())
        once = "contract_proposed_once"
        with refused(DuplicateContractError, "duplicate_contract", law=once):
            draft_contract(document=document, proposer=cast.operator, at=now())

    def test_create__by_four_at_once__one_contract(self, committed: Cast) -> None:
        proposal = parse_proposal(proposal_document())
        plan = GovernanceOrchestrator.plan_changes(proposal.changes, state=PlatformState())
        start, outcomes = threading.Barrier(4), []

        def race() -> None:
            start.wait()
            try:
                operations.create_contract(
                    proposal=proposal,
                    plan=plan,
                    validator_verdict=VALIDATOR_VERDICT,
                    eligibility_verdict=MAY,
                    proposer=committed.operator,
                    at=now(),
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
    def test_expire__at_the_last_moment_of_its_time__refused(self, cast: Cast) -> None:
        contract = eligible(cast)
        with refused(WrongStateError, "review_open"):
            operations.expire_contract(
                contract_id=contract.pk, actor=cast.operator, at=contract.expires_at
            )

    def test_expire__just_after__expired(self, cast: Cast, commit_now: Any) -> None:
        contract = eligible(cast)
        at = contract.expires_at + timedelta(microseconds=1)
        operations.expire_contract(contract_id=contract.pk, actor=cast.operator, at=at)
        commit_now()
        contract = again(contract)
        assert (contract.status, contract.closed_reason) == ("EXPIRED", "review_ttl_passed")
        assert (contract.closed_at, contract.closed_by) == (at, cast.operator)

    def test_lapse__while_the_window_is_open__refused(self, cast: Cast) -> None:
        contract = approved(cast)
        with refused(WrongStateError, "window_open"):
            operations.lapse_contract(
                contract_id=contract.pk, actor=cast.operator, at=contract.window_closes_at
            )

    def test_lapse__after_the_window__failed(self, cast: Cast, commit_now: Any) -> None:
        contract = approved(cast)
        at = contract.window_closes_at + timedelta(microseconds=1)
        operations.lapse_contract(contract_id=contract.pk, actor=cast.operator, at=at)
        commit_now()
        contract = again(contract)
        assert (contract.status, contract.closed_reason) == ("FAILED", "window_lapsed")
        assert (contract.audit_verdict, contract.closed_at) == ("PENDING", at)
