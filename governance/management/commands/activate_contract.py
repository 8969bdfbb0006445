"""Activate an approved contract: it becomes ACTIVE and gets one PENDING job.

The command is refused unless the contract is APPROVED, inside its activation window and unchanged
since it was signed, the health of the platform is known and not BLOCKED, and no change freeze is
active.
"""

from __future__ import annotations

from argparse import ArgumentParser
from uuid import UUID

from governance.flows.activate_contract import activate_contract
from governance.management.base import GovernanceCommand
from governance.management.values import add_timeout_argument, parse_id
from governance.models import Account


class Command(GovernanceCommand):
    help = __doc__

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
        add_timeout_argument(parser, "the job")

    def run(self, *, contract: UUID, timeout_minutes: int, actor: Account) -> None:
        job = activate_contract(contract_id=contract, actor=actor, timeout_minutes=timeout_minutes)
        self.report(
            {
                "contract": {"id": contract, "status": "ACTIVE"},
                "job": {
                    "id": job.pk,
                    "status": job.status,
                    "total_steps": job.total_steps,
                    "timeout_minutes": job.timeout_minutes,
                },
            },
            f"contract {contract}: ACTIVE",
            f"job {job.pk}: {job.status}, {job.total_steps} steps",
        )
