"""The handlers of a site's routes: one for each route, made when a worker starts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.routes import Route, Routes
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import StepHandler, StepInPlan

# Makes the handler of one route from its options, which it reads and checks.
HandlerFactory = Callable[[OptionTable, SecretFiles], StepHandler]


class RoutedHandlers:
    """The lookup that the machine asks for the handler of a step.

    A route whose handler has no factory here is in `missing`; its steps have no handler.
    """

    def __init__(
        self, routes: Routes, factories: Mapping[str, HandlerFactory], secrets: SecretFiles
    ) -> None:
        """Make the handler of each route.

        Raises:
            InvalidInputError: the options of a route are wrong, with the path of the field; or a
                secret that a route names cannot be used.
        """
        self.routes = routes
        self.missing: list[Route] = []
        self._by_path: dict[str, StepHandler] = {}
        for route in routes.routes:
            if not route.is_here:
                continue
            if factory := factories.get(route.handler):
                options = route.option_table
                self._by_path[route.path] = factory(options, secrets.unused())
                options.require_no_more()
            else:
                self.missing.append(route)

    def __call__(self, step: StepInPlan) -> StepHandler | None:
        """Return the handler of a step; None if it is left to clients, or has none here."""
        return self._by_path.get(self.routes.route_of(step.target, step.step_type).path)

    def step_types_of(self, route: Route) -> Collection[str] | None:
        """Return the types of steps that a route's handler serves; None if it has none here."""
        handler = self._by_path.get(route.path)
        return handler.step_types if handler else None
