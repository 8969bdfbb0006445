"""What every screen over the record shares: it shows, and nobody can add, change or delete."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ShowFacets
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from governance.admin.lists import FilteredList
from governance.admin.wording import pretty_json, value_in_words
from governance.services.access.permissions import REVIEW_PERMISSION

MAX_INLINE_JSON = 80


class ReadOnlyAdmin(ModelAdmin):
    """Read-only for everyone, superusers included, whatever permissions they hold.

    Lists never count the whole table: their pages are "previous" and "next". One that grows for
    ever is a `CursorPaginatedList`.
    """

    actions = None
    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = InfinitePaginator
    empty_value_display = "—"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[FilteredList]:
        return FilteredList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        require_safe_method(request)
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title} | (extra_context or {}))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Django's own log knows nothing of what is decided here; the object's page does."""
        return HttpResponseRedirect(reverse(f"admin:{self._page_name()}", args=[object_id]))

    def find(self, request: HttpRequest, object_id: Any) -> Any:
        """The object, for somebody who may see it: 403 or 404 otherwise."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_object(request, str(object_id))
        if found is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id}.")
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        return found

    def page_context(self, request: HttpRequest, **context: Any) -> dict[str, Any]:
        """What a page of our own gives its template, beside what it shows."""
        request.current_app = self.admin_site.name
        return self.admin_site.each_context(request) | {"opts": self.opts} | context

    def _page_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_change"


def require_safe_method(request: HttpRequest) -> None:
    """Refuse whatever is not a mere look (403)."""
    if request.method not in ("GET", "HEAD"):
        raise PermissionDenied


def require_reviewer(request: HttpRequest) -> None:
    """Refuse whoever does not review (403)."""
    if not request.user.has_perm(REVIEW_PERMISSION):
        raise PermissionDenied


def folded_json(value: Any) -> SafeString:
    """A JSON value: short as it is, long folded away; escaped either way."""
    short = value_in_words(value)
    if len(short) <= MAX_INLINE_JSON:
        return format_html('<code class="gov-code">{}</code>', short)
    return format_html(
        '<details class="gov-fold"><summary>{} characters of JSON</summary><pre>{}</pre></details>',
        len(short),
        pretty_json(value),
    )
