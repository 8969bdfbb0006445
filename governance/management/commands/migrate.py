"""Bring the tables, triggers and functions of the database to this version of govsite.

All of them are in one PostgreSQL schema (GOVSITE_SCHEMA), which is created if it is missing. The
command runs as the owner of the tables: the role of GOVSITE_OWNER_DATABASE_URL, or the superuser
of the embedded server. Then it gives the role of the application (DATABASE_URL) its rights, as
grant_app_role --apply does. If the application runs as the owner itself, no rights are granted.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.management.base import CommandParser
from django.core.management.commands import migrate

from governance.db.app_role import apply_grants, has_all_tables
from governance.management.base import REFUSED, GovernanceCommand
from governance.management.roles import OWNER_ALIAS, application_role, has_two_roles, owner_alias
from governance.management.schema import create_schema, require_no_earlier_version


class Command(GovernanceCommand, migrate.Command):
    help = __doc__

    examples = ("migrate", "migrate --plan", "migrate --check")
    exit_codes: ClassVar[dict[int, str]] = {
        REFUSED: "refused: earlier_version; or migrated, but the rights of the application's role "
        "were not granted: not_the_owner, role_too_strong"
    }

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=owner_alias())

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry_run = options["plan"] or options["check_unapplied"]
        require_no_earlier_version(using=options["database"])
        if not is_dry_run:
            create_schema(using=options["database"])
        migrate.Command.handle(self, **options)
        if is_dry_run or options["database"] != OWNER_ALIAS or not has_two_roles():
            return
        # After a migration backwards, tables that the grants name may be missing.
        if has_all_tables(using=OWNER_ALIAS):
            apply_grants(using=OWNER_ALIAS, role=application_role())
