"""An ended contract proposed again: a new draft with its content, to be judged and signed anew."""

from __future__ import annotations

from typing import Any

import pytest

from governance.authorities.contract.queries import repetitions_of
from governance.authorities.contract.references import REPETITION, numbered_references
from governance.domain.errors import ContractNotFoundError, NotRepeatableError, WrongPersonError
from governance.domain.names import MAX_REFERENCE_LENGTH
from governance.domain.values import AuditVerdict, ContractStatus
from governance.flows.propose_contract import propose_again, record_review_verdicts
from governance.flows.review_contract import reject_contract
from governance.models import LedgerEntry, SystemContract
from governance.models.fields import new_id
from governance.record.ledger.verification import verify_contract, verify_ledger
from governance.record.retention.document import contract_record_text, parse_contract_record
from governance.services.registry.operations import register_capabilities
from tests.support.attacks import check_deferred_triggers, update_row
from tests.support.contracts import refused
from tests.support.factories import (
    MAY,
    MAY_NOT,
    VALIDATOR_VERDICT,
    contract_in,
    eligible,
    judged_job,
    reloaded,
)
from tests.support.forgery import CONTRACT
from tests.support.tampering import triggers_off
from tests.support.threads import at_once
from tests.support.users import Users

REPEATABLE = (ContractStatus.FAILED, ContractStatus.EXPIRED, ContractStatus.REJECTED)
CONTENT = (
    *("title", "description", "source", "requested_by"),
    *("affected_capabilities", "proposed_changes", "risk_level"),
)


def again(contract: SystemContract, person: Any) -> SystemContract:
    return propose_again(contract_id=contract.pk, proposer=person)


def rejected(users: Users, **changes: Any) -> SystemContract:
    return reject_contract(
        contract_id=eligible(users, **changes).pk,
        founder=users.founder,
        reason="Not this quarter, sorry.",
    )


@pytest.mark.parametrize("status", REPEATABLE)
@pytest.mark.parametrize("who", ["operator", "founder"])
def test_repetition__of_an_ended_contract__is_a_draft_with_its_content(
    users: Users, status: ContractStatus, who: str
) -> None:
    old = reloaded(contract_in(users, status))
    draft = reloaded(again(old, getattr(users, who)))
    check_deferred_triggers()
    assert (draft.status, draft.repeats, draft.parent) == (ContractStatus.DRAFT, old, None)
    assert (draft.reference, draft.proposed_by) == (
        f"{old.reference} (again 2)",
        getattr(users, who),
    )
    assert [getattr(draft, name) for name in CONTENT] == [getattr(old, name) for name in CONTENT]
    assert (draft.validator_verdict, draft.eligibility_verdict, draft.approved_at) == (None,) * 3
    assert reloaded(old).status == status
    entry = LedgerEntry.objects.get(contract=draft)
    assert entry.event == "contract.proposal.drafted"
    assert entry.reason == f"Proposes {old.reference} again."


def test_repetition__judged_and_repeated__verifies(users: Users) -> None:
    old = reloaded(judged_job(users, AuditVerdict.FAIL).contract)
    draft = again(old, users.operator)
    record_review_verdicts(
        contract_id=draft.pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=MAY,
        actor=users.operator,
    )
    assert reloaded(draft).status == ContractStatus.ELIGIBLE
    assert [one.finding for one in verify_ledger() if one.finding] == []


def test_repetition__of_what_the_registry_knows_now__has_todays_rollback(users: Users) -> None:
    old = rejected(users)
    register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 35}}])
    [_, step, _] = again(old, users.operator).plan
    assert step["rollback_action"]["new_value"] == 35


def test_repetitions__of_one_contract_and_of_a_repetition__are_counted_on(users: Users) -> None:
    old = rejected(users, reference="SALE-7")
    first, second = again(old, users.operator), again(old, users.founder)
    assert [first.reference, second.reference] == ["SALE-7 (again 2)", "SALE-7 (again 3)"]
    record_review_verdicts(
        contract_id=first.pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=MAY_NOT,
        actor=users.operator,
    )
    assert again(first, users.operator).reference == "SALE-7 (again 4)"


