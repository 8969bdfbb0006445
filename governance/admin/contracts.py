"""The admin of contracts: the list, a contract's page, and the addresses of its forms."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_safe
from unfold.decorators import display

from governance.admin.contract_page import UNDECIDED, contract_context
from governance.admin.conversation import answer_page, comment_page, question_page
from governance.admin.decisions import approve_page, reject_page
from governance.admin.filters import (
    CapabilityFilter,
    DecidedFilter,
    RiskFilter,
    SourceFilter,
    StatusFilter,
    WaitsFilter,
)
from governance.admin.ledger_page import LedgerPages
from governance.admin.lists import CursorPaginatedList, FilteredList
from governance.admin.modify import modify_page
from governance.admin.queue import queue_view
from governance.admin.readonly import ReadOnlyAdmin, require_safe_method
from governance.admin.signatures import signature_page, signature_text
from governance.admin.wording import format_duration, label, left_until, source_in_words, two_lines
from governance.authorities.contract.queries import search_contracts, with_succession
from governance.domain.values import ContractStatus
from governance.models import SystemContract

GET_OR_POST_ONLY = require_http_methods(["GET", "HEAD", "POST"])
MAX_CAPABILITIES_SHOWN = 2


class ContractList(CursorPaginatedList):
    """The list of contracts; its query reads only the columns shown, because contracts are long."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        contracts: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        return (
            contracts.select_related(None)
            .select_related("proposed_by")
            .only(
                *("id", "reference", "title", "source", "status", "risk_level", "created_at"),
                *("affected_capabilities", "review_ends_at", "window_closes_at"),
                "proposed_by__username",
            )
        )


@admin.register(SystemContract)
class ContractAdmin(ReadOnlyAdmin):
    list_display = (
        "title_and_reference",
        "status_label",
        "risk_label",
        "capabilities",
        "origin",
        "age",
    )
    list_filter = (
        StatusFilter,
        RiskFilter,
        SourceFilter,
        CapabilityFilter,
        WaitsFilter,
        DecidedFilter,
    )
    search_fields = ("title", "reference")
    search_help_text = "Words of the title, or a reference"
    ordering = ("-created_at", "-id")
    sortable_by = ("age",)

    # --- the list ---
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[FilteredList]:
        return ContractList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return (search_contracts(queryset, search_term) if search_term else queryset), False

    @display(description="Contract")
    def title_and_reference(self, contract: SystemContract) -> SafeString:
        return two_lines(contract.title, contract.reference)

    @display(description="Status")
    def status_label(self, contract: SystemContract) -> SafeString:
        return label(contract.status)

    @display(description="Risk")
    def risk_label(self, contract: SystemContract) -> SafeString:
        return label(contract.risk_level)

    @display(description="Capabilities")
    def capabilities(self, contract: SystemContract) -> SafeString:
        names = contract.affected_capabilities
        more = len(names) - MAX_CAPABILITIES_SHOWN
        return format_html(
            '<span class="gov-names" title="{}">{}{}</span>',
            ", ".join(names[:20]),
            ", ".join(names[:MAX_CAPABILITIES_SHOWN]),
            f" +{more}" if more > 0 else "",
        )

    @display(description="Source")
    def origin(self, contract: SystemContract) -> SafeString:
        return two_lines(source_in_words(contract.source), str(contract.proposed_by))

    @display(description="Age", ordering="created_at")
    def age(self, contract: SystemContract) -> SafeString:
        at = timezone.now()
        left = ""
        if contract.status in UNDECIDED:
            ends_at = contract.review_ends_at
            left = left_until(ends_at, at) if ends_at else "review paused: a question is open"
        elif contract.status == ContractStatus.APPROVED and contract.window_closes_at:
            left = left_until(contract.window_closes_at, at)
        return two_lines(f"{format_duration(at - contract.created_at)} old", left)

    # --- one contract ---
    def get_queryset(self, request: HttpRequest) -> QuerySet[SystemContract]:
        contracts: QuerySet[SystemContract] = super().get_queryset(request)
        people = ("proposed_by", "approved_by", "closed_by")
        return with_succession(contracts.select_related("job", *people))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the contract's page; it has no form of its own, so a POST is refused."""
        require_safe_method(request)
        contract = self.find(request, object_id)
        page = contract_context(request, contract, at=timezone.now())
        context = self.page_context(request, title=str(contract), **page)
        return render(request, "admin/governance/contract.html", context)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("queue/", wrap(self.queue_view), name="governance_systemcontract_queue"),
            path(
                "<uuid:object_id>/approve/",
                wrap(self.approve_view),
                name="governance_systemcontract_approve",
            ),
            path(
                "<uuid:object_id>/reject/",
                wrap(self.reject_view),
                name="governance_systemcontract_reject",
            ),
            path(
                "<uuid:object_id>/modify/",
                wrap(self.modify_view),
                name="governance_systemcontract_modify",
            ),
            path(
                "<uuid:object_id>/clarify/",
                wrap(self.clarify_view),
                name="governance_systemcontract_clarify",
            ),
            path(
                "<uuid:object_id>/answer/",
                wrap(self.answer_view),
                name="governance_systemcontract_answer",
            ),
            path(
                "<uuid:object_id>/comment/",
                wrap(self.comment_view),
                name="governance_systemcontract_comment",
            ),
            path(
                "<uuid:object_id>/signatures/<int:number>/",
                wrap(self.signature_view),
                name="governance_systemcontract_signature",
            ),
            path(
                "<uuid:object_id>/signatures/<int:number>/text/",
                wrap(self.signature_text_view),
                name="governance_systemcontract_signature_text",
            ),
            *LedgerPages.urls(self),
            *super().get_urls(),
        ]

    @method_decorator(require_safe)
    def queue_view(self, request: HttpRequest) -> HttpResponse:
        return queue_view(self, request)

    @method_decorator(GET_OR_POST_ONLY)
    def approve_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return approve_page(self, request, object_id)

    @method_decorator(GET_OR_POST_ONLY)
    def reject_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return reject_page(self, request, object_id)

    @method_decorator(GET_OR_POST_ONLY)
    def modify_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return modify_page(self, request, object_id)

    @method_decorator(GET_OR_POST_ONLY)
    def clarify_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return question_page(self, request, object_id)

    @method_decorator(GET_OR_POST_ONLY)
    def answer_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return answer_page(self, request, object_id)

    @method_decorator(GET_OR_POST_ONLY)
    def comment_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return comment_page(self, request, object_id)

    @method_decorator(require_safe)
    def signature_view(self, request: HttpRequest, object_id: UUID, number: int) -> HttpResponse:
        return signature_page(self, request, object_id, number)

    @method_decorator(require_safe)
    def signature_text_view(
        self, request: HttpRequest, object_id: UUID, number: int
    ) -> HttpResponse:
        return signature_text(self, request, object_id, number)
