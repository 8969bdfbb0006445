"""Fields that several tables share, with the same options everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django_fsm import FSMField, transition
from uuid_utils.compat import uuid7

from governance.domain.names import MAX_KEY_LENGTH, name_key

P = ParamSpec("P")
R = TypeVar("R")


def new_id() -> UUID:
    """Make a UUID that sorts by its time of creation, so that indexes grow at one end."""
    return uuid7()


def choices_of(values: Iterable[StrEnum]) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]


class ChoiceField(models.CharField):
    """A text field with a fixed set of values; migrations have the set only in a `closed_set`."""

    def __init__(self, values: Iterable[StrEnum] = (), **options: Any) -> None:
        fixed = {"max_length": 20, "choices": choices_of(values) or None}
        super().__init__(**(fixed | options))

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        for option in ("choices", "max_length", "protected"):
            options.pop(option, None)
        if "default" in options:
            options["default"] = str(options["default"])
        return name, path, args, options


class StatusField(ChoiceField, FSMField):
    """A status that only a django-fsm transition sets."""

    def __init__(self, values: Iterable[StrEnum] = (), **options: Any) -> None:
        super().__init__(values, **({"protected": True} | options))


def names_field(*, max_length: int = 200, **options: Any) -> ArrayField:
    """Make a field for a list of names, in the given order."""
    return ArrayField(models.CharField(max_length=max_length), **options)


def id_field() -> models.UUIDField:
    """Make a primary key that grows with time, made in Python."""
    # Django itself sets `serialize` of a primary key, but not in a migration.
    return models.UUIDField(primary_key=True, default=new_id, editable=False, serialize=False)


def one_to_one_field(to: Any, **options: Any) -> models.OneToOneField:
    """Make a one-to-one relation that protects the row it refers to from deletion."""
    return models.OneToOneField(to, on_delete=models.PROTECT, **options)


def contract_key(**options: Any) -> models.ForeignKey:
    """Make a foreign key to the contract that a row belongs to."""
    return models.ForeignKey("governance.SystemContract", on_delete=models.PROTECT, **options)


def job_key(**options: Any) -> models.ForeignKey:
    """Make a foreign key to the job that a row belongs to."""
    return models.ForeignKey("governance.GovernanceJob", on_delete=models.PROTECT, **options)


def account_key(**options: Any) -> models.ForeignKey:
    """Make a foreign key to the account that did something.

    The account cannot be deleted, because the record refers to it.
    """
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", **options
    )


def digest_field(**options: Any) -> models.CharField:
    """Make a field for a SHA-256 as 64 hexadecimal digits."""
    return models.CharField(max_length=64, **options)


class NameKeyField(models.CharField):
    """The `name_key` of another field, computed whenever the row is saved."""

    def __init__(self, of: str = "", **options: Any) -> None:
        self.of = of
        super().__init__(**({"max_length": MAX_KEY_LENGTH, "editable": False} | options))

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = name_key(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, key)
        return key

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, {**options, "of": self.of}


def moves_to(
    sources_of: Callable[[Any], Sequence[str]], target: StrEnum
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make the decorator of a method that moves `status` to `target` from one of its sources."""
    return transition(field="status", source=sources_of(target), target=target)


class StatefulModel(models.Model):
    """A model whose `status` moves along a lifecycle.

    `updated_at` is the time of the last ledger entry about the row. The database guard
    `ledger_covers_update` checks that at the commit, and verification checks it again; therefore
    no hashed record contains the column.
    """

    updated_at = models.DateTimeField()

    class Meta:
        abstract = True

    def save_change(self, fields: Iterable[str] = (), *, at: datetime) -> None:
        """Save `fields` and `updated_at` of a locked row.

        The caller appends the ledger entry of the change, with the same time `at`.
        """
        self.updated_at = at
        self.save(update_fields=[*fields, "updated_at"])
