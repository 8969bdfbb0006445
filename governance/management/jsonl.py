"""Read a file of JSON lines, one document at a time, however it is spoilt."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from governance.domain.canonical import MAX_DOCUMENT_BYTES, load_strict_json
from governance.domain.errors import GovernanceError, InvalidInputError
from governance.management.values import printable

STANDARD_INPUT = "-"
MAX_FAULTS_SHOWN = 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class JsonLine:
    """One line of a file: its number from 1, and how many bytes of the file end with it."""

    number: int
    raw: bytes
    end: int

    def document(self) -> dict[str, Any]:
        """The JSON object on this line, or InvalidInputError."""
        if len(self.raw) > MAX_DOCUMENT_BYTES:
            raise InvalidInputError("The line is longer than 1 MiB.", code="document_too_large")
        try:
            text = self.raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInputError(
                f"The line is not UTF-8: byte {error.start + 1} does not fit.", code="not_utf8"
            ) from None
        document = load_strict_json(text)
        if not isinstance(document, dict):
            raise InvalidInputError("The line is not a JSON object.", code="malformed_json")
        return document


@contextmanager
def open_input(path: str) -> Iterator[BinaryIO]:
    """The file, or standard input for `-`. Refuses with InvalidInputError (`unreadable_file`)."""
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(path).open("rb"))
        except OSError as error:
            raise InvalidInputError(
                f"{path} cannot be read: {error.strerror}.", code="unreadable_file"
            ) from None
        yield file


def read_lines(file: BinaryIO) -> Iterator[JsonLine]:
    """The lines that are not blank. Of a line too long to be taken, only the beginning is kept."""
    number = end = 0
    while raw := file.readline(MAX_DOCUMENT_BYTES + 2):
        number += 1
        end += len(raw)
        is_cut = False
        while not raw.endswith(b"\n") and (rest := file.readline(MAX_DOCUMENT_BYTES)):
            is_cut = True
            end += len(rest)
            if rest.endswith(b"\n"):
                break
        if number == 1:
            raw = raw.removeprefix(_BYTE_ORDER_MARK)
        if is_cut or raw.strip():
            yield JsonLine(number, raw if is_cut else raw.strip(), end)


def read_document(path: str, *, largest: int) -> Any:
    """The one JSON document in a file of at most `largest` bytes, or InvalidInputError."""
    with open_input(path) as file:
        raw = file.read(largest + 1)
    try:
        return load_strict_json(raw.removeprefix(_BYTE_ORDER_MARK).decode("utf-8"), largest=largest)
    except UnicodeDecodeError:
        raise InvalidInputError(f"{path} is not UTF-8.", code="not_utf8") from None


def refuse_unknown_fields(document: Mapping[str, Any], known: frozenset[str]) -> None:
    """InvalidInputError that names every field nobody would read."""
    unknown = sorted(set(document) - known)
    if unknown:
        faults = [{"path": name, "message": "is not a known field"} for name in unknown]
        raise InvalidInputError(f"{unknown[0]}: is not a known field.", errors=faults)


def describe_error(refusal: GovernanceError) -> str:
    """A refusal as a person reads it: the faulty fields if there are several, but not thousands.

    It stays on its line and commands no terminal, whatever the file calls its fields.
    """
    faults = refusal.errors if isinstance(refusal, InvalidInputError) else []
    if len(faults) < 2:
        return printable(str(refusal).removesuffix("."))
    shown = [f"{printable(f['path'])}: {f['message']}" for f in faults[:MAX_FAULTS_SHOWN]]
    if len(faults) > MAX_FAULTS_SHOWN:
        shown.append(f"and {len(faults) - MAX_FAULTS_SHOWN} more")
    return printable("; ".join(shown))


def bad_line(line: JsonLine, refusal: GovernanceError) -> dict[str, Any]:
    """A bad line for programs: its number, the first faulty field (None if none is), and why."""
    faults = refusal.errors if isinstance(refusal, InvalidInputError) else []
    return {
        "line": line.number,
        "field": printable(faults[0]["path"]) if faults and faults[0]["path"] else None,
        "code": refusal.code,
        "message": describe_error(refusal),
    }
