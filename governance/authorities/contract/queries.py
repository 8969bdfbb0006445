"""Queries about contracts, their signatures and their discussion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Value

from governance.db.rows import Columns, fetch_rows
from governance.domain.canonical import timestamp
from governance.domain.errors import ContractArchivedError, ContractNotFoundError
from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES, REPEATABLE_STATES
from governance.domain.values import ContractStatus
from governance.models import (
    Account,
    ApprovalSignature,
    ClarificationAnswer,
    ClarificationRequest,
    ContractComment,
    ContractTombstone,
    SystemContract,
)
from governance.models.contract_indexes import TitleWords, search_query

_LONG_COLUMNS = (
    *("description", "proposed_changes", "plan", "validator_verdict", "eligibility_verdict"),
    *("approval_note", "closed_reason"),
)


_SIGNATURE = Columns(ApprovalSignature, "signature", omit=["view", "shown"])
_SIGNATURES = f"""
    SELECT {_SIGNATURE.sql}, person.username
      FROM governance_approvalsignature signature
      JOIN governance_account person ON person.id = signature.founder_id
     WHERE signature.contract_id = ANY (%s)
     ORDER BY signature.contract_id, signature.number"""  # noqa: S608 - names of our own


@dataclass(frozen=True, slots=True)
class DiscussionItem:
    """A question, an answer or a comment on a contract.

    `kind` is `question`, `answer` or `comment`. `number` is that of the question, for its answer
    too, and 0 for a comment.
    """

    kind: str
    number: int
    at: datetime
    who: str
    text: str


def contract_of_proposal(*, reference: str, proposal_digest: str) -> SystemContract | None:
    """Return the contract of exactly this proposal; None if there is none."""
    return SystemContract.objects.filter(
        reference=reference, proposal_digest=proposal_digest
    ).first()


def review_verdicts_of(contract_id: UUID) -> tuple[Any, Any] | None:
    """Return a contract's validator and eligibility verdicts; None if there is no such contract.

    A verdict that is not recorded yet is None.
    """
    return (
        SystemContract.objects.filter(pk=contract_id)
        .values_list("validator_verdict", "eligibility_verdict")
        .first()
    )


def affected_capabilities_of(contract_id: UUID) -> list[str]:
    """Return the affected capabilities of a contract.

    Raises:
        NotFoundError: no such contract.
    """
    found = fetch_rows(
        "SELECT affected_capabilities FROM governance_systemcontract WHERE id = %s", [contract_id]
    )
    if not found:
        raise ContractNotFoundError(contract_id)
    names: list[str] = found[0][0]
    return names


def open_contracts() -> QuerySet[SystemContract]:
    """Return the contracts that have not ended, in no order."""
    open_states = set(ContractStatus) - CONTRACT_TERMINAL_STATES
    return SystemContract.objects.filter(status__in=sorted(open_states)).order_by()


def open_clarification_of(contract: SystemContract) -> ClarificationRequest | None:
    """Return the open question of a contract, with the person who asked; None if none is open.

    A question that was unanswered when the contract was decided is no longer open.
    """
    if contract.status != ContractStatus.ELIGIBLE or contract.review_ends_at is not None:
        return None
    return open_clarifications_on([contract.pk]).select_related("asked_by").first()


def open_clarifications_on(contract_ids: Iterable[UUID]) -> QuerySet[ClarificationRequest]:
    """Return the open questions on these contracts: at most one each, none on decided ones."""
    return ClarificationRequest.objects.filter(
        contract__in=contract_ids,
        contract__status=ContractStatus.ELIGIBLE,
        contract__review_ends_at=None,
        answer=None,
    )


def with_succession(contracts: QuerySet[SystemContract]) -> QuerySet[SystemContract]:
    """Join each contract's parent, successor, repeated and undone one, without long columns."""
    others = ("parent", "successor", "repeats", "rolls_back")
    long = [f"{other}__{column}" for other in others for column in _LONG_COLUMNS]
    return contracts.select_related(*others).defer(*long)


def repetitions_of(contract: SystemContract) -> QuerySet[SystemContract]:
    """Return the contracts that propose the content of an ended one again, in order."""
    if contract.status not in REPEATABLE_STATES:
        return SystemContract.objects.none()
    return contract.repetitions.only("id", "reference", "status", "repeats").order_by("id")


