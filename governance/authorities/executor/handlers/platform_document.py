"""The document of a platform, {scope: {key: value}}, and what a change does to it.

The lifecycle of a capability has the key `lifecycle` of its scope; an absent one is DISABLED, as in
the registry. A key without a value is absent: `null` is no value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from governance.authorities.executor.steps import Step, StepRefused
from governance.domain.canonical import canonical_text
from governance.domain.texts import cut_text
from governance.domain.values import Lifecycle

LIFECYCLE = "lifecycle"
MAX_SHOWN_LENGTH = 200

Values = Mapping[str, Any]
Document = dict[str, dict[str, Any]]


def values_of(change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a change sets in its scope, by key.

    Raises:
        StepRefused: a configuration key has the name that the lifecycle has in the document.
    """
    match change["type"]:
        case "capability_enable":
            return {LIFECYCLE: change["target_lifecycle"]}
        case "capability_disable":
            return {LIFECYCLE: str(Lifecycle.DISABLED)}
        case "configuration_update":
            values = {change["key"]: change["new_value"]}
        case _:
            values = dict(change["parameters"])
    if LIFECYCLE in values:
        raise StepRefused(f"The key {LIFECYCLE} of the file holds the lifecycle, and no setting.")
    return values


def expected_values(step: Step) -> Values | None:
    """Return the values before the step as its plan has them; None if the plan has none.

    The plan has them in the rollback, which restores the recorded values, and otherwise in
    `old_value`.
    """
    if step.rollback_action is not None:
        return values_of(step.rollback_action)
    if "old_value" in step.change:
        return {step.change["key"]: step.change["old_value"]}
    return None


def present_values(document: Document, scope: str, keys: Values) -> dict[str, Any]:
    """Return the values of the same keys in a document; an absent setting is None."""
    absent = {LIFECYCLE: str(Lifecycle.DISABLED)}
    return {key: document.get(scope, {}).get(key, absent.get(key)) for key in keys}


def with_values(document: Document, scope: str, values: Values) -> Document:
    """Return a document with other values in one scope, and all else in its order."""
    changed = {name: dict(one) for name, one in document.items()}
    settings = changed.setdefault(scope, {})
    for key, value in values.items():
        if value is None:
            settings.pop(key, None)
        else:
            settings[key] = value
    if not settings:
        del changed[scope]
    return changed


def are_equal(first: Values, second: Values) -> bool:
    """Return whether two sets of values are the same as JSON, where 1 is not true."""
    return canonical_text(dict(first)) == canonical_text(dict(second))


def shown_values(values: Values) -> str:
    """Return values as one short line of text."""
    text = ", ".join(
        f"{key} = {json.dumps(one, ensure_ascii=False)}" for key, one in values.items()
    )
    return cut_text(text, MAX_SHOWN_LENGTH)
