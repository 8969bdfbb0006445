"""Clarifications: the only writer of a review's questions and answers.

From a question to its answer, the contract stays ELIGIBLE and its review is paused. A founder may
still decide meanwhile; then the question stays unanswered. A question and an answer are each one
transaction with its ledger entry.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from governance.authorities.contract.guards import (
    refuse_expired,
    refuse_second_question,
    require_eligible,
    require_open_question,
)
from governance.authorities.contract.operations import set_review_clock
from governance.authorities.contract.queries import clarifications_of
from governance.db.transactions import retried, write_transaction
from governance.domain.canonical import digest
from governance.domain.errors import FourEyesError
from governance.domain.review_clock import review_end
from governance.domain.texts import require_text
from governance.models import ClarificationAnswer, ClarificationRequest, SystemContract
from governance.record.ledger.chain import NewEntry, append_entries


@retried
def record_clarification_request(
    *, contract_id: UUID, founder: Any, question: str, at: datetime
) -> ClarificationRequest:
    """Record a question about an ELIGIBLE contract, and pause its review from `at` on.

    Raises:
        InvalidInputError: the question is empty or too long.
        NotFoundError: no such contract.
        WrongStateError: the contract is not ELIGIBLE (`not_eligible`).
        ContractExpiredError: the time for review is over.
        FourEyesError: the founder is the proposer.
        ClarificationConflictError: another question is open.
    """
    question = require_text(question, "question")
    with write_transaction():
        contract = SystemContract.objects.lock(contract_id)
        require_eligible(contract, "Only an ELIGIBLE contract takes questions and answers")
        refuse_expired(contract, at)
        if contract.proposed_by_id == founder.pk:
            raise FourEyesError("The proposer of a contract cannot pause its review.")
        refuse_second_question(contract)
        asked = list(clarifications_of(contract))
        row = ClarificationRequest.objects.create(
            contract=contract,
            number=len(asked) + 1,
            question=question,
            asked_by=founder,
            # The clocks of two machines may differ, and pauses must not overlap.
            asked_at=max([at, contract.created_at, *(one.answer.answered_at for one in asked)]),
        )
        set_review_clock(contract=contract, ends_at=None, at=at)
        entry = NewEntry(
            "contract.review.clarification_requested",
            reason=question,
            records={"clarification_sha256": digest(row.as_record())},
        )
        append_entries(contract_id=contract.pk, actor=founder, at=at, entries=[entry])
    return row


@retried
def record_clarification_answer(
    *, contract_id: UUID, person: Any, answer: str, at: datetime
) -> ClarificationAnswer:
    """Record the answer to the open question, and continue the review with its remaining time.

    Raises:
        InvalidInputError: the answer is empty or too long.
        NotFoundError: no such contract.
        WrongStateError: the contract is not ELIGIBLE (`not_eligible`).
        ClarificationConflictError: no question is open (`no_open_clarification`).
        FourEyesError: the person asked the question.
    """
    answer = require_text(answer, "answer")
    with write_transaction():
        contract = SystemContract.objects.lock(contract_id)
        require_eligible(contract, "Only an ELIGIBLE contract takes questions and answers")
        require_open_question(contract)
        *closed, question = clarifications_of(contract)
        if question.asked_by_id == person.pk:
            raise FourEyesError("The person who asked a question cannot answer it.")
        row = ClarificationAnswer.objects.create(
            request=question,
            answer=answer,
            answered_by=person,
            answered_at=max(at, question.asked_at),
        )
        pauses = [(one.asked_at, one.answer.answered_at) for one in closed]
        pauses.append((question.asked_at, row.answered_at))
        ends_at = review_end(contract.expires_at, pauses)
        set_review_clock(contract=contract, ends_at=ends_at, at=at)
        entry = NewEntry(
            "contract.review.clarified",
            reason=answer,
            records={"clarification_answer_sha256": digest(row.as_record())},
        )
        append_entries(contract_id=contract.pk, actor=person, at=at, entries=[entry])
    return row
