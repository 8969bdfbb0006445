"""The command `import_contracts`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm

from governance.domain.errors import DuplicateContractError, InvalidInputError, MayNotVerdictError
from governance.domain.recorded_changes import changes_nothing
from governance.domain.values import Source
from governance.flows.propose_contract import propose_contract
from governance.management.base import INTERRUPTED
from governance.management.importing import VERDICTS, ImportCommand, require_verdicts
from governance.management.jsonl import read_document, refuse_unknown_fields
from governance.management.values import printable
from governance.models import Account, SystemContract
from governance.services.registry.operations import Registration, register_capabilities

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


class Command(ImportCommand):
    help = """Load proposals from a file of JSON lines; each becomes an ELIGIBLE contract.

Each line is an object with reference, title, body, requested_by, affected_capabilities,
proposed_changes, risk_level (critical, high, medium, low), validator_verdict and
eligibility_verdict. It may also have source, and the fields release and group, which are ignored.
A bad line is reported with its number and field, and the other lines are loaded. A line whose
eligibility verdict is MAY_NOT is refused and counted. A step that sets what is recorded already is
named in a warning. A proposal with the same reference and content as an earlier one is not loaded
again. Each line is loaded in a transaction of its own, so no line is ever loaded in part."""

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

    outcomes = ("created", "already_there", "refused_may_not")
    summary = (
        "{created} created, {already_there} already there, {refused_may_not} refused as MAY_NOT, "
        "{bad_lines} bad lines, {capabilities_added} capabilities added"
    )

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

    def begin(self, options: Mapping[str, Any]) -> dict[str, int]:
        path = options["registry"]
        added, similar = _register(path, options["actor"]) if path else Registration(0, [])
        for name, other in similar:
            self.stderr.write(f"warning: {name} looks like {other}; pages show both names")
        return {"capabilities_added": added}

    def import_document(self, document: dict[str, Any], options: Mapping[str, Any]) -> str:
        try:
            contract, is_new = _propose(
                document, proposer=options["actor"], source=options["source"]
            )
        except MayNotVerdictError:
            return "refused_may_not"
        except DuplicateContractError:  # another process loads the same proposal at the same time
            return "already_there"
        if is_new:
            self._warn_of_no_change(contract)
        return "created" if is_new else "already_there"

    def _warn_of_no_change(self, contract: SystemContract) -> None:
        idle = [str(step["step_index"] + 1) for step in contract.plan if changes_nothing(step)]
        if idle:
            steps = printable(", ".join(idle))
            with tqdm.external_write_mode(file=sys.stderr):
                self.stderr.write(
                    f"warning: {printable(contract.reference)}: nothing changes here: step {steps}"
                )


def _propose(
    document: dict[str, Any], *, proposer: Account, source: str
) -> tuple[SystemContract, bool]:
    refuse_unknown_fields(document, KNOWN_FIELDS)
    require_verdicts(document, InvalidInputError)
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
        )
    except InvalidInputError as refusal:
        first = refusal.errors[0] if refusal.errors else {"path": "", "message": ""}
        if first["path"] != "description":
            raise
        raise InvalidInputError.at("body", first["message"]) from None


def _register(path: str, actor: Account) -> Registration:
    document = read_document(path, largest=MAX_REGISTRY_BYTES)
    if not isinstance(document, dict) or not isinstance(document.get("capabilities"), list):
        raise InvalidInputError(f'{path} is not a JSON object with a list "capabilities".')
    return register_capabilities(documents=document["capabilities"], actor=actor)
