"""Resolve an INCONCLUSIVE audit as PASS or FAIL. An audit is resolved only once.

PASS makes the contract COMPLETED, FAIL makes it FAILED. The audit itself is not changed. The user
must not have proposed or approved the contract, and must not have started, reported or ended the
job.
"""

from __future__ import annotations

from argparse import ArgumentParser
from uuid import UUID

from governance.domain.roles import Role
from governance.domain.values import AuditVerdict
from governance.flows.audit_job import resolve_audit
from governance.management.base import GovernanceCommand
from governance.management.values import add_reason_argument, parse_id
from governance.models import Account


class Command(GovernanceCommand):
    help = __doc__

    role = Role.AUDITOR
    has_json = True
    examples = (
        "resolve_audit 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11 --verdict PASS "
        '--reason "The readings arrived late, and they are good." --as auditor',
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", metavar="JOB", type=parse_id, help="The id of the job.")
        parser.add_argument(
            "--verdict",
            required=True,
            choices=[str(AuditVerdict.PASS), str(AuditVerdict.FAIL)],
            help="The verdict that replaces INCONCLUSIVE.",
        )
        add_reason_argument(
            parser, "The reason, longer than 10 characters; it is stored in the ledger."
        )

    def run(self, *, job: UUID, verdict: str, reason: str, actor: Account) -> None:
        resolve_audit(job_id=job, verdict=AuditVerdict(verdict), reason=reason, resolver=actor)
        self.report(
            {"job": {"id": job}, "verdict": verdict},
            f"job {job}: the audit is resolved as {verdict}",
        )
