"""One change as a row of form fields, with the fields of its type, their input and errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.admin.typed_values import ValueField
from governance.admin.wording import normalize_newlines
from governance.domain.changes import Change, ConfigurationUpdate, ParameterChange
from governance.domain.sentences import setting_in_words

KIND_WORDS: Mapping[str, str] = {
    "capability_enable": "Enable a capability",
    "capability_disable": "Disable a capability",
    "configuration_update": "Set a configuration value",
    "parameter_change": "Tune parameters",
}
LIFECYCLES = ("PREVIEW", "LAUNCHED", "DEPRECATED")
KEPT, NOW = "kept", "now"
MAX_PARAMETERS = 100

ConfigurationValues = Mapping[tuple[str, str], Any]


@dataclass
class FieldRow:
    """A text field; `name` is its name in the form, `field` its key in the change."""

    name: str
    field: str
    label: str
    typed: str = ""
    error: str = ""
    choices: tuple[str, ...] = ()
    is_capability: bool = False
    is_long: bool = False


@dataclass
class Parameter:
    """A parameter's name and value; `was` is its position in the contract's change, or empty."""

    field_row: FieldRow
    value: ValueField
    number: int
    was: str = ""


@dataclass
class ScopeRow:
    """The fields of one change. `key` is its step index in the contract, or `n1` for a new one."""

    key: str
    kind: str
    origin: Change | None = None
    field_rows: list[FieldRow] = field(default_factory=list)
    value: ValueField | None = None
    expects: str = NOW
    parameters: list[Parameter] = field(default_factory=list)
    error: str = ""
    configuration: ConfigurationValues = field(default_factory=dict)

    @classmethod
    def of(cls, key: str, kind: str, origin: Change | None = None) -> ScopeRow:
        """Return a row with the values of `origin`, or an empty row."""
        row = cls(key, kind, origin)
        row.field_rows = list(_field_rows(row, origin))
        if isinstance(origin, ConfigurationUpdate):
            row.value = ValueField.of(row.name("new"), "New value", origin.new_value)
            row.expects = KEPT
        elif kind == "configuration_update":
            row.value = ValueField.of(row.name("new"), "New value")
        elif isinstance(origin, ParameterChange):
            for number, name in enumerate(origin.parameters):
                row.parameters.append(row._parameter(number, str(number), name))
        elif kind == "parameter_change":
            row.parameters.append(row._parameter(0, "", ""))
        return row

    @property
    def title(self) -> str:
        return KIND_WORDS[self.kind]

    @property
    def size(self) -> int:
        """Return the number of form fields that the row sends."""
        values = [self.value] if self.value else []
        values += [parameter.value for parameter in self.parameters]
        own = 4 + len(self.field_rows) + 2 * len(self.parameters)
        return own + sum(value.size for value in values)

    def name(self, field_name: str) -> str:
        return f"c{self.key}-{field_name}"

    def read(self, sent: Mapping[str, str]) -> None:
        """Take over the input of the form."""
        for field_row in self.field_rows:
            field_row.typed = normalize_newlines(sent.get(field_row.name, field_row.typed))
        self.expects = sent.get(self.name("expects"), self.expects)
        if self.value:
            self.value.read(sent)
        if self.kind == "parameter_change" and self.name("count") in sent:
            self.parameters = [
                self._parameter(number, sent.get(self.name(f"p{number}-was"), ""), "")
                for number in range(_number(sent[self.name("count")], most=MAX_PARAMETERS))
            ]
            for parameter in self.parameters:
                field_row = parameter.field_row
                field_row.typed = normalize_newlines(sent.get(field_row.name, ""))
                parameter.value.read(sent)

    def add_parameter(self) -> None:
        if len(self.parameters) < MAX_PARAMETERS:
            self.parameters.append(self._parameter(len(self.parameters), "", ""))

    def drop_parameter(self, number: int) -> None:
        """Remove a parameter; the following ones move up with their input."""
        kept = [one for one in self.parameters if one.number != number]
        self.parameters = []
        for index, one in enumerate(kept):
            moved = self._parameter(index, one.was, one.field_row.typed)
            moved.value.kind, moved.value.typed = one.value.kind, one.value.typed
            for leaf, before in zip(moved.value.leaves, one.value.leaves, strict=True):
                leaf.kind, leaf.typed = before.kind, before.typed
            self.parameters.append(moved)

    # --- the expected value and the current value ---
    @property
    def setting(self) -> tuple[str, str]:
        typed = {field_row.field: field_row.typed for field_row in self.field_rows}
        return typed.get("scope", ""), typed.get("key", "")

    @property
    def current_value(self) -> str:
        return setting_in_words(self.configuration.get(self.setting))

    @property
    def expected_before(self) -> str:
        """Return the value that the proposal expects; empty if the setting is another one now."""
        return setting_in_words(self.origin.old_value) if self._is_about_this_setting() else ""  # type: ignore[union-attr]

    @property
    def differs_now(self) -> bool:
        return bool(self.expected_before) and self.expected_before != self.current_value

    def _is_about_this_setting(self) -> bool:
        return isinstance(self.origin, ConfigurationUpdate) and self.setting == (
            self.origin.scope,
            self.origin.key,
        )

    def _old_value(self) -> Any:
        if self._is_about_this_setting() and self.expects != NOW:
            return self.origin.old_value  # type: ignore[union-attr]
        return self.configuration.get(self.setting)

    # --- the change ---
    def document(self) -> dict[str, Any] | None:
        """Return the change as a document; None if a field is invalid and has its error."""
        document: dict[str, Any] = {"type": self.kind}
        for field_row in self.field_rows:
            field_row.error = "" if field_row.typed else "is required"
            current = getattr(self.origin, field_row.field, "")
            same = normalize_newlines(current) == field_row.typed
            document[field_row.field] = current if same else field_row.typed
        if self.value:
            document["old_value"] = self._old_value()
            document["new_value"] = self.value.checked_value()
        elif self.kind == "parameter_change":
            document["parameters"] = self._parameters()
        return None if self.is_faulty else document

    @property
    def is_faulty(self) -> bool:
        errors = [self.error, *(field_row.error for field_row in self.field_rows)]
        errors += [self.value.error] if self.value else []
        for one in self.parameters:
            errors += [one.field_row.error, one.value.error]
        return any(errors)

    def take_fault(self, path: str, message: str) -> None:
        """Attach an error to the field at `path`, which is relative to the change."""
        path = path.removeprefix(".")
        for field_row in self.field_rows:
            if path == field_row.field:
                field_row.error = message
                return
        if path.startswith("new_value") and self.value:
            self.value.error = message
            return
        within = path.removeprefix("parameters.")
        for one in self.parameters if within != path else []:
            if within == one.field_row.typed:
                # A bad name and a bad value have the same path. White space around the name means
                # that the name is the bad one.
                target: FieldRow | ValueField = (
                    one.value
                    if one.field_row.typed.strip() == one.field_row.typed
                    else one.field_row
                )
                target.error = message
                return
            if within.startswith((f"{one.field_row.typed}.", f"{one.field_row.typed}[")):
                one.value.error = message
                return
        self.error = f"{path}: {message}" if path else message

    def _parameters(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        self.error = "" if self.parameters else "at least one parameter is needed"
        for one in self.parameters:
            name = one.field_row.typed
            one.field_row.error = "" if name else "is required"
            if name in values:
                one.field_row.error = "is named twice"
            values[name] = one.value.checked_value()
        return values

    def _parameter(self, number: int, was: str, typed: str) -> Parameter:
        name = self.name(f"p{number}")
        field_row = FieldRow(f"{name}-name", "parameters", "Parameter", typed)
        known = (
            list(self.origin.parameters.items()) if isinstance(self.origin, ParameterChange) else []
        )
        index = _number(was, most=len(known))
        if was and was.isdecimal() and index < len(known):
            return Parameter(field_row, ValueField.of(name, "Value", known[index][1]), number, was)
        return Parameter(field_row, ValueField.of(name, "Value"), number)


def _field_rows(row: ScopeRow, origin: Change | None) -> Iterator[FieldRow]:
    def field_row(field_name: str, label: str, **options: Any) -> FieldRow:
        typed = getattr(origin, field_name, "")
        return FieldRow(row.name(field_name), field_name, label, typed, **options)

    match row.kind:
        case "capability_enable":
            yield field_row("capability_name", "Capability", is_capability=True)
            yield field_row("target_lifecycle", "Stage afterwards", choices=LIFECYCLES)
        case "capability_disable":
            yield field_row("capability_name", "Capability", is_capability=True)
            yield field_row("reason", "Reason for disabling", is_long=True)
        case "configuration_update":
            yield field_row("scope", "Scope", is_capability=True)
            yield field_row("key", "Key")
        case "parameter_change":
            yield field_row("scope", "Scope", is_capability=True)


def _number(text: str, *, most: int) -> int:
    """Return the number in a form field, at most `most`; 0 for text that is no number."""
    return min(int(text), most) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
