"""The admin of circuit breakers: the list, the page of one, and the form to close it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.humanize.templatetags.humanize import apnumber
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.defaultfilters import truncatechars
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString
from unfold.decorators import display

from governance.admin.form_pages import form_page, sent_data
from governance.admin.forms import CloseBreakerForm
from governance.admin.links import job_url
from governance.admin.readonly import ReadOnlyAdmin, person_of, require_safe_method
from governance.admin.visible_html import visible
from governance.admin.wording import format_time, label, two_lines
from governance.domain.breaker import BreakerState
from governance.flows.close_breaker import let_handler_run_again
from governance.models import BreakerEvent, GovernanceJob, HandlerBreaker
from governance.services.access.permissions import may_close_breakers
from governance.services.breakers.queries import open_breakers

LIST = "admin:governance_handlerbreaker_changelist"
MAX_EVENTS = 20
MAX_CELL_LENGTH = 30  # the width of a list cell on a phone
# What people read instead of the state: "closed" would sound as if nothing ran.
STATE_LABELS = {
    BreakerState.CLOSED: "runs",
    BreakerState.CAREFUL: "one at a time",
    BreakerState.OPEN: "STOPPED",
}


@admin.register(HandlerBreaker)
class BreakerAdmin(ReadOnlyAdmin):
    """Every circuit breaker, by handler; operators may close one that is open."""

    list_display = ("name", "state_label", "meaning", "last_fault_text")
    list_before_template = "admin/governance/_breakers_now.html"
    ordering = ("handler",)
    sortable_by = ("name",)

    # A breaker explains why jobs wait, so the permission to see jobs is enough.
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("governance.view_governancejob")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[HandlerBreaker]:
        breakers: QuerySet[HandlerBreaker] = super().get_queryset(request)
        events = BreakerEvent.objects.select_related("closed_by").order_by("-id")
        return breakers.prefetch_related(Prefetch("events", queryset=events))

    # --- the list ---
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "open_breakers": open_breakers(),
            "may_close": may_close_breakers(person_of(request)),
        }
        return super().changelist_view(request, context | (extra_context or {}))

    @display(description="Handler", ordering="handler")
    def name(self, breaker: HandlerBreaker) -> SafeString:
        return visible(breaker.handler)

    @display(description="Its jobs")
    def state_label(self, breaker: HandlerBreaker) -> SafeString:
        return label(STATE_LABELS[BreakerState(breaker.state)])

    @display(description="Why")
    def meaning(self, breaker: HandlerBreaker) -> SafeString:
        return two_lines(*breaker_in_words(breaker))

    @display(description="Last fault")
    def last_fault_text(self, breaker: HandlerBreaker) -> SafeString:
        words = " ".join(breaker.last_fault.split())
        return visible(truncatechars(words or "—", MAX_CELL_LENGTH))

    # --- one breaker ---
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the breaker's page; it has no form, so a POST is refused."""
        require_safe_method(request)
        breaker = self.find(request, object_id)
        context = self.page_context(
            request, title=str(breaker), **breaker_context(breaker, request)
        )
        return render(request, "admin/governance/breaker.html", context)

    def get_urls(self) -> list[URLPattern]:
        return [self.page_url("close", self.close_view, takes_post=True), *super().get_urls()]

    def close_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Show the form by GET; close this breaker by POST."""
        if not may_close_breakers(person_of(request)):
            raise PermissionDenied
        breaker = self.find(request, object_id)

        def close(data: dict[str, Any]) -> HttpResponse:
            actor = person_of(request)
            let_handler_run_again(handler=breaker.handler, reason=data["reason"], actor=actor)
            messages.success(request, "Closed. One job tries now; then the others follow.")
            return HttpResponseRedirect(reverse(LIST))

        return form_page(
            request,
            CloseBreakerForm(sent_data(request)),
            operation=close,
            template="admin/governance/close_breaker.html",
            context=lambda: self.page_context(
                request,
                title="Let the handler run jobs again",
                list_url=reverse(LIST),
                **breaker_context(self.find(request, object_id), request),
            ),
        )


def breaker_in_words(breaker: HandlerBreaker) -> tuple[str, str]:
    """Return why the handler gets its jobs as it does, and what that means, each in a few words."""
    last: BreakerEvent | None = next(iter(breaker.events.all()), None)
    if breaker.state == BreakerState.CLOSED:
        return "No fault in its last job", "jobs run as they come"
    if breaker.state == BreakerState.OPEN and last:
        number = apnumber(breaker.faults_in_a_row)
        return f"Open since {format_time(last.at)}", f"after {number} faults in a row"
    if last and breaker.last_fault_at and last.at >= breaker.last_fault_at:
        return f"Closed at {format_time(last.at)} by {last.closed_by}", "one job tries"
    return (
        f"A fault at {format_time(breaker.last_fault_at)}",
        "one job at a time, until one ends well",
    )


def breaker_context(breaker: HandlerBreaker, request: HttpRequest) -> dict[str, Any]:
    job_id = breaker.last_fault_job
    # An archived contract and its job may have been removed.
    job = GovernanceJob.objects.filter(pk=job_id).first() if job_id else None
    is_open = breaker.state == BreakerState.OPEN
    return {
        "breaker": breaker,
        "state_label": STATE_LABELS[BreakerState(breaker.state)],
        "meaning": ", ".join(breaker_in_words(breaker)),
        "job_url": job_url(job) if job else "",
        "events": list(breaker.events.all())[:MAX_EVENTS],
        "is_open": is_open,
        "may_close": is_open and may_close_breakers(person_of(request)),
    }
