"""An outside auditor's verdicts come in."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from governance.audit.queries import verdict_on
from governance.flows.audit_job import record_verdict
from governance.management.base import INTERRUPTED, GovernanceCommand, PartlyRefused
from governance.management.lines import bad_line, in_words, opened, refuse_unknown_fields
from governance.management.progress import Interruption, beside_the_bar, walk
from governance.vocabulary.errors import GovernanceError, InvalidVerdictError, VerdictConflictError
from governance.vocabulary.values import AuditVerdict

GIVEN_VERDICTS = (AuditVerdict.PASS, AuditVerdict.FAIL, AuditVerdict.INCONCLUSIVE)
KNOWN_FIELDS = frozenset(("job_id", "verdict", "reason", "checks", "evidence_sha256"))


@dataclass
class Tally:
    """What became of the lines of a file."""

    recorded: int = 0
    already_there: int = 0
    bad_lines: list[dict[str, Any]] = field(default_factory=list)
    interrupted: bool = False

    def in_words(self) -> str:
        return (
            f"{self.recorded} recorded, {self.already_there} already there, "
            f"{len(self.bad_lines)} bad lines"
        )


class Command(GovernanceCommand):
    help = """Record an outside auditor's verdicts from a file of JSON lines.

A line is an object with job_id, verdict (PASS, FAIL or INCONCLUSIVE), reason, evidence_sha256
(the digest that export_evidence names: a verdict is on exactly that evidence) and, if the
auditor says what was looked at, checks (a list of objects). PASS completes the contract, FAIL
fails it, INCONCLUSIVE leaves it ACTIVE for a person (resolve_audit). A job that did not
complete accepts only FAIL. Refused to whoever proposed or approved the contract, or started,
reported or ended the job. A line that does not fit is reported with its number, and the rest
is recorded; the very same verdict by the same author again is passed over."""

    permission = "governance.record_verdict"
    has_json = True
    examples = (
        "import_verdicts verdicts.jsonl --as auditor",
        "import_verdicts - --as auditor --json < verdicts.jsonl",
    )
    exit_codes = {
        0: "every line was recorded or was there already",
        1: "a line was bad or refused, the file cannot be read, or the user may not audit",
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
                    is_new = _record(line.document(), author=options["actor"])
                except GovernanceError as refusal:
                    tally.bad_lines.append(bad_line(line, refusal))
                    with beside_the_bar():
                        self.stderr.write(f"line {line.number}: {in_words(refusal)}")
                else:
                    tally.recorded += is_new
                    tally.already_there += not is_new
        tally.interrupted = interruption.requested
        if options["as_json"]:
            self.print_json(asdict(tally))
        else:
            self.say(tally.in_words())
        if tally.interrupted:
            raise KeyboardInterrupt
        if tally.bad_lines:
            raise PartlyRefused


def _record(document: dict[str, Any], *, author: User) -> bool:
    """Whether the verdict is new; False when it stands there as it is."""
    refuse_unknown_fields(document, KNOWN_FIELDS)
    job_id = _job_id(document.get("job_id"))
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
            at=timezone.now(),
            checks=checks,
        )
    except VerdictConflictError:
        stands = verdict_on(job_id)
        if stands is None or (
            stands.verdict,
            stands.reason,
            stands.checks,
            stands.evidence_sha256,
            stands.author_id,
        ) != (verdict, str(reason).strip(), checks, evidence, author.pk):
            raise
        return False
    return True


def _job_id(value: Any) -> UUID:
    try:
        return UUID(value)
    except (TypeError, ValueError, AttributeError):
        raise InvalidVerdictError.at("job_id", "is required and must be a job's id") from None
