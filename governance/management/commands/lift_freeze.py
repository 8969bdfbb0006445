"""Lift every active change freeze before its end, or with --freeze only one of them."""

from __future__ import annotations

from argparse import ArgumentParser
from uuid import UUID

from governance.domain.canonical import timestamp
from governance.domain.roles import Role
from governance.flows.lift_freezes import lift_freezes
from governance.management.base import GovernanceCommand
from governance.management.values import add_reason_argument, parse_id
from governance.models import Account
from governance.services.freezes.queries import active_freeze


class Command(GovernanceCommand):
    help = __doc__

    role = Role.FOUNDER
    has_json = True
    examples = (
        'lift_freeze --reason "The payment provider is back" --as founder',
        'lift_freeze --freeze 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11 --reason "Over" --as founder',
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--freeze", metavar="ID", type=parse_id, help="Lift only this freeze, given by its id."
        )
        add_reason_argument(parser, "Why changes are possible again; the reason is stored.")

    def run(self, *, freeze: UUID | None, reason: str, actor: Account) -> None:
        lifts = lift_freezes(freeze_id=freeze, reason=reason, founder=actor)
        still = active_freeze()
        until = timestamp(still.until) if still else None
        self.report(
            {"lifted": [lift.freeze_id for lift in lifts], "frozen_until": until},
            *(f"freeze {lift.freeze_id}: lifted" for lift in lifts),
            f"changes are still frozen until {until}" if until else "no freeze is active",
        )
