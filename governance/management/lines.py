"""Read a file of JSON lines, one document at a time, however it is spoilt."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from governance.management.values import printable
from governance.vocabulary.canonical import LARGEST_DOCUMENT, load_strict_json
from governance.vocabulary.errors import GovernanceError, InvalidInputError

STANDARD_INPUT = "-"
MOST_FAULTS_TOLD = 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file: its number from 1, and how many bytes of the file end with it."""

    number: int
    raw: bytes
    end: int

    def document(self) -> dict[str, Any]:
        """The JSON object on this line, or InvalidInputError."""
        if len(self.raw) > LARGEST_DOCUMENT:
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
def opened(path: str) -> Iterator[BinaryIO]:
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


def lines_of(file: BinaryIO) -> Iterator[Line]:
    """The lines that are not blank. Of a line too long to be taken, only the beginning is kept."""
    number = end = 0
    while raw := file.readline(LARGEST_DOCUMENT + 2):
        number += 1
        end += len(raw)
        is_cut = False
        while not raw.endswith(b"\n") and (rest := file.readline(LARGEST_DOCUMENT)):
            is_cut = True
            end += len(rest)
            if rest.endswith(b"\n"):
                break
        if number == 1:
            raw = raw.removeprefix(_BYTE_ORDER_MARK)
        if is_cut or raw.strip():
            yield Line(number, raw if is_cut else raw.strip(), end)


def read_document(path: str, *, largest: int) -> Any:
    """The one JSON document in a file of at most `largest` bytes, or InvalidInputError."""
    with opened(path) as file:
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


def in_words(refusal: GovernanceError) -> str:
    """A refusal as a person reads it: the faulty fields if there are several, but not thousands.

    It stays on its line and commands no terminal, whatever the file calls its fields.
    """
    faults = refusal.errors if isinstance(refusal, InvalidInputError) else []
    if len(faults) < 2:
        return printable(str(refusal).removesuffix("."))
    told = [f"{printable(f['path'])}: {f['message']}" for f in faults[:MOST_FAULTS_TOLD]]
    if len(faults) > MOST_FAULTS_TOLD:
        told.append(f"and {len(faults) - MOST_FAULTS_TOLD} more")
    return printable("; ".join(told))


def bad_line(line: Line, refusal: GovernanceError) -> dict[str, Any]:
    """A bad line for programs: its number, the first faulty field (None if none is), and why."""
    faults = refusal.errors if isinstance(refusal, InvalidInputError) else []
    return {
        "line": line.number,
        "field": printable(faults[0]["path"]) if faults and faults[0]["path"] else None,
        "code": refusal.code,
        "message": in_words(refusal),
    }
