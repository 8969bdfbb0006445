"""Show the seven checks of a job that has ended, and judge it first if it has no verdict.

The verdict is the one that a worker would write, by the site's own auditor and from the sealed
evidence alone. An attempt without a conclusion is kept; the second one is made when it is due
(GOVSITE_AUDIT_RETRY_SECONDS). Where the verdicts come from outside (GOVSITE_AUDITOR=outside), the
checks are shown and nothing is written.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from governance.authorities.audit.judgement import judge_evidence
from governance.authorities.audit.queries import AuditState, audit_record, audit_state_of
from governance.domain.canonical import timestamp
from governance.domain.values import AuditVerdict
from governance.flows.audit_by_machine import audit_job
from governance.flows.audit_job import is_auditor_inside
from governance.management.base import REFUSED, GovernanceCommand, PartlyRefused
from governance.management.values import parse_id, printable, text_table

INCONCLUSIVE = 4
HEADINGS = ("check", "outcome", "question", "found")


class NotConcluded(PartlyRefused):
    """The outcome of a command that printed an audit without a conclusion."""

    exit_code = INCONCLUSIVE


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples = (
        "audit_job 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11",
        "audit_job 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11 --json",
    )
    exit_codes = {
        0: "PASS",
        REFUSED: "FAIL; or refused, because the job has not ended",
        INCONCLUSIVE: "INCONCLUSIVE, or tried without a conclusion and to be tried again",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", metavar="JOB", type=parse_id, help="The id of the job.")

    def run(self, *, job: UUID) -> None:
        state = audit_state_of(job)
        if state.audit is None and is_auditor_inside():
            audit_job(job_id=job)
            state = audit_state_of(job)
        record = _record_of(state)
        found = [
            (
                printable(str(check.get("id", "-"))),
                printable(str(check.get("outcome", "-"))),
                printable(str(check.get("question", "-"))),
                printable(str(check.get("reason", ""))),
            )
            for check in record["checks"]
        ]
        self.report(
            record,
            *text_table(HEADINGS, found),
            f"{record['verdict']}: {printable(record['verdict_reason'])}",
        )
        if state.audit is None:
            self.note(
                "No verdict is written yet: the second attempt is due later."
                if state.attempts
                else "No verdict is written: the verdicts come from outside (GOVSITE_AUDITOR)."
            )
        if record["verdict"] == AuditVerdict.FAIL:
            raise PartlyRefused
        if record["verdict"] != AuditVerdict.PASS:
            raise NotConcluded


def _record_of(state: AuditState) -> dict[str, Any]:
    """Return the audit as JSON: the verdict, or what the evidence shows as long as there is none.

    After a resolution the verdict is that of the person.
    """
    record = audit_record(state)
    if state.audit is None:
        judgement = judge_evidence(state.evidence.document)
        record |= judgement.as_record(state.evidence.document)
        record["checks"] = judgement.checks_as_documents()
    resolution = record["resolution"]
    return record | {
        "verdict": str(resolution.verdict) if resolution else record["verdict"],
        "audited_at": timestamp(record["audited_at"]),
        "attempts": [one.as_record() for one in state.attempts],
        "resolution": resolution.as_record() if resolution else None,
    }
