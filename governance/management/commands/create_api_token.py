"""Create an API token and print it. It is printed only now: only its hash is stored.

The token belongs to a service account, which cannot log in. The command adds the account to the
group of the role. The token has all permissions of the account, or only those that --verb names. It
reaches all contracts, or only those that affect no capability except the ones that --capability
names. A client sends the token as "Authorization: Bearer TOKEN".
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from governance.domain.roles import Role
from governance.domain.tokens import DEFAULT_TOKEN_DAYS, TOKEN_DAYS, TOKEN_VERBS
from governance.management.base import GovernanceCommand
from governance.management.tokens import report_new_token
from governance.management.values import number_in
from governance.services.access.tokens import issue_token


class Command(GovernanceCommand):
    help = __doc__

    # The command gives a role to an account, so it needs the permission to manage accounts.
    permission = "governance.change_account"
    has_json = True
    examples = (
        "create_api_token deployer --role Executor --create --as admin",
        "create_api_token outside-auditor --role Auditor --days 30 --as admin --json",
        "create_api_token search-worker --role Executor --create --name 'search, rack 3' \\\n"
        "      --verb execute_job --verb view_jobstep --capability Search --as admin",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USER", help="The account of the token.")
        parser.add_argument(
            "--role",
            required=True,
            type=str.capitalize,
            choices=[str(role) for role in Role],
            metavar="ROLE",
            help="The role that the account gets: " + ", ".join(Role) + ".",
        )
        parser.add_argument(
            "--days",
            metavar="N",
            type=number_in(TOKEN_DAYS),
            default=DEFAULT_TOKEN_DAYS,
            help="How many days the token is valid, 1 to 365 (default: %(default)s).",
        )
        parser.add_argument(
            "--create",
            action="store_true",
            help="If the account does not exist, create it as a service account.",
        )

        parser.add_argument(
            "--name", metavar="TEXT", default="", help="What the token is for; lists show it."
        )
        parser.add_argument(
            "--verb",
            dest="verbs",
            action="append",
            choices=tuple(TOKEN_VERBS),
            metavar="VERB",
            help="Limit the token to this permission; repeat the option for several: "
            + ", ".join(TOKEN_VERBS)
            + ". Without the option: all permissions of the account.",
        )
        parser.add_argument(
            "--capability",
            dest="capabilities",
            action="append",
            metavar="NAME",
            help="Limit the token to contracts that affect only this capability, and to their "
            "jobs; repeat the option for several capabilities. SYSTEM, the whole platform, has to "
            "be named like a capability. Without the option: all contracts.",
        )

    def run(self, *, role: str, **options: Any) -> None:
        token, text = issue_token(role=Role(role), **options)
        report_new_token(self, token, text, role=role)
