"""A report as the validator reads it: its source, its texts, and what came with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MAX_TEXT_CHARACTERS = 20_000  # of the subject, and of the body; the rest is not read


@dataclass(frozen=True, slots=True)
class Report:
    """A report: `proposed_changes` is what came structured, or None; hints are never findings."""

    source: str
    subject: str
    body: str
    proposed_changes: Any = None
    capability_hints: tuple[str, ...] = ()


def report_of_payload(*, source: str, payload: Mapping[str, Any]) -> Report:
    """Return the report in a payload of any shape; a field that is no text is left out.

    The texts are `subject` and `title`, `body` and `description`, those of a nested `payload`
    included; the same text is read once.
    """
    layers = list(_layers(payload))
    hints = [hint for layer in layers for hint in _list(layer.get("capability_hints"))]
    return Report(
        source=source,
        subject=_joined(layers, ("subject", "title")),
        body=_joined(layers, ("body", "description")),
        proposed_changes=next(filter(None, map(_changes, layers)), None),
        capability_hints=tuple(hint for hint in hints if isinstance(hint, str)),
    )


def _layers(payload: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield payload
    nested = payload.get("payload")
    if isinstance(nested, Mapping):
        yield nested


def _joined(layers: list[Mapping[str, Any]], fields: tuple[str, ...]) -> str:
    values = [layer.get(field) for layer in layers for field in fields]
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    return "\n".join(dict.fromkeys(texts))[:MAX_TEXT_CHARACTERS]


def _changes(layer: Mapping[str, Any]) -> Any:
    structured = layer.get("structured_data")
    return structured.get("proposed_changes") if isinstance(structured, Mapping) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
