"""The built-in handlers: each performs the steps of the routes that name it.

A handler is made by a factory from the options of its route. `FACTORIES` names the factories, so
that a process that runs no steps does not load them.
"""

from __future__ import annotations

from collections.abc import Mapping

FACTORIES: Mapping[str, str] = {
    "http": f"{__name__}.http:make_http_handler",
    "git": f"{__name__}.git:make_git_handler",
    "command": f"{__name__}.command:make_command_handler",
}
