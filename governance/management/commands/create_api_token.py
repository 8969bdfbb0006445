"""A client of the API gets its token."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from governance.flows.accounts import DEFAULT_TOKEN_DAYS, TOKEN_DAYS, issue_token
from governance.management.base import GovernanceCommand
from governance.management.values import number_in
from governance.vocabulary.canonical import timestamp
from governance.vocabulary.roles import Role


def _role(text: str) -> Role:
    try:
        return Role(text.capitalize())
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a role: {', '.join(Role)}") from None


class Command(GovernanceCommand):
    help = """Make a token for the API, and print it: once, for only its hash is kept.

The account is put into the group of the role, whose permissions the token then carries. Send it
as "Authorization: Bearer TOKEN"."""

    # Handing out a role is managing users; none of the chain's own roles may do that.
    permission = "auth.change_user"
    has_json = True
    examples = (
        "create_api_token deployer --role Executor --create --as admin",
        "create_api_token outside-auditor --role Auditor --days 30 --as admin --json",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USER", help="Whose token it is.")
        parser.add_argument(
            "--role",
            required=True,
            type=_role,
            metavar="ROLE",
            help="What the account may do: " + ", ".join(Role) + ".",
        )
        parser.add_argument(
            "--days",
            metavar="N",
            type=number_in(TOKEN_DAYS),
            default=DEFAULT_TOKEN_DAYS,
            help="How long the token is good, 1 to 365 (default: %(default)s).",
        )
        parser.add_argument(
            "--create",
            action="store_true",
            help="If there is no such account, make a service account that cannot log in.",
        )

    def run(self, **options: Any) -> None:
        token, text = issue_token(
            username=options["username"],
            role=options["role"],
            days=options["days"],
            create=options["create"],
        )
        if options["as_json"]:
            self.print_json(
                {
                    "user": options["username"],
                    "role": options["role"],
                    "token": text,
                    "expires_at": timestamp(token.expiry),
                }
            )
        else:
            self.say(text)
            self.note(
                f"{options['username']} ({options['role']}), until {token.expiry:%Y-%m-%d %H:%M} "
                "UTC. It is not shown again."
            )
