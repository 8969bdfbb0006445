"""What the routes of this site mean: who serves each scope, and what a worker would do with a job.

Nothing is run and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from governance.authorities.executor.machine import obstacles_to
from governance.authorities.executor.routed_handlers import RoutedHandlers
from governance.authorities.executor.routes import EVERY, Route
from governance.authorities.health.observers.routed_observers import RoutedObservers
from governance.authorities.orchestrator.queries import job_to_run, overlapping_job
from governance.domain.canonical import timestamp
from governance.domain.changes import CHANGE_TYPES
from governance.domain.values import SYSTEM_SCOPE, JobRunner, JobStatus
from governance.flows.route_steps import plan_of
from governance.services.breakers.queries import open_breakers
from governance.services.freezes.queries import active_freeze
from governance.services.registry.queries import capability_names

MAX_CAPABILITIES = 100_000


@dataclass(frozen=True, slots=True)
class ServedSteps:
    """What serves the steps of one type in one scope; `route` is empty if no route matches.

    `obstacle` says why the handler or the observer cannot serve them on this machine, or is empty.
    """

    scope: str
    step_type: str
    handler: str
    observer: str
    trust_reports: bool
    route: str
    obstacle: str


@dataclass(frozen=True, slots=True)
class StepOfJob:
    """What serves one step of a job; `step_index` counts from 0."""

    step_index: int
    served: ServedSteps


@dataclass(frozen=True, slots=True)
class JobCheck:
    """What a worker would do with a job now: run it, unless there are obstacles.

    `waits_for` are those of the obstacles that end by themselves.
    """

    job_id: UUID
    status: JobStatus
    run_by: JobRunner
    steps: list[StepOfJob]
    obstacles: list[str]
    waits_for: list[str]


def registered_scopes() -> list[str]:
    """Return SYSTEM and the names of all registered capabilities."""
    return [SYSTEM_SCOPE, *capability_names(limit=MAX_CAPABILITIES)]


def served_steps(
    handlers: RoutedHandlers, observers: RoutedObservers, scopes: Iterable[str]
) -> list[ServedSteps]:
    """Return what serves each type of step in these scopes."""
    return [
        _served(handlers, observers, scope, step_type)
        for scope in scopes
        for step_type in CHANGE_TYPES
    ]


def unregistered_scopes(handlers: RoutedHandlers, registered: Iterable[str]) -> list[str]:
    """Return the scopes that a route names and that are not registered, in the file's order."""
    known = {*registered, EVERY}
    named = [scope for route in handlers.routes.routes for scope in route.scopes]
    return [scope for scope in dict.fromkeys(named) if scope not in known]


def check_job(job_id: UUID, handlers: RoutedHandlers, observers: RoutedObservers) -> JobCheck:
    """Return what a worker would do with a job now, without doing it.

    Raises:
        NotFoundError: no such job.
    """
    job = job_to_run(job_id)
    plan = plan_of(job.steps)
    steps = [
        StepOfJob(step.step_index, _served(handlers, observers, step.target, step.step_type))
        for step in plan
    ]
    obstacles = []
    if job.status is not JobStatus.PENDING:
        obstacles.append(f"The job is {job.status}; a worker starts a PENDING one.")
    if job.run_by is JobRunner.CLIENT:
        obstacles.append("Its activation left the job to executors over HTTP.")
    obstacles += obstacles_to(plan, handler_for=handlers, seconds_left=job.seconds_left)
    used = {step.served.handler for step in steps}
    obstacles += [
        f"The circuit breaker of {breaker.handler} is open."
        for breaker in open_breakers()
        if breaker.handler in used
    ]
    waits_for = [*_waits_for(job.scopes)] if job.status is JobStatus.PENDING else []
    return JobCheck(job_id, job.status, job.run_by, steps, obstacles + waits_for, waits_for)


def _waits_for(scopes: Sequence[str]) -> Iterator[str]:
    """Yield what has to end before a job that affects `scopes` can start."""
    if freeze := active_freeze():
        yield f"Changes are frozen until {timestamp(freeze.until)}: {freeze.reason}"
    if overlapping := overlapping_job(scopes):
        reference, capability = overlapping
        yield f"The job of {reference} runs, and affects {capability} too."


def missing_handlers(handlers: RoutedHandlers) -> list[str]:
    """Return in words which handlers of routes are not installed on this machine."""
    return sorted({_not_installed(route) for route in handlers.missing})


def _not_installed(route: Route) -> str:
    return f"{route.handler} is not installed on this machine"


def _served(
    handlers: RoutedHandlers, observers: RoutedObservers, scope: str, step_type: str
) -> ServedSteps:
    route = handlers.routes.route_of(scope, step_type)
    obstacle = ""
    if route in handlers.missing:
        obstacle = _not_installed(route)
    elif (types := handlers.step_types_of(route)) is not None and step_type not in types:
        obstacle = f"{route.handler} does not serve {step_type}"
    elif unusable := observers.obstacle_of(route):
        obstacle = f"observer {route.observer}: {unusable}"
    return ServedSteps(
        scope=scope,
        step_type=step_type,
        handler=route.handler,
        observer=route.observer,
        trust_reports=route.trust_reports,
        route=route.path,
        obstacle=obstacle,
    )
