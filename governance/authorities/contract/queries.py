"""Questions about contracts; each name says what comes back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Value

from governance.db.row_mapping import (
    RowMapping,
    array_literal,
    prepared_rows,
)
from governance.domain.canonical import timestamp
from governance.domain.errors import ContractArchivedError
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
from governance.models.contract import no_such_contract, search_query, title_words

_LONG_COLUMNS = (
    *("description", "proposed_changes", "plan", "validator_verdict", "eligibility_verdict"),
    *("approval_note", "closed_reason"),
)


_SIGNATURE = RowMapping(ApprovalSignature, "signature", but=["view", "shown"])
_SIGNATURES = f"""
    SELECT {_SIGNATURE.sql}, person.username
      FROM governance_approvalsignature signature
      JOIN governance_account person ON person.id = signature.founder_id
     WHERE signature.contract_id = ANY (%s::uuid[])
     ORDER BY signature.contract_id, signature.number"""  # noqa: S608 - names of our own


@dataclass(frozen=True, slots=True)
class DiscussionItem:
    """A `question`, an `answer` (`number` says to which question) or a `comment`."""

    kind: str
    number: int
    at: datetime
    who: str
    text: str


def contract_of_proposal(*, reference: str, proposal_digest: str) -> SystemContract | None:
    """The contract that exactly this proposal became, if it did."""
    return SystemContract.objects.filter(
        reference=reference, proposal_digest=proposal_digest
    ).first()


def review_verdicts_of(contract_id: UUID) -> tuple[Any, Any] | None:
    """What the validator and the gate said of a contract, None where they have not; or None."""
    return (
        SystemContract.objects.filter(pk=contract_id)
        .values_list("validator_verdict", "eligibility_verdict")
        .first()
    )


def affected_capabilities_of(contract_id: UUID) -> list[str]:
    """The capabilities that a contract is about. Raises NotFoundError."""
    found = prepared_rows(
        "SELECT affected_capabilities FROM governance_systemcontract WHERE id = %s", [contract_id]
    )
    if not found:
        raise no_such_contract(contract_id)
    names: list[str] = found[0][0]
    return names


def contracts_due_for_activation(at: datetime) -> QuerySet[SystemContract]:
    """Approved contracts inside their window, the one that closes first first."""
    return SystemContract.objects.filter(
        status=ContractStatus.APPROVED, window_opens_at__lte=at, window_closes_at__gte=at
    ).order_by("window_closes_at", "id")


def contracts_past_review(at: datetime) -> QuerySet[SystemContract]:
    """Contracts that nobody decided on in time; never one whose clock stands."""
    return SystemContract.objects.filter(
        status__in=[ContractStatus.DRAFT, ContractStatus.VALIDATED, ContractStatus.ELIGIBLE],
        review_ends_at__lt=at,
    ).order_by("review_ends_at", "id")


def contracts_past_window(at: datetime) -> QuerySet[SystemContract]:
    """Approved contracts whose window passed unused."""
    return SystemContract.objects.filter(
        status=ContractStatus.APPROVED, window_closes_at__lt=at
    ).order_by("window_closes_at", "id")


def open_clarification_of(contract: SystemContract) -> ClarificationRequest | None:
    """The question that stops the contract's clock, with who asked it; None where none is open.

    After a decision none is, though one may have stayed unanswered.
    """
    if contract.status != ContractStatus.ELIGIBLE or contract.review_ends_at is not None:
        return None
    return open_clarifications_on([contract.pk]).select_related("asked_by").first()


def open_clarifications_on(contract_ids: Iterable[UUID]) -> QuerySet[ClarificationRequest]:
    """The questions that stop these contracts' clocks: one at most on each, none once decided."""
    return ClarificationRequest.objects.filter(
        contract__in=contract_ids,
        contract__status=ContractStatus.ELIGIBLE,
        contract__review_ends_at=None,
        answer=None,
    )


def with_succession(contracts: QuerySet[SystemContract]) -> QuerySet[SystemContract]:
    """`contracts`, each with what it took the place of and what took its place, in the same query.

    Of those, only what a line about them needs.
    """
    others = ("parent", "successor")
    long = [f"{other}__{column}" for other in others for column in _LONG_COLUMNS]
    return contracts.select_related(*others).defer(*long)


def clarifications_of(contract: SystemContract) -> QuerySet[ClarificationRequest]:
    """A contract's questions in order, each with its answer and the people's names."""
    return ClarificationRequest.objects.filter(contract=contract).select_related(
        "asked_by", "answer__answered_by"
    )


def discussion_of(contract: SystemContract) -> list[DiscussionItem]:
    """Every question, answer and comment on a contract in order of time, in one query."""

    def rows(of: QuerySet[Any], kind: str, number: str, at: str, who: str, text: str) -> Any:
        # No order within the parts: PostgreSQL takes one for the whole.
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
    """How many questions, answers and comments there are on a contract."""
    asked = ClarificationRequest.objects.filter(contract=contract).aggregate(
        questions=Count("id"), answers=Count("answer")
    )
    comments = ContractComment.objects.filter(contract=contract).count()
    return asked["questions"], asked["answers"], comments


def search_contracts(contracts: Any, text: str) -> QuerySet[SystemContract]:
    """Those of `contracts` whose title holds all the words of `text`, or whose reference begins so.

    Both along an index: nothing is found in the middle of a word. Whether any reference begins so
    is asked first: where either might hold, PostgreSQL makes every title's words anew.
    """
    wanted = Q(title_words=search_query(text))
    begun = Q(reference__startswith=text)
    if SystemContract.objects.filter(begun).exists():
        wanted |= begun
    return contracts.alias(title_words=title_words()).filter(wanted)


def signatures_of(contract: SystemContract) -> list[ApprovalSignature]:
    """A contract's signatures in order, with the founders' names, without the texts they signed."""
    return signatures_on([contract.pk])


def signatures_on(contract_ids: Iterable[UUID]) -> list[ApprovalSignature]:
    """The signatures on any of these contracts; one query."""
    found = []
    for *row, founder in prepared_rows(_SIGNATURES, [array_literal(contract_ids)]):
        signature: ApprovalSignature = _SIGNATURE.row(row)
        signature.founder = Account.from_db(
            connection.alias, ["id", "username"], [signature.founder_id, founder]
        )
        found.append(signature)
    return found


def count_contracts() -> int:
    """How many there are, exactly; for progress bars, not for pages."""
    return SystemContract.objects.count()


def count_removed() -> int:
    """How many were archived and removed, exactly; for progress bars, not for pages."""
    return ContractTombstone.objects.count()


def refuse_archived(contract_id: UUID) -> None:
    """ContractArchivedError, with what its tombstone says, of a contract that was removed."""
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
