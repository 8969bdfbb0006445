"""Failures of health readings: the only writer of `HealthFailure`.

A reading that fails refuses what it was taken for, which leaves no other trace.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.db.models import QuerySet

from governance.db.clock import DatabaseNow
from governance.domain.health import UnknownHealth
from governance.domain.texts import cut_text
from governance.models import HealthFailure

# The same failure is recorded once in this time, so that an outage does not fill the table.
REPEAT_AFTER = timedelta(minutes=10)
RECENT = timedelta(hours=24)
MAX_REASON_LENGTH = 300


def record_failures(unknown: UnknownHealth) -> None:
    """Record each trouble of a failed reading that was not recorded a few minutes ago."""
    troubles = [(one.scope, cut_text(one.reason, MAX_REASON_LENGTH)) for one in unknown.troubles]
    known = set(
        HealthFailure.objects.filter(
            observed_at__gt=DatabaseNow() - REPEAT_AFTER, scope__in={scope for scope, _ in troubles}
        ).values_list("scope", "reason")
    )
    HealthFailure.objects.bulk_create(
        HealthFailure(scope=scope, reason=reason, observed_at=DatabaseNow())
        for scope, reason in dict.fromkeys(troubles)
        if (scope, reason) not in known
    )


def recent_health_failures(scopes: Collection[str] | None = None) -> QuerySet[HealthFailure]:
    """Return the failures of the last 24 hours, the newest first.

    Args:
        scopes: only those of these scopes, and of all scopes at once.
    """
    failures = HealthFailure.objects.filter(observed_at__gt=DatabaseNow() - RECENT)
    return failures if scopes is None else failures.filter(scope__in=["", *scopes])
