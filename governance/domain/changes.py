"""The four change types: their fields, their parsing, and their text.

`proposed_changes` arrives in one of three shapes: a list of changes, `{"changes": [...]}`, or one
change object. Anything else is refused with the path of the invalid field (CONTRACT-006).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from governance.domain.errors import InvalidChangesError, InvalidInputError
from governance.domain.names import MAX_NAME_LENGTH, refuse_similar, require_name
from governance.domain.sentences import PartKind, Sentence, named, valued
from governance.domain.strict_json import require_plain_json

MAX_CHANGES = 10_000

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_NAME_LENGTH, pattern=r"^\S(.*\S)?$")
]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class Setting(NamedTuple):
    """A configuration key that a change sets: the path of the key's field, the scope, the key."""

    path: str
    scope: str
    key: str


class _Change(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_serialization_defaults_required=True,
    )
    target_field: ClassVar[str] = "scope"

    @property
    def target(self) -> str:
        """Return the name of the capability or scope that the change affects."""
        name: str = getattr(self, self.target_field)
        return name

    def settings(self) -> list[tuple[str, str]]:
        """Return the path of each field that names a configuration key, and the key."""
        return []

    def document(self) -> dict[str, Any]:
        """Return the change as the JSON object from which it was parsed."""
        return self.model_dump(mode="json", exclude_unset=True)

    @abstractmethod
    def sentence(self) -> Sentence:
        """Return the change as a sentence."""

    def __str__(self) -> str:
        return str(self.sentence())


class CapabilityEnable(_Change):
    type: Literal["capability_enable"]
    target_field = "capability_name"
    capability_name: Name
    target_lifecycle: Literal["PREVIEW", "LAUNCHED", "DEPRECATED"]

    def sentence(self) -> Sentence:
        return Sentence.of("Enable ", named(self.capability_name), f" as {self.target_lifecycle}")


class CapabilityDisable(_Change):
    type: Literal["capability_disable"]
    target_field = "capability_name"
    capability_name: Name
    reason: Reason

    def sentence(self) -> Sentence:
        prose = (PartKind.PROSE, self.reason)
        return Sentence.of("Disable ", named(self.capability_name), ": ", prose)


class ConfigurationUpdate(_Change):
    type: Literal["configuration_update"]
    scope: Name
    key: Name
    # A change that arrives without `old_value` gets the recorded value when it is planned.
    old_value: Any = None
    new_value: Any

    @property
    def has_old_value(self) -> bool:
        return "old_value" in self.model_fields_set

    def settings(self) -> list[tuple[str, str]]:
        return [("key", self.key)]

    def sentence(self) -> Sentence:
        values = (" from ", valued(self.old_value), " to ", valued(self.new_value))
        return Sentence.of("Set ", named(self.key), " of ", named(self.scope), *values)


class ParameterChange(_Change):
    type: Literal["parameter_change"]
    scope: Name
    parameters: Annotated[dict[Name, Any], Field(min_length=1)]

    def settings(self) -> list[tuple[str, str]]:
        return [(f"parameters.{key}", key) for key in self.parameters]

    def sentence(self) -> Sentence:
        parts: list[Any] = ["Tune ", named(self.scope), ": "]
        for key, value in sorted(self.parameters.items()):
            parts += [named(key), " = ", valued(value), ", "]
        return Sentence.of(*parts[:-1])


Change = CapabilityEnable | CapabilityDisable | ConfigurationUpdate | ParameterChange
TARGET_FIELDS = {
    "capability_enable": CapabilityEnable.target_field,
    "capability_disable": CapabilityDisable.target_field,
    "configuration_update": ConfigurationUpdate.target_field,
    "parameter_change": ParameterChange.target_field,
}
CHANGE_TYPES = tuple(TARGET_FIELDS)

_CHANGE: TypeAdapter[Change] = TypeAdapter(Annotated[Change, Field(discriminator="type")])


