"""The comparison of govsite with the model after each move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from governance.domain.errors import GovernanceError
from governance.record.ledger.chain import actor_name
from governance.record.ledger.verification import verify_ledger
from tests.support.histories.job_model import JobWorld
from tests.support.histories.model import Contract, Refused
from tests.support.histories.state import difference, record_as_it_is, record_as_it_should_be
from tests.support.users import Users

BEGINNING = datetime(2027, 1, 4, 9, tzinfo=UTC)
MAX_CONTRACTS = 6
REASON = "Looked at it closely."
SUBJECTS = {"Search": 2, "Billing": 1, "Vault": 1}  # capability: number of steps; Vault is frozen
ACTORS = ("operator", "founder", "second_founder", "executor", "auditor", "second_auditor")

picks = st.integers(0, MAX_CONTRACTS - 1)
often = st.sampled_from([True, True, True, False])


class Divergence(AssertionError):  # noqa: N818 - the name says what it is
    """A difference between govsite and the model."""


class ModelComparison(RuleBasedStateMachine):
    """A history on govsite and on the model, which is rolled back at its end.

    `users` must be set before the first history. `tally` counts over all histories.
    """

    users: Users
    tally: Counter[str] = Counter()
    on_end: Callable[[], Any] = staticmethod(lambda: None)
    numbers = count(1)

    def __init__(self) -> None:
        super().__init__()
        self.world = JobWorld(BEGINNING)
        self.ids: dict[int, UUID] = {}
        self.jobs: dict[int, UUID] = {}
        self.actors = {name: actor_name(getattr(self.users, name)) for name in ACTORS}
        self.is_whole = True
        self.transaction = transaction.atomic()
        self.transaction.__enter__()

    def teardown(self) -> None:
        try:
            if self.is_whole:
                for checked in verify_ledger():
                    if checked.finding:
                        raise Divergence(f"verify_ledger: {checked.finding}")
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)
        for contract in self.world.contracts:
            self.tally[f"contract {contract.status}"] += 1
            if contract.job:
                self.tally[f"job {contract.job.status}"] += 1
                self.tally[f"audit {contract.job.audit or 'none'}"] += 1
        self.tally["histories"] += 1
        self.on_end()

    # --- both at once ---
    def both(self, name: str, model: Callable[[], Any], site: Callable[[], Any]) -> Any:
        """Make one move on both, and return govsite's result; None if both refuse it.

        Raises:
            Divergence: Only one of them refuses, or the states differ afterwards.
        """
        self.world.at += timedelta(seconds=1)
        self.is_whole = False
        answer = None
        try:
            # A refusal by PostgreSQL undoes only this move.
            with transaction.atomic():
                answer, happened = site(), "ok"
        except GovernanceError as refusal:
            happened = refusal.code
        try:
            model()
            should = "ok"
        except Refused as refusal:
            should = refusal.code
        if happened != should:
            raise Divergence(f"{name}: the result of govsite is {happened}, of the model {should}")
        self.tally["moves"] += 1
        self.tally["refusals"] += happened != "ok"
        self.tally[f"answer {happened}"] += 1
        if name in ("draft", "propose", "modify", "repeat") and answer is not None:
            self.ids[len(self.world.contracts) - 1] = answer.pk
        if name == "activate" and answer is not None:
            self.jobs[self._number_of(answer.contract_id)] = answer.pk
        self.compare(name)
        self.is_whole = True
        return answer

    def compare(self, name: str) -> None:
        is_ = record_as_it_is()
        should = record_as_it_should_be(self.world, self.ids, self.actors)
        if is_ != should:
            raise Divergence(f"after {name}:\n{difference(is_, should)}")

    def go_on(self, pick: int, well: bool) -> None:
        """Make the move that usually comes next."""
        raise NotImplementedError

    def _number_of(self, contract_id: UUID) -> int:
        return next(number for number, one in self.ids.items() if one == contract_id)

    def person(self, name: str) -> Any:
        return getattr(self.users, name)

    def contract(self, pick: int, *wanted: str) -> tuple[Contract | None, UUID]:
        """Pick a contract and its id, preferably one in a status of `wanted`.

        If there is no contract yet, the contract is None and the id is random.
        """
        numbers = range(len(self.world.contracts))
        fit = [n for n in numbers if self.world.contracts[n].status in wanted]
        return self._one_of(pick, fit, list(numbers), self.ids)

    def job(self, pick: int, *wanted: str) -> tuple[Contract | None, UUID]:
        """Pick a contract with a job, preferably in a status of `wanted`, and the job's id."""
        numbers = sorted(self.jobs)
        jobs = {n: self.world.contracts[n].job for n in numbers}
        fit = [n for n, job in jobs.items() if job and job.status in wanted]
        return self._one_of(pick, fit, numbers, self.jobs)

    def _one_of(
        self, pick: int, fit: list[int], numbers: list[int], ids: dict[int, UUID]
    ) -> tuple[Contract | None, UUID]:
        if fit and pick < MAX_CONTRACTS - 1:
            numbers = fit
        if not numbers:
            return None, uuid4()
        number = numbers[pick % len(numbers)]
        return self.world.contracts[number], ids[number]
