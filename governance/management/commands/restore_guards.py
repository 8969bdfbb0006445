"""Install the SQL functions and triggers of govsite again, in one transaction.

For a database in which `doctor` finds that a trigger is off or missing, or that a function has
another body. First find out who changed it and why: as long as a guard was off, what it guards may
have been broken (`verify_ledger` recomputes the record). A trigger that is none of govsite's stays.

The owner of the tables runs it: GOVSITE_OWNER_DATABASE_URL, or the embedded server.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import connections

from governance.db.app_role import apply_grants, require_owner
from governance.db.installed import guard_problems, install_guards
from governance.domain.wording import plural
from governance.management.base import REFUSED, GovernanceCommand
from governance.management.roles import application_role, has_two_roles, owner_alias


class Command(GovernanceCommand):
    help = __doc__

    examples: ClassVar[tuple[str, ...]] = ("restore_guards",)
    exit_codes: ClassVar[dict[int, str]] = {
        REFUSED: "refused, and nothing was changed: not_the_owner, not_migrated"
    }

    def run(self) -> None:
        using = owner_alias()
        with connections[using].cursor() as cursor:
            require_owner(cursor)
        differing = len(guard_problems(using=using))
        install_guards(using=using)
        if has_two_roles():
            # A function that was missing has no rights yet.
            apply_grants(using=using, role=application_role())
        self.stdout.write(f"Installed again; before, {plural(differing, 'guard')} differed.")
