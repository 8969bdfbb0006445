"""A founder lets the line run again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from governance.flows.freeze_line import thaw_freeze, thaw_line
from governance.management.base import GovernanceCommand
from governance.management.values import identifier
from governance.review.policy import REVIEW_PERMISSION
from governance.review.queries import freeze_in_force
from governance.vocabulary.canonical import timestamp


class Command(GovernanceCommand):
    help = """Let the line run again before its freeze ends by itself.

Every freeze that is in force is thawed, or with --freeze only that one."""

    permission = REVIEW_PERMISSION
    has_json = True
    examples = (
        'thaw_line --reason "The payment provider is back" --as founder',
        'thaw_line --freeze 019e4c5e-7a31-7c10-b0f2-6d0a6f0a9b11 --reason "Over" --as founder',
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--freeze", metavar="ID", type=identifier, help="Only this freeze; others stay."
        )
        parser.add_argument("--reason", metavar="TEXT", required=True, help="Why it may run again.")

    def run(self, **options: Any) -> None:
        at = timezone.now()
        why: dict[str, Any] = {"reason": options["reason"], "founder": options["actor"], "at": at}
        if options["freeze"]:
            thaws = [thaw_freeze(freeze_id=options["freeze"], **why)]
        else:
            thaws = thaw_line(**why)
        still = freeze_in_force(timezone.now())
        until = timestamp(still.until) if still else None
        if options["as_json"]:
            self.print_json({"thawed": [thaw.freeze_id for thaw in thaws], "frozen_until": until})
            return
        for thaw in thaws:
            self.say(f"freeze {thaw.freeze_id}: thawed")
        self.say(f"the line is still frozen until {until}" if until else "the line runs")
