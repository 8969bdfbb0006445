"""The line: whether it runs, stopping it, letting it run again, and when it ever stood still."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods
from unfold.decorators import display

from governance.admin.forms import FreezeForm, ThawForm
from governance.admin.readonly import ReadOnlyAdmin, require_founders_page, require_reading
from governance.admin.refusals import status_of
from governance.admin.wording import label, left_until, moment, span, two_lines
from governance.flows.freeze_line import freeze_line, thaw_freeze
from governance.models import GovernanceJob, LineFreeze, SystemContract
from governance.review.policy import REVIEW_PERMISSION
from governance.review.queries import freeze_in_force
from governance.vocabulary.errors import GovernanceError
from governance.vocabulary.values import ContractStatus, JobStatus

ONLY_LOOK_OR_DECIDE = require_http_methods(["GET", "HEAD", "POST"])
USUAL_FREEZE = timedelta(hours=4)
MOST_COUNTED = 1000
MOST_SHOWN = 10
LIST = "admin:governance_linefreeze_changelist"


@admin.register(LineFreeze)
class LineAdmin(ReadOnlyAdmin):
    """Every freeze, the newest first; who reviews contracts may also stop the line."""

    list_display = ("why", "state", "by", "begun", "end", "how_it_ended")
    list_select_related = ("frozen_by", "thaw__thawed_by")
    list_before_template = "admin/governance/_line_now.html"
    ordering = ("-frozen_at", "-id")
    sortable_by = ("begun",)

    # Whoever may see contracts may see whether they move.
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("governance.view_systemcontract")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    # --- the list ---
    def get_queryset(self, request: HttpRequest) -> QuerySet[LineFreeze]:
        freezes: QuerySet[LineFreeze] = super().get_queryset(request)
        return freezes.select_related("frozen_by", "thaw__thawed_by")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may_stop = request.user.has_perm(REVIEW_PERMISSION)
        standing = LineFreeze.objects.in_force(timezone.now()).filter(thaw=None)
        context = {
            "title": "The line",
            "may_stop": may_stop,
            "to_thaw": standing.select_related("frozen_by")[:MOST_SHOWN] if may_stop else (),
        }
        return super().changelist_view(request, context | (extra_context or {}))

    @display(description="Why")
    def why(self, freeze: LineFreeze) -> str:
        return shortened(freeze.reason)

    @display(description="By")
    def by(self, freeze: LineFreeze) -> str:
        return str(freeze.frozen_by)

    @display(description="State")
    def state(self, freeze: LineFreeze) -> SafeString:
        return label(state_of(freeze, timezone.now()))

    @display(description="Stopped", ordering="frozen_at")
    def begun(self, freeze: LineFreeze) -> str:
        return moment(freeze.frozen_at)

    @display(description="Until")
    def end(self, freeze: LineFreeze) -> str:
        return moment(freeze.ends_at)

    @display(description="Ended")
    def how_it_ended(self, freeze: LineFreeze) -> SafeString:
        at = timezone.now()
        if thaw := getattr(freeze, "thaw", None):
            return two_lines(f"thawed by {thaw.thawed_by}", moment(thaw.thawed_at))
        if freeze.ends_at > at:
            return two_lines("not yet", left_until(freeze.ends_at, at))
        return two_lines("by the clock", moment(freeze.ends_at))

    # --- one freeze ---
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The freeze's page. Nothing is edited here, so nothing can be sent here."""
        require_reading(request)
        freeze = self.find(request, object_id)
        context = self.page_context(request, title=str(freeze), **freeze_context(freeze, request))
        return render(request, "admin/governance/freeze.html", context)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("stop/", wrap(self.stop_view), name="governance_linefreeze_stop"),
            path("<uuid:object_id>/thaw/", wrap(self.thaw_view), name="governance_linefreeze_thaw"),
            *super().get_urls(),
        ]

    # --- stop it, let it run ---
    @method_decorator(ONLY_LOOK_OR_DECIDE)
    def stop_view(self, request: HttpRequest) -> HttpResponse:
        """A form by GET; by POST the line stands still."""
        require_founders_page(request)
        at = timezone.now()
        refusal: GovernanceError | None = None
        if request.method == "POST":
            form: forms.Form = FreezeForm(request.POST)
            if form.is_valid():
                said = form.cleaned_data
                try:
                    freeze = freeze_line(
                        reason=said["reason"],
                        ends_at=said["ends_at"],
                        founder=request.user,
                        at=at,
                    )
                except GovernanceError as error:
                    refusal = error
                else:
                    messages.success(
                        request, f"The line stands still until {moment(freeze.ends_at)}."
                    )
                    return HttpResponseRedirect(reverse(LIST))
        else:
            form = FreezeForm(initial={"ends_at": (at + USUAL_FREEZE).replace(second=0)})
        context = self.page_context(
            request,
            title="Stop the line",
            form=form,
            refusal=refusal,
            list_url=reverse(LIST),
            **what_it_holds(),
        )
        return render(
            request, "admin/governance/stop.html", context, status=status_of(request, refusal)
        )

    @method_decorator(ONLY_LOOK_OR_DECIDE)
    def thaw_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """A form by GET; by POST this freeze is over."""
        require_founders_page(request)
        freeze = self.find(request, object_id)
        at = timezone.now()
        refusal: GovernanceError | None = None
        form: forms.Form = ThawForm(request.POST) if request.method == "POST" else ThawForm()
        if request.method == "POST" and form.is_valid():
            reason = form.cleaned_data["reason"]
            try:
                thaw_freeze(freeze_id=freeze.pk, reason=reason, founder=request.user, at=at)
            except GovernanceError as error:
                refusal = error
                freeze = self.find(request, object_id)
            else:
                messages.success(request, done_in_words(timezone.now()))
                return HttpResponseRedirect(reverse(LIST))
        context = self.page_context(
            request,
            title="Thaw the line",
            form=form,
            refusal=refusal,
            list_url=reverse(LIST),
            **freeze_context(freeze, request),
        )
        return render(
            request, "admin/governance/thaw.html", context, status=status_of(request, refusal)
        )