def inactive_signers_of(contract: SystemContract) -> list[str]:
    """Return, by username, who signed an APPROVED contract and is no active founder any more."""
    if contract.status != ContractStatus.APPROVED:
        return []
    [(names,)] = fetch_rows("SELECT governance_inactive_signers(%s)", [contract.pk])
    return list(names)


def clarifications_of(contract: SystemContract) -> QuerySet[ClarificationRequest]:
    """Return a contract's questions in order, each with its answer and both accounts."""
    return ClarificationRequest.objects.filter(contract=contract).select_related(
        "asked_by", "answer__answered_by"
    )


def discussion_of(contract: SystemContract) -> list[DiscussionItem]:
    """Return every question, answer and comment on a contract, ordered by time; one query."""

    def rows(of: QuerySet[Any], kind: str, number: str, at: str, who: str, text: str) -> Any:
        # PostgreSQL allows no ORDER BY inside the parts of a UNION.
        return of.order_by().values_list(
            Value(kind),
            F(number) if number else Value(0),
            F(at),
            F(f"{who}__username"),
            F(text),
        )

    questions = ClarificationRequest.objects.filter(contract=contract)
    answers = ClarificationAnswer.objects.filter(request__contract=contract)
    comments = ContractComment.objects.filter(contract=contract)
    found = rows(questions, "question", "number", "asked_at", "asked_by", "question").union(
        rows(answers, "answer", "request__number", "answered_at", "answered_by", "answer"),
        rows(comments, "comment", "", "at", "by", "text"),
        all=True,
    )
    return sorted((DiscussionItem(*row) for row in found), key=lambda item: item.at)


def discussion_counts(contract: SystemContract) -> tuple[int, int, int]:
    """Count the questions, answers and comments on a contract."""
    asked = ClarificationRequest.objects.filter(contract=contract).aggregate(
        questions=Count("id"), answers=Count("answer")
    )
    comments = ContractComment.objects.filter(contract=contract).count()
    return asked["questions"], asked["answers"], comments


def search_contracts(contracts: QuerySet[SystemContract], text: str) -> QuerySet[SystemContract]:
    """Filter contracts by `text`: the words of the title, or the beginning of the reference.

    Both conditions use an index, so nothing is found in the middle of a word. For an OR of both,
    PostgreSQL computes the words of every title, so the OR is used only if a reference matches.
    """
    wanted = Q(title_words=search_query(text))
    begun = Q(reference__startswith=text)
    if SystemContract.objects.filter(begun).exists():
        wanted |= begun
    return contracts.alias(title_words=TitleWords()).filter(wanted)


def signatures_of(contract: SystemContract) -> Sequence[ApprovalSignature]:
    """Return a contract's signatures in order, with the founders' names but no signed texts."""
    if contract.known_signatures is None:
        return signatures_on([contract.pk])
    return contract.known_signatures


def signatures_on(contract_ids: Iterable[UUID]) -> list[ApprovalSignature]:
    """Return the signatures on these contracts, like `signatures_of`; one query."""
    found = []
    for *row, founder in fetch_rows(_SIGNATURES, [list(contract_ids)]):
        signature: ApprovalSignature = _SIGNATURE.instance(row)
        signature.founder = Account(pk=signature.founder_id, username=founder)
        found.append(signature)
    return found


def count_contracts() -> int:
    """Count the contracts exactly; for progress bars, because a page would wait too long."""
    return SystemContract.objects.count()


def count_removed() -> int:
    """Count the removed contracts exactly; for progress bars, as `count_contracts`."""
    return ContractTombstone.objects.count()


def refuse_archived(contract_id: UUID) -> None:
    """Refuse a contract that was archived and removed; return if it was not.

    Raises:
        ContractArchivedError: with the tombstone's columns in its details.
    """
    tombstone = ContractTombstone.objects.filter(pk=contract_id).first()
    if tombstone is None:
        return
    raise ContractArchivedError(
        f"The contract {tombstone.reference} was archived, and removed on"
        f" {tombstone.removed_at:%Y-%m-%d}.",
        details={
            "reference": tombstone.reference,
            "status": tombstone.status,
            "entries": tombstone.entries,
            "head_sha256": tombstone.head_sha256,
            "file_sha256": tombstone.file_sha256,
            "archived_at": timestamp(tombstone.archived_at),
            "removed_at": timestamp(tombstone.removed_at),
        },
    )
