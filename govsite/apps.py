"""The Django app of the site: its system checks, and the groups of a new database."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate


class GovernanceConfig(AppConfig):
    name = "governance"
    verbose_name = "Governance"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from governance.management.clock_check import check_clock
        from governance.management.roles import check_application_role
        from governance.management.routes_check import check_routes_file

        post_migrate.connect(_make_missing_groups, sender=self)
        register(check_application_role, deploy=True)
        register(check_clock, deploy=True)
        register(check_routes_file, deploy=True)


def _make_missing_groups(using: str, **_: Any) -> None:
    """Create the missing groups after a migration, when Django has created the permissions."""
    from django.contrib.auth.models import Group, Permission

    from governance.domain.roles import ROLE_PERMISSIONS

    for role, codenames in ROLE_PERMISSIONS.items():
        group, is_new = Group.objects.using(using).get_or_create(name=str(role))
        if is_new:
            group.permissions.set(
                Permission.objects.using(using).filter(
                    content_type__app_label="governance", codename__in=codenames
                )
            )
