"""The admin of API tokens, for superusers only: the list, and forms to issue, rotate and revoke.

GET shows a form, POST acts. The text of a new token appears only in the response to the POST that
created it: not in the session, not in a message, and not on the token's page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import display

from governance.admin.accounts import is_superuser
from governance.admin.form_pages import form_page, sent_data
from governance.admin.readonly import ReadOnlyAdmin, person_of, require_safe_method
from governance.admin.token_forms import IssueForm, RevokeForm, RotateForm
from governance.admin.visible_html import visible
from governance.admin.wording import format_time, label, two_lines
from governance.domain.errors import GovernanceError
from governance.domain.tokens import TOKEN_VERBS
from governance.domain.visible_text import visible_text
from governance.models import ApiToken
from governance.models.fields import new_id
from governance.services.access.queries import all_tokens
from governance.services.access.tokens import (
    issue_token,
    require_rotatable,
    revoke_token,
    rotate_token,
)
from governance.services.registry.queries import unknown_capabilities

LIST = "admin:governance_apitoken_changelist"
MAX_NAMES_SHOWN = 2


@admin.register(ApiToken)
class TokenAdmin(ReadOnlyAdmin):
    """Every token, the newest first; no page shows a token's digest."""

    list_display = ("whose", "may", "capability_scope", "made", "used", "ends", "state")
    list_before_template = "admin/governance/_tokens_now.html"
    search_fields = ("user__username", "name")
    sortable_by = ("made", "used")
    ordering = ("-created", "-id")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    # --- the list ---
    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        return all_tokens()

    @display(description="Account", ordering="user__username")
    def whose(self, token: ApiToken) -> SafeString:
        return two_lines(str(token.user), token.name or token.beginning)

    @display(description="May")
    def may(self, token: ApiToken) -> SafeString:
        verbs = token.verbs and [TOKEN_VERBS.get(verb, verb) for verb in token.verbs]
        return visible(abbreviated_names(verbs, "everything its account may", most=1))

    @display(description="Capabilities")
    def capability_scope(self, token: ApiToken) -> SafeString:
        return visible(abbreviated_names(token.capabilities, "all"))

    @display(description="Made", ordering="created")
    def made(self, token: ApiToken) -> str:
        return format_time(token.created)

    @display(description="Last use", ordering="last_used_at")
    def used(self, token: ApiToken) -> str:
        return format_time(token.last_used_at) if token.last_used_at else "never"

    @display(description="State")
    def state(self, token: ApiToken) -> SafeString:
        return label(token.state_at(timezone.now()))

    @display(description="Ends")
    def ends(self, token: ApiToken) -> str:
        return end_in_words(token)

    # --- one token ---
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the token's page; it has no form of its own, so a POST is refused."""
        require_safe_method(request)
        token = self.find(request, object_id)
        return render(request, "admin/governance/token.html", self._context(request, token))

    def get_urls(self) -> list[URLPattern]:
        return [
            self.page_url("issue", self.issue_view, route="issue/", takes_post=True),
            self.page_url("rotate", self.rotate_view, takes_post=True),
            self.page_url("revoke", self.revoke_view, takes_post=True),
            *super().get_urls(),
        ]

    # --- issue, rotate, revoke ---
    def issue_view(self, request: HttpRequest) -> HttpResponse:
        """Show the form by GET; by POST issue a token and show it once."""
        require_superuser(request)

        def issue(data: dict[str, Any]) -> HttpResponse:
            token, text = issue_token(**data, actor=person_of(request))
            return self._show_once(request, token, text)

        return form_page(
            request,
            IssueForm(sent_data(request), initial={"token_id": new_id()}),
            operation=issue,
            template="admin/governance/token_issue.html",
            context=lambda: self.page_context(
                request, title="Issue a token", list_url=reverse(LIST)
            ),
        )

    def rotate_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Show the form by GET; by POST issue the token's successor and show it once."""
        require_superuser(request)
        token = self.find(request, object_id)

        def rotate(data: dict[str, Any]) -> HttpResponse:
            overlap = timedelta(hours=data["overlap_hours"])
            successor, text = rotate_token(
                token_id=token.pk, overlap=overlap, actor=person_of(request)
            )
            return self._show_once(request, successor, text)

        return form_page(
            request,
            RotateForm(sent_data(request)),
            operation=rotate,
            template="admin/governance/token_rotate.html",
            context=lambda: self._context(request, token) | {"title": "Rotate a token"},
        )

    def revoke_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Show the form by GET; revoke the token by POST."""
        require_superuser(request)
        token = self.find(request, object_id)

        def revoke(data: dict[str, Any]) -> HttpResponse:
            revoke_token(token_id=token.pk, reason=data["reason"], actor=person_of(request))
            messages.success(request, f"Revoked: {visible_text(str(token))} no longer works.")
            return HttpResponseRedirect(reverse(LIST))

        return form_page(
            request,
            RevokeForm(sent_data(request)),
            operation=revoke,
            template="admin/governance/token_revoke.html",
            context=lambda: self._context(request, token) | {"title": "Revoke a token"},
        )

    def _show_once(self, request: HttpRequest, token: ApiToken, text: str) -> HttpResponse:
        context = self._context(request, token) | {
            "title": "The new token",
            "text": text,
            "unknown": unknown_capabilities(token.capabilities or ()),
        }
        # Every admin page is sent with `no-store`, so going back does not show the token again.
        return render(request, "admin/governance/token_made.html", context, status=201)

    def _context(self, request: HttpRequest, token: ApiToken) -> dict[str, Any]:
        at = timezone.now()
        against_rotating: GovernanceError | None = None
        try:
            require_rotatable(token, at)
        except GovernanceError as error:
            against_rotating = error
        return self.page_context(
            request,
            title=str(token),
            token=token,
            state=token.state_at(at),
            successor=getattr(token, "successor", None),
            verbs=[TOKEN_VERBS.get(verb, verb) for verb in token.verbs or ()],
            against_rotating=against_rotating,
            list_url=reverse(LIST),
            token_url=reverse("admin:governance_apitoken_change", args=[token.pk]),
        )


def require_superuser(request: HttpRequest) -> None:
    """Refuse a person who is no superuser (403): a token lets its holder act as any service."""
    if not is_superuser(request):
        raise PermissionDenied


def abbreviated_names(
    names: Sequence[str] | None, all_of_them: str, *, most: int = MAX_NAMES_SHOWN
) -> str:
    """Return the first names and the number of the others; `all_of_them` stands for None."""
    if names is None:
        return all_of_them
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def end_in_words(token: ApiToken) -> str:
    if token.revoked_at:
        return format_time(token.revoked_at)
    return format_time(token.expiry) if token.expiry else "never"
