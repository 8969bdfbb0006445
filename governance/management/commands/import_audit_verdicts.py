"""Record the verdicts of an outside auditor from a file of JSON lines.

Each line is an object with job_id, verdict (PASS, FAIL or INCONCLUSIVE), reason, evidence_sha256
(the SHA-256 that export_evidence prints: a verdict is on exactly that evidence) and, optionally,
checks (a list of objects that say what the auditor checked). PASS makes the contract COMPLETED,
FAIL makes it FAILED, and INCONCLUSIVE leaves it ACTIVE until a person decides with resolve_audit. A
job that did not complete accepts only FAIL. The user must not have proposed or approved the
contract, and must not have started, reported or ended the job.

A bad line is reported with its number, and the other lines are recorded. A verdict that the same
user recorded before counts as already there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.authorities.audit.queries import verdict_on
from governance.domain.errors import InvalidVerdictError, VerdictConflictError
from governance.domain.roles import Role
from governance.domain.values import AuditVerdict
from governance.flows.audit_job import record_verdict
from governance.management.base import INTERRUPTED
from governance.management.importing import ImportCommand, required_id
from governance.management.jsonl import refuse_unknown_fields
from governance.models import Account

GIVEN_VERDICTS = (AuditVerdict.PASS, AuditVerdict.FAIL, AuditVerdict.INCONCLUSIVE)
KNOWN_FIELDS = frozenset(("job_id", "verdict", "reason", "checks", "evidence_sha256"))


class Command(ImportCommand):
    help = __doc__

    role = Role.AUDITOR
    examples = (
        "import_audit_verdicts verdicts.jsonl --as auditor",
        "import_audit_verdicts - --as auditor --json < verdicts.jsonl",
    )
    exit_codes = {
        0: "every line was recorded, now or before",
        1: "a line was bad or refused, the file cannot be read, or the user may not audit",
        INTERRUPTED: "interrupted; the summary counts what was recorded until then",
    }

    outcomes = ("recorded", "already_there")
    summary = "{recorded} recorded, {already_there} already there, {bad_lines} bad lines"

    def import_document(self, document: dict[str, Any], options: Mapping[str, Any]) -> str:
        is_new = _record(document, author=options["actor"])
        return "recorded" if is_new else "already_there"


def _record(document: dict[str, Any], *, author: Account) -> bool:
    """Record one verdict; return False if the same author recorded exactly this one before."""
    refuse_unknown_fields(document, KNOWN_FIELDS)
    job_id = required_id(document, "job_id", InvalidVerdictError)
    verdict = document.get("verdict")
    if verdict not in [str(given) for given in GIVEN_VERDICTS]:
        raise InvalidVerdictError.at("verdict", "must be one of " + ", ".join(GIVEN_VERDICTS))
    reason, evidence = document.get("reason"), document.get("evidence_sha256")
    for name, value in (("reason", reason), ("evidence_sha256", evidence)):
        if not isinstance(value, str):
            raise InvalidVerdictError.at(name, "is required and must be text")
    checks = document.get("checks", [])
    if not isinstance(checks, list) or not all(isinstance(check, dict) for check in checks):
        raise InvalidVerdictError.at("checks", "must be a list of objects")
    try:
        record_verdict(
            job_id=job_id,
            verdict=AuditVerdict(verdict),
            reason=str(reason),
            evidence_sha256=str(evidence),
            author=author,
            checks=checks,
        )
    except VerdictConflictError:
        existing = verdict_on(job_id)
        if existing is None or (
            existing.verdict,
            existing.reason,
            existing.checks,
            existing.evidence_sha256,
            existing.author_id,
        ) != (verdict, str(reason).strip(), checks, evidence, author.pk):
            raise
        return False
    return True
