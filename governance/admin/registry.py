"""The registry: what is true of the governed platform now."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display

from governance.admin.readonly import ReadOnlyAdmin, folded_json
from governance.admin.wording import label
from governance.models import Capability, ConfigurationEntry


@admin.register(Capability)
class CapabilityAdmin(ReadOnlyAdmin):
    list_display = ("name", "lifecycle_label", "is_frozen", "title", "owner")
    list_filter = (("lifecycle", ChoicesCheckboxFilter),)
    search_fields = ("name", "title", "owner")
    sortable_by = ("name",)
    fields = (
        "name",
        "lifecycle",
        "is_frozen",
        "title",
        "owner",
        "component_names",
        "proposal",
        "stages_told",
        "configuration",
        "contracts",
    )

    @display(description="Lifecycle")
    def lifecycle_label(self, capability: Capability) -> SafeString:
        return label(capability.lifecycle)

    @display(description="Frozen")
    def is_frozen(self, capability: Capability) -> SafeString | str:
        return label("FROZEN") if capability.frozen else self.empty_value_display

    @display(description="Components")
    def component_names(self, capability: Capability) -> str:
        return ", ".join(capability.components)

    @display(description="Stages")
    def stages_told(self, capability: Capability) -> SafeString:
        return folded_json(capability.stages)

    @display(description="Configuration")
    def configuration(self, capability: Capability) -> SafeString:
        entries = ConfigurationEntry.objects.filter(scope=capability.name)
        return folded_json({entry.key: entry.value for entry in entries})

    @display(description="Contracts")
    def contracts(self, capability: Capability) -> SafeString:
        url = reverse("admin:governance_systemcontract_changelist")
        return format_html(
            '<a class="gov-link" href="{}?{}">Every contract that affects it</a>',
            url,
            urlencode({"capability": capability.name}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields


@admin.register(ConfigurationEntry)
class ConfigurationAdmin(ReadOnlyAdmin):
    list_display = ("key", "scope", "value_told")
    search_fields = ("scope", "key")
    sortable_by = ("scope",)
    fields = ("scope", "key", "value_told")

    @display(description="Value")
    def value_told(self, entry: ConfigurationEntry) -> SafeString:
        return folded_json(entry.value)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields
