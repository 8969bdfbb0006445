"""The admin of change freezes: the list, and the forms to start and to lift a freeze."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.defaultfilters import truncatechars
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import display

from governance.admin.form_pages import form_page, sent_data
from governance.admin.forms import LiftFreezeForm, StartFreezeForm
from governance.admin.readonly import (
    ReadOnlyAdmin,
    person_of,
    require_reviewer,
    require_safe_method,
)
from governance.admin.visible_html import visible
from governance.admin.wording import format_duration, format_time, label, left_until, two_lines
from governance.db.counting import Count, capped_counts
from governance.domain.values import ContractStatus, JobStatus
from governance.flows.lift_freezes import lift_freezes
from governance.models import ChangeFreeze, GovernanceJob, SystemContract
from governance.services.access.permissions import is_founder
from governance.services.freezes.operations import start_freeze
from governance.services.freezes.queries import active_freeze, active_freezes

DEFAULT_FREEZE = timedelta(hours=4)
MAX_SHOWN = 10
MAX_CELL_LENGTH = 36  # the width of a list cell on a phone
LIST = "admin:governance_changefreeze_changelist"


@admin.register(ChangeFreeze)
class ChangeFreezeAdmin(ReadOnlyAdmin):
    """Every change freeze, the newest first; founders may start and lift freezes."""

    list_display = ("why", "state", "by", "begun", "end", "how_it_ended")
    list_select_related = ("started_by", "lift__lifted_by")
    list_before_template = "admin/governance/_freeze_now.html"
    ordering = ("-started_at", "-id")
    sortable_by = ("begun",)

    # A freeze explains why contracts do not move, so the permission to see contracts is enough.
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("governance.view_systemcontract")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    # --- the list ---
    def get_queryset(self, request: HttpRequest) -> QuerySet[ChangeFreeze]:
        freezes: QuerySet[ChangeFreeze] = super().get_queryset(request)
        return freezes.select_related("started_by", "lift__lifted_by")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may_start = is_founder(person_of(request))
        context = {
            "title": "Change freeze",
            "may_start": may_start,
            "active_freezes": active_freezes()[:MAX_SHOWN] if may_start else (),
        }
        return super().changelist_view(request, context | (extra_context or {}))

    @display(description="Reason")
    def why(self, freeze: ChangeFreeze) -> SafeString:
        return visible(truncatechars(" ".join(freeze.reason.split()), MAX_CELL_LENGTH))

    @display(description="Started by")
    def by(self, freeze: ChangeFreeze) -> SafeString:
        return visible(freeze.started_by)

    @display(description="State")
    def state(self, freeze: ChangeFreeze) -> SafeString:
        return label(state_of(freeze, timezone.now()))

    @display(description="Started", ordering="started_at")
    def begun(self, freeze: ChangeFreeze) -> str:
        return format_time(freeze.started_at)

    @display(description="Until")
    def end(self, freeze: ChangeFreeze) -> str:
        return format_time(freeze.ends_at)

    @display(description="Ended")
    def how_it_ended(self, freeze: ChangeFreeze) -> SafeString:
        at = timezone.now()
        if lift := getattr(freeze, "lift", None):
            return two_lines(f"lifted by {lift.lifted_by}", format_time(lift.lifted_at))
        if freeze.ends_at > at:
            return two_lines("not yet", left_until(freeze.ends_at, at))
        return two_lines("at its end", format_time(freeze.ends_at))

    # --- one freeze ---
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the freeze's page; it has no form, so a POST is refused."""
        require_safe_method(request)
        freeze = self.find(request, object_id)
        context = self.page_context(request, title=str(freeze), **freeze_context(freeze, request))
        return render(request, "admin/governance/freeze.html", context)

    def get_urls(self) -> list[URLPattern]:
        return [
            self.page_url("start", self.start_view, route="start/", takes_post=True),
            self.page_url("lift", self.lift_view, takes_post=True),
            *super().get_urls(),
        ]

    # --- start and lift ---
    def start_view(self, request: HttpRequest) -> HttpResponse:
        """Show the form by GET; start a change freeze by POST."""
        require_reviewer(request)
        at = timezone.now()

        def start(data: dict[str, Any]) -> HttpResponse:
            freeze = start_freeze(**data, founder=person_of(request))
            messages.success(request, f"Changes are frozen until {format_time(freeze.ends_at)}.")
            return HttpResponseRedirect(reverse(LIST))

        ends_at = (at + DEFAULT_FREEZE).replace(second=0)
        return form_page(
            request,
            StartFreezeForm(sent_data(request), initial={"ends_at": ends_at}),
            operation=start,
            template="admin/governance/start_freeze.html",
            context=lambda: self.page_context(
                request, title="Start a change freeze", list_url=reverse(LIST), **freeze_impact()
            ),
        )

    def lift_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Show the form by GET; lift this freeze by POST."""
        require_reviewer(request)
        freeze = self.find(request, object_id)

        def lift(data: dict[str, Any]) -> HttpResponse:
            lift_freezes(freeze_id=freeze.pk, reason=data["reason"], founder=person_of(request))
            messages.success(request, lifted_message(timezone.now()))
            return HttpResponseRedirect(reverse(LIST))

        return form_page(
            request,
            LiftFreezeForm(sent_data(request)),
            operation=lift,
            template="admin/governance/lift_freeze.html",
            context=lambda: self.page_context(
                request,
                title="Lift the change freeze",
                list_url=reverse(LIST),
                **freeze_context(self.find(request, object_id), request),
            ),
        )


def state_of(freeze: ChangeFreeze, at: datetime) -> str:
    if hasattr(freeze, "lift"):
        return "lifted"
    return "FROZEN" if freeze.ends_at > at else "over"


def freeze_context(freeze: ChangeFreeze, request: HttpRequest) -> dict[str, Any]:
    at = timezone.now()
    state = state_of(freeze, at)
    others = sum(active.pk != freeze.pk for active in active_freezes())
    return {
        "freeze": freeze,
        "lift": getattr(freeze, "lift", None),
        "state": state,
        "lasted": format_duration(freeze.ends_at - freeze.started_at),
        "left": left_until(freeze.ends_at, at),
        "others": others,
        "may_lift": state == "FROZEN" and is_founder(person_of(request)),
    }


def freeze_impact() -> dict[str, Count]:
    """Count the contracts and jobs that a freeze would hold back; one query."""
    contracts, jobs = SystemContract.objects, GovernanceJob.objects
    return capped_counts(
        {
            "eligible": contracts.filter(status=ContractStatus.ELIGIBLE),
            "approved": contracts.filter(status=ContractStatus.APPROVED),
            "pending": jobs.filter(status=JobStatus.PENDING),
            "running": jobs.filter(status=JobStatus.RUNNING),
        }
    )


def lifted_message(at: datetime) -> str:
    if still := active_freeze(at):
        return f"Lifted; another freeze still holds changes back until {format_time(still.until)}."
    return "Freeze lifted. Changes are possible again."