def state_of(freeze: LineFreeze, at: datetime) -> str:
    if hasattr(freeze, "thaw"):
        return "thawed"
    return "FROZEN" if freeze.ends_at > at else "over"


def freeze_context(freeze: LineFreeze, request: HttpRequest) -> dict[str, Any]:
    at = timezone.now()
    state = state_of(freeze, at)
    others = LineFreeze.objects.in_force(at).exclude(pk=freeze.pk).count()
    return {
        "freeze": freeze,
        "thaw": getattr(freeze, "thaw", None),
        "state": state,
        "lasted": span(freeze.ends_at - freeze.frozen_at),
        "left": left_until(freeze.ends_at, at),
        "others": others,
        "may_thaw": state == "FROZEN" and request.user.has_perm(REVIEW_PERMISSION),
    }


def what_it_holds() -> dict[str, Any]:
    """What a freeze would keep waiting, and what it would not; counted no further than needed."""
    contracts, jobs = SystemContract.objects, GovernanceJob.objects
    return {
        "eligible": contracts.filter(status=ContractStatus.ELIGIBLE)[:MOST_COUNTED].count(),
        "approved": contracts.filter(status=ContractStatus.APPROVED)[:MOST_COUNTED].count(),
        "pending": jobs.filter(status=JobStatus.PENDING)[:MOST_COUNTED].count(),
        "running": jobs.filter(status=JobStatus.RUNNING)[:MOST_COUNTED].count(),
    }


def done_in_words(at: datetime) -> str:
    if still := freeze_in_force(at):
        return f"Thawed; another freeze still holds the line until {moment(still.until)}."
    return "Thawed. The line runs."


def shortened(text: str, most: int = 36) -> str:
    """One line of it, as long as a cell of a list is on a phone."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
