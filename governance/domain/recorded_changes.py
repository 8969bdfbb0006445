"""Changes as the record has them: what one targets and sets, read without parsing it again.

`changes.py` parses changes that are proposed. Recorded ones were accepted once, perhaps by an
earlier version that allowed more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from governance.domain.canonical import canonical_text
from governance.domain.changes import TARGET_FIELDS
from governance.domain.errors import InvalidChangesError, TargetOutOfScopeError
from governance.domain.values import Lifecycle

# The key of a lifecycle among the values of a scope: every configuration key has a character.
LIFECYCLE_KEY = ""


def targets_of(documents: Iterable[Any]) -> list[str]:
    """Return the target of each recorded change, in order, without parsing the change again.

    Raises:
        InvalidChangesError: if a document is not a change.
    """
    try:
        return [document[TARGET_FIELDS[document["type"]]] for document in documents]
    except (KeyError, TypeError):
        raise InvalidChangesError.at("proposed_changes", "are not changes") from None


def keys_set_by(document: Mapping[str, Any]) -> list[str]:
    """Return the configuration keys that a recorded change sets."""
    if document["type"] == "configuration_update":
        return [document["key"]]
    return list(document.get("parameters", ()))


def values_set_by(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a recorded change sets in its scope, by key.

    The lifecycle has the key `LIFECYCLE_KEY`, which no configuration key is. A document that is no
    change sets nothing.
    """
    match document.get("type"):
        case "capability_enable":
            return {LIFECYCLE_KEY: document["target_lifecycle"]}
        case "capability_disable":
            return {LIFECYCLE_KEY: str(Lifecycle.DISABLED)}
        case "configuration_update":
            return {document["key"]: document.get("new_value")}
    return dict(document.get("parameters", ()))


def changes_nothing(step: Mapping[str, Any]) -> bool:
    """Return whether a planned step sets what is recorded already, as its rollback would.

    Where nothing is recorded, the step counts if it sets the value that the proposal expects.
    """
    change, rollback = step["change"], step["rollback_action"]
    if rollback is None:
        rollback = change | {"new_value": change["old_value"]} if "old_value" in change else {}
    return canonical_text(_effect_of(change)) == canonical_text(_effect_of(rollback))


def _effect_of(change: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in change.items() if name not in ("old_value", "reason")}


def require_targets_in_scope(targets: Iterable[str], affected: Collection[str]) -> None:
    """Refuse a change whose target is not one of `affected`: the affected capabilities or SYSTEM.

    Raises:
        TargetOutOfScopeError: with the path of each such change.
    """
    faults = [
        {"path": f"proposed_changes[{index}]", "message": f"{target} is outside the scope"}
        for index, target in enumerate(targets)
        if target not in affected
    ]
    if faults:
        raise TargetOutOfScopeError(
            f"{faults[0]['path']}: {faults[0]['message']} ({', '.join(affected) or 'empty'}).",
            errors=faults,
        )
