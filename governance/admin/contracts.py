"""The admin of contracts: the list, a contract's page, and the addresses of its forms."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from governance.admin.activate import activate_page
from governance.admin.contract_page import UNDECIDED, contract_context
from governance.admin.endings import CONTRACT_ENDINGS, endings_page
from governance.admin.filters import (
    CapabilityFilter,
    DecidedFilter,
    RiskFilter,
    RollbackFilter,
    SourceFilter,
    StatusFilter,
    WaitsFilter,
)
from governance.admin.ledger_page import ledger_export, ledger_page
from governance.admin.lists import CursorPaginatedList, FilteredList
from governance.admin.modify import modify_page
from governance.admin.queue import queue_view
from governance.admin.readonly import ReadOnlyAdmin, require_safe_method
from governance.admin.review_forms import ACTIONS, review_form_page
from governance.admin.signatures import signature_page, signature_text
from governance.admin.visible_html import plain_text, visible
from governance.admin.what_happened import followed_context, followed_version
from governance.admin.wording import (
    first_names,
    format_duration,
    label,
    left_until,
    review_left,
    source_in_words,
    two_lines,
)
from governance.authorities.contract.queries import search_contracts, with_succession
from governance.domain.values import ContractStatus
from governance.models import SystemContract


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
        RollbackFilter,
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
        return format_html(
            '<span class="gov-names" title="{}">{}</span>',
            plain_text(names[:20]),
            visible(first_names(names)),
        )

    @display(description="Source")
    def origin(self, contract: SystemContract) -> SafeString:
        return two_lines(source_in_words(contract.source), str(contract.proposed_by))

    @display(description="Age", ordering="created_at")
    def age(self, contract: SystemContract) -> SafeString:
        at = timezone.now()
        left = ""
        if contract.status in UNDECIDED:
            left = review_left(contract.review_ends_at, at)
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
        contract, at = self.find(request, object_id), timezone.now()
        context = self.page_context(
            request,
            title=str(contract),
            live_url=reverse("admin:governance_systemcontract_live", args=[contract.pk]),
            **followed_context(request, contract, at),
            **contract_context(request, contract, at=at),
        )
        return render(request, "admin/governance/contract.html", context)

    def live_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Return the parts of a contract's page that change after its approval, for `live.js`.

        The page sends the version that it shows as `seen`, and gets nothing if it is current.
        """
        contract, at = self.find(request, object_id), timezone.now()
        version = followed_version(contract, getattr(contract, "job", None), at)
        if request.GET.get("seen") == version:
            context = {"contract": contract, "version": version, "is_followed": True}
        else:
            context = contract_context(request, contract, at=at)
            context |= followed_context(request, contract, at)
        return render(request, "admin/governance/_contract_live.html", context)

    def get_urls(self) -> list[URLPattern]:
        signature = "<uuid:object_id>/signatures/<int:number>/"
        return [
            self.page_url("queue", partial(queue_view, self), route="queue/"),
            self.page_url(
                "endings",
                partial(endings_page, CONTRACT_ENDINGS, self),
                route="endings/",
                takes_post=True,
            ),
            *(
                self.page_url(name, partial(review_form_page, action, self), takes_post=True)
                for name, action in ACTIONS.items()
            ),
            self.page_url("modify", partial(modify_page, self), takes_post=True),
            self.page_url("activate", partial(activate_page, self), takes_post=True),
            self.page_url("live", self.live_view),
            self.page_url("signature", partial(signature_page, self), route=signature),
            self.page_url(
                "signature_text", partial(signature_text, self), route=f"{signature}text/"
            ),
            self.page_url("ledger", partial(ledger_page, self)),
            self.page_url(
                "ledger_export",
                partial(ledger_export, self),
                route="<uuid:object_id>/ledger/export/",
            ),
            *super().get_urls(),
        ]
