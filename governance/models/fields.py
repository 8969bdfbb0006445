"""Fields that several tables share, so that they are spelled alike everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django_fsm import ConcurrentTransitionMixin
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A UUID whose order is that of its making, so that indexes grow at one end."""
    return uuid7()


def choices_of(values: type[StrEnum]) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]


def one_of(column: str, values: type[StrEnum], *, name: str) -> models.CheckConstraint:
    """PostgreSQL's own copy of a closed set; Django's `choices` do not reach the database."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{column}__in": [str(value) for value in values]}), name=name
    )


def word_field(values: type[StrEnum], **options: Any) -> models.CharField:
    """Text out of a closed set."""
    return models.CharField(max_length=20, choices=choices_of(values), **options)


def digest_field(**options: Any) -> models.CharField:
    """SHA-256 as 64 hexadecimal digits."""
    return models.CharField(max_length=64, **options)


def user_field(**options: Any) -> models.ForeignKey:
    """Somebody who did something: the record keeps them, so they cannot be deleted."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", **options
    )


class Moving(ConcurrentTransitionMixin, models.Model):
    """A row whose `status` moves along its lifecycle, and says when it last did: `updated_at`.

    Saving refuses (ConcurrentTransition) when the status moved since the row was read.

    That is the time of the last ledger entry about the row, so no record holds it beside; the law
    `ledger_tells_update` refuses a commit where it is not, and verification looks again.
    """

    updated_at = models.DateTimeField()

    class Meta:
        abstract = True

    @property
    def state_fields(self) -> tuple[Any, ...]:
        """What django-fsm looks for among all fields, for each row anew."""
        return (self._meta.get_field("status"),)

    def mark_changed(self, at: datetime) -> None:
        """What the row says of it once it is written. Machines' clocks differ a little; it never
        goes back."""
        self.updated_at = max(self.updated_at, at)

    def save_change(self, fields: Iterable[str] = (), *, at: datetime) -> None:
        """Write `fields` of the row, which the caller has locked and tells of in the ledger.

        `at` is when it changed.
        """
        self.mark_changed(at)
        self.save(update_fields=[*fields, "updated_at"])
