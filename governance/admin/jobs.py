"""The admin of jobs: the list, a job's page with its live parts, the evidence, its verification."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from governance.admin.activity import runs_now
from governance.admin.cancel_job import cancel_page
from governance.admin.endings import JOB_ENDINGS, endings_page
from governance.admin.filters import EndedFilter, JobStatusFilter
from governance.admin.job_page import now_context, record_context, steps_in, window_of
from governance.admin.lists import CursorPaginatedList, FilteredList
from governance.admin.next_actions import job_buttons
from governance.admin.readonly import ReadOnlyAdmin, person_of, require_safe_method
from governance.admin.report_page import report_page
from governance.admin.settle_audit import settle_page
from governance.admin.unfinished_job import unfinished_job
from governance.admin.wording import format_time, label, two_lines
from governance.admin.workers import workers_view
from governance.authorities.contract.queries import search_contracts
from governance.authorities.orchestrator.queries import sealed_evidence_of
from governance.domain.errors import NotFoundError
from governance.domain.people import Actor
from governance.domain.positions import read_digits
from governance.models import GovernanceJob, SystemContract
from governance.record.ledger.evidence_checks import check_evidence

VIEW_EVIDENCE = "governance.view_auditevidence"
VIEW_CAPABILITY = "governance.view_capability"
NAMES = ("id", "status", "contract__title", "contract__reference", "contract__status")


class JobList(CursorPaginatedList):
    """The list of jobs; its query reads only the columns shown.

    `contract__status` is one of them: django-fsm would otherwise read it with a query for each row.
    """

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        jobs: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        return (
            jobs.select_related(None)
            .select_related("contract")
            .only(
                *("id", "status", "total_steps", "current_step_index", "created_at"),
                *("started_at", "ended_at", "contract__title", "contract__reference"),
                "contract__status",
            )
        )


@admin.register(GovernanceJob)
class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "contract_title",
        "status_label",
        "progress",
        "started",
        "ended",
    )
    list_filter = (JobStatusFilter, EndedFilter)
    search_fields = ("contract__title", "contract__reference")
    search_help_text = "Words of the contract's title, or a reference"
    ordering = ("-created_at", "-id")
    sortable_by = ()

    # --- the list ---
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[FilteredList]:
        return JobList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        return queryset.filter(
            contract__in=search_contracts(SystemContract.objects.all(), search_term)
        ), False

    @display(description="Job of contract")
    def contract_title(self, job: GovernanceJob) -> SafeString:
        return two_lines(job.contract.title, job.contract.reference)

    @display(description="Status")
    def status_label(self, job: GovernanceJob) -> SafeString:
        return label(job.status)

    @display(description="Steps reported")
    def progress(self, job: GovernanceJob) -> SafeString:
        return format_html(
            '<span class="gov-progress"><progress max="{}" value="{}"></progress>{} of {}</span>',
            job.total_steps,
            job.current_step_index,
            job.current_step_index,
            job.total_steps,
        )

    @display(description="Started")
    def started(self, job: GovernanceJob) -> str:
        return format_time(job.started_at)

    @display(description="Ended")
    def ended(self, job: GovernanceJob) -> str:
        return format_time(job.ended_at)

    # --- one job ---
    def get_queryset(self, request: HttpRequest) -> QuerySet[GovernanceJob]:
        jobs: QuerySet[GovernanceJob] = super().get_queryset(request)
        return jobs.select_related("contract", "created_by", "started_by", "ended_by").defer(
            "contract__description",
            "contract__proposed_changes",
            "contract__plan",
            "contract__validator_verdict",
            "contract__eligibility_verdict",
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the job's page; it has no form, so a POST is refused."""
        require_safe_method(request)
        job = self.find(request, object_id)
        try:
            window = window_of(job, first_step(request, job))
        except ValueError:
            return HttpResponseRedirect(_page(job, "change"))
        steps, at = steps_in(job, window), timezone.now()
        links = request.user.has_perm(VIEW_CAPABILITY)
        context = self.page_context(
            request,
            title=f"Job of {job.contract.reference}",
            live_url=f"{_page(job, 'live')}?{request.GET.urlencode()}",
            **_buttons_context(job, person_of(request), at),
            **now_context(job, window, steps, at),
            **record_context(job, window, steps, links=links),
        )
        return render(request, "admin/governance/job.html", context)

    def get_urls(self) -> list[URLPattern]:
        return [
            self.page_url("running", self.running_view, route="running/"),
            self.page_url("workers", partial(workers_view, self), route="workers/"),
            self.page_url(
                "endings",
                partial(endings_page, JOB_ENDINGS, self),
                route="endings/",
                takes_post=True,
            ),
            self.page_url("cancel", partial(cancel_page, self), takes_post=True),
            self.page_url("settle", partial(settle_page, self), takes_post=True),
            self.page_url("live", self.live_view),
            self.page_url("evidence", self.evidence_view),
            self.page_url("verify", self.verify_view),
            self.page_url("report", partial(report_page, self)),
            *super().get_urls(),
        ]

    def running_view(self, request: HttpRequest) -> HttpResponse:
        """Return the running jobs as JSON, for the script of the home page (`live.js`)."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return JsonResponse({"jobs": runs_now(timezone.now())})

    def live_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Return the parts of a job's page that change while it runs, for `live.js`.

        The page sends the version that it shows as `seen`. The record is included only if that
        version is not the current one.
        """
        job = self.find(request, object_id)
        try:
            window = window_of(job, first_step(request, job))
        except ValueError as refusal:
            raise Http404("There is no such step.") from refusal
        steps, at = steps_in(job, window), timezone.now()
        context = now_context(job, window, steps, at)
        context |= _buttons_context(job, person_of(request), at)
        if request.GET.get("seen") != context["version"]:
            links = request.user.has_perm(VIEW_CAPABILITY)
            context |= record_context(job, window, steps, links=links)
        return render(request, "admin/governance/_job_live.html", context)

    def verify_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Recompute the proofs of evidence, ledger and verdict, and show each result."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            proofs = check_evidence(object_id)
        except NotFoundError as refusal:
            raise Http404(str(refusal)) from None
        # Read only the columns that name the job: a rewritten record may be unreadable in full.
        named = GovernanceJob.objects.select_related("contract").only(*NAMES)
        job = named.filter(pk=object_id).first()
        if job is None:
            raise Http404("Its contract is missing from the record.")
        context = self.page_context(
            request,
            title=f"Evidence of {job.contract.reference}, verified now",
            job=job,
            contract=job.contract,
            proofs=proofs,
            failing=sum(not proof.holds for proof in proofs),
            verified_at=timezone.now(),
        )
        return render(request, "admin/governance/verify.html", context)

    def evidence_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Return the sealed evidence as a file, byte for byte; 404 before the job has ended."""
        if not request.user.has_perm(VIEW_EVIDENCE):
            raise PermissionDenied
        job = self.find(request, object_id)
        try:
            evidence = sealed_evidence_of(job.pk)
        except NotFoundError as refusal:
            raise Http404(str(refusal)) from None
        return HttpResponse(
            evidence.body.encode("utf-8"),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="evidence-{job.pk}.json"'},
        )


def first_step(request: HttpRequest, job: GovernanceJob) -> int | None:
    """Return the step index in the address, or None without one.

    Raises:
        ValueError: the job has no such step.
    """
    asked = request.GET.get("from")
    if asked is None:
        return None
    step = read_digits(asked, max_digits=6)
    if step >= job.total_steps:
        raise ValueError
    return step


def _buttons_context(job: GovernanceJob, person: Actor, at: datetime) -> dict[str, Any]:
    """Return the card of an unfinished job, and the buttons for what the card does not offer."""
    unfinished = unfinished_job(job, person=person, at=at)
    offered = unfinished.url if unfinished else ""
    buttons = [one for one in job_buttons(job, person=person) if one.url != offered]
    return {"unfinished": unfinished, "action_buttons": buttons}


def _page(job: GovernanceJob, name: str) -> str:
    return reverse(f"admin:governance_governancejob_{name}", args=[job.pk])
