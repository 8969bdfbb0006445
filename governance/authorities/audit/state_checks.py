"""The checks A-003 and A-007: what the platform holds, against the plan and against before.

Both compare values as canonical JSON, in which 1 is not true; no value is null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from governance.authorities.audit.findings import (
    Conclusion,
    conclude,
    first_items,
    setting_name,
    shown_value,
    states_in_words,
    step_in_words,
)
from governance.authorities.audit.sealed_job import (
    Document,
    SealedJob,
    Values,
    View,
    values_of_steps,
)
from governance.domain.canonical import canonical_bytes
from governance.domain.observations import CONFIGURATION, LIFECYCLE
from governance.domain.recorded_changes import LIFECYCLE_KEY, values_set_by
from governance.domain.values import StepStatus

# The fields of a change that a report may repeat.
_CHANGE_FIELDS = ("new_value", "target_lifecycle", "parameters")
_SECRET = ("secret://", "hmac")


def check_fidelity(job: SealedJob) -> Conclusion:
    """A-003: conclude whether exactly the plan was carried out.

    First the reports are compared with the plan, then what was observed with the plan.
    """
    failures = [*_missing_and_extra(job), *_contradictions(job)]
    gaps: list[str] = []
    compared = 0
    if not job.steps:
        gaps.append("The evidence has no steps.")
    expected: dict[View, dict[str, Any]] = {}
    for step in job.completed_steps:
        view = job.view_of_step(step)
        expected.setdefault(view, {}).update(values_set_by(step["change"]))
        observed = job.after_steps.get((step["step_index"], view))
        if observed is not None:
            when = f"after {step_in_words(step['step_index']).lower()}"
            failures += _differences(view, expected[view], observed, when)
    for view, values in expected.items():
        compared += len(values)
        if view in job.after:
            failures += _differences(view, values, job.after[view], "after the job")
        elif not job.trusts_reports(view[0]):
            gaps.append(_unobserved(job, view, "after"))
    return conclude(
        failures=failures,
        gaps=gaps,
        passed=_passed(job, f"Every step did what was planned; {compared} values were compared."),
        evidence={
            "planned_steps": len(job.steps),
            "reports": len(job.results),
            "expected": states_in_words(expected),
            "observed": states_in_words({view: job.after.get(view) for view in expected}),
        },
    )


def check_mutations(job: SealedJob) -> Conclusion:
    """A-007: conclude whether nothing in scope changed but what the job's steps change."""
    ran = [step for step in job.steps.values() if step["status"] != StepStatus.SKIPPED]
    declared = values_of_steps(ran)
    failures: list[str] = []
    gaps: list[str] = []
    for view in job.views:
        before, after = job.before.get(view), job.after.get(view)
        if before is None or after is None:
            if not job.trusts_reports(view[0]):
                gaps.append(_unobserved(job, view, "before" if before is None else "after"))
            continue
        for key in sorted({*before, *after} - set(declared.get(view[0], ()))):
            was, now = before.get(key), after.get(key)
            if not are_equal_values(was, now):
                failures.append(
                    f"{setting_name(view[0], key)} changed from {shown_value(was)} to "
                    f"{shown_value(now)}, which no step of the job does."
                )
    if not job.views:
        gaps.append("Nothing was observed before and after the job.")
    return conclude(
        failures=failures,
        gaps=gaps,
        passed=_passed(job, "Nothing in scope changed but what the job's steps change."),
        evidence={
            "scopes": first_items(sorted({scope for scope, _ in job.views})),
            "before": states_in_words({view: job.before.get(view) for view in job.views}),
            "after": states_in_words({view: job.after.get(view) for view in job.views}),
        },
    )


def _missing_and_extra(job: SealedJob) -> Iterator[str]:
    """Yield each step without a result, and each result that no step of the plan has."""
    reported = Counter(result["step_index"] for result in job.results)
    for index in job.steps:
        if index not in reported:
            yield f"{step_in_words(index)} has no result."
    for index, count in reported.items():
        if index not in job.steps:
            yield f"{step_in_words(index)} was reported, but it is not in the plan."
        elif count > 1:
            yield f"{step_in_words(index)} has {count} results."


