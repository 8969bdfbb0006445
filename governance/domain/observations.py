"""What the health authority observes of a platform: what a scope really holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from governance.domain.canonical import canonical_bytes, timestamp
from governance.domain.recorded_changes import LIFECYCLE_KEY
from governance.domain.sentences import setting_in_words, value_in_words
from governance.domain.texts import cut_text
from governance.domain.values import SYSTEM_SCOPE, Lifecycle

# The parts of an observed state. SYSTEM has no lifecycle, and a key without a value is absent.
LIFECYCLE = "lifecycle"
CONFIGURATION = "configuration"
MAX_SHOWN_LENGTH = 200


class ObservationPhase(StrEnum):
    """When a job's scopes were observed: after its start, after a step, or before its end."""

    BEFORE = "BEFORE"
    STEP = "STEP"
    AFTER = "AFTER"


@dataclass(frozen=True, slots=True)
class ObservedScope:
    """What an observer saw of a scope, or why it saw nothing.

    `state` is `{"lifecycle": "LAUNCHED", "configuration": {"limit": 20}}`, and None if the observer
    cannot tell; then `trouble` says why. The value of a secret is the reference `secret://NAME` if
    it is that secret's, and otherwise an HMAC.
    """

    scope: str
    observer: str
    state: Mapping[str, Any] | None
    observed_at: datetime
    trouble: str = ""

    def as_record(self) -> dict[str, Any]:
        return {
            "scope": self.scope,
            "observer": self.observer,
            "state": None if self.state is None else dict(self.state),
            "observed_at": timestamp(self.observed_at),
            "trouble": self.trouble,
        }


def empty_state(scope: str) -> dict[str, Any]:
    """Return the state of a scope in which nothing is set."""
    if scope == SYSTEM_SCOPE:
        return {CONFIGURATION: {}}
    return {LIFECYCLE: str(Lifecycle.DISABLED), CONFIGURATION: {}}


def values_in_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of an observed state by key, the lifecycle under `LIFECYCLE_KEY`.

    A scope without a lifecycle is DISABLED, as in the registry. A key without a value is left out.
    """
    configuration = state.get(CONFIGURATION) or {}
    values = {key: value for key, value in configuration.items() if value is not None}
    values[LIFECYCLE_KEY] = state.get(LIFECYCLE) or str(Lifecycle.DISABLED)
    return values


@dataclass(frozen=True, slots=True)
class DriftingValue:
    """A value that is not the recorded one; `key` is `LIFECYCLE_KEY` for a lifecycle."""

    key: str
    recorded: Any
    observed: Any

    def in_words(self) -> str:
        name = LIFECYCLE if self.key == LIFECYCLE_KEY else value_in_words(self.key)
        observed, recorded = (
            cut_text(setting_in_words(one), MAX_SHOWN_LENGTH)
            for one in (self.observed, self.recorded)
        )
        return f"{name} is {observed} on the platform and {recorded} in the registry"


def differences_between(
    recorded: Mapping[str, Any], observed: Mapping[str, Any]
) -> list[DriftingValue]:
    """Return the values in which two states of a scope differ as JSON, where 1 is not true."""
    known, seen = values_in_state(recorded), values_in_state(observed)
    return [
        DriftingValue(key, known.get(key), seen.get(key))
        for key in sorted(known | seen)
        if canonical_bytes(known.get(key)) != canonical_bytes(seen.get(key))
    ]
