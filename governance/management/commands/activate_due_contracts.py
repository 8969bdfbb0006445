"""The command `activate_due_contracts`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from governance.domain.values import DEFAULT_TIMEOUT_MINUTES
from governance.flows.sweep import activate_due_contracts
from governance.management.base import GovernanceCommand
from governance.management.sweeping import report_sweep
from governance.management.values import timeout_minutes


class Command(GovernanceCommand):
    help = """Activate every approved contract that is inside its activation window.

A scheduler may call this every minute. The contract whose window closes first comes first. Each
contract is activated in a transaction of its own, so a refusal does not stop the others. While
changes are frozen, all contracts are passed over and stay APPROVED."""

    permission = "governance.activate_contract"
    has_json = True
    examples = (
        "activate_due_contracts --as scheduler",
        "activate_due_contracts --timeout-minutes 30 --as scheduler --json",
    )
    exit_codes = {
        0: "all were activated, or another process was first, or changes are frozen",
        1: "at least one was refused",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--timeout-minutes",
            metavar="N",
            type=timeout_minutes,
            default=DEFAULT_TIMEOUT_MINUTES,
            help="How many minutes each job may run, 1 to 1440 (default: %(default)s).",
        )

    def run(self, **options: Any) -> None:
        outcomes = activate_due_contracts(
            actor=options["actor"],
            at=timezone.now(),
            timeout_minutes=options["timeout_minutes"],
        )
        report_sweep(self, outcomes, subject="contract", as_json=options["as_json"])
