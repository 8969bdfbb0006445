"""Reading for the second attempt of an audit: what the sealed evidence does not have, as it is now.

A scope that another job has begun to change since is left out: what it holds now says nothing about
the job in question.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from governance.authorities.audit.sealed_job import LaterReading, SealedJob
from governance.authorities.health.observers.observe_scopes import observe_scopes
from governance.authorities.health.readings import capture_health_snapshot
from governance.authorities.orchestrator.queries import scopes_changed_since
from governance.authorities.orchestrator.snapshots import reading_record
from governance.db.clock import database_now
from governance.domain.errors import InvalidInputError
from governance.domain.values import SYSTEM_SCOPE
from governance.flows.site_observers import site_observers
from governance.models import AuditEvidence

logger = logging.getLogger(__name__)


def read_later(evidence: AuditEvidence) -> LaterReading:
    """Read the health and the scopes that the evidence has not after the job; in no transaction."""
    job = SealedJob(evidence.document)
    changed = scopes_changed_since(evidence.job_id)
    unseen = sorted({view[0] for view in job.views if view not in job.after})
    health = None
    if job.health_after is None and not changed:
        reading = capture_health_snapshot(scopes=job.affected or ())
        health = reading_record(reading) if reading else None
    return LaterReading(observations=_observe(_unchanged(unseen, changed)), health=health)


def _unchanged(scopes: Collection[str], changed: Collection[str]) -> list[str]:
    """Return the scopes that no other job changes; SYSTEM overlaps with all."""
    if SYSTEM_SCOPE in changed:
        return []
    return [scope for scope in scopes if scope not in changed]


def _observe(scopes: Collection[str]) -> list[dict[str, Any]]:
    """Return what the observers of this site see now, as records."""
    if not scopes:
        return []
    try:
        observers = site_observers()
    except InvalidInputError as error:
        logger.warning("The routes cannot be used, so nothing is observed: %s", error)
        return []
    return [one.as_record() for one in observe_scopes(observers, scopes, now=database_now())]
