"""Clarifications: the only writer of a review's questions and answers.

From a question to its answer, the contract stays ELIGIBLE and its review is paused. A founder may
still decide meanwhile; then the question stays unanswered. The caller has locked the contract, and
has checked that it is ELIGIBLE and who the person is (`flows/review_contract.py`).
"""

from __future__ import annotations

from datetime import datetime

from governance.authorities.contract.guards import (
    refuse_expired,
    refuse_proposer,
    refuse_second_question,
    require_open_question,
)
from governance.authorities.contract.operations import set_review_clock
from governance.authorities.contract.queries import clarifications_of
from governance.domain.canonical import digest
from governance.domain.errors import FourEyesError
from governance.domain.review_clock import review_end
from governance.domain.texts import require_text
from governance.models import Account, ClarificationAnswer, ClarificationRequest, SystemContract
from governance.record.ledger.chain import NewEntry, append_entries


def record_clarification_request(
    *, contract: SystemContract, founder: Account, question: str, at: datetime
) -> ClarificationRequest:
    """Record a question about a contract, and pause its review from `at` on.

    Raises:
        InvalidInputError: the question is empty or too long.
        ContractExpiredError: the time for review is over.
        FourEyesError: the founder is the proposer.
        ClarificationConflictError: another question is open.
    """
    question = require_text(question, "question")
    refuse_expired(contract, at)
    refuse_proposer(contract, founder)
    refuse_second_question(contract)
    row = ClarificationRequest.objects.create(
        contract=contract,
        number=len(clarifications_of(contract)) + 1,
        question=question,
        asked_by=founder,
        asked_at=at,
    )
    set_review_clock(contract=contract, ends_at=None, at=at)
    entry = NewEntry(
        "contract.review.clarification_requested",
        reason=question,
        records={"clarification_sha256": digest(row.as_record())},
    )
    append_entries(contract_id=contract.pk, actor=founder, at=at, entries=[entry])
    return row


def record_clarification_answer(
    *, contract: SystemContract, person: Account, answer: str, at: datetime
) -> ClarificationAnswer:
    """Record the answer to the open question, and continue the review with its remaining time.

    Raises:
        InvalidInputError: the answer is empty or too long.
        NoOpenClarificationError: no question is open.
        FourEyesError: the person asked the question.
    """
    answer = require_text(answer, "answer")
    require_open_question(contract)
    *closed, question = clarifications_of(contract)
    if question.asked_by_id == person.pk:
        raise FourEyesError("The person who asked a question cannot answer it.")
    row = ClarificationAnswer.objects.create(
        request=question,
        answer=answer,
        answered_by=person,
        answered_at=at,
    )
    pauses = [(one.asked_at, one.answer.answered_at) for one in closed]
    pauses.append((question.asked_at, row.answered_at))
    set_review_clock(contract=contract, ends_at=review_end(contract.expires_at, pauses), at=at)
    entry = NewEntry(
        "contract.review.clarified",
        reason=answer,
        records={"clarification_answer_sha256": digest(row.as_record())},
    )
    append_entries(contract_id=contract.pk, actor=person, at=at, entries=[entry])
    return row
