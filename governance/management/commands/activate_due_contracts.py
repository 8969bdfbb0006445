"""Every contract whose time has come becomes its job."""

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
    help = """Activate every approved contract that is inside its window, for a scheduler to call.

The one whose window closes first goes first. Each is a transaction of its own: one refusal
stops none of the others. While the line is frozen all are passed over, and wait."""

    permission = "governance.activate_contract"
    has_json = True
    examples = (
        "activate_due_contracts --as scheduler",
        "activate_due_contracts --timeout-minutes 30 --as scheduler --json",
    )
    exit_codes = {
        0: "all were activated, or somebody else was first, or the line is frozen",
        1: "at least one was refused",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--timeout-minutes",
            metavar="N",
            type=timeout_minutes,
            default=DEFAULT_TIMEOUT_MINUTES,
            help="How long each job may run, 1 to 1440 (default: %(default)s).",
        )

    def run(self, **options: Any) -> None:
        outcomes = activate_due_contracts(
            actor=options["actor"],
            at=timezone.now(),
            timeout_minutes=options["timeout_minutes"],
        )
        report_sweep(self, outcomes, subject="contract", as_json=options["as_json"])
