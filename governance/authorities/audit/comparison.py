"""Planned, reported and observed: the values of a job side by side, from its evidence.

For people who read a job: nothing here decides anything, the checks do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from governance.authorities.audit.findings import shown_value
from governance.authorities.audit.sealed_job import Document, SealedJob, View
from governance.authorities.audit.state_checks import are_equal_values, values_in_report
from governance.domain.observations import LIFECYCLE
from governance.domain.recorded_changes import LIFECYCLE_KEY, values_set_by
from governance.domain.values import StepStatus

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ComparedValue:
    """A value of a scope as texts; None is what nobody planned, reported or observed.

    `after` is what was observed after the step, or at the end of the job if no later step sets the
    value again.
    """

    scope: str
    key: str
    planned: str | None
    reported: str | None
    before: str | None
    after: str | None
    report_differs: bool = False
    after_differs: bool = False

    @property
    def name(self) -> str:
        return LIFECYCLE if self.key == LIFECYCLE_KEY else self.key

    @property
    def is_known(self) -> bool:
        """Whether anybody reported or observed the value."""
        return any(side is not None for side in (self.reported, self.before, self.after))

    @property
    def differs(self) -> bool:
        return self.report_differs or self.after_differs

    def as_record(self) -> dict[str, Any]:
        return {
            "scope": self.scope,
            "name": self.name,
            "planned": self.planned,
            "reported": self.reported,
            "before": self.before,
            "after": self.after,
            "differs": self.differs,
        }


def values_of_each_step(
    job: SealedJob, indexes: Collection[int] | None = None
) -> dict[int, list[ComparedValue]]:
    """Return the values of steps by index: planned, reported, and observed before and after.

    Args:
        indexes: only these steps; None for all.
    """
    last_setters = {
        (step["target"], key): step["step_index"]
        for step in job.completed_steps
        for key in values_set_by(step["change"])
    }
    reports = {result["step_index"]: result for result in job.results}
    return {
        index: list(_values_of_step(job, job.steps[index], reports.get(index), last_setters))
        for index in (job.steps if indexes is None else indexes)
        if index in job.steps
    }


def values_of_job(job: SealedJob) -> list[ComparedValue]:
    """Return each value that the plan sets or that changed, the differing ones first.

    Planned is what the completed steps set together; of a job without one, what all steps set.
    """
    done = bool(job.completed_steps)
    planned: dict[View, dict[str, Any]] = {}
    for step in job.completed_steps or [job.steps[index] for index in sorted(job.steps)]:
        planned.setdefault(job.view_of_step(step), {}).update(values_set_by(step["change"]))
    set_anywhere = {(view[0], key) for view, wanted in planned.items() for key in wanted}
    rows = []
    for view in sorted({*planned, *job.views}):
        scope, wanted = view[0], planned.get(view, {})
        before, after = job.before.get(view), job.after.get(view)
        keys = dict.fromkeys(wanted)
        if before is not None and after is not None:
            changed = (k for k in sorted({*before, *after}) if not _same(before, after, k))
            # What another observer of the scope compares with the plan is in its own row.
            keys |= dict.fromkeys(
                k for k in changed if k in wanted or (scope, k) not in set_anywhere
            )
        rows += [
            ComparedValue(
                scope,
                key,
                planned=shown_value(wanted[key]) if key in wanted else None,
                reported=None,
                before=_shown(before, key),
                after=_shown(after, key),
                after_differs=after is not None
                and (key not in wanted or (done and not _same(wanted, after, key))),
            )
            for key in keys
        ]
    return sorted(rows, key=lambda row: not row.differs)


def _values_of_step(
    job: SealedJob,
    step: Document,
    report: Document | None,
    last_setters: Mapping[tuple[str, str], int],
) -> Iterator[ComparedValue]:
    index, scope = step["step_index"], step["target"]
    output = report["output"] if report else None
    stated = values_in_report(output.get("state_after")) if isinstance(output, Mapping) else {}
    has_completed = step["status"] == StepStatus.COMPLETED
    view = job.view_of_step(step)
    before = job.before.get(view)
    for key, value in values_set_by(step["change"]).items():
        after = job.after_steps.get((index, view))
        if after is None and last_setters.get((scope, key), index) == index:
            after = job.after.get(view)
        yield ComparedValue(
            scope,
            key,
            planned=shown_value(value),
            reported=_shown(stated, key) if key in stated else None,
            before=_shown(before, key),
            after=_shown(after, key),
            report_differs=key in stated and not are_equal_values(stated[key], value),
            after_differs=has_completed
            and after is not None
            and not are_equal_values(after.get(key), value),
        )


def _same(one: Values, other: Values, key: str) -> bool:
    return are_equal_values(one.get(key), other.get(key))


def _shown(values: Values | None, key: str) -> str | None:
    return None if values is None else shown_value(values.get(key))
