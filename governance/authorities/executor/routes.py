"""The routes: which handler and which observer serve a step, by its scope and type of change.

The routes file is TOML, with one table `[[route]]` for each route. The first route that matches a
step serves it. A step that no route matches is left to executors over HTTP, as is one whose route
names the handler `client`. docs/routes.md describes the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.steps import StepInPlan
from governance.domain.changes import CHANGE_TYPES
from governance.domain.errors import InvalidRoutesError

CLIENT = "client"
REGISTRY = "registry"
BUILT_IN_HANDLERS = (CLIENT, REGISTRY, "http", "git", "command")
BUILT_IN_OBSERVERS = (REGISTRY, "http", "git", "command")
EVERY = "*"
MAX_ROUTES = 1000


@dataclass(frozen=True, slots=True)
class Route:
    """A route: which steps it matches, and what serves them.

    `scopes` and `change_types` are names, or `("*",)` for all. `observer` may be empty.
    `options` is the handler's own table, and `observer_options` the observer's. `path` is where
    the route stands in the file.
    """

    handler: str
    scopes: tuple[str, ...] = (EVERY,)
    change_types: tuple[str, ...] = (EVERY,)
    observer: str = ""
    trust_reports: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    observer_options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    path: str = ""

    def serves(self, scope: str, step_type: str) -> bool:
        """Return whether this route matches a step."""
        return (self.scopes == (EVERY,) or scope in self.scopes) and (
            self.change_types == (EVERY,) or step_type in self.change_types
        )

    @property
    def is_here(self) -> bool:
        """Return whether a worker performs the steps, and not an executor over HTTP."""
        return self.handler != CLIENT

    @property
    def option_table(self) -> OptionTable:
        """Return the options to be read by the handler's factory."""
        return OptionTable(self.options, f"{self.path}.options")

    @property
    def observer_table(self) -> OptionTable:
        """Return the options to be read by the observer's factory."""
        return OptionTable(self.observer_options, f"{self.path}.observer_options")


CLIENT_ROUTE = Route(handler=CLIENT)


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes of a site in the order of the file; without any, all steps are left to clients."""

    routes: tuple[Route, ...] = ()

    def route_of(self, scope: str, step_type: str) -> Route:
        """Return the first route that matches; without one, that of executors over HTTP."""
        for route in self.routes:
            if route.serves(scope, step_type):
                return route
        return CLIENT_ROUTE

    def runs_here(self, plan: Sequence[StepInPlan]) -> bool:
        """Return whether all steps of a plan go to handlers of our workers."""
        return bool(plan) and all(
            self.route_of(step.target, step.step_type).is_here for step in plan
        )


def read_routes(
    text: str, *, more_handlers: Collection[str] = (), more_observers: Collection[str] = ()
) -> Routes:
    """Read the text of a routes file.

    Args:
        more_handlers: the names of the installed handlers that are not built in.
        more_observers: those of the installed observers.

    Raises:
        InvalidRoutesError: with the path of the field that is wrong.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidRoutesError.whole(f"The routes are not valid TOML: {error}.") from None
    table = OptionTable(document)
    tables = table.tables("route")
    table.require_no_more()
    if len(tables) > MAX_ROUTES:
        raise table.error("route", f"has more than {MAX_ROUTES} routes")
    handlers = _known(BUILT_IN_HANDLERS, more_handlers)
    observers = _known(BUILT_IN_OBSERVERS, more_observers)
    routes = Routes(tuple(_read_route(one, handlers, observers) for one in tables))
    _require_one_observer_of_a_name(routes)
    return routes


def _known(built_in: Sequence[str], more: Collection[str]) -> tuple[str, ...]:
    return (*built_in, *sorted(set(more) - set(built_in)))


def _read_route(table: OptionTable, handlers: Sequence[str], observers: Sequence[str]) -> Route:
    handler = table.text("handler")
    if handler not in handlers:
        raise table.error("handler", f"is not a known handler: {', '.join(handlers)}")
    observer = table.text("observer", default="")
    if observer and observer not in observers:
        raise table.error("observer", f"is not a known observer: {', '.join(observers)}")
    if observer == REGISTRY and handler != REGISTRY:
        # The registry follows the reports of all other handlers, and so would confirm each lie.
        raise table.error("observer", "can be registry only where the handler is registry")
    if handler == REGISTRY:
        observer = observer or REGISTRY
    options, observer_options = table.table("options"), table.table("observer_options")
    route = Route(
        handler=handler,
        scopes=_names(table, "scopes"),
        change_types=_names(table, "change_types", known=CHANGE_TYPES),
        observer=observer,
        trust_reports=table.flag("trust_reports"),
        options=options.values,
        observer_options=observer_options.values,
        path=table.path,
    )
    table.require_no_more()
    if handler == CLIENT:
        options.require_no_more()
    if not observer:
        observer_options.require_no_more()
    return route


def _require_one_observer_of_a_name(routes: Routes) -> None:
    """Refuse routes by which a scope has two observers that only their options tell apart."""
    options: dict[tuple[str, str], Mapping[str, Any]] = {}
    every = {EVERY, *(scope for route in routes.routes for scope in route.scopes)}
    for step_type in CHANGE_TYPES:
        first = _first_routes(routes, step_type)
        for scope in every:
            route = first.get(scope) or first[EVERY]
            other = options.setdefault((scope, route.observer), route.observer_options)
            if other != route.observer_options:
                which = "another scope" if scope == EVERY else scope
                raise InvalidRoutesError.at(
                    f"{route.path}.observer_options",
                    f"must be those of the other route with the observer {route.observer} that "
                    f"serves {which}",
                )


def _first_routes(routes: Routes, step_type: str) -> dict[str, Route]:
    """Return by scope the first route that serves a type; `EVERY` is a scope no route names."""
    first: dict[str, Route] = {}
    for route in routes.routes:
        if step_type in route.change_types or route.change_types == (EVERY,):
            for scope in route.scopes:
                first.setdefault(scope, route)
            if EVERY in route.scopes:
                break
    first.setdefault(EVERY, CLIENT_ROUTE)
    return first


def _names(table: OptionTable, name: str, *, known: Collection[str] = ()) -> tuple[str, ...]:
    """Return a list of names, or `("*",)` for the text "*"."""
    if table.holds(name, EVERY):
        return (EVERY,)
    names = table.texts(name)
    for index, one in enumerate(names):
        if one == EVERY:
            raise table.error(f"{name}[{index}]", f'must be a name; write {name} = "*" for all')
        if known and one not in known:
            raise table.error(f"{name}[{index}]", f"is not one of {', '.join(known)}")
    return names
