"""Record the validator verdict and the eligibility verdict of drafts, from a file of
JSON lines.

A draft is a contract without verdicts; it is created when a founder modifies the scope of a
contract. Each line is an object with contract_id, validator_verdict and eligibility_verdict, in the
form that import_contracts expects. MAY makes the draft ELIGIBLE; MAY_NOT makes it REJECTED, which
is final. A bad line is reported with its number, and the other lines are recorded. Verdicts that
were recorded before count as already there. Each line is recorded in a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.authorities.contract.queries import review_verdicts_of
from governance.domain.errors import InvalidTransitionError, InvalidVerdictError
from governance.domain.values import ContractStatus
from governance.flows.propose_contract import record_review_verdicts
from governance.management.base import INTERRUPTED
from governance.management.importing import VERDICTS, ImportCommand, require_verdicts, required_id
from governance.management.jsonl import refuse_unknown_fields

KNOWN_FIELDS = frozenset(("contract_id", *VERDICTS))


class Command(ImportCommand):
    help = __doc__

    permission = "governance.import_contract"
    examples = (
        "import_review_verdicts verdicts.jsonl --as operator",
        "import_review_verdicts - --as operator --json < verdicts.jsonl",
    )
    exit_codes = {
        0: "every line was recorded, now or before",
        1: "a line was bad or refused, the file cannot be read, or the user may not import",
        INTERRUPTED: "interrupted; the summary counts what was recorded until then",
    }

    outcomes = ("eligible", "rejected_may_not", "already_there")
    summary = (
        "{eligible} eligible now, {rejected_may_not} rejected as MAY_NOT, "
        "{already_there} already there, {bad_lines} bad lines"
    )

    def import_document(self, document: dict[str, Any], options: Mapping[str, Any]) -> str:
        refuse_unknown_fields(document, KNOWN_FIELDS)
        contract_id = required_id(document, "contract_id")
        require_verdicts(document, InvalidVerdictError)
        validator, gate = (document[name] for name in VERDICTS)
        try:
            contract = record_review_verdicts(
                contract_id=contract_id,
                validator_verdict=validator,
                eligibility_verdict=gate,
                actor=options["actor"],
            )
        except InvalidTransitionError:
            if review_verdicts_of(contract_id) != (validator, gate):
                raise
            return "already_there"
        return "eligible" if contract.status == ContractStatus.ELIGIBLE else "rejected_may_not"
