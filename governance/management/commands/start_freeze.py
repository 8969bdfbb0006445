"""A founder stops the line."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from governance.domain.canonical import timestamp
from governance.management.base import GovernanceCommand
from governance.management.values import number_in, parse_time
from governance.services.access.permissions import REVIEW_PERMISSION
from governance.services.freezes.operations import start_freeze


class Command(GovernanceCommand):
    help = """Stop the line: until it ends, nothing is approved, activated, claimed or started.

Jobs that run go on, and so do their reports and verdicts; windows and reviews whose time passes
meanwhile end as always. It ends by the clock, or by lift_freeze. Freezes may overlap: the line
stands still while any one is in force."""

    permission = REVIEW_PERMISSION
    has_json = True
    examples = (
        'start_freeze --hours 4 --reason "The payment provider is down" --as founder',
        'start_freeze --until 2026-12-27T08:00:00Z --reason "Holidays" --as founder --json',
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        max_hours = settings.GOVSITE["MAX_FREEZE_HOURS"]
        end = parser.add_mutually_exclusive_group(required=True)
        end.add_argument(
            "--hours",
            metavar="N",
            type=number_in(range(1, max_hours + 1)),
            help=f"How long from now, 1 to {max_hours} hours.",
        )
        end.add_argument(
            "--until",
            metavar="TIME",
            type=parse_time,
            help=f"Until when, in RFC 3339 with its zone; at most {max_hours} hours from now.",
        )
        parser.add_argument(
            "--reason", metavar="TEXT", required=True, help="Why; everybody will read it."
        )

    def run(self, **options: Any) -> None:
        at = timezone.now()
        freeze = start_freeze(
            reason=options["reason"],
            ends_at=options["until"] or at + timedelta(hours=options["hours"]),
            founder=options["actor"],
            at=at,
        )
        if options["as_json"]:
            self.print_json(
                {
                    "freeze": freeze.pk,
                    "reason": freeze.reason,
                    "started_at": timestamp(freeze.started_at),
                    "ends_at": timestamp(freeze.ends_at),
                }
            )
        else:
            self.say(f"freeze {freeze.pk}: changes are frozen until {timestamp(freeze.ends_at)}")
