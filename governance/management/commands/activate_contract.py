"""The command `activate_contract`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from governance.domain.values import DEFAULT_TIMEOUT_MINUTES
from governance.flows.activate_contract import activate_contract
from governance.management.base import GovernanceCommand
from governance.management.values import parse_id, timeout_minutes


class Command(GovernanceCommand):
    help = """Activate an approved contract: it becomes ACTIVE and gets one PENDING job.

The command is refused unless the contract is APPROVED, inside its activation window and unchanged
since it was signed, the health of the platform is known and not BLOCKED, and no change freeze is
active."""

    permission = "governance.activate_contract"
    has_json = True
    examples = (
        "activate_contract 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11 --as operator",
        "activate_contract 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11 --timeout-minutes 30 --as operator",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "contract", metavar="CONTRACT", type=parse_id, help="The id of the contract."
        )
        parser.add_argument(
            "--timeout-minutes",
            metavar="N",
            type=timeout_minutes,
            default=DEFAULT_TIMEOUT_MINUTES,
            help="How many minutes the job may run, 1 to 1440 (default: %(default)s).",
        )

    def run(self, **options: Any) -> None:
        job = activate_contract(
            contract_id=options["contract"],
            actor=options["actor"],
            at=timezone.now(),
            timeout_minutes=options["timeout_minutes"],
        )
        if options["as_json"]:
            self.print_json(
                {
                    "contract": {"id": options["contract"], "status": "ACTIVE"},
                    "job": {
                        "id": job.pk,
                        "status": job.status,
                        "total_steps": job.total_steps,
                        "timeout_minutes": job.timeout_minutes,
                    },
                }
            )
        else:
            self.say(f"contract {options['contract']}: ACTIVE")
            self.say(f"job {job.pk}: {job.status}, {job.total_steps} steps")
