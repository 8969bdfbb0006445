"""Reading of JSON lines, one document at a time; a bad line does not stop the reading."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from governance.domain.errors import (
    DocumentTooLargeError,
    GovernanceError,
    InvalidInputError,
    MalformedJsonError,
    NotUtf8Error,
    UnreadableFileError,
)
from governance.domain.strict_json import MAX_DOCUMENT_BYTES, load_strict_json
from governance.management.values import printable

STANDARD_INPUT = "-"
MAX_FAULTS_SHOWN = 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class JsonLine:
    """One line of a file.

    `number` counts from 1. `end` is the offset, in bytes, of the end of the line in the file.
    """

    number: int
    raw: bytes
    end: int

    def document(self) -> dict[str, Any]:
        """Return the JSON object on this line.

        Raises:
            InvalidInputError: The line is too long, not UTF-8, or not one JSON object.
        """
        if len(self.raw) > MAX_DOCUMENT_BYTES:
            raise DocumentTooLargeError("The line is longer than 1 MiB.")
        try:
            text = self.raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NotUtf8Error(
                f"The line is not UTF-8: byte {error.start + 1} is invalid."
            ) from None
        document = load_strict_json(text)
        if not isinstance(document, dict):
            raise MalformedJsonError("The line is not a JSON object.")
        return document


def open_input(path: str) -> AbstractContextManager[BinaryIO]:
    """Open the file at `path`, or standard input if `path` is `-`.

    Raises:
        UnreadableFileError: The file cannot be opened.
    """
    if path == STANDARD_INPUT:
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror}.") from None


def read_lines(file: BinaryIO) -> Iterator[JsonLine]:
    """Yield the lines that are not blank; of a line over the size limit, only the beginning."""
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
    """Return the one JSON document in the file at `path`.

    Args:
        largest: The size limit in bytes.

    Raises:
        InvalidInputError: The file cannot be read, is too large, or is not one JSON document.
    """
    with open_input(path) as file:
        raw = file.read(largest + 1)
    try:
        return load_strict_json(raw.removeprefix(_BYTE_ORDER_MARK).decode("utf-8"), largest=largest)
    except UnicodeDecodeError:
        raise NotUtf8Error(f"{path} is not UTF-8.") from None


def refuse_unknown_fields(document: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuse a document that has fields outside `known`.

    Raises:
        InvalidInputError: There are such fields; the error names each of them.
    """
    unknown = sorted(set(document) - known)
    if unknown:
        faults = [{"path": name, "message": "is not a known field"} for name in unknown]
        raise InvalidInputError(f"{unknown[0]}: is not a known field.", errors=faults)


def describe_error(refusal: GovernanceError) -> str:
    """Return the error as one line for a terminal.

    If several fields are faulty, the line names the first 20. Control characters, which come from
    the field names of the file, are escaped.
    """
    faults = refusal.errors if isinstance(refusal, InvalidInputError) else []
    if len(faults) < 2:
        return printable(str(refusal).removesuffix("."))
    shown = [f"{f['path']}: {f['message']}" for f in faults[:MAX_FAULTS_SHOWN]]
    if len(faults) > MAX_FAULTS_SHOWN:
        shown.append(f"and {len(faults) - MAX_FAULTS_SHOWN} more")
    return printable("; ".join(shown))


def bad_line(line: JsonLine, refusal: GovernanceError) -> dict[str, Any]:
    """Return a bad line for the JSON output: number, first faulty field or None, code, message."""
    faults = refusal.errors if isinstance(refusal, InvalidInputError) else []
    return {
        "line": line.number,
        "field": printable(faults[0]["path"]) if faults and faults[0]["path"] else None,
        "code": refusal.code,
        "message": describe_error(refusal),
    }
