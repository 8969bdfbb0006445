"""The base class of the admin's pages over the record, and the checks that pages share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib.admin import ShowFacets
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_safe
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from governance.admin.lists import FilteredList
from governance.admin.visible_html import json_value, visible
from governance.admin.wording import value_in_words
from governance.domain.visible_text import visible_text
from governance.models import Account
from governance.services.access.permissions import is_founder


def person_of(request: HttpRequest) -> Account:
    """Return the account of a request; every page of the admin requires a login."""
    return cast("Account", request.user)


class ReadOnlyAdmin(ModelAdmin):
    """A model admin in which nobody can add, change or delete, superusers included.

    Lists do not count their table: they link to the previous and the next page. A table that grows
    without bound uses `CursorPaginatedList`.
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
        """Redirect to the object's page: Django's log has no decisions, the ledger has them."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[object_id]))

    def find(self, request: HttpRequest, object_id: Any) -> Any:
        """Return the object.

        Raises:
            PermissionDenied: the person may not see it.
            Http404: there is no such object.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_object(request, str(object_id))
        if found is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id}.")
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        return found

    def page_url(
        self,
        name: str,
        view: Callable[..., HttpResponse],
        *,
        route: str = "<uuid:object_id>/{}/",
        takes_post: bool = False,
    ) -> URLPattern:
        """Return the address of another page: by default one of an object, and only for reading."""
        allow = require_http_methods(["GET", "HEAD", "POST"]) if takes_post else require_safe
        label = f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        return path(route.format(name), self.admin_site.admin_view(allow(view)), name=label)

    def page_context(self, request: HttpRequest, **context: Any) -> dict[str, Any]:
        """Return `context` with the variables that every page's template needs."""
        request.current_app = self.admin_site.name
        shown = context | {"title": visible_text(context["title"])}
        return self.admin_site.each_context(request) | {"opts": self.opts} | shown


def require_safe_method(request: HttpRequest) -> None:
    """Refuse every method but GET and HEAD (403)."""
    if request.method not in ("GET", "HEAD"):
        raise PermissionDenied


def require_reviewer(request: HttpRequest) -> None:
    """Refuse a person who is no founder (403)."""
    if not is_founder(person_of(request)):
        raise PermissionDenied


def text_column(name: str, description: str) -> Callable[[Any], SafeString]:
    """Return the column of a list, or the row of a form, for a text that somebody wrote."""

    @display(description=description, ordering=name)
    def column(row: Any) -> SafeString:
        return visible(getattr(row, name) or "—")

    column.__name__ = name
    return column


def folded_json(value: Any) -> SafeString:
    """Return a JSON value as escaped HTML; a long value is folded."""
    return json_value(value_in_words(value))
