"""Contracts whose time passed come to their end."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from governance.flows.sweep import expire_contracts
from governance.management.base import GovernanceCommand
from governance.management.sweeping import report_sweep


class Command(GovernanceCommand):
    help = """End the contracts whose time passed, for a scheduler to call.

A contract on which nobody decided in time becomes EXPIRED; an approved one whose activation
window passed unused becomes FAILED (window_lapsed). Each is a transaction of its own."""

    # Who may begin what is due may also end what is overdue: time decides, not the user.
    permission = "governance.activate_contract"
    has_json = True
    examples = ("expire_contracts --as scheduler", "expire_contracts --as scheduler --json")
    exit_codes = {0: "all were ended, or somebody else was first", 1: "at least one was refused"}

    def run(self, **options: Any) -> None:
        outcomes = expire_contracts(actor=options["actor"], at=timezone.now())
        report_sweep(self, outcomes, subject="contract", as_json=options["as_json"])
