"""Health signals: what monitors say, and said. They come in through the health service only."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display

from governance.admin.places import scope_link
from governance.admin.readonly import ReadOnlyAdmin
from governance.admin.wording import label, moment
from governance.models import GovernanceSignal


@admin.register(GovernanceSignal)
class SignalAdmin(ReadOnlyAdmin):
    list_display = ("scope", "decision_label", "signal_type", "standing", "reason", "recorded")
    list_filter = (("decision", ChoicesCheckboxFilter),)
    list_select_related = ("recorded_by",)
    search_fields = ("scope", "signal_type")
    sortable_by = ("recorded",)
    fields = (
        "scope_told",
        "signal_type",
        "decision",
        "reason",
        "standing",
        "recorded_by",
        "recorded",
        "superseded",
    )
    readonly_fields = ("scope_told", "standing", "recorded", "superseded")

    @display(description="Decision")
    def decision_label(self, signal: GovernanceSignal) -> SafeString:
        return label(signal.decision)

    @display(description="Scope")
    def scope_told(self, signal: GovernanceSignal) -> SafeString | str:
        return scope_link(signal.scope)

    @display(description="Standing")
    def standing(self, signal: GovernanceSignal) -> str:
        return "superseded" if signal.superseded_at else "active"

    @display(description="Recorded", ordering="recorded_at")
    def recorded(self, signal: GovernanceSignal) -> str:
        return moment(signal.recorded_at)

    @display(description="Superseded")
    def superseded(self, signal: GovernanceSignal) -> str:
        return moment(signal.superseded_at)
