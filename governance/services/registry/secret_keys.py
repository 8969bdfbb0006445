"""The keys of secrets, by the setting and by the registry, and what is shown of their values."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.conf import settings

from governance.domain.secrets import HIDDEN_SECRET, SecretKeys, clear_secrets


def secret_keys(names: Collection[str] = ()) -> SecretKeys:
    """Return the keys of secrets: those of the setting, and `names`."""
    return SecretKeys(settings.GOVSITE["SECRET_KEYS"], names)


def visible_value(key: str, value: Any) -> Any:
    """Return a recorded value, or `HIDDEN_SECRET` in place of one that holds a secret in clear.

    The registry takes no secret in clear, but an earlier version did.
    """
    return HIDDEN_SECRET if any(clear_secrets({key: value}, "", secret_keys())) else value
