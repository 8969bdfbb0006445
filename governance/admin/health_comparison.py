"""The comparison of the platform's health before a job and after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.domain.health import is_worse
from governance.domain.values import SYSTEM_SCOPE, HealthDecision, SnapshotPhase


@dataclass(frozen=True, slots=True)
class HealthRow:
    """The health of one scope before and after the job; empty where it was not read."""

    scope: str
    before: str
    after: str
    url: str = ""

    @property
    def mark(self) -> str:
        """The difference: `same`, `worse`, `better` or `differs`; empty if one side is missing."""
        return _compared(self.before, self.after) if self.before and self.after else ""

    @property
    def differs(self) -> bool:
        return self.mark not in ("", "same")


@dataclass(frozen=True, slots=True)
class SignalState:
    """A signal's decision, and the reason for it."""

    decision: str
    reason: str


@dataclass(frozen=True, slots=True)
class SignalRow:
    """One signal before and after the job; None where it was not active."""

    scope: str
    signal_type: str
    before: SignalState | None
    after: SignalState | None
    mark: str

    @property
    def differs(self) -> bool:
        return self.mark not in ("", "same")


def scopes_of(snapshots: Mapping[str, Any]) -> list[str]:
    """Return the scopes that were read before or after: SYSTEM, then the capabilities by name."""
    readings = [reading for reading in _readings(snapshots) if reading]
    names = {name for reading in readings for name in reading["capabilities"]}
    return [SYSTEM_SCOPE, *sorted(names - {SYSTEM_SCOPE})]


def health_rows(snapshots: Mapping[str, Any], urls: Mapping[str, str]) -> list[HealthRow]:
    """Return a row for each scope; `urls` maps a capability to its page."""
    before, after = _readings(snapshots)
    return [
        HealthRow(scope, _decision(before, scope), _decision(after, scope), urls.get(scope, ""))
        for scope in scopes_of(snapshots)
    ]


def signal_rows(snapshots: Mapping[str, Any]) -> list[SignalRow]:
    """Return a row for each signal that was read before or after; the differing ones first."""
    before, after = _readings(snapshots)
    signals_before, signals_after = _signals(before), _signals(after)
    both = before is not None and after is not None
    rows = []
    for key in sorted({**signals_before, **signals_after}):
        one, other = signals_before.get(key), signals_after.get(key)
        rows.append(SignalRow(*key, one, other, _mark(one, other, both)))
    return sorted(rows, key=lambda row: not row.differs)


def _readings(
    snapshots: Mapping[str, Any],
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    before, after = (snapshots.get(phase) for phase in (SnapshotPhase.BEFORE, SnapshotPhase.AFTER))
    return before and before.reading, after and after.reading


def _decision(reading: Mapping[str, Any] | None, scope: str) -> str:
    if reading is None:
        return ""
    return str(
        reading["system"] if scope == SYSTEM_SCOPE else reading["capabilities"].get(scope, "")
    )


def _signals(reading: Mapping[str, Any] | None) -> dict[tuple[str, str], SignalState]:
    """Map (scope, signal type) to the signal; what a health provider left out is empty."""
    return {
        (str(signal.get("scope", "")), str(signal.get("signal_type", ""))): SignalState(
            str(signal.get("decision", "")), str(signal.get("reason", ""))
        )
        for signal in (reading["signals"] if reading else ())
    }


def _mark(before: SignalState | None, after: SignalState | None, both: bool) -> str:
    if not both:
        return ""
    if before is None or after is None:
        return "gone" if after is None else "new"
    if before.decision != after.decision:
        return _compared(before.decision, after.decision)
    return "same" if before == after else "reason changed"


def _compared(before: str, after: str) -> str:
    if before == after:
        return "same"
    try:
        worse = is_worse(HealthDecision(after), than=HealthDecision(before))
    except ValueError:
        return "differs"
    return "worse" if worse else "better"
