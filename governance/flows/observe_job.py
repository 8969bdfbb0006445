"""The observation of a job: what its scopes hold after its start, after a step and before its end.

Whatever cannot be observed is left out or stands there with its reason; it never keeps a job from
its start or its end. The auditor then has no observation, and so no PASS.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError

from governance.authorities.executor.machine import EXECUTOR_VERSION
from governance.authorities.executor.routes import REGISTRY, Routes
from governance.authorities.health.observed_states import replace_observed_states
from governance.authorities.health.observers.observe_scopes import OBSERVE_SECONDS, observe_scopes
from governance.authorities.health.observers.routed_observers import RoutedObservers
from governance.authorities.health.readings import capture_health_snapshot
from governance.authorities.orchestrator.evidence import EndOfJob
from governance.authorities.orchestrator.job_state import JobHistory
from governance.authorities.orchestrator.observations import record_observations
from governance.domain.errors import GovernanceError, InvalidInputError
from governance.domain.observations import ObservationPhase, ObservedScope
from governance.domain.values import JobRunner, JobStatus
from governance.flows.route_steps import site_routes
from governance.flows.site_observers import site_observers
from governance.models import GovernanceJob

logger = logging.getLogger(__name__)

# However long the health took, an observer has this time.
MIN_OBSERVE_SECONDS = 1.0


def observe_before(job: GovernanceJob, *, scopes: Sequence[str] | None = None) -> None:
    """Observe the scopes of a job that has just started, before anybody can begin its first step.

    Args:
        scopes: the capabilities that its contract affects, if the caller knows them.
    """
    observers = _usable_observers()
    if observers is None or job.started_at is None:
        return
    scopes = job.contract.affected_capabilities if scopes is None else scopes
    _observe_and_record(
        job.pk, observers, scopes, phase=ObservationPhase.BEFORE, now=job.started_at
    )


def observe_step(job_id: UUID, *, step_index: int, target: str, now: datetime) -> None:
    """Observe the target of a step that was just reported, if it is outside of this database.

    The registry changes in the transaction of the report, so it needs no look of its own.
    """
    observers = _usable_observers()
    if observers is None or all(name == REGISTRY for name, _ in observers.observers_of(target)):
        return
    _observe_and_record(
        job_id, observers, [target], phase=ObservationPhase.STEP, now=now, step_index=step_index
    )


def read_end(history: JobHistory, *, observes: bool = True) -> EndOfJob:
    """Read what the evidence needs besides the record: health, observations and routes.

    Health and observers share one limit of time.

    Args:
        observes: False for a sweep, which seals the evidence without observations.
    """
    began = time.monotonic()
    health = capture_health_snapshot(scopes=history.scopes, at=history.now)
    observed = None
    observers = _usable_observers() if observes else None
    if observers is not None and history.job.status == JobStatus.RUNNING:
        left = OBSERVE_SECONDS - (time.monotonic() - began)
        observed = observe_scopes(
            observers, history.scopes, now=history.now, seconds=max(MIN_OBSERVE_SECONDS, left)
        )
        replace_observed_states(observed)
    return EndOfJob(
        health=health,
        observed=observed or None,
        routes=_route_records(history.steps),
        executor_version=EXECUTOR_VERSION if history.job.run_by == JobRunner.WORKER else None,
    )


def _observe_and_record(
    job_id: UUID,
    observers: RoutedObservers,
    scopes: Sequence[str],
    *,
    phase: ObservationPhase,
    now: datetime,
    step_index: int | None = None,
) -> None:
    try:
        observed: list[ObservedScope] = observe_scopes(observers, scopes, now=now)
        if observed:
            record_observations(job_id, observed, phase=phase, step_index=step_index)
            replace_observed_states(observed)
    except (GovernanceError, OperationalError, InterfaceError) as trouble:
        logger.warning("job %s: not observed: %s", job_id, trouble)


def _usable_observers() -> RoutedObservers | None:
    """Return the observers of this site, or None without any."""
    try:
        observers = site_observers()
    except InvalidInputError as error:
        logger.warning("The routes cannot be used, so nothing is observed: %s", error)
        return None
    return observers if observers.observers else None


def _route_records(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Return what serves each step by the present routes; None if these cannot be used."""
    try:
        routes = site_routes()
    except InvalidInputError:
        return None
    return [_route_record(routes, step) for step in steps]


def _route_record(routes: Routes, step: dict[str, Any]) -> dict[str, Any]:
    route = routes.route_of(step["target"], step["step_type"])
    return {
        "step_index": step["step_index"],
        "handler": route.handler,
        "observer": route.observer,
        "trust_reports": route.trust_reports,
        "shares_database": (route.handler, route.observer) == (REGISTRY, REGISTRY),
    }
