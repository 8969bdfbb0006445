"""The admin of the registry: capabilities and configuration of the platform, as recorded."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display

from governance.admin.capability_page import capability_context
from governance.admin.links import scope_link
from governance.admin.readonly import ReadOnlyAdmin, folded_json, require_safe_method, text_column
from governance.admin.wording import label
from governance.models import Capability, ConfigurationEntry
from governance.services.registry.secret_keys import visible_value


@admin.register(Capability)
class CapabilityAdmin(ReadOnlyAdmin):
    list_display = (
        text_column("name", "Name"),
        "lifecycle_label",
        "is_frozen",
        text_column("title", "Title"),
        text_column("owner", "Owner"),
    )
    list_filter = (("lifecycle", ChoicesCheckboxFilter),)
    search_fields = ("name", "title", "owner")
    sortable_by = ("name",)

    # --- the list ---
    @display(description="Lifecycle")
    def lifecycle_label(self, capability: Capability) -> SafeString:
        return label(capability.lifecycle)

    @display(description="Frozen")
    def is_frozen(self, capability: Capability) -> SafeString | str:
        return label("FROZEN") if capability.frozen else self.empty_value_display

    # --- one capability ---
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the capability's page; it has no form, so a POST is refused."""
        require_safe_method(request)
        capability = self.find(request, object_id)
        try:
            page = capability_context(capability, request, at=timezone.now())
        except ValueError:
            return HttpResponseRedirect(request.path)
        context = self.page_context(request, title=capability.name, **page)
        return render(request, "admin/governance/capability.html", context)


@admin.register(ConfigurationEntry)
class ConfigurationAdmin(ReadOnlyAdmin):
    list_display = (text_column("key", "Key"), text_column("scope", "Scope"), "value_display")
    search_fields = ("scope", "key")
    sortable_by = ("scope",)
    fields = ("scope_display", text_column("key", "Key"), "value_display")

    @display(description="Scope")
    def scope_display(self, entry: ConfigurationEntry) -> SafeString:
        return scope_link(entry.scope)

    @display(description="Value")
    def value_display(self, entry: ConfigurationEntry) -> SafeString:
        return folded_json(visible_value(entry.key, entry.value))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        return self.fields
