"""The moves of a review that decide nothing: questions, answers, comments."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from governance.flows.review_contract import (
    answer_clarification,
    comment_on_contract,
    request_clarification,
)
from tests.support.clock import as_of
from tests.support.histories.comparison import picks
from tests.support.histories.contract_moves import ContractMoves


class ReviewMoves(ContractMoves):
    """Questions, which pause a review, answers, which end the pause, and comments."""

    @rule(
        pick=picks,
        who=st.sampled_from(["founder", "second_founder", "founder", "operator"]),
        question=st.sampled_from(["Why now?", "Why now?", "Why now?", " "]),
    )
    def ask(self, pick: int, who: str, question: str) -> None:
        it, contract_id = self.contract(pick, "ELIGIBLE")
        self.both(
            "ask",
            lambda: self.world.ask(it, who, question.strip()),
            lambda: as_of(
                self.world.at,
                request_clarification,
                contract_id=contract_id,
                founder=self.person(who),
                question=question,
            ),
        )

    @rule(
        pick=picks,
        who=st.sampled_from(["operator", "operator", "founder", "second_founder", "auditor"]),
        words=st.sampled_from(["The sale begins.", "The sale begins.", ""]),
    )
    def answer(self, pick: int, who: str, words: str) -> None:
        it, contract_id = self.contract(pick, "ELIGIBLE")
        self.both(
            "answer",
            lambda: self.world.answer(it, who, words),
            lambda: as_of(
                self.world.at,
                answer_clarification,
                contract_id=contract_id,
                person=self.person(who),
                answer=words,
            ),
        )

    @rule(pick=picks)
    def comment(self, pick: int) -> None:
        """Add a comment, which changes no status and appends no ledger entry."""
        it, contract_id = self.contract(pick, "ELIGIBLE", "APPROVED", "ACTIVE")
        if it:
            self.both(
                "comment",
                lambda: None,
                lambda: as_of(
                    self.world.at,
                    comment_on_contract,
                    contract_id=contract_id,
                    person=self.users.founder,
                    text="Seen it.",
                ),
            )
