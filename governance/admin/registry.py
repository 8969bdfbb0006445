"""The admin of the registry: capabilities and configuration of the platform, as recorded."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display

from governance.admin.capability_page import capability_context, may_edit
from governance.admin.drift import drift_view, observed_part
from governance.admin.form_pages import form_page, sent_data
from governance.admin.forms import CapabilityForm
from governance.admin.links import scope_link
from governance.admin.readonly import ReadOnlyAdmin, folded_json, require_safe_method, text_column
from governance.admin.wording import label
from governance.authorities.health.readings import capture_health_snapshot
from governance.domain.health import contradicts_health
from governance.models import Capability, ConfigurationEntry, RegistryValue
from governance.services.registry.operations import describe_capability
from governance.services.registry.secret_keys import visible_value


@admin.register(Capability)
class CapabilityAdmin(ReadOnlyAdmin):
    list_display = (
        text_column("name", "Name"),
        "lifecycle_label",
        "health_label",
        "is_frozen",
        text_column("title", "Title"),
        text_column("owner", "Owner"),
    )
    list_filter = (("lifecycle", ChoicesCheckboxFilter),)
    search_fields = ("name", "title", "owner")
    sortable_by = ("name",)

    # --- the list ---
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list, with the health of the capabilities on the page; one reading."""
        response = super().changelist_view(request, extra_context)
        page = getattr(response, "context_data", None) or {}
        if "cl" in page:
            rows = page["cl"].result_list
            reading = capture_health_snapshot(scopes=[row.name for row in rows])
            for row in rows:
                row.health = reading.capabilities[row.name] if reading else None
        return response

    @display(description="Lifecycle")
    def lifecycle_label(self, capability: Capability) -> SafeString:
        return label(capability.lifecycle)

    @display(description="Health")
    def health_label(self, capability: Any) -> SafeString:
        if capability.health is None:
            return label("unknown")
        word = label(capability.health)
        if not contradicts_health(capability.lifecycle, capability.health):
            return word
        return format_html("{} although LAUNCHED", word)

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

    def get_urls(self) -> list[URLPattern]:
        edit = self.page_url("edit", self.edit_view, route="<int:object_id>/{}/", takes_post=True)
        drift = self.page_url("drift", partial(drift_view, self), route="drift/")
        return [edit, drift, *super().get_urls()]

    def edit_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show the form by GET; save the title and the owner by POST."""
        capability = self.find(request, object_id)
        if not may_edit(request):
            raise PermissionDenied
        page = reverse("admin:governance_capability_change", args=[object_id])

        def save(data: dict[str, Any]) -> HttpResponse:
            describe_capability(capability_id=capability.pk, **data)
            messages.success(request, "Title and owner are saved.")
            return HttpResponseRedirect(page)

        present = {"title": capability.title, "owner": capability.owner}
        return form_page(
            request,
            CapabilityForm(sent_data(request), initial=present),
            operation=save,
            template="admin/governance/capability_edit.html",
            context=lambda: self.page_context(
                request, title="Edit a capability", capability=capability, back_url=page
            ),
        )


@admin.register(ConfigurationEntry)
class ConfigurationAdmin(ReadOnlyAdmin):
    list_display = (text_column("key", "Key"), text_column("scope", "Scope"), "value_display")
    search_fields = ("scope", "key")
    sortable_by = ("scope",)
    fields = ("scope_display", text_column("key", "Key"), "value_display", "origin_display")

    @display(description="Scope")
    def scope_display(self, entry: ConfigurationEntry) -> SafeString:
        return scope_link(entry.scope)

    @display(description="Value")
    def value_display(self, entry: ConfigurationEntry) -> SafeString:
        return folded_json(visible_value(entry.key, entry.value))

    @display(description="Origin")
    def origin_display(self, entry: ConfigurationEntry) -> SafeString:
        value = RegistryValue.objects.filter(pk=entry.origin_id).first()
        context = {"value": value, "observed": observed_part(value)}
        page = render_to_string("admin/governance/_value_origin.html", context)
        page += render_to_string("admin/governance/_value_observed.html", context)
        return mark_safe(page)  # noqa: S308 - a template of our own escaped it

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        return self.fields
