"""Django's `migrate`, as the owner of the tables; the application's rights follow its tables."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.management.base import CommandParser
from django.core.management.commands import migrate

from governance.db.app_role import apply_grants, has_all_tables
from governance.management.base import REFUSED, GovernanceCommand
from governance.management.roles import OWNER_ALIAS, application_role, has_two_roles, owner_alias
from governance.management.schema import create_schema, require_no_earlier_version


class Command(GovernanceCommand, migrate.Command):
    help = """Bring the database's tables and laws to what this version of the code expects.

Everything is in one schema (GOVSITE_SCHEMA), which is created where it is missing. Runs as the
owner of the tables (DATABASE_OWNER_URL; on the embedded server its superuser), and then gives the
application's role (DATABASE_URL) its rights anew, as grant_app_role --apply does. Where
there is only one role, it does both."""

    examples = ("migrate", "migrate --plan", "migrate --check")
    exit_codes: ClassVar[dict[int, str]] = {
        REFUSED: "refused, and nothing changed: earlier_version, not_the_owner, role_too_strong"
    }

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=owner_alias())

    def run(self, **options: Any) -> None:
        is_dry_run = options["plan"] or options["check_unapplied"]
        require_no_earlier_version(using=options["database"])
        if not is_dry_run:
            create_schema(using=options["database"])
        migrate.Command.handle(self, **options)
        if is_dry_run or options["database"] != OWNER_ALIAS or not has_two_roles():
            return
        # Where somebody went back to an earlier state, there is nothing whole to open.
        if has_all_tables(using=OWNER_ALIAS):
            apply_grants(using=OWNER_ALIAS, role=application_role())
