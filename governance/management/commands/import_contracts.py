"""Proposals out of a file become contracts."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict, dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from governance.flows.propose_contract import propose_contract
from governance.management.base import INTERRUPTED, GovernanceCommand, PartlyRefused
from governance.management.lines import (
    Line,
    bad_line,
    in_words,
    opened,
    read_document,
    refuse_unknown_fields,
)
from governance.management.progress import Interruption, beside_the_bar, walk
from governance.registry.operations import register_capabilities
from governance.vocabulary.errors import (
    DuplicateContractError,
    GovernanceError,
    InvalidInputError,
    MayNotVerdictError,
)
from governance.vocabulary.values import Source

VERDICTS = ("validator_verdict", "eligibility_verdict")
PROPOSAL = (
    "reference",
    "title",
    "source",
    "requested_by",
    "affected_capabilities",
    "proposed_changes",
    "risk_level",
)
# Where a proposal comes from in its own world; nothing here depends on it.
BACKGROUND = ("release", "group")
KNOWN_FIELDS = frozenset((*PROPOSAL, "body", *VERDICTS, *BACKGROUND))
LARGEST_REGISTRY = 64 * 2**20


@dataclass
class Tally:
    """What became of the lines of a file."""

    created: int = 0
    already_there: int = 0
    refused_may_not: int = 0
    bad_lines: list[dict[str, Any]] = field(default_factory=list)
    capabilities_added: int = 0
    interrupted: bool = False

    def in_words(self) -> str:
        return (
            f"{self.created} created, {self.already_there} already there, "
            f"{self.refused_may_not} refused as MAY_NOT, {len(self.bad_lines)} bad lines, "
            f"{self.capabilities_added} capabilities added"
        )


class Command(GovernanceCommand):
    help = """Load proposals from a file of JSON lines; each becomes an ELIGIBLE contract.

A line is an object with reference, title, body, requested_by, affected_capabilities,
proposed_changes, risk_level (critical, high, medium, low), validator_verdict and
eligibility_verdict; it may have source, and release and group, which are not kept.
A line that does not fit is reported with its number and field, and the rest is loaded.
A line whose eligibility verdict is MAY_NOT is counted and refused. A proposal that was
loaded before, the same in reference and content, is not loaded again. Each line is a
transaction of its own: whatever stops the command, no line is half loaded."""

    permission = "governance.import_contract"
    has_json = True
    examples = (
        "import_contracts changes.jsonl --as operator",
        "import_contracts changes.jsonl --registry capabilities.json --as operator --json",
        "import_contracts - --source ops_alert --as operator < changes.jsonl",
    )
    exit_codes = {
        0: "every line was loaded, was there already, or was refused as MAY_NOT",
        1: "a line was bad, a file cannot be read, or the user may not import",
        INTERRUPTED: "interrupted; the summary says what was loaded until then",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSON lines in UTF-8; - reads stdin.")
        parser.add_argument(
            "--registry",
            metavar="FILE",
            help='Before that, add the capabilities of this file: {"capabilities": [...]}. '
            "Capabilities that are known stay as they are.",
        )
        parser.add_argument(
            "--source",
            choices=[str(source) for source in Source],
            default=str(Source.MANUAL),
            help="Where lines that do not say so themselves come from (default: %(default)s).",
        )

    def run(self, **options: Any) -> None:
        tally = Tally()
        interruption = Interruption()
        with opened(options["file"]) as file:
            if options["registry"]:
                tally.capabilities_added = _register(options["registry"])
            for line in walk(file, interruption=interruption, with_bar=self.stderr.isatty()):
                self._take(line, tally, proposer=options["actor"], source=options["source"])
        tally.interrupted = interruption.requested
        if options["as_json"]:
            self.print_json(asdict(tally))
        else:
            self.say(tally.in_words())
        if tally.interrupted:
            raise KeyboardInterrupt
        if tally.bad_lines:
            raise PartlyRefused

    def _take(self, line: Line, tally: Tally, *, proposer: User, source: str) -> None:
        try:
            _, is_new = _propose(line.document(), proposer=proposer, source=source)
        except MayNotVerdictError:
            tally.refused_may_not += 1
        except DuplicateContractError:  # somebody loads the same file right now
            tally.already_there += 1
        except GovernanceError as refusal:
            tally.bad_lines.append(bad_line(line, refusal))
            with beside_the_bar():
                self.stderr.write(f"line {line.number}: {in_words(refusal)}")
        else:
            tally.created += is_new
            tally.already_there += not is_new


def _propose(document: dict[str, Any], *, proposer: User, source: str) -> tuple[Any, bool]:
    refuse_unknown_fields(document, KNOWN_FIELDS)
    for name in VERDICTS:
        if not isinstance(document.get(name), dict):
            raise InvalidInputError.at(name, "is required and must be an object")
    proposal = {name: document[name] for name in PROPOSAL if name in document}
    proposal.setdefault("source", source)
    if "body" in document:
        proposal["description"] = document["body"]
    try:
        return propose_contract(
            document=proposal,
            validator_verdict=document["validator_verdict"],
            eligibility_verdict=document["eligibility_verdict"],
            proposer=proposer,
            at=timezone.now(),
        )
    except InvalidInputError as refusal:
        first = refusal.errors[0] if refusal.errors else {"path": "", "message": ""}
        if first["path"] != "description":
            raise
        raise InvalidInputError.at("body", first["message"]) from None


def _register(path: str) -> int:
    document = read_document(path, largest=LARGEST_REGISTRY)
    if not isinstance(document, dict) or not isinstance(document.get("capabilities"), list):
        raise InvalidInputError(f'{path} is not an object with a list "capabilities".')
    return register_capabilities(documents=document["capabilities"])
