"""A token of the API ends, at once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from governance.management.base import GovernanceCommand
from governance.management.tokens import add_token_argument, token_document
from governance.services.access.tokens import find_token, revoke_token


class Command(GovernanceCommand):
    help = """Revoke a token: from now on it opens nothing, and nobody can take that back.

A job that was started with it ends by its lease, unless its account goes on with another token. A
successor that the token was given by rotate_api_token goes on."""

    permission = "governance.change_account"
    has_json = True
    examples = (
        'revoke_api_token 7dad40d2 --reason "It stood in a log" --as admin',
        "revoke_api_token 01a20444-2107-75be-ae46-75a54fe02b96 --as admin --json",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_token_argument(parser)
        parser.add_argument(
            "--reason", metavar="TEXT", default="", help="Why; it stays beside the token."
        )

    def run(self, **options: Any) -> None:
        at = timezone.now()
        token = revoke_token(
            token_id=find_token(options["token"]).pk,
            actor=options["actor"],
            at=at,
            reason=options["reason"],
        )
        if options["as_json"]:
            self.print_json(token_document(token, at=at))
        else:
            self.say(f"{token.pk} {token.beginning} of {token.user} is revoked")
