"""Accounts: people and groups, managed by superusers alone; API tokens, only to be looked at.

Nobody is deleted: the record keeps whoever did something. An account is switched off instead.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from knox.models import AuthToken
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from governance.admin.lists import FilteredList
from governance.admin.readonly import ReadOnlyAdmin
from governance.admin.wording import moment


class SuperusersOnly(ModelAdmin):
    """For superusers, whatever permissions others hold: who manages accounts can become anyone."""

    actions: Any = None
    list_filter_submit = True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FilteredList

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.unregister(AuthToken)


# Django's classes come first: Unfold's own have empty `add_fieldsets`, which would leave a new
# account without a name.
@admin.register(User)
class UserAdmin(DjangoUserAdmin, SuperusersOnly):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    filter_horizontal = ()  # two lists side by side do not fit the page
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "is_superuser")


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, SuperusersOnly):
    filter_horizontal = ()


@admin.register(AuthToken)
class TokenAdmin(ReadOnlyAdmin):
    """Whose tokens there are and until when; neither token nor digest is shown."""

    list_display = ("user", "beginning", "made", "ends")
    list_display_links = None  # a token's address would be its digest
    list_select_related = ("user",)
    search_fields = ("user__username",)
    sortable_by = ("made",)
    fields = ("user", "beginning", "made", "ends")
    readonly_fields = ("beginning", "made", "ends")
    ordering = ("-created",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    @display(description="Token begins with")
    def beginning(self, token: AuthToken) -> str:
        return f"{token.token_key[:8]}…"

    @display(description="Made", ordering="created")
    def made(self, token: AuthToken) -> str:
        return moment(token.created)

    @display(description="Ends")
    def ends(self, token: AuthToken) -> str:
        return moment(token.expiry) if token.expiry else "never"
