"""A review's questions and answers: the only writer of both. They decide nothing.

From a question to its answer the contract stays ELIGIBLE and its review clock stands. A founder may
still decide meanwhile; what was asked then stays unanswered. Each is one story, told in the ledger.
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
    """Ask about an ELIGIBLE contract; its clock stands from `at` on.

    Refused: an empty question (InvalidInputError), a contract in another state (`not_eligible`) or
    past its time (ContractExpiredError), a second question while one is open
    (ClarificationConflictError), the proposer (FourEyesError).
    """
    question = require_text(question, "question")
    with write_transaction():
        contract = SystemContract.objects.lock(contract_id)
        require_eligible(contract, "Questions belong to a review")
        refuse_expired(contract, at)
        if contract.proposed_by_id == founder.pk:
            raise FourEyesError("Who proposed a contract does not stop its clock.")
        refuse_second_question(contract)
        asked = list(clarifications_of(contract))
        row = ClarificationRequest.objects.create(
            contract=contract,
            number=len(asked) + 1,
            question=question,
            asked_by=founder,
            # Two machines' clocks may differ; pauses must not overlap.
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
    """Answer the open question; the clock runs again, for as long as it had left.

    Refused: an empty answer (InvalidInputError), a contract that is not ELIGIBLE any more
    (`not_eligible`), no open question (`no_open_clarification`), who asked (FourEyesError).
    """
    answer = require_text(answer, "answer")
    with write_transaction():
        contract = SystemContract.objects.lock(contract_id)
        require_eligible(contract, "Questions belong to a review")
        require_open_question(contract)
        *closed, question = clarifications_of(contract)
        if question.asked_by_id == person.pk:
            raise FourEyesError("Who asked does not answer.")
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
