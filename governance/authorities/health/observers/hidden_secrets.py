"""Secrets in an observed state: a reference where the registry names it, and otherwise an HMAC.

The key of the HMAC is a secret of this machine, so that nobody with the database alone can guess a
secret. Without a key, a secret that is not the recorded one reads as `HIDDEN_SECRET`: it is seen
that the value is another one, and not whether it changes again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from governance.authorities.executor.secret_files import SecretFiles, secret_name
from governance.authorities.health.observers.observer import CannotObserve, ScopeToObserve
from governance.domain.canonical import canonical_bytes
from governance.domain.errors import UnusableSecretError
from governance.domain.observations import CONFIGURATION
from governance.domain.secrets import HIDDEN_SECRET, SecretKeys
from governance.services.registry.secret_keys import secret_keys

HMAC_PREFIX = "hmac-sha256:"


class SecretHider:
    """Hides the secrets in what the observer of one route saw."""

    def __init__(self, secrets: SecretFiles, hmac_key: str) -> None:
        """Check that the key can be read.

        Args:
            hmac_key: the reference of the key, or an empty text.

        Raises:
            UnusableSecretError: the key cannot be read.
        """
        self._secrets = secrets
        self._hmac_key = hmac_key
        if hmac_key:
            secrets.read(hmac_key)

    def hide(self, state: Mapping[str, Any], scope: ScopeToObserve) -> dict[str, Any]:
        """Return a state without secrets.

        Raises:
            CannotObserve: a secret that the registry names cannot be read on this machine, so that
                nobody can tell whether the scope has it.
        """
        keys = secret_keys(scope.secret_keys)
        values = self._hidden(dict(state[CONFIGURATION]), scope.recorded, keys, is_secret=False)
        return {**state, CONFIGURATION: values}

    def _hidden(self, value: Any, recorded: Any, keys: SecretKeys, *, is_secret: bool) -> Any:
        """Return a value without the secrets in it; below a secret's key all values are."""
        if isinstance(value, Mapping):
            known = recorded if isinstance(recorded, Mapping) else {}
            return {
                key: self._hidden(child, known.get(key), keys, is_secret=is_secret or key in keys)
                for key, child in value.items()
            }
        if isinstance(value, list | tuple):
            known_items = recorded if isinstance(recorded, list) else []
            padded = [*known_items, *[None] * len(value)]
            return [
                self._hidden(child, other, keys, is_secret=is_secret)
                for child, other in zip(value, padded, strict=False)
            ]
        return self._reference_or_hmac(value, recorded) if is_secret else value

    def _reference_or_hmac(self, value: Any, recorded: Any) -> Any:
        if value is None or _is_reference(value):
            return value
        if isinstance(value, str) and _is_reference(recorded) and self._is_of(value, recorded):
            return recorded
        if not self._hmac_key:
            return HIDDEN_SECRET
        key = self._secrets.content(self._hmac_key).encode()
        return HMAC_PREFIX + hmac.new(key, canonical_bytes(value), hashlib.sha256).hexdigest()

    def _is_of(self, value: str, reference: str) -> bool:
        try:
            content = self._secrets.content(reference)
        except UnusableSecretError as error:
            raise CannotObserve(f"Its secret cannot be compared. {error}") from None
        return hmac.compare_digest(content.encode(), value.encode())


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and secret_name(value) is not None
