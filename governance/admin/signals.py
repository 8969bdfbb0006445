"""The admin of health signals, active, expired and superseded ones, for reading only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display

from governance.admin.links import scope_link
from governance.admin.readonly import ReadOnlyAdmin, text_column
from governance.admin.wording import format_time, label
from governance.authorities.health.signals import active_signals
from governance.models import GovernanceSignal

SIGNAL_TYPE = text_column("signal_type", "Signal type")
REASON = text_column("reason", "Reason")


@admin.register(GovernanceSignal)
class SignalAdmin(ReadOnlyAdmin):
    list_display = (
        text_column("scope", "Scope"),
        "decision_label",
        SIGNAL_TYPE,
        "state",
        REASON,
        "recorded",
    )
    list_filter = (("decision", ChoicesCheckboxFilter),)
    list_select_related = ("recorded_by",)
    search_fields = ("scope", "signal_type")
    sortable_by = ("recorded",)
    fields = (
        "scope_display",
        SIGNAL_TYPE,
        "decision",
        REASON,
        "state",
        "recorded_by",
        "recorded",
        "expires",
        "superseded",
    )
    readonly_fields = (
        "scope_display",
        SIGNAL_TYPE,
        REASON,
        "state",
        "recorded",
        "expires",
        "superseded",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[GovernanceSignal]:
        """Return the signals, each with `counts`: whether it is active by PostgreSQL's clock."""
        active = active_signals().filter(pk=OuterRef("pk"))
        return super().get_queryset(request).annotate(counts=Exists(active))

    @display(description="Decision")
    def decision_label(self, signal: GovernanceSignal) -> SafeString:
        return label(signal.decision)

    @display(description="Scope")
    def scope_display(self, signal: GovernanceSignal) -> SafeString:
        return scope_link(signal.scope)

    @display(description="State")
    def state(self, signal: Any) -> str:
        if signal.superseded_at:
            return "superseded"
        return "active" if signal.counts else "expired"

    @display(description="Recorded", ordering="recorded_at")
    def recorded(self, signal: GovernanceSignal) -> str:
        return format_time(signal.recorded_at)

    @display(description="Expires")
    def expires(self, signal: GovernanceSignal) -> str:
        return format_time(signal.expires_at)

    @display(description="Superseded")
    def superseded(self, signal: GovernanceSignal) -> str:
        return format_time(signal.superseded_at)
