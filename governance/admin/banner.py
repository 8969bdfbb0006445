"""That the line stands still, above every page; read once a request, and only if a page asks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from governance.review.queries import freeze_in_force
from governance.vocabulary.values import StandingFreeze

_READ = "_line_freeze"


def line_freeze(request: HttpRequest) -> StandingFreeze | None:
    """The freeze in force, for staff; None while the line runs, and for everybody else."""
    person = getattr(request, "user", None)
    if person is None or not (person.is_active and person.is_staff):
        return None
    if not hasattr(request, _READ):
        setattr(request, _READ, freeze_in_force(timezone.now()))
    standing: StandingFreeze | None = getattr(request, _READ)
    return standing


def banner(request: HttpRequest) -> dict[str, Any]:
    """`line_freeze` for every template."""
    return {"line_freeze": SimpleLazyObject(lambda: line_freeze(request))}
