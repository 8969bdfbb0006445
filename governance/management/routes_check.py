"""The check that the routes file, and the observers that it names, can be used."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Warning

from governance.domain.errors import InvalidInputError
from governance.flows.site_observers import site_observers


def check_routes_file(**_: Any) -> list[CheckMessage]:
    """Warn, in `check --deploy`, if the routes or an observer cannot be used on this machine."""
    try:
        observers = site_observers().observers
    except InvalidInputError as error:
        return [
            Warning(
                f"The routes file cannot be used, so no contract is activated: {error}",
                hint="Correct the file that GOVSITE_EXECUTION_FILE names: see docs/routes.md.",
                id="governance.W003",
            )
        ]
    return [
        Warning(
            f"The observer {one.name} cannot be used on this machine: {one.obstacle}",
            hint="While it cannot, jobs on its scopes get no PASS: see docs/observers.md.",
            id="governance.W004",
        )
        for one in observers
        if one.obstacle
    ]
