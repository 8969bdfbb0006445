"""The observers: they read what a scope of the platform really holds, and change nothing.

An observer is named by the route that serves a step (`observer`). It is no handler: the executor
does not call it, and the auditor trusts it instead of the executor's word. `FACTORIES` names the
factories of the built-in ones, so that a process that observes nothing does not load them.
"""

from __future__ import annotations

from collections.abc import Mapping

FACTORIES: Mapping[str, str] = {
    "registry": f"{__name__}.registry:make_registry_observer",
    "http": f"{__name__}.http:make_http_observer",
    "git": f"{__name__}.git:make_git_observer",
    "command": f"{__name__}.command:make_command_observer",
}
