"""The admin of accounts and groups, for superusers only.

Accounts are never deleted, because the record refers to them. They are deactivated instead. The
accounts of the authorities themselves are shown and not changed.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from governance.admin.lists import FilteredList
from governance.models import Account


class SuperusersOnly(ModelAdmin):
    """A model admin that only superusers may use.

    Model permissions do not grant access, because who edits accounts can act as any of them.
    """

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


admin.site.unregister(Group)


# Django's classes come first, because Unfold's have empty `add_fieldsets`: their form would not ask
# for a username.
@admin.register(Account)
class UserAdmin(DjangoUserAdmin, SuperusersOnly):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    filter_horizontal = ()  # two lists side by side are too wide for a phone
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "is_superuser")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_machine = isinstance(obj, Account) and obj.machine is not None
        return not is_machine and super().has_change_permission(request, obj)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, SuperusersOnly):
    filter_horizontal = ()
