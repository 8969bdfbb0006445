"""Capability and ConfigurationEntry: the registry of the governed platform."""

from __future__ import annotations

from django.db import models

from governance.domain.values import Lifecycle
from governance.models.constraints import closed_set
from governance.models.fields import ChoiceField, names_field


class Capability(models.Model):
    """A function of the platform, and how far it is available (`lifecycle`)."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=200, unique=True)
    lifecycle = ChoiceField(Lifecycle, default=Lifecycle.DISABLED)
    frozen = models.BooleanField(default=False)
    title = models.CharField(max_length=500, blank=True)
    owner = models.CharField(max_length=200, blank=True)
    components = names_field(default=list)
    proposal = models.CharField(max_length=200, blank=True)
    stages = models.JSONField(default=dict)
    # The names of configuration keys whose values are secrets, besides those of the setting.
    secret_keys = names_field(default=list)

    class Meta:
        verbose_name_plural = "capabilities"
        ordering = ["name"]
        default_permissions = ("view",)
        constraints = [closed_set("lifecycle", Lifecycle, name="capability_lifecycle_known")]

    def __str__(self) -> str:
        return self.name


class ConfigurationEntry(models.Model):
    """The value of a configuration key; `scope` is a capability's name or SYSTEM."""

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    value = models.JSONField()

    class Meta:
        verbose_name_plural = "configuration entries"
        ordering = ["scope", "key"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="one_value_per_key")]

    def __str__(self) -> str:
        return f"{self.scope}.{self.key}"
