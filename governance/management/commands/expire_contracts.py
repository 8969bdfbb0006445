"""The command `expire_contracts`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from governance.flows.sweep import SweepResult, expire_contracts
from governance.management.sweeping import EndingSweepCommand


class Command(EndingSweepCommand):
    help = """End the contracts whose review or activation window is over.

A scheduler should call this every minute. A contract whose review ended without a decision becomes
EXPIRED. An approved contract that was not activated inside its window becomes FAILED, with the
reason window_lapsed. Each contract ends in a transaction of its own, so a refusal does not stop the
others.

A sweep that would end more than 20, and more than a tenth of the open contracts, ends none."""

    # Time decides here and not the user, so the permission to activate contracts is enough.
    permission = "governance.activate_contract"
    examples = (
        "expire_contracts --as scheduler",
        "expire_contracts --force 37 --as operator --json",
    )

    def sweep(self, options: Mapping[str, Any]) -> Iterable[SweepResult]:
        return expire_contracts(actor=options["actor"], force=options["force"])
