"""Start a change freeze: no contract is approved or activated, and no job is claimed or
started, until the freeze ends.

Running jobs continue, and their reports and verdicts are accepted. Activation windows and reviews
go on and may end meanwhile. A freeze ends at its time, or by lift_freeze. Freezes may overlap:
changes are frozen while at least one freeze is active.
"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime, timedelta

from django.conf import settings

from governance.db.clock import database_now
from governance.domain.canonical import timestamp
from governance.domain.roles import Role
from governance.management.base import GovernanceCommand
from governance.management.values import add_reason_argument, number_in, parse_time
from governance.models import Account
from governance.services.freezes.operations import start_freeze


class Command(GovernanceCommand):
    help = __doc__

    role = Role.FOUNDER
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
            help=f"How many hours the freeze lasts from now, 1 to {max_hours}.",
        )
        end.add_argument(
            "--until",
            metavar="TIME",
            type=parse_time,
            help="When the freeze ends, in RFC 3339 with a time zone; at most "
            f"{max_hours} hours from now.",
        )
        add_reason_argument(
            parser, "The reason, which is shown to everybody whom the freeze stops."
        )

    def run(self, *, hours: int, until: datetime | None, reason: str, actor: Account) -> None:
        ends_at = until or database_now() + timedelta(hours=hours)
        freeze = start_freeze(reason=reason, ends_at=ends_at, founder=actor)
        self.report(
            {
                "freeze": freeze.pk,
                "reason": freeze.reason,
                "started_at": timestamp(freeze.started_at),
                "ends_at": timestamp(freeze.ends_at),
            },
            f"freeze {freeze.pk}: changes are frozen until {timestamp(freeze.ends_at)}",
        )
