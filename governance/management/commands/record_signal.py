"""Record a health signal: what a monitor says about a capability, or about the whole
platform (scope SYSTEM).

The signal supersedes the previous one with the same scope and type. The health of a scope is that
of its worst active signal. While a scope is BLOCKED, no contract that affects it is approved or
activated.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from governance.authorities.health.signals import record_signal
from governance.domain.canonical import timestamp
from governance.domain.values import HealthDecision
from governance.management.base import GovernanceCommand
from governance.management.values import add_reason_argument, printable


class Command(GovernanceCommand):
    help = __doc__

    permission = "governance.record_signal"
    has_json = True
    examples = (
        "record_signal --scope Search --type error-rate --decision DEGRADED "
        '--reason "2 % of requests fail" --as operator',
        "record_signal --scope SYSTEM --type maintenance --decision HEALTHY "
        '--reason "Maintenance is over" --as operator',
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--scope", metavar="NAME", required=True, help="The name of a capability, or SYSTEM."
        )
        parser.add_argument(
            "--type",
            dest="signal_type",
            metavar="TYPE",
            required=True,
            help="What the monitor measures, such as error-rate.",
        )
        parser.add_argument(
            "--decision",
            required=True,
            choices=[str(decision) for decision in HealthDecision],
            help="The health of the scope.",
        )
        add_reason_argument(parser, "What the monitor observed.")

    def run(self, *, decision: str, **options: Any) -> None:
        signal = record_signal(decision=HealthDecision(decision), **options)
        self.report(
            {
                "scope": signal.scope,
                "signal_type": signal.signal_type,
                "decision": signal.decision,
                "reason": signal.reason,
                "recorded_at": timestamp(signal.recorded_at),
            },
            printable(f"{signal.scope} {signal.signal_type}: {signal.decision}"),
        )
