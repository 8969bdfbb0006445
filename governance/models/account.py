"""Account: a person or a service account, with a 64-bit id of its own."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser


class Account(AbstractUser):
    """A person who logs in, or a service account that only has API tokens."""

    # What Django's tables grant the account, if a query has read that together with it
    # (services/access/callers.py); otherwise `has_perm` reads it.
    known_permissions: frozenset[str] | None = None

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Return whether the account may do `perm`; an inactive account may do nothing."""
        if self.known_permissions is None:
            return super().has_perm(perm, obj)
        return self.is_active and (self.is_superuser or perm in self.known_permissions)
