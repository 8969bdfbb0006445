"""The change freeze banner above every page; one query per request, when a template uses it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from governance.domain.values import ActiveFreeze
from governance.services.freezes.queries import active_freeze

_READ = "_current_freeze"


def current_freeze(request: HttpRequest) -> ActiveFreeze | None:
    """Return the active change freeze or None; always None for a person who is not active staff."""
    person = getattr(request, "user", None)
    if person is None or not (person.is_active and person.is_staff):
        return None
    if not hasattr(request, _READ):
        setattr(request, _READ, active_freeze(timezone.now()))
    freeze: ActiveFreeze | None = getattr(request, _READ)
    return freeze


def banner(request: HttpRequest) -> dict[str, Any]:
    """Context processor: give every template `current_freeze`, evaluated on first use."""
    return {"current_freeze": SimpleLazyObject(lambda: current_freeze(request))}
