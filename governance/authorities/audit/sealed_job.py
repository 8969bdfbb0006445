"""The sealed evidence of a job, as the checks of the auditor read it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from governance.domain.observations import values_in_state
from governance.domain.recorded_changes import values_set_by
from governance.domain.values import StepStatus

# The names under which a report may say what it changed.
TARGET_FIELDS = ("target", "capability_name", "scope")

Document = Mapping[str, Any]
Values = Mapping[str, Any]
# A scope, and the observer through which it is seen; several may observe parts of one scope.
View = tuple[str, str]


@dataclass(frozen=True, slots=True)
class LaterReading:
    """What was read for the second attempt of an audit, after the evidence was sealed.

    `observations` are records of `ObservedScope`, `health` is a snapshot as the evidence has it.
    They fill in what the evidence does not have, and replace nothing.
    """

    observations: Sequence[Document] = ()
    health: Document | None = None


class SealedJob:
    """The evidence document of a job, and what was read later for what it does not have."""

    def __init__(self, document: Document, later: LaterReading | None = None) -> None:
        self.document = document
        self._later = later or LaterReading()

    # --- the contract and its plan ---
    @cached_property
    def affected(self) -> Sequence[str] | None:
        """The scopes that the contract affects; None in evidence of an earlier version."""
        return self.document.get("affected_capabilities")

    @cached_property
    def steps(self) -> Mapping[int, Document]:
        return {step["step_index"]: step for step in self.document["steps"]}

    @cached_property
    def completed_steps(self) -> list[Document]:
        """The steps that completed, in order."""
        return [
            self.steps[index]
            for index in sorted(self.steps)
            if self.steps[index]["status"] == StepStatus.COMPLETED
        ]

    @cached_property
    def results(self) -> Sequence[Document]:
        results: Sequence[Document] = self.document["step_results"]
        return results

    @property
    def has_completed(self) -> bool:
        return bool(self.document["job_status"] == "COMPLETED")

    # --- what was observed ---
    @cached_property
    def before(self) -> Mapping[View, Values]:
        """The values that were observed when the job started."""
        return _observed(self._observations("before"))

    @cached_property
    def after(self) -> Mapping[View, Values]:
        """The values that were observed when the job ended, or later."""
        return _observed(self._later.observations) | _observed(self._observations("after"))

    @cached_property
    def after_steps(self) -> Mapping[tuple[int, View], Values]:
        """The values that were observed after a step, by the step's index and the view."""
        return {
            (record["step_index"], view_of(record)): values_in_state(record["state"])
            for record in self._observations("steps")
            if record["state"] is not None
        }

    @cached_property
    def views(self) -> list[View]:
        """The views that must be there before and after: of each scope, that of each observer.

        A scope that nobody observes has a view of the observer "".
        """
        records = [*self._observations("before"), *self._observations("after")]
        views = {view_of(record) for record in [*records, *self._later.observations]}
        views |= {self.view_of_step(step) for step in self.steps.values()}
        observed = {scope for scope, observer in views if observer}
        views = {view for view in views if view[1] or view[0] not in observed}
        seen = {scope for scope, _ in views}
        return sorted(views | {(scope, "") for scope in self.affected or () if scope not in seen})

    def view_of_step(self, step: Document) -> View:
        """Return the view in which a step is observed: that of the observer of its route."""
        scope, route = step["target"], self.routes.get(step["step_index"])
        if route is not None:
            return scope, route["observer"]
        observers = sorted(one for name, one in {**self.before, **self.after} if name == scope)
        return scope, observers[0] if observers else ""

    def trouble_of(self, view: View, phase: str) -> str:
        """Return why nothing was observed in a phase; empty if nobody noted it."""
        for record in self._observations(phase):
            if view_of(record) == view and record["state"] is None:
                return str(record["trouble"])
        return ""

    def _observations(self, phase: str) -> Sequence[Document]:
        observations = self.document.get("observations") or {}
        return observations.get(phase) or ()

    # --- health and signals ---
    @property
    def health_before(self) -> Document | None:
        return self.document.get("health_before")

    @property
    def health_after(self) -> Document | None:
        return self.document.get("health_after") or self._later.health

    @property
    def signals(self) -> Sequence[Document] | None:
        return self.document.get("signals")

    # --- the routes ---
    @cached_property
    def routes(self) -> Mapping[int, Document]:
        """The route of each step, by its index; empty in evidence of an earlier version."""
        return {route["step_index"]: route for route in self.document.get("routes") or ()}

    def trusts_reports(self, scope: str) -> bool:
        """Return whether the site trusts the reports of every step of a scope.

        A scope of the contract that no step changes has no route; then every step counts.
        """
        indexes = [index for index, step in self.steps.items() if step["target"] == scope]
        chosen = indexes or list(self.steps)
        return bool(chosen) and all(
            self.routes.get(index, {}).get("trust_reports") is True for index in chosen
        )

    @cached_property
    def scopes_of_trusted_reports(self) -> list[str]:
        """The scopes that were not observed, where reports are trusted instead."""
        unobserved = {
            view[0] for view in self.views if not (view in self.before and view in self.after)
        }
        return [scope for scope in sorted(unobserved) if self.trusts_reports(scope)]

    @cached_property
    def has_shared_database(self) -> bool:
        """Whether a step's executor and its observer use the same database."""
        return any(route.get("shares_database") is True for route in self.routes.values())


def values_of_steps(steps: Collection[Document]) -> dict[str, dict[str, Any]]:
    """Return the values that steps set, by scope and key; a later step of the same key wins."""
    values: dict[str, dict[str, Any]] = {}
    for step in steps:
        values.setdefault(step["target"], {}).update(values_set_by(step["change"]))
    return values


def view_of(record: Document) -> View:
    """Return the view of a record of an observation."""
    return record["scope"], record["observer"]


def _observed(records: Collection[Document]) -> dict[View, Values]:
    return {
        view_of(record): values_in_state(record["state"])
        for record in records
        if record["state"] is not None
    }
