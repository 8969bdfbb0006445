"""The base of the commands that sweep: a line for each contract or job, and a summary."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from governance.domain.errors import TooManyEndingsError
from governance.flows.sweep import SweepResult
from governance.management.base import GovernanceCommand, PartlyRefused
from governance.management.values import number_in, printable

HELD_BACK = 4


class HeldBack(PartlyRefused):
    """The outcome of a sweep that ended nothing, because it would have ended too much."""

    exit_code = HELD_BACK


class SweepCommand(GovernanceCommand):
    """A command that moves every contract or job whose time has come, each in a transaction.

    A subclass names its `subject`: contract or job.
    """

    has_json = True
    subject: ClassVar[str] = "contract"

    def sweep(self, options: Mapping[str, Any]) -> Iterable[SweepResult]:
        """Move what is due, and yield the outcome of each."""
        raise NotImplementedError

    def run(self, **options: Any) -> None:
        """Print each outcome as it comes, or all of them as one JSON document at the end.

        Raises:
            PartlyRefused: At least one was refused, other than because another process was first
                or because changes are frozen.
        """
        moved = passed_over = refused = 0
        documents: list[dict[str, Any]] = []
        for outcome in self.sweep(options):
            if outcome.refusal is None:
                moved += 1
            elif outcome.moved_by_another or outcome.held_by_freeze:
                passed_over += 1
            else:
                refused += 1
            documents.append(_document(outcome))
            if not self.as_json:
                self._print(outcome)
        self.report(
            {
                "moved": moved,
                "passed_over": passed_over,
                "refused": refused,
                "outcomes": documents,
            },
            f"{moved} moved, {passed_over} passed over, {refused} refused",
        )
        if refused:
            raise PartlyRefused

    def _print(self, outcome: SweepResult) -> None:
        subject, refusal = f"{self.subject} {outcome.subject_id}", outcome.refusal
        if refusal is None:
            job = f", job {outcome.job_id}" if outcome.job_id else ""
            self.stdout.write(f"{subject}: {outcome.status}{job}")
        elif outcome.moved_by_another:
            self.stdout.write(f"{subject}: passed over, another process was first")
        elif outcome.held_by_freeze:
            until = refusal.details.get("until", "it is lifted")
            self.stdout.write(f"{subject}: passed over, changes are frozen until {until}")
        else:
            self.note(f"{subject}: refused: {printable(str(refusal))} ({refusal.code})")


class EndingSweepCommand(SweepCommand):
    """A sweep that ends what time has ended; held back if that is too much (`flows/endings.py`)."""

    exit_codes: ClassVar[dict[int, str]] = {
        0: "all were ended, or another process was first",
        1: "at least one was refused",
        HELD_BACK: "none was ended: more than 20, and more than a tenth of what is open, are due",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--force",
            metavar="N",
            type=number_in(range(1, 1_000_000_001)),
            help="End all that are due although they are so many, if they are still exactly N.",
        )

    def run(self, **options: Any) -> None:
        """Print the outcomes as every sweep does.

        Raises:
            HeldBack: Too much is due.
        """
        try:
            super().run(**options)
        except TooManyEndingsError as refusal:
            count = refusal.details["count"]
            raise HeldBack(
                f"{refusal} Look at the home page of the admin, or give --force {count}"
                f" ({refusal.code})."
            ) from None


def _document(outcome: SweepResult) -> dict[str, Any]:
    refusal = outcome.refusal
    return {
        "id": outcome.subject_id,
        "status": outcome.status or None,
        "job_id": outcome.job_id,
        "passed_over": outcome.moved_by_another or outcome.held_by_freeze,
        "refusal": refusal and {"code": refusal.code, "message": str(refusal)},
    }
