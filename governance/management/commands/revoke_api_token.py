"""Revoke an API token. It stops working at once, and cannot be restored.

A job that was started with the token fails when its lease ends, unless its account reports with
another token. A successor of the token, made by rotate_api_token, keeps working.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from governance.management.base import GovernanceCommand
from governance.management.tokens import add_token_argument, token_document
from governance.services.access.queries import find_token
from governance.services.access.tokens import revoke_token


class Command(GovernanceCommand):
    help = __doc__

    permission = "governance.change_account"
    has_json = True
    examples = (
        'revoke_api_token 7dad40d2 --reason "It was printed in a log" --as admin',
        "revoke_api_token 01a20444-2107-75be-ae46-75a54fe02b96 --as admin --json",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_token_argument(parser)
        parser.add_argument(
            "--reason", metavar="TEXT", default="", help="The reason, stored with the token."
        )

    def run(self, *, token: str, **options: Any) -> None:
        revoked = revoke_token(token_id=find_token(token).pk, **options)
        self.report(
            token_document(revoked, at=timezone.now()),
            f"{revoked.pk} {revoked.beginning} of {revoked.user} is revoked",
        )
