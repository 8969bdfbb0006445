"""The admin of notices: a person's own, and the button that marks them as read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, reverse

from governance.admin.links import contract_url
from governance.admin.readonly import ReadOnlyAdmin, person_of, require_safe_method
from governance.admin.wording import plural
from governance.domain.errors import NotOwnNoticeError
from governance.domain.positions import read_digits
from governance.domain.values import NoticeKind
from governance.models import Notice
from governance.services.notices.operations import mark_read
from governance.services.notices.queries import newest_notices, unread_count

LIST = "admin:governance_notice_changelist"
READ_NOTICES = "admin:governance_notice_read"
MAX_LISTED = 100
MAX_ON_HOME = 5
VIEW_CONTRACTS = "governance.view_systemcontract"
_COUNTED = "_unread_notices"

KINDS: Mapping[str, str] = {
    NoticeKind.JOB_FAILED: "Job failed",
    NoticeKind.EXECUTOR_LOST: "Executor lost",
    NoticeKind.QUESTION_ASKED: "Question",
    NoticeKind.QUESTION_ANSWERED: "Answer",
    NoticeKind.CONTRACT_EXPIRED: "Expired",
    NoticeKind.WINDOW_PASSED: "Window passed",
    NoticeKind.BREAKER_OPENED: "Handler stopped",
    NoticeKind.ROLLBACK_PROPOSED: "Rollback proposed",
    NoticeKind.ROLLBACK_NOT_MADE: "No rollback",
    NoticeKind.MANY_ROLLBACKS: "Many rollbacks",
    NoticeKind.AUDIT_FAILED: "Verification failed",
    NoticeKind.AUDIT_INCONCLUSIVE: "Decision needed",
}


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """One's own notices, the newest first; another person's do not exist here."""

    # Every person of the staff has notices, whatever else they may see.
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return person_of(request).is_active and person_of(request).is_staff

    # The sidebar has an item of its own for them, with the number of the unread ones.
    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notice]:
        return Notice.objects.filter(account=person_of(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the newest notices; their buttons send forms to `read_view`."""
        require_safe_method(request)
        rows = notice_rows(request, most=MAX_LISTED + 1)
        context = self.page_context(
            request,
            title="Notices",
            rows=rows[:MAX_LISTED],
            has_more=len(rows) > MAX_LISTED,
            unread=[row["id"] for row in rows[:MAX_LISTED] if row["is_unread"]],
            read_url=reverse(READ_NOTICES),
        )
        return render(request, "admin/governance/notices.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Lead to the list, which shows all that there is of a notice."""
        require_safe_method(request)
        self.find(request, object_id)
        return HttpResponseRedirect(reverse(LIST))

    def get_urls(self) -> list[URLPattern]:
        read = self.page_url("read", self.read_view, route="read/", takes_post=True)
        return [read, *super().get_urls()]

    def read_view(self, request: HttpRequest) -> HttpResponse:
        """Mark the notices that a form names as read, and return to the list."""
        if ids := _ids_in(request):
            try:
                marked = mark_read(notice_ids=ids, person=person_of(request))
            except NotOwnNoticeError:
                raise PermissionDenied from None
            messages.success(request, f"Marked as read: {plural(marked, 'notice')}.")
        return HttpResponseRedirect(reverse(LIST))


def notice_rows(
    request: HttpRequest, *, most: int, unread_only: bool = False
) -> list[dict[str, Any]]:
    """Return the newest notices of the person of a request as a page shows them; one query."""
    found = newest_notices(person_of(request), most=most, unread_only=unread_only)
    may_open = request.user.has_perm(VIEW_CONTRACTS)
    return [
        {
            "id": notice.pk,
            "label": KINDS[notice.kind],
            "text": notice.text,
            "at": notice.created_at,
            "is_unread": notice.read_at is None,
            "contract": notice.contract,
            "url": contract_url(notice.contract) if notice.contract and may_open else "",
        }
        for notice in found
    ]


def unread_rows(request: HttpRequest, *, most: int) -> list[dict[str, Any]]:
    """Return the newest unread notices; no further query if the navigation counted none."""
    return notice_rows(request, most=most, unread_only=True) if unread_notices(request) else []


def unread_notices(request: HttpRequest) -> int:
    """Return how many unread notices the person of a request has; one query per request."""
    if not hasattr(request, _COUNTED):
        setattr(request, _COUNTED, unread_count(person_of(request)))
    return int(getattr(request, _COUNTED))


def _ids_in(request: HttpRequest) -> set[int]:
    """Return the ids that a form sent, without texts that are none."""
    ids = set()
    for text in request.POST.getlist("ids")[:MAX_LISTED]:
        with suppress(ValueError):
            ids.add(read_digits(text, max_digits=18))
    return ids
