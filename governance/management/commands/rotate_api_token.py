"""Create the successor of an API token and print it. It is printed only now: only its
hash is stored.

The successor has the same account, name, verbs, capabilities and lifetime. The old token works for
some hours more, so that the client can change to the new one without an interruption.
"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta

from governance.domain.tokens import DEFAULT_OVERLAP_HOURS, OVERLAP_HOURS
from governance.management.base import GovernanceCommand
from governance.management.tokens import add_token_argument, report_new_token
from governance.management.values import number_in
from governance.models import Account
from governance.services.access.queries import find_token
from governance.services.access.tokens import rotate_token


class Command(GovernanceCommand):
    help = __doc__

    permission = "governance.change_account"
    has_json = True
    examples = (
        "rotate_api_token 7dad40d2 --as admin",
        "rotate_api_token 01a20444-2107-75be-ae46-75a54fe02b96 --overlap-hours 1 --as admin",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_token_argument(parser)
        parser.add_argument(
            "--overlap-hours",
            metavar="N",
            type=number_in(OVERLAP_HOURS),
            default=DEFAULT_OVERLAP_HOURS,
            help="How many hours the old token still works, 0 to 168 (default: %(default)s).",
        )

    def run(self, *, token: str, overlap_hours: int, actor: Account) -> None:
        old, overlap = find_token(token), timedelta(hours=overlap_hours)
        successor, text = rotate_token(token_id=old.pk, actor=actor, overlap=overlap)
        report_new_token(self, successor, text, rotated_from=old.pk)
