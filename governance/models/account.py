"""Account: a person or a service account, with a 64-bit id of its own."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.validators import ASCIIUsernameValidator
from django.core.exceptions import ValidationError
from django.db import models

from governance.domain.names import name_key
from governance.domain.roles import MACHINE_PERMISSIONS, Role


class Account(AbstractUser):
    """A person who logs in, or a service account that only has API tokens.

    A user name is ASCII, and looks like no other user name. The database guard
    `username_unlike_others` computes `username_key`; an account of an earlier version whose name
    looks like an older one's has none.
    """

    username = models.CharField(
        max_length=150,
        unique=True,
        validators=[ASCIIUsernameValidator()],
        help_text="Required. 150 characters or fewer. English letters, digits and @/./+/-/_ only.",
        error_messages={"unique": "A user with that username already exists."},
    )
    username_key = models.CharField(max_length=300, null=True, editable=False)  # noqa: DJ001
    # Which authority's own account this is; null for people and services. A migration makes these
    # accounts, and the database guard `machine_account_closed` keeps them as they are.
    machine = models.CharField(max_length=20, null=True, unique=True, editable=False)  # noqa: DJ001
    # What Django's tables grant the account, and its groups, if a query has read that together with
    # it (services/access/callers.py); otherwise `has_perm` and `has_role` read it.
    known_permissions: frozenset[str] | None = None
    known_groups: frozenset[str] | None = None

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(fields=["username_key"], name="username_unlike_others")
        ]

    def clean(self) -> None:
        """Refuse a user name that looks like another one.

        Raises:
            ValidationError: with the other user name.
        """
        super().clean()
        others = Account.objects.filter(username_key=name_key(self.username or ""))
        if other := others.exclude(pk=self.pk).exclude(username=self.username).first():
            raise ValidationError({"username": f"It looks like {other}, which is another user."})

    def save(self, *args: Any, **options: Any) -> None:
        """Save the account; a new one is checked, because `createsuperuser` does not check it."""
        if self.pk is None:
            self.clean()
        super().save(*args, **options)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Return whether the account may do `perm`; an inactive account may do nothing."""
        if self.machine is not None:
            return perm in {f"governance.{one}" for one in MACHINE_PERMISSIONS[self.machine]}
        if self.known_permissions is None:
            return super().has_perm(perm, obj)
        return self.is_active and (self.is_superuser or perm in self.known_permissions)

    def has_role(self, role: Role) -> bool:
        """Return whether the account is active and in the group of `role`, superuser or not."""
        if self.known_groups is None:
            self.known_groups = frozenset(self.groups.values_list("name", flat=True))
        return self.is_active and role in self.known_groups
