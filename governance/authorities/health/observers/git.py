"""The observer `git`: reads a JSON file at the tip of a branch, as the handler `git` writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from governance.authorities.executor.handlers.git_source import GitSource, read_git_source
from governance.authorities.executor.handlers.platform_document import Document
from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.health.observers.observer import ScopeToObserve
from governance.domain.observations import CONFIGURATION, LIFECYCLE, empty_state


class GitObserver:
    """An observer that reads a file on a branch."""

    def __init__(self, source: GitSource) -> None:
        self._source = source

    def observe(
        self, scopes: Sequence[ScopeToObserve], *, seconds: float
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return the states that the file has; a scope that it does not name has nothing set.

        Raises:
            StepRefused: there is no such branch, or the file has another form.
            Exception: the repository cannot be read.
        """
        document = self._source.document_of(self._source.open(seconds=seconds).read())
        return {one.scope: _state_of(one.scope, document) for one in scopes}


def make_git_observer(options: OptionTable, secrets: SecretFiles) -> GitObserver:
    """Make the observer from the options `repository`, `branch`, `file` and `credentials`.

    Raises:
        InvalidRoutesError: with the path of the option that is wrong.
        UnusableSecretError: the credentials cannot be read.
    """
    return GitObserver(read_git_source(options, secrets))


def _state_of(scope: str, document: Document) -> Mapping[str, Any]:
    values = dict(document.get(scope, {}))
    state = empty_state(scope)
    if LIFECYCLE in values:
        state[LIFECYCLE] = values.pop(LIFECYCLE)
    state[CONFIGURATION] = values
    return state
