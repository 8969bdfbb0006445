"""The interface of observers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.secret_files import SecretFiles


@dataclass(frozen=True, slots=True)
class ScopeToObserve:
    """A scope, and what the registry says about its secrets.

    `secret_keys` are the configuration keys that are registered as keys of secrets, and `recorded`
    has the recorded values, in which a secret is a reference `secret://NAME`.
    """

    scope: str
    secret_keys: Collection[str] = ()
    recorded: Mapping[str, Any] = field(default_factory=dict)


class CannotObserve(Exception):  # noqa: N818 - what an observer reports, and no bug in it
    """The refusal of an observer to say what a scope holds, with the reason."""


class Observer(Protocol):
    """Reads the state of scopes on one platform, in a thread of its own.

    What it returns is checked, and secrets in it are hidden, before anybody sees it.
    """

    def observe(
        self, scopes: Sequence[ScopeToObserve], *, seconds: float
    ) -> Mapping[str, Mapping[str, Any] | CannotObserve]:
        """Return the state of each scope within `seconds`, as `ObservedScope.state` has it.

        A scope that the platform does not know has the state of one where nothing is set. A scope
        that the answer leaves out could not be observed; in place of a state may stand why.

        Raises:
            CannotObserve: nobody can tell what these scopes hold.
            Exception: likewise; its type and text become the reason.
        """
        ...


# Makes the observer of one route from the route's table `observer_options`.
ObserverFactory = Callable[[OptionTable, SecretFiles], Observer]
