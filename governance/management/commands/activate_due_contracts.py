"""Activate every approved contract that is inside its activation window.

A scheduler may call this every minute. The contract whose window closes first comes first. Each
contract is activated in a transaction of its own, so a refusal does not stop the others. While
changes are frozen, all contracts are passed over and stay APPROVED.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from typing import Any

from governance.flows.sweep import SweepResult, activate_due_contracts
from governance.management.sweeping import SweepCommand
from governance.management.values import add_timeout_argument


class Command(SweepCommand):
    help = __doc__

    permission = "governance.activate_contract"
    examples = (
        "activate_due_contracts --as scheduler",
        "activate_due_contracts --timeout-minutes 30 --as scheduler --json",
    )
    exit_codes = {
        0: "all were activated, or another process was first, or changes are frozen",
        1: "at least one was refused",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_timeout_argument(parser, "each job")

    def sweep(self, options: Mapping[str, Any]) -> Iterable[SweepResult]:
        return activate_due_contracts(**options)