def _contradictions(job: SealedJob) -> Iterator[str]:
    """Yield where a report says something else than the plan, or than what was observed before."""
    state = {view: dict(values) for view, values in job.before.items()}
    for result in sorted(job.results, key=lambda one: int(one["step_index"])):
        step = job.steps.get(result["step_index"])
        if step is None:
            continue
        name, view = step_in_words(step["step_index"]), job.view_of_step(step)
        scope = view[0]
        if result["status"] != StepStatus.COMPLETED:
            if job.has_completed:
                yield f"{name} is reported as {result['status']} in a job that completed."
            continue
        planned, output = values_set_by(step["change"]), result["output"]
        if isinstance(output, Mapping):
            yield from _other_fields(name, step, output)
            reported = values_in_report(output.get("state_after"))
            for key, value in reported.items():
                if key in planned and not are_equal_values(value, planned[key]):
                    yield (
                        f"{name} reported {shown_value(value)} for {setting_name(scope, key)}, but "
                        f"its plan is {shown_value(planned[key])}."
                    )
            if view in state:
                yield from _forged(name, scope, planned, output, state[view])
        if view in state:
            state[view] |= planned


def _other_fields(name: str, step: Document, output: Document) -> Iterator[str]:
    """Yield each field of the change that a report repeats with another value."""
    change = step["change"]
    for field in _CHANGE_FIELDS:
        if (
            field in output
            and field in change
            and not are_equal_values(output[field], change[field])
        ):
            yield (
                f"{name} reported {shown_value(output[field])}, but its plan is "
                f"{shown_value(change[field])}."
            )
    if output.get("step_type", step["step_type"]) != step["step_type"]:
        yield (
            f"{name} reported the step type {shown_value(output['step_type'])}, but its plan is "
            f"{step['step_type']}."
        )


def _forged(
    name: str, scope: str, planned: Values, output: Document, state: Values
) -> Iterator[str]:
    """Yield each value before a step that its report has otherwise than the observer."""
    for key, value in values_in_report(output.get("state_before")).items():
        if key not in planned or _is_secret(value) or _is_secret(state.get(key)):
            continue
        if not are_equal_values(value, state.get(key)):
            yield (
                f"{name} reported that {setting_name(scope, key)} was {shown_value(value)} before, "
                f"but the observer found {shown_value(state.get(key))}."
            )


def values_in_report(state: Any) -> dict[str, Any]:
    """Return the values of a reported state by key: flat, or as an observed state has them."""
    if not isinstance(state, Mapping):
        return {}
    values = {key: value for key, value in state.items() if key not in (LIFECYCLE, CONFIGURATION)}
    if LIFECYCLE in state:
        values[LIFECYCLE_KEY] = state[LIFECYCLE]
    if isinstance(state.get(CONFIGURATION), Mapping):
        values |= state[CONFIGURATION]
    return values


def _differences(view: View, expected: Values, observed: Values, when: str) -> Iterator[str]:
    for key, value in expected.items():
        if not are_equal_values(value, observed.get(key)):
            yield (
                f"{setting_name(view[0], key)} is {shown_value(observed.get(key))} {when}, but the "
                f"plan sets {shown_value(value)}."
            )


def _unobserved(job: SealedJob, view: View, phase: str) -> str:
    trouble = job.trouble_of(view, phase)
    words = f"{view[0]} was not observed {phase} the job"
    return f"{words}: {trouble.rstrip('.')}." if trouble else f"{words}."


def _passed(job: SealedJob, words: str) -> str:
    if not job.scopes_of_trusted_reports:
        return words
    return f"{words} Reports are trusted where nothing was observed."


def are_equal_values(one: Any, other: Any) -> bool:
    """Return whether two values are the same as JSON, where 1 is not true."""
    # Values of one type are equal as JSON if Python calls them equal, unless they hold others.
    if type(one) is type(other) and not isinstance(one, dict | list):
        return bool(one == other)
    return canonical_bytes(one) == canonical_bytes(other)


def _is_secret(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_SECRET)
