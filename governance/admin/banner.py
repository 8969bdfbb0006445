"""That the line stands still, above every page; read once a request, and only if a page asks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from governance.domain.values import ActiveFreeze
from governance.services.freezes.queries import active_freeze

_READ = "_current_freeze"


def current_freeze(request: HttpRequest) -> ActiveFreeze | None:
    """The freeze in force, for staff; None while the line runs, and for everybody else."""
    person = getattr(request, "user", None)
    if person is None or not (person.is_active and person.is_staff):
        return None
    if not hasattr(request, _READ):
        setattr(request, _READ, active_freeze(timezone.now()))
    freeze: ActiveFreeze | None = getattr(request, _READ)
    return freeze


def banner(request: HttpRequest) -> dict[str, Any]:
    """`current_freeze` for every template."""
    return {"current_freeze": SimpleLazyObject(lambda: current_freeze(request))}
