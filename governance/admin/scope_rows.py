"""One change as a form made for its type: its fields, what is typed there, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.admin.typed_values import ValueField, one_kind_of_line_end
from governance.admin.wording import value_in_words
from governance.vocabulary.changes import (
    Change,
    ConfigurationUpdate,
    ParameterChange,
)

KIND_WORDS: Mapping[str, str] = {
    "capability_enable": "Enable a capability",
    "capability_disable": "Disable a capability",
    "configuration_update": "Set a configuration value",
    "parameter_change": "Tune parameters",
}
LIFECYCLES = ("PREVIEW", "LAUNCHED", "DEPRECATED")
KEPT, NOW = "kept", "now"
MOST_PARAMETERS = 100

Places = Mapping[tuple[str, str], Any]


@dataclass
class Line:
    """A field of text: `field` is what the change's document calls it."""

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
    """A parameter: its name and its value. `was` is the number it has in what stands there."""

    line: Line
    value: ValueField
    number: int
    was: str = ""

    @property
    def name_of_was(self) -> str:
        return f"{self.value.name}-was"


@dataclass
class Row:
    """One change in a form. `key` names it there: `7` is what stands as step 7, `n1` is new."""

    key: str
    kind: str
    origin: Change | None = None
    lines: list[Line] = field(default_factory=list)
    value: ValueField | None = None
    expects: str = NOW
    parameters: list[Parameter] = field(default_factory=list)
    error: str = ""
    places: Places = field(default_factory=dict)

    @classmethod
    def of(cls, key: str, kind: str, origin: Change | None = None) -> Row:
        """A row that says what stands there, or an empty one."""
        row = cls(key, kind, origin)
        row.lines = list(_lines(row, origin))
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
        """How many fields a form with it sends."""
        values = [self.value] if self.value else []
        values += [parameter.value for parameter in self.parameters]
        own = 4 + len(self.lines) + 2 * len(self.parameters)
        return own + sum(value.size for value in values)

    def name(self, field_name: str) -> str:
        return f"c{self.key}-{field_name}"

    @property
    def name_of_type(self) -> str:
        return self.name("type")

    @property
    def name_of_expects(self) -> str:
        return self.name("expects")

    @property
    def name_of_count(self) -> str:
        return self.name("count")

    def read(self, sent: Mapping[str, str]) -> None:
        """Take over what was typed."""
        for line in self.lines:
            line.typed = one_kind_of_line_end(sent.get(line.name, line.typed))
        self.expects = sent.get(self.name("expects"), self.expects)
        if self.value:
            self.value.read(sent)
        if self.kind == "parameter_change" and self.name("count") in sent:
            self.parameters = [
                self._parameter(number, sent.get(self.name(f"p{number}-was"), ""), "")
                for number in range(_number(sent[self.name("count")], most=MOST_PARAMETERS))
            ]
            for parameter in self.parameters:
                line = parameter.line
                line.typed = one_kind_of_line_end(sent.get(line.name, ""))
                parameter.value.read(sent)

    def add_parameter(self) -> None:
        if len(self.parameters) < MOST_PARAMETERS:
            self.parameters.append(self._parameter(len(self.parameters), "", ""))

    def drop_parameter(self, number: int) -> None:
        """Take one out; the others move up, with what was typed in them."""
        kept = [one for one in self.parameters if one.number != number]
        self.parameters = []
        for place, one in enumerate(kept):
            moved = self._parameter(place, one.was, one.line.typed)
            moved.value.kind, moved.value.typed = one.value.kind, one.value.typed
            for leaf, before in zip(moved.value.leaves, one.value.leaves, strict=True):
                leaf.kind, leaf.typed = before.kind, before.typed
            self.parameters.append(moved)

    # --- what the proposal expects, and what stands ---
    @property
    def place(self) -> tuple[str, str]:
        typed = {line.field: line.typed for line in self.lines}
        return typed.get("scope", ""), typed.get("key", "")

    @property
    def is_on_record(self) -> bool:
        return self.place in self.places

    @property
    def stands_now(self) -> str:
        return value_in_words(self.places[self.place]) if self.is_on_record else "nothing on record"

    @property
    def expected_before(self) -> str:
        """What the proposal expects, in words; empty where it spoke of another place."""
        return value_in_words(self.origin.old_value) if self._speaks_of_here() else ""  # type: ignore[union-attr]

    @property
    def differs_now(self) -> bool:
        return bool(self.expected_before) and self.expected_before != self.stands_now

    def _speaks_of_here(self) -> bool:
        return isinstance(self.origin, ConfigurationUpdate) and self.place == (
            self.origin.scope,
            self.origin.key,
        )

    def _old_value(self) -> Any:
        if self._speaks_of_here() and not (self.expects == NOW and self.is_on_record):
            return self.origin.old_value  # type: ignore[union-attr]
        return self.places.get(self.place)

    # --- the change ---
    def document(self) -> dict[str, Any] | None:
        """The change as typed, or None: then what is wrong stands at its fields."""
        document: dict[str, Any] = {"type": self.kind}
        for line in self.lines:
            line.error = "" if line.typed else "is required"
            stands = getattr(self.origin, line.field, "")
            same = one_kind_of_line_end(stands) == line.typed
            document[line.field] = stands if same else line.typed
        if self.value:
            document["old_value"] = self._old_value()
            document["new_value"] = _value(self.value)
        elif self.kind == "parameter_change":
            document["parameters"] = self._parameters()
        return None if self.is_faulty else document

    @property
    def is_faulty(self) -> bool:
        errors = [self.error, *(line.error for line in self.lines)]
        errors += [self.value.error] if self.value else []
        for one in self.parameters:
            errors += [one.line.error, one.value.error]
        return any(errors)

    def take_fault(self, path: str, message: str) -> None:
        """Put a fault where it belongs; `path` is what follows the change's own."""
        path = path.removeprefix(".")
        for line in self.lines:
            if path == line.field:
                line.error = message
                return
        if path.startswith("new_value") and self.value:
            self.value.error = message
            return
        within = path.removeprefix("parameters.")
        for one in self.parameters if within != path else []:
            if within == one.line.typed:
                # It is the name, unless the name is fine and the value is not.
                target: Line | ValueField = (
                    one.value if one.line.typed.strip() == one.line.typed else one.line
                )
                target.error = message
                return
            if within.startswith((f"{one.line.typed}.", f"{one.line.typed}[")):
                one.value.error = message
                return
        self.error = f"{path}: {message}" if path else message

    def _parameters(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        self.error = "" if self.parameters else "at least one parameter is needed"
        for one in self.parameters:
            name = one.line.typed
            one.line.error = "" if name else "is required"
            if name in values:
                one.line.error = "stands here twice"
            values[name] = _value(one.value)
        return values

    def _parameter(self, number: int, was: str, typed: str) -> Parameter:
        name = self.name(f"p{number}")
        line = Line(f"{name}-name", "parameters", "Parameter", typed)
        known = (
            list(self.origin.parameters.items()) if isinstance(self.origin, ParameterChange) else []
        )
        index = _number(was, most=len(known))
        if was and was.isdecimal() and index < len(known):
            return Parameter(line, ValueField.of(name, "Value", known[index][1]), number, was)
        return Parameter(line, ValueField.of(name, "Value"), number)


def _lines(row: Row, origin: Change | None) -> Iterator[Line]:
    def line(field_name: str, label: str, **options: Any) -> Line:
        typed = getattr(origin, field_name, "")
        return Line(row.name(field_name), field_name, label, typed, **options)

    match row.kind:
        case "capability_enable":
            yield line("capability_name", "Capability", is_capability=True)
            yield line("target_lifecycle", "Stage afterwards", choices=LIFECYCLES)
        case "capability_disable":
            yield line("capability_name", "Capability", is_capability=True)
            yield line("reason", "Reason for disabling", is_long=True)
        case "configuration_update":
            yield line("scope", "Scope", is_capability=True)
            yield line("key", "Key")
        case "parameter_change":
            yield line("scope", "Scope", is_capability=True)


def _value(value: ValueField) -> Any:
    value.error = ""
    try:
        return value.value()
    except ValueError as error:
        value.error = str(error)
        return None


def _number(text: str, *, most: int) -> int:
    """A number that a form carries; 0 for what is none, never more than `most`."""
    return min(int(text), most) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
