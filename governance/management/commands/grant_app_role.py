"""Give a PostgreSQL role the rights that the site needs, and no others.

Such a role can add to the record, but cannot change or delete what is recorded, and cannot disable
a database guard (a trigger or constraint). The command prints the SQL, which the owner of the
tables runs with psql. With --apply the command runs the SQL itself, in one transaction, and then
checks what the role can do. The role loses all other rights in this database. PUBLIC, that is every
role, loses the rights on the site's tables, and the rights to make temporary tables and to create
objects in the site's schema. Running the command again changes nothing.

The role must exist (CREATE ROLE name LOGIN PASSWORD '…'). It is refused if grants cannot limit it:
if it is a superuser, owns the database, the schema, a table or a function of the site, or may
become such a role. --apply needs the connection of the owner: GOVSITE_OWNER_DATABASE_URL, or the
embedded server. `migrate` does the same if the application has a role of its own.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import ClassVar

from django.db import connections

from governance.db.app_role import apply_grants, require_unprivileged_role
from governance.db.grants import grant_statements
from governance.management.base import REFUSED, GovernanceCommand
from governance.management.roles import owner_alias


class Command(GovernanceCommand):
    help = __doc__

    examples: ClassVar[tuple[str, ...]] = (
        "grant_app_role govsite_app | psql service=owner",
        "grant_app_role govsite_app --apply",
    )
    exit_codes: ClassVar[dict[int, str]] = {
        REFUSED: "refused, and nothing was changed: role_missing, role_too_strong, not_the_owner, "
        "not_migrated"
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", metavar="ROLE", help="The role that the application runs as.")
        parser.add_argument(
            "--apply", action="store_true", help="Run the SQL instead of printing it."
        )

    def run(self, *, role: str, apply: bool) -> None:
        using = owner_alias()
        if apply:
            apply_grants(using=using, role=role)
            self.note(f"The role {role} has the rights of the application and no others.")
            return
        with connections[using].cursor() as cursor:
            require_unprivileged_role(cursor, role=role)
            cursor.execute("SELECT current_database()")
            (database,) = cursor.fetchone()
        for statement in ("BEGIN", *grant_statements(role=role, database=database), "COMMIT"):
            self.stdout.write(f"{statement};")
