"""ClarificationRequest and ClarificationAnswer: a founder's question during a review, answered."""

from __future__ import annotations

from typing import Any

from django.db import models

from governance.domain.canonical import timestamp
from governance.models.constraints import not_empty
from governance.models.fields import account_key, contract_key, one_to_one_field


class ClarificationRequest(models.Model):
    """A founder's question on an ELIGIBLE contract; append-only, at most one open at a time.

    `number` counts the questions of a contract from 1, in the order of their ledger entries.
    """

    id = models.BigAutoField(primary_key=True)
    contract = contract_key(related_name="clarifications")
    number = models.PositiveIntegerField()
    question = models.TextField()
    asked_by = account_key()
    asked_at = models.DateTimeField()

    class Meta:
        # The permission to view a contract includes its questions and answers.
        default_permissions = ()
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "number"], name="clarification_numbered_once"
            ),
            not_empty("question", name="clarification_question_not_empty"),
        ]

    def __str__(self) -> str:
        return f"Question {self.number}"

    def as_record(self) -> dict[str, Any]:
        return {
            "contract_id": str(self.contract_id),
            "number": self.number,
            "question": self.question,
            "asked_by": self.asked_by_id,
            "asked_at": timestamp(self.asked_at),
        }


class ClarificationAnswer(models.Model):
    """The only answer to a question; append-only. It ends the pause of the review."""

    id = models.BigAutoField(primary_key=True)
    request = one_to_one_field(ClarificationRequest, related_name="answer")
    answer = models.TextField()
    answered_by = account_key()
    answered_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [not_empty("answer", name="clarification_answer_not_empty")]

    def __str__(self) -> str:
        return f"Answer {self.pk}"

    def as_record(self) -> dict[str, Any]:
        return {
            "request_id": self.request_id,
            "answer": self.answer,
            "answered_by": self.answered_by_id,
            "answered_at": timestamp(self.answered_at),
        }
