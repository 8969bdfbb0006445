"""Permissions of API calls: each action names one, and an action that names none is denied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class ActionPermission(BasePermission):
    """A permission check that denies by default.

    A view maps its actions to permissions such as `governance.execute_job` in
    `action_permissions`. An action without an entry is denied to everyone, superusers included; so
    is every action of a view without the mapping. A token that is restricted to verbs allows
    only these, whatever its account may do.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not (user and user.is_authenticated and user.is_active):
            raise NotAuthenticated
        action = getattr(view, "action", None)
        if action in (None, "metadata"):  # PUT, PATCH, DELETE, OPTIONS: no view has them
            raise MethodNotAllowed(request.method or "")
        named: Mapping[str, str] = getattr(view, "action_permissions", {})
        needed = named.get(action)
        if needed is None:
            raise PermissionDenied("This call names no permission, so nobody may use it.")
        require_permission(request, needed)
        return True


def require_permission(request: Request, permission: str) -> None:
    """Refuse a caller whose account lacks `permission` or whose token is restricted to other verbs.

    Raises:
        PermissionDenied: the message names the permission.
    """
    verbs = getattr(request.auth, "verbs", None)
    is_among = verbs is None or permission.removeprefix("governance.") in verbs
    if not (is_among and request.user.has_perm(permission)):
        raise PermissionDenied(f"This needs the permission {permission}.")
