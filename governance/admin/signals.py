"""The admin of health signals, active and superseded ones, for reading only."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display

from governance.admin.links import scope_link
from governance.admin.readonly import ReadOnlyAdmin, text_column
from governance.admin.wording import format_time, label
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
        "superseded",
    )
    readonly_fields = ("scope_display", SIGNAL_TYPE, REASON, "state", "recorded", "superseded")

    @display(description="Decision")
    def decision_label(self, signal: GovernanceSignal) -> SafeString:
        return label(signal.decision)

    @display(description="Scope")
    def scope_display(self, signal: GovernanceSignal) -> SafeString:
        return scope_link(signal.scope)

    @display(description="State")
    def state(self, signal: GovernanceSignal) -> str:
        return "superseded" if signal.superseded_at else "active"

    @display(description="Recorded", ordering="recorded_at")
    def recorded(self, signal: GovernanceSignal) -> str:
        return format_time(signal.recorded_at)

    @display(description="Superseded")
    def superseded(self, signal: GovernanceSignal) -> str:
        return format_time(signal.superseded_at)
