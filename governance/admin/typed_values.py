"""Form fields for JSON values: people choose a kind and type plain text, never JSON.

A value that was not edited is returned exactly as recorded, however the page formats it. A nested
structure is edited by its leaves; one with too many leaves is shown and kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.admin.wording import normalize_newlines, value_in_words
from governance.domain.errors import InvalidInputError
from governance.domain.strict_json import exact_double, require_plain_json

TEXT, NUMBER, YES, NO, NOTHING = "text", "number", "yes", "no", "nothing"
TEXTS, NUMBERS, STRUCTURE, LEFT_OUT = "texts", "numbers", "structure", "out"
KINDS: Mapping[str, str] = {
    TEXT: "Text",
    NUMBER: "Number",
    YES: "Yes",
    NO: "No",
    NOTHING: "Nothing",
    TEXTS: "List of texts, one a line",
    NUMBERS: "List of numbers, one a line",
}
TYPED_KINDS = (TEXT, NUMBER, TEXTS, NUMBERS)
MAX_LEAVES = 30
MAX_LEAF_DEPTH = 6
MAX_NUMBER_LENGTH = 400
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_CONSTANTS: Mapping[str, Any] = {YES: True, NO: False, NOTHING: None}
_ABSENT: Any = object()

Path = tuple[str | int, ...]


@dataclass
class Leaf:
    """A value as kind and typed text; `base` is the recorded value, if there is one."""

    name: str
    label: str
    kind: str = TEXT
    typed: str = ""
    base: Any = _ABSENT
    path: Path = ()
    error: str = ""

    @property
    def kinds(self) -> list[tuple[str, str]]:
        return [*KINDS.items(), (LEFT_OUT, "Leave it out")]

    @property
    def is_fixed(self) -> bool:
        """Whether the leaf is an empty structure, which has nothing to edit."""
        return self.base == {} and self.base is not _ABSENT

    @property
    def needs_text(self) -> bool:
        return self.kind in TYPED_KINDS

    def read(self, sent: Mapping[str, str]) -> None:
        self.kind = sent.get(f"{self.name}-kind", self.kind)
        self.typed = normalize_newlines(sent.get(f"{self.name}-typed", self.typed))

    def value(self) -> Any:
        """Return the typed value, or `base` itself if it was not edited.

        A leaf of the kind LEFT_OUT has no value; the caller checks `kind` first.

        Raises:
            ValueError: the text does not fit the kind, or the kind is unknown.
        """
        if self.is_fixed or (self.base is not _ABSENT and self._is_unchanged()):
            return self.base
        if self.kind in _CONSTANTS:
            return _CONSTANTS[self.kind]
        match self.kind:
            case "text":
                return self.typed
            case "number":
                return number_of(self.typed)
            case "texts":
                return [line for line in self.typed.split("\n") if line.strip()]
            case "numbers":
                return [number_of(line) for line in self.typed.split("\n") if line.strip()]
        raise ValueError("must be of a kind that the list offers")

    def checked_value(self) -> Any:
        """Return the typed value; None, with `error`, if the text does not fit the kind."""
        self.error = ""
        try:
            return self.value()
        except ValueError as error:
            self.error = str(error)
            return None

    def _is_unchanged(self) -> bool:
        kind_text = kind_and_text(self.base)
        if kind_text is None or kind_text[0] != self.kind:
            return False
        return self.kind not in TYPED_KINDS or normalize_newlines(kind_text[1]) == self.typed


@dataclass
class ValueField(Leaf):
    """A whole value: a plain one, or a structure that is edited by its leaves."""

    leaves: list[Leaf] = field(default_factory=list)
    is_too_deep: bool = False

    @classmethod
    def of(cls, name: str, label: str, base: Any = _ABSENT) -> ValueField:
        """Return the field for the recorded value `base`, or for a new value."""
        if base is _ABSENT:
            return cls(name, label)
        if (kind_text := kind_and_text(base)) is not None:
            return cls(name, label, *kind_text, base=base)
        whole = cls(name, label, STRUCTURE, base=base)
        found = list(_leaves_of(base, ()))
        if len(found) > MAX_LEAVES or max(len(path) for path, _ in found) > MAX_LEAF_DEPTH:
            whole.is_too_deep = True
            return whole
        for number, (path, value) in enumerate(found):
            kind, typed = kind_and_text(value) or (STRUCTURE, "")
            label = path_in_words(path)
            whole.leaves.append(Leaf(f"{name}-{number}", label, kind, typed, value, path))
        return whole

    @property
    def kinds(self) -> list[tuple[str, str]]:
        is_structure = self.base is not _ABSENT and kind_and_text(self.base) is None
        words = (
            "As it is, too large to edit here" if self.is_too_deep else "Structure, by its parts"
        )
        return ([(STRUCTURE, words)] if is_structure else []) + list(KINDS.items())

    @property
    def in_words(self) -> str:
        return "" if self.base is _ABSENT else value_in_words(self.base)

    @property
    def size(self) -> int:
        """Return the number of form fields that the value sends."""
        return 2 + 2 * len(self.leaves)

    def read(self, sent: Mapping[str, str]) -> None:
        super().read(sent)
        for leaf in self.leaves:
            leaf.read(sent)

    def value(self) -> Any:
        if self.kind != STRUCTURE:
            return super().value()
        if self.base is _ABSENT or kind_and_text(self.base) is not None:
            raise ValueError("must be of a kind that the list offers")
        values = {
            leaf.path: _ABSENT if leaf.kind == LEFT_OUT else leaf.checked_value()
            for leaf in self.leaves
        }
        if any(leaf.error for leaf in self.leaves):
            raise ValueError("has an invalid part")
        return _rebuilt(self.base, (), values)


def number_of(typed: str) -> int | float:
    """Parse a number as JSON does.

    Raises:
        ValueError: the text is no JSON number, or the record cannot hold it.
    """
    text = typed.strip()
    found = _NUMBER.fullmatch(text) if len(text) <= MAX_NUMBER_LENGTH else None
    if found is None:
        raise ValueError("must be a number, such as 20, -3 or 2.5")
    number = exact_double(text) if found[2] or found[3] else int(text)
    try:
        require_plain_json(number)
    except InvalidInputError as error:
        raise ValueError(error.errors[0]["message"]) from None
    return number


def kind_and_text(value: Any) -> tuple[str, str] | None:
    """Return (kind, text) of a plain value; None for a value that is edited by its parts."""
    if isinstance(value, str):
        return TEXT, value
    if value is None or isinstance(value, bool):
        return {None: NOTHING, True: YES, False: NO}[value], ""
    if isinstance(value, int | float):
        return NUMBER, value_in_words(value)
    if isinstance(value, list):
        if all(isinstance(item, str) and _is_one_line(item) for item in value):
            return TEXTS, "\n".join(value)
        if all(isinstance(item, int | float) and not isinstance(item, bool) for item in value):
            return NUMBERS, "\n".join(map(value_in_words, value))
    return None


def path_in_words(path: Path) -> str:
    """Format the path of a leaf: `limits › hosts › 3`; list items are counted from 1."""
    return " › ".join(str(step + 1) if isinstance(step, int) else step for step in path)


def _is_one_line(text: str) -> bool:
    return bool(text.strip()) and "\n" not in text and "\r" not in text


def _leaves_of(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if value == {} or kind_and_text(value) is not None:
        yield path, value
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves_of(child, (*path, key))
    else:
        for index, child in enumerate(value):
            yield from _leaves_of(child, (*path, index))


def _rebuilt(value: Any, path: Path, values: Mapping[Path, Any]) -> Any:
    """Return `value` with the leaves of `values`; a leaf that is `_ABSENT` is removed."""
    if path in values:
        return values[path]
    if isinstance(value, dict):
        parts = {key: _rebuilt(child, (*path, key), values) for key, child in value.items()}
        return {key: part for key, part in parts.items() if part is not _ABSENT}
    if isinstance(value, list):
        items = [_rebuilt(child, (*path, index), values) for index, child in enumerate(value)]
        return [item for item in items if item is not _ABSENT]
    return value
