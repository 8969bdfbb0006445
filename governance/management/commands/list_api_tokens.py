"""List the valid API tokens, newest first. Neither the token nor its hash is shown."""

from __future__ import annotations

from argparse import ArgumentParser

from django.utils import timezone

from governance.domain.strict_json import require_plain_json
from governance.domain.values import TokenState
from governance.management.base import GovernanceCommand
from governance.management.tokens import token_document, token_line
from governance.services.access.queries import all_tokens


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples = (
        "list_api_tokens",
        "list_api_tokens --user deployer --all --json",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", metavar="USER", help="List only the tokens of this account.")
        parser.add_argument(
            "--all", action="store_true", help="Also list expired and revoked tokens."
        )

    def run(self, *, user: str | None, all: bool) -> None:
        at = timezone.now()
        tokens = all_tokens()
        if user is not None:
            require_plain_json(user, "--user")
            tokens = tokens.filter(user__username=user)
        shown = [token for token in tokens if all or token.state_at(at) is TokenState.LIVE]
        self.report(
            [token_document(token, at=at) for token in shown],
            *(token_line(token, at=at) for token in shown),
        )
