"""The check that the routes file can be used."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Warning

from governance.domain.errors import InvalidInputError
from governance.flows.route_steps import site_routes


def check_routes_file(**_: Any) -> list[CheckMessage]:
    """Warn, in `check --deploy`, if the routes file cannot be used: then nothing is activated."""
    try:
        site_routes()
    except InvalidInputError as error:
        return [
            Warning(
                f"The routes file cannot be used, so no contract is activated: {error}",
                hint="Correct the file that GOVSITE_EXECUTION_FILE names: see docs/routes.md.",
                id="governance.W003",
            )
        ]
    return []
