"""What the validator and the gate say of drafts comes in."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from governance.contract.queries import verdicts_on_record
from governance.flows.propose_contract import record_verdicts
from governance.management.base import INTERRUPTED, GovernanceCommand, PartlyRefused
from governance.management.lines import bad_line, in_words, opened, refuse_unknown_fields
from governance.management.progress import Interruption, beside_the_bar, walk
from governance.vocabulary.errors import (
    GovernanceError,
    InvalidInputError,
    InvalidTransitionError,
    InvalidVerdictError,
)
from governance.vocabulary.values import ContractStatus

VERDICTS = ("validator_verdict", "eligibility_verdict")
KNOWN_FIELDS = frozenset(("contract_id", *VERDICTS))


@dataclass
class Tally:
    """What became of the lines of a file."""

    eligible: int = 0
    rejected_may_not: int = 0
    already_there: int = 0
    bad_lines: list[dict[str, Any]] = field(default_factory=list)
    interrupted: bool = False

    def in_words(self) -> str:
        return (
            f"{self.eligible} eligible now, {self.rejected_may_not} rejected as MAY_NOT, "
            f"{self.already_there} already there, {len(self.bad_lines)} bad lines"
        )


class Command(GovernanceCommand):
    help = """Give drafts their verdicts, from a file of JSON lines.

A draft waits for what the validator and the gate say of it; a founder who modifies a contract's
scope leaves one. A line is an object with contract_id, validator_verdict and eligibility_verdict,
in the forms that import_contracts takes. MAY makes the draft ELIGIBLE, MAY_NOT rejects it for
good. A line that does not fit is reported with its number, and the rest is recorded; the very
same verdicts again are passed over. Each line is a transaction of its own."""

    permission = "governance.import_contract"
    has_json = True
    examples = (
        "import_draft_verdicts verdicts.jsonl --as operator",
        "import_draft_verdicts - --as operator --json < verdicts.jsonl",
    )
    exit_codes = {
        0: "every line was recorded or was there already",
        1: "a line was bad or refused, the file cannot be read, or the user may not import",
        INTERRUPTED: "interrupted; the summary says what was recorded until then",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSON lines in UTF-8; - reads stdin.")

    def run(self, **options: Any) -> None:
        tally = Tally()
        interruption = Interruption()
        with opened(options["file"]) as file:
            for line in walk(file, interruption=interruption, with_bar=self.stderr.isatty()):
                try:
                    _record(line.document(), tally, actor=options["actor"])
                except GovernanceError as refusal:
                    tally.bad_lines.append(bad_line(line, refusal))
                    with beside_the_bar():
                        self.stderr.write(f"line {line.number}: {in_words(refusal)}")
        tally.interrupted = interruption.requested
        if options["as_json"]:
            self.print_json(asdict(tally))
        else:
            self.say(tally.in_words())
        if tally.interrupted:
            raise KeyboardInterrupt
        if tally.bad_lines:
            raise PartlyRefused


def _record(document: dict[str, Any], tally: Tally, *, actor: User) -> None:
    refuse_unknown_fields(document, KNOWN_FIELDS)
    contract_id = _contract_id(document.get("contract_id"))
    for name in VERDICTS:
        if not isinstance(document.get(name), dict):
            raise InvalidVerdictError.at(name, "is required and must be an object")
    validator, gate = (document[name] for name in VERDICTS)
    try:
        contract = record_verdicts(
            contract_id=contract_id,
            validator_verdict=validator,
            eligibility_verdict=gate,
            actor=actor,
            at=timezone.now(),
        )
    except InvalidTransitionError:
        if verdicts_on_record(contract_id) != (validator, gate):
            raise
        tally.already_there += 1
        return
    tally.eligible += contract.status == ContractStatus.ELIGIBLE
    tally.rejected_may_not += contract.status == ContractStatus.REJECTED


def _contract_id(value: Any) -> UUID:
    try:
        return UUID(value)
    except (TypeError, ValueError, AttributeError):
        raise InvalidInputError.at(
            "contract_id", "is required and must be a contract's id"
        ) from None
