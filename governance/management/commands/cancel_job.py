"""Cancel a pending or running job, and seal its evidence.

The contract stays ACTIVE until an auditor gives a verdict. On a cancelled job the verdict can only
be FAIL.
"""

from __future__ import annotations

from argparse import ArgumentParser
from uuid import UUID

from governance.flows.run_job import cancel_job
from governance.management.base import GovernanceCommand
from governance.management.values import add_reason_argument, parse_id
from governance.models import Account


class Command(GovernanceCommand):
    help = __doc__

    permission = "governance.cancel_job"
    has_json = True
    examples = (
        'cancel_job 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11 --reason "Wrong branch" --as operator',
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", metavar="JOB", type=parse_id, help="The id of the job.")
        add_reason_argument(parser, "The reason, which is stored in the ledger.")

    def run(self, *, job: UUID, reason: str, actor: Account) -> None:
        ended = cancel_job(job_id=job, reason=reason, actor=actor)
        self.report({"job": {"id": job, "status": ended.status}}, f"job {job}: {ended.status}")
