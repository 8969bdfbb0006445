"""Capability and ConfigurationEntry: the registry of the governed platform.

A value changes only with a COMPLETED step that sets it, or with an import; `origin` is that change.

Two names that only look alike are refused, unless real data brings both: then the later row says
in `resembles` which row its name looks like, and pages show the other's name. A foreign key that
the migration adds holds `resembles` to a row with the same `name_key`.
"""

from __future__ import annotations

from django.db import models

from governance.domain.values import Lifecycle
from governance.domain.visible_text import visible_text
from governance.models.constraints import closed_set
from governance.models.fields import ChoiceField, NameKeyField, names_field
from governance.models.registry_change import RegistryChange


def similar_row_key() -> models.ForeignKey:
    """Make the foreign key to the row whose name the row's own name only looks like."""
    return models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )


def origin_key() -> models.ForeignKey:
    """Make the key of the registry change that set the row's value; a database guard checks it."""
    return models.ForeignKey(
        RegistryChange,
        on_delete=models.PROTECT,
        editable=False,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )


def unlike_each_other(*fields: str, names: str) -> list[models.BaseConstraint]:
    """Hold names unlike each other, but for known ones; the foreign key needs the second key."""
    return [
        models.UniqueConstraint(
            fields=fields, condition=models.Q(resembles=None), name=f"{names}_unlike_others"
        ),
        models.UniqueConstraint(fields=[*fields, "id"], name=f"{names}_with_its_key"),
    ]


class Capability(models.Model):
    """A function of the platform, and how far it is available (`lifecycle`)."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=200, unique=True)
    name_key = NameKeyField(of="name")
    resembles = similar_row_key()
    lifecycle = ChoiceField(Lifecycle, default=Lifecycle.DISABLED)
    frozen = models.BooleanField(default=False)
    title = models.CharField(max_length=500, blank=True)
    owner = models.CharField(max_length=200, blank=True)
    components = names_field(default=list)
    proposal = models.CharField(max_length=200, blank=True)
    stages = models.JSONField(default=dict)
    # The names of configuration keys whose values are secrets, besides those of the setting.
    secret_keys = names_field(default=list)
    origin = origin_key()

    class Meta:
        verbose_name_plural = "capabilities"
        ordering = ["name"]
        default_permissions = ("view",)
        constraints = [
            closed_set("lifecycle", Lifecycle, name="capability_lifecycle_known"),
            *unlike_each_other("name_key", names="capability"),
        ]

    def __str__(self) -> str:
        return self.name


class ConfigurationEntry(models.Model):
    """The value of a configuration key; `scope` is a capability's name or SYSTEM."""

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    name_key = NameKeyField(of="key")
    resembles = similar_row_key()
    value = models.JSONField()
    origin = origin_key()

    class Meta:
        verbose_name_plural = "configuration entries"
        ordering = ["scope", "key"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="one_value_per_key"),
            *unlike_each_other("scope", "name_key", names="setting"),
        ]

    def __str__(self) -> str:
        return visible_text(f"{self.scope}.{self.key}")
