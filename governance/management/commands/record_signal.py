"""Record a health signal: what a monitor says about a capability, or about the whole
platform (scope SYSTEM).

The signal supersedes the previous one with the same scope and type, and no longer counts once it
has expired. The health of a scope is that of its worst active signal. While a scope is BLOCKED, no
contract that affects it is approved or activated.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from governance.authorities.health.signals import record_signal
from governance.domain.canonical import timestamp
from governance.domain.health import DECISION_WORDS
from governance.management.base import GovernanceCommand
from governance.management.values import add_reason_argument, parse_duration, parse_time, printable


class Command(GovernanceCommand):
    help = __doc__

    permission = "governance.record_signal"
    has_json = True
    examples = (
        "record_signal --scope Search --type error-rate --decision DEGRADED "
        '--reason "2 % of requests fail" --expires-in 30m --as operator',
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
            choices=DECISION_WORDS,
            help="The health of the scope. OK and CLEAN mean HEALTHY, WARN means DEGRADED, and "
            "UNHEALTHY means BLOCKED.",
        )
        end = parser.add_mutually_exclusive_group()
        end.add_argument(
            "--expires-in",
            metavar="DURATION",
            type=parse_duration,
            help="How long the signal counts, such as 30s, 90m, 12h or 7d (default: until it is "
            "superseded).",
        )
        end.add_argument(
            "--expires-at",
            metavar="TIME",
            type=parse_time,
            help="When the signal no longer counts, in RFC 3339 with a time zone.",
        )
        add_reason_argument(parser, "What the monitor observed.")

    def run(self, **options: Any) -> None:
        signal = record_signal(**options)
        self.report(
            {
                "scope": signal.scope,
                "signal_type": signal.signal_type,
                "decision": signal.decision,
                "reason": signal.reason,
                "recorded_at": timestamp(signal.recorded_at),
                "expires_at": timestamp(signal.expires_at),
            },
            printable(f"{signal.scope} {signal.signal_type}: {signal.decision}")
            + (f", until {timestamp(signal.expires_at)}" if signal.expires_at else ""),
        )
