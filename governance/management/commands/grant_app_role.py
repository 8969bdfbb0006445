"""`grant_app_role`: the rights under which the site runs, and no others."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, ClassVar

from django.db import connections

from governance.db.app_role import apply_grants, require_unprivileged_role
from governance.db.grants import grant_statements
from governance.management.base import REFUSED, GovernanceCommand
from governance.management.roles import owner_alias


class Command(GovernanceCommand):
    help = """Give a database role the rights that the web and the workers need, and no others.

Such a role adds to the record, but cannot change or remove what is on it, nor switch a law off.
Prints the SQL, for the owner of the tables to run with psql; with --apply it runs it, in one
transaction, and looks at what the role can do in the end. Rights that the role has beyond these
are taken away, and so is what everybody may do by default (temporary tables, new objects in our
schema). Running it again changes nothing.

The role must be there (CREATE ROLE name LOGIN PASSWORD '…'). It is refused if grants cannot bind
it: a superuser, an owner of anything that is ours, or who may become one of those. --apply works as
the owner: under DATABASE_OWNER_URL, or on the embedded server. `migrate` does this by itself where
the application has a role of its own."""

    examples: ClassVar[tuple[str, ...]] = (
        "grant_app_role govsite_app | psql service=owner",
        "grant_app_role govsite_app --apply",
    )
    exit_codes: ClassVar[dict[int, str]] = {
        REFUSED: "refused, and nothing changed: role_missing, role_too_strong, not_the_owner, "
        "not_migrated"
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", metavar="ROLE", help="The role that the application runs as.")
        parser.add_argument(
            "--apply", action="store_true", help="Run the SQL instead of printing it."
        )

    def run(self, *, role: str, apply: bool, **_: Any) -> None:
        using = owner_alias()
        if apply:
            apply_grants(using=using, role=role)
            self.note(f"The role {role} has the rights of the application, and no others.")
            return
        with connections[using].cursor() as cursor:
            require_unprivileged_role(cursor, role=role)
            cursor.execute("SELECT current_database()")
            (database,) = cursor.fetchone()
        self.say("BEGIN;")
        for statement in grant_statements(role=role, database=database):
            self.say(f"{statement};")
        self.say("COMMIT;")