@pytest.mark.parametrize(
    ("reference", "following"),
    [
        ("REF", ["REF (again 2)", "REF (again 3)"]),
        ("REF (again 9)", ["REF (again 10)", "REF (again 11)"]),
        ("REF (rev 2)", ["REF (rev 2) (again 2)", "REF (rev 2) (again 3)"]),
        ("(again 2)", ["(again 2) (again 2)", "(again 2) (again 3)"]),
    ],
)
def test_references__of_repetitions__count_on(reference: str, following: list[str]) -> None:
    names = numbered_references(reference, REPETITION)
    assert [next(names), next(names)] == following


def test_reference__of_the_greatest_length__is_cut(users: Users) -> None:
    name = next(numbered_references("R" * MAX_REFERENCE_LENGTH, REPETITION))
    assert len(name) == MAX_REFERENCE_LENGTH
    assert name.endswith("… (again 2)")


@pytest.mark.parametrize(
    "status", [s for s in ContractStatus if s not in (*REPEATABLE, "VALIDATED")]
)
def test_repetition__of_a_contract_in_another_state__refused(
    users: Users, status: ContractStatus
) -> None:
    contract = contract_in(users, status)
    with refused(NotRepeatableError, "not_repeatable"):
        again(contract, users.operator)


def test_repetitions__of_a_contract__are_found_in_order_and_none_of_an_open_one(
    users: Users,
) -> None:
    old = rejected(users)
    drafts = [again(old, users.operator) for _ in range(2)]
    assert list(repetitions_of(reloaded(old))) == drafts
    assert list(repetitions_of(drafts[0])) == []


@pytest.mark.parametrize("who", ["executor", "auditor", "viewer", "outsider"])
def test_repetition__by_who_may_not_propose__refused(users: Users, who: str) -> None:
    contract = rejected(users)
    with refused(WrongPersonError, "not_permitted"):
        again(contract, getattr(users, who))


def test_repetition__of_no_contract__not_found(users: Users) -> None:
    with refused(ContractNotFoundError, "contract_not_found"):
        propose_again(contract_id=new_id(), proposer=users.operator)


def test_repetition__in_an_archive__has_its_origin_and_others_have_none(users: Users) -> None:
    old = rejected(users)
    texts = []
    for contract in (old, again(old, users.operator)):
        _, record = verify_contract(contract.pk)
        assert record is not None
        texts.append(contract_record_text(record))
        assert contract_record_text(parse_contract_record(texts[-1])) == texts[-1]
    assert '"repeats_id"' not in texts[0]
    assert f'"repeats_id":"{old.pk}"' in texts[1]


@pytest.mark.parametrize("forged", [None, "another"])
def test_repetition__with_an_altered_origin__does_not_verify(
    users: Users, forged: str | None
) -> None:
    draft = again(rejected(users), users.operator)
    assert finding_of(draft) is None
    with triggers_off():
        update_row(CONTRACT, draft.pk, repeats_id=forged and rejected(users).pk)
    assert "draft_sha256" in str(finding_of(draft))


def test_contract__given_an_origin_that_it_never_had__does_not_verify(users: Users) -> None:
    contract, other = eligible(users), rejected(users)
    with triggers_off():
        update_row(CONTRACT, contract.pk, repeats_id=other.pk)
    assert "draft_sha256" in str(finding_of(contract))


def finding_of(contract: SystemContract) -> Any:
    checked, _ = verify_contract(contract.pk)
    assert checked is not None
    return checked.finding


def test_repetitions__asked_for_at_once__get_references_of_their_own(committed: Users) -> None:
    old = rejected(committed, reference="TWICE")

    def repeating(person: Any) -> Any:
        def call(wait: Any) -> Any:
            wait()
            return again(old, person)

        return call

    drafts = at_once(*[repeating(one) for one in (committed.operator, committed.founder)])
    assert {one.reference for one in drafts} == {"TWICE (again 2)", "TWICE (again 3)"}
