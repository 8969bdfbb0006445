"""What one may do: every action names its permission, and what names none is denied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class ActionPermission(BasePermission):
    """Default-deny.

    A view lists `action_permissions`: action → permission, as in `governance.execute_job`. An
    action that is not listed is denied to everyone, superusers included; so is a view without
    the list. A token that is narrowed to verbs may do nothing else, whatever its account may.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not (user and user.is_authenticated and user.is_active):
            raise NotAuthenticated
        action = getattr(view, "action", None)
        if action in (None, "metadata"):  # PUT, PATCH, DELETE, OPTIONS: no such call at all
            raise MethodNotAllowed(request.method or "")
        named: Mapping[str, str] = getattr(view, "action_permissions", {})
        needed = named.get(action)
        if needed is None:
            raise PermissionDenied("Nobody may do this: it names no permission.")
        require_permission(request, needed)
        return True


def require_permission(request: Request, permission: str) -> None:
    """PermissionDenied unless the account has it, and its token is not narrowed to other verbs."""
    verbs = getattr(request.auth, "verbs", None)
    is_among = verbs is None or permission.removeprefix("governance.") in verbs
    if not (is_among and request.user.has_perm(permission)):
        raise PermissionDenied(f"This needs the permission {permission}.")
