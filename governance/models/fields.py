"""Fields that several tables share, so that they are spelled alike everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django_fsm import ConcurrentTransitionMixin, FSMField
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A UUID whose order is that of its making, so that indexes grow at one end."""
    return uuid7()


def choices_of(values: type[StrEnum]) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]


class _OfClosedSet(models.Field):
    """Text out of a closed set. Migrations leave the set to its constraint (`ClosedSet`)."""

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        for option in ("choices", "max_length", "protected"):
            options.pop(option, None)
        if "default" in options:
            options["default"] = str(options["default"])
        return name, path, args, options


class ChoiceField(_OfClosedSet, models.CharField):
    """Text out of a closed set."""

    def __init__(self, values: Iterable[StrEnum] = (), **options: Any) -> None:
        options = {"max_length": 20, "choices": _choices(values)} | options
        super().__init__(**options)


class StatusField(_OfClosedSet, FSMField):
    """A status, which moves along its lifecycle: only a transition sets it."""

    def __init__(self, values: Iterable[StrEnum] = (), **options: Any) -> None:
        options = {"max_length": 20, "choices": _choices(values), "protected": True} | options
        super().__init__(**options)


def _choices(values: Iterable[StrEnum]) -> list[tuple[str, str]] | None:
    return [(str(value), str(value)) for value in values] or None


class NamesField(ArrayField):
    """Several names, in the order in which they were given."""

    def __init__(self, *, max_length: int = 200, **options: Any) -> None:
        options.pop("size", None)
        super().__init__(models.CharField(max_length=max_length), **options)

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        del options["base_field"], options["size"]
        if self.base_field.max_length != 200:
            options["max_length"] = self.base_field.max_length
        return name, path, args, options


class IdField(models.UUIDField):
    """A key that grows with time, made here and not by the database."""

    def __init__(self, **options: Any) -> None:
        fixed: dict[str, Any] = {"primary_key": True, "default": new_id, "editable": False}
        super().__init__(**(fixed | options))

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        for option in ("primary_key", "default", "editable", "serialize"):
            options.pop(option, None)
        return name, path, args, options


class _Kept(models.ForeignKey):
    """A reference to what the record keeps, so that it cannot be deleted.

    A field that always refers to the same table names it as its `target`.
    """

    target = ""

    def __init__(self, to: Any = None, on_delete: Any = models.PROTECT, **options: Any) -> None:
        super().__init__(to or self.target, on_delete, **options)

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        del options["on_delete"]
        if self.target:
            del options["to"]
        return name, path, args, options


class KeptOneToOneField(_Kept, models.OneToOneField):
    """One row to one that the record keeps."""


class ContractField(_Kept):
    """The contract that a row belongs to."""

    target = "governance.SystemContract"


class JobField(_Kept):
    """The job that a row belongs to."""

    target = "governance.GovernanceJob"


class OneJobField(_Kept, models.OneToOneField):
    """The job that a row belongs to, and no other row of its table."""

    target = "governance.GovernanceJob"


class AccountField(_Kept):
    """Somebody who did something: the record keeps them, so they cannot be deleted."""

    target = settings.AUTH_USER_MODEL

    def __init__(self, to: Any = None, **options: Any) -> None:
        super().__init__(to, **{"related_name": "+"} | options)

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        del options["related_name"]
        return name, path, args, options


def choice_field(values: type[StrEnum], **options: Any) -> models.CharField:
    """Text out of a closed set."""
    return ChoiceField(values, **options)


def digest_field(**options: Any) -> models.CharField:
    """SHA-256 as 64 hexadecimal digits."""
    return models.CharField(max_length=64, **options)


def user_field(**options: Any) -> models.ForeignKey:
    """Somebody who did something."""
    return AccountField(**options)


class StatefulModel(ConcurrentTransitionMixin, models.Model):
    """A row whose `status` moves along its lifecycle, and says when it last did: `updated_at`.

    Saving refuses (ConcurrentTransition) when the status moved since the row was read.

    That is the time of the last ledger entry about the row, so no record holds it beside; the law
    `ledger_covers_update` refuses a commit where it is not, and verification looks again.
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
