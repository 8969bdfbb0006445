"""Account: a person or a service account, with a 64-bit id of its own."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser

from governance.domain.roles import Role


class Account(AbstractUser):
    """A person who logs in, or a service account that only has API tokens."""

    # What Django's tables grant the account, and its groups, if a query has read that together with
    # it (services/access/callers.py); otherwise `has_perm` and `has_role` read it.
    known_permissions: frozenset[str] | None = None
    known_groups: frozenset[str] | None = None

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Return whether the account may do `perm`; an inactive account may do nothing."""
        if self.known_permissions is None:
            return super().has_perm(perm, obj)
        return self.is_active and (self.is_superuser or perm in self.known_permissions)

    def has_role(self, role: Role) -> bool:
        """Return whether the account is active and in the group of `role`, superuser or not."""
        if self.known_groups is None:
            self.known_groups = frozenset(self.groups.values_list("name", flat=True))
        return self.is_active and role in self.known_groups