def parse_changes(proposed_changes: Any) -> tuple[Change, ...]:
    """Parse the changes in `proposed_changes`, in order.

    Raises:
        InvalidChangesError: with the path and message of each invalid field.
    """
    try:
        require_plain_json(proposed_changes, "proposed_changes")
    except InvalidInputError as error:
        raise InvalidChangesError(str(error), errors=error.errors) from None
    documents, path = _unwrap(proposed_changes)
    if not documents:
        raise InvalidChangesError.at(path, "at least one change is needed")
    if len(documents) > MAX_CHANGES:
        raise InvalidChangesError.at(path, f"at most {MAX_CHANGES} changes fit into one contract")

    changes: list[Change] = []
    faults: list[dict[str, str]] = []
    for where, document in zip(change_paths(proposed_changes), documents, strict=True):
        try:
            changes.append(_CHANGE.validate_python(document))
        except ValidationError as error:
            faults.extend(_faults_of(error, where))
    if faults:
        first = faults[0]
        raise InvalidChangesError(f"{first['path']}: {first['message']}.", errors=faults)
    return tuple(changes)


def change_paths(proposed_changes: Any) -> list[str]:
    """Return the path of each change in `proposed_changes`, which `parse_changes` accepts."""
    documents, path = _unwrap(proposed_changes)
    is_single = isinstance(proposed_changes, dict) and "changes" not in proposed_changes
    return [path] if is_single else [f"{path}[{index}]" for index in range(len(documents))]


def targets_at(changes: Iterable[Change], paths: Iterable[str]) -> list[tuple[str, str]]:
    """Return the path and the name of each change's target; the paths are from `change_paths`."""
    return [
        (f"{path}.{change.target_field}", change.target)
        for change, path in zip(changes, paths, strict=True)
    ]


def settings_in(changes: Iterable[Change], paths: Iterable[str]) -> Iterator[Setting]:
    """Yield each setting of the changes, whose paths are those of `change_paths`."""
    for change, path in zip(changes, paths, strict=True):
        for field, key in change.settings():
            yield Setting(f"{path}.{field}", change.target, key)


def keys_by_scope(settings: Iterable[Setting]) -> dict[str, list[tuple[str, str]]]:
    """Return the path and the key of each setting, by scope."""
    keys: dict[str, list[tuple[str, str]]] = {}
    for path, scope, key in settings:
        keys.setdefault(scope, []).append((path, key))
    return keys


def require_clear_names(changes: Sequence[Change], paths: Sequence[str]) -> None:
    """Refuse names in new changes that are not what they look like, or look like each other.

    Recorded changes are not checked: an earlier version took names that this one refuses.

    Raises:
        InvalidNameError, SimilarNameError: with the path of the first such name.
    """
    targets = targets_at(changes, paths)
    settings = list(settings_in(changes, paths))
    for path, name in [*targets, *((setting.path, setting.key) for setting in settings)]:
        require_name(name, path)
    refuse_similar(targets)
    for keys in keys_by_scope(settings).values():
        refuse_similar(keys)


def _unwrap(proposed_changes: Any) -> tuple[list[Any], str]:
    if isinstance(proposed_changes, list):
        return proposed_changes, "proposed_changes"
    if isinstance(proposed_changes, dict):
        if "changes" not in proposed_changes:
            return [proposed_changes], "proposed_changes"
        extra = sorted(set(proposed_changes) - {"changes"})
        if extra:
            raise InvalidChangesError.at(f"proposed_changes.{extra[0]}", "is not a known field")
        if isinstance(proposed_changes["changes"], list):
            return proposed_changes["changes"], "proposed_changes.changes"
        raise InvalidChangesError.at("proposed_changes.changes", "must be a list of changes")
    raise InvalidChangesError.at(
        "proposed_changes", "must be a list of changes, {'changes': [...]}, or one change"
    )


_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "union_tag_not_found": "needs a type: " + ", ".join(CHANGE_TYPES),
    "union_tag_invalid": "is not a known change type: " + ", ".join(CHANGE_TYPES),
    "string_pattern_mismatch": "must not begin or end with white space",
}


def _faults_of(error: ValidationError, where: str) -> list[dict[str, str]]:
    faults = []
    for fault in error.errors(include_url=False, include_input=False):
        # In pydantic's location of a field the first part is the change's type.
        location = fault["loc"][1:] if fault["loc"] and fault["loc"][0] in CHANGE_TYPES else ()
        path = where + "".join(f".{part}" for part in location if part != "[key]")
        if fault["type"].startswith("union_tag"):
            path = f"{where}.type"
        message = _MESSAGES.get(fault["type"]) or fault["msg"][0].lower() + fault["msg"][1:]
        faults.append({"path": path, "message": message})
    return faults
