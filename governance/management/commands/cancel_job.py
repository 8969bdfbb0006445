"""The command `cancel_job`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from governance.flows.run_job import cancel_job
from governance.management.base import GovernanceCommand
from governance.management.values import parse_id


class Command(GovernanceCommand):
    help = """Cancel a pending or running job, and seal its evidence.

The contract stays ACTIVE until an auditor gives a verdict. On a cancelled job the verdict can only
be FAIL."""

    permission = "governance.cancel_job"
    has_json = True
    examples = (
        'cancel_job 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11 --reason "Wrong branch" --as operator',
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", metavar="JOB", type=parse_id, help="The id of the job.")
        parser.add_argument(
            "--reason",
            metavar="TEXT",
            required=True,
            help="The reason, which is stored in the ledger.",
        )

    def run(self, **options: Any) -> None:
        job = cancel_job(
            job_id=options["job"],
            reason=options["reason"],
            actor=options["actor"],
            at=timezone.now(),
        )
        if options["as_json"]:
            self.print_json({"job": {"id": job.pk, "status": job.status}})
        else:
            self.say(f"job {job.pk}: {job.status}")
