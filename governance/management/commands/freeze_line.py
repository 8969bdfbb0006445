"""A founder stops the line."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from governance.flows.freeze_line import freeze_line
from governance.management.base import GovernanceCommand
from governance.management.values import moment, number_in
from governance.review.policy import REVIEW_PERMISSION
from governance.vocabulary.canonical import timestamp


class Command(GovernanceCommand):
    help = """Stop the line: until it ends, nothing is approved, activated, claimed or started.

Jobs that run go on, and so do their reports and verdicts; windows and reviews whose time passes
meanwhile end as always. It ends by the clock, or by thaw_line. Freezes may overlap: the line
stands still while any one is in force."""

    permission = REVIEW_PERMISSION
    has_json = True
    examples = (
        'freeze_line --hours 4 --reason "The payment provider is down" --as founder',
        'freeze_line --until 2026-12-27T08:00:00Z --reason "Holidays" --as founder --json',
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        longest = settings.GOVERNANCE["LONGEST_FREEZE_HOURS"]
        end = parser.add_mutually_exclusive_group(required=True)
        end.add_argument(
            "--hours",
            metavar="N",
            type=number_in(range(1, longest + 1)),
            help=f"How long from now, 1 to {longest} hours.",
        )
        end.add_argument(
            "--until",
            metavar="TIME",
            type=moment,
            help=f"Until when, in RFC 3339 with its zone; at most {longest} hours from now.",
        )
        parser.add_argument(
            "--reason", metavar="TEXT", required=True, help="Why; everybody will read it."
        )

    def run(self, **options: Any) -> None:
        at = timezone.now()
        freeze = freeze_line(
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
                    "frozen_at": timestamp(freeze.frozen_at),
                    "ends_at": timestamp(freeze.ends_at),
                }
            )
        else:
            self.say(f"freeze {freeze.pk}: the line is frozen until {timestamp(freeze.ends_at)}")
