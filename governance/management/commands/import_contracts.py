"""The command `import_contracts`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from governance.domain.errors import (
    DuplicateContractError,
    InvalidInputError,
    MayNotVerdictError,
)
from governance.domain.values import Source
from governance.flows.propose_contract import propose_contract
from governance.management.base import INTERRUPTED
from governance.management.importing import ImportCommand, Tally
from governance.management.jsonl import read_document, refuse_unknown_fields
from governance.models import Account
from governance.services.registry.operations import register_capabilities

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
# Fields that other systems use for their own purposes: accepted and not stored.
BACKGROUND = ("release", "group")
KNOWN_FIELDS = frozenset((*PROPOSAL, "body", *VERDICTS, *BACKGROUND))
MAX_REGISTRY_BYTES = 64 * 2**20


@dataclass
class ContractTally(Tally):
    created: int = 0
    refused_may_not: int = 0
    capabilities_added: int = 0

    def summary(self) -> str:
        return (
            f"{self.created} created, {self.already_there} already there, "
            f"{self.refused_may_not} refused as MAY_NOT, {len(self.bad_lines)} bad lines, "
            f"{self.capabilities_added} capabilities added"
        )


class Command(ImportCommand):
    help = """Load proposals from a file of JSON lines; each becomes an ELIGIBLE contract.

Each line is an object with reference, title, body, requested_by, affected_capabilities,
proposed_changes, risk_level (critical, high, medium, low), validator_verdict and
eligibility_verdict. It may also have source, and the fields release and group, which are ignored.
A bad line is reported with its number and field, and the other lines are loaded. A line whose
eligibility verdict is MAY_NOT is refused and counted. A proposal with the same reference and
content as an earlier one is not loaded again. Each line is loaded in a transaction of its own, so
no line is ever loaded in part."""

    permission = "governance.import_contract"
    examples = (
        "import_contracts changes.jsonl --as operator",
        "import_contracts changes.jsonl --registry capabilities.json --as operator --json",
        "import_contracts - --source ops_alert --as operator < changes.jsonl",
    )
    exit_codes = {
        0: "every line was loaded, now or before, or was refused as MAY_NOT",
        1: "a line was bad, a file cannot be read, or the user may not import",
        INTERRUPTED: "interrupted; the summary counts what was loaded until then",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--registry",
            metavar="FILE",
            help='First add the capabilities of this JSON file: {"capabilities": [...]}. '
            "Capabilities that exist already are not changed.",
        )
        parser.add_argument(
            "--source",
            choices=[str(source) for source in Source],
            default=str(Source.MANUAL),
            help="The source of the lines that name none (default: %(default)s).",
        )

    def new_tally(self) -> ContractTally:
        return ContractTally()

    def begin(self, tally: ContractTally, options: Mapping[str, Any]) -> None:
        if options["registry"]:
            tally.capabilities_added = _register(options["registry"])

    def import_document(
        self, document: dict[str, Any], tally: ContractTally, options: Mapping[str, Any]
    ) -> None:
        try:
            _, is_new = _propose(document, proposer=options["actor"], source=options["source"])
        except MayNotVerdictError:
            tally.refused_may_not += 1
        except DuplicateContractError:  # another process loads the same proposal at the same time
            tally.already_there += 1
        else:
            tally.created += is_new
            tally.already_there += not is_new


def _propose(document: dict[str, Any], *, proposer: Account, source: str) -> tuple[Any, bool]:
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
    document = read_document(path, largest=MAX_REGISTRY_BYTES)
    if not isinstance(document, dict) or not isinstance(document.get("capabilities"), list):
        raise InvalidInputError(f'{path} is not a JSON object with a list "capabilities".')
    return register_capabilities(documents=document["capabilities"])
