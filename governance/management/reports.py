"""What the commands about the validator share: the registry, reports in files, and tables."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from governance.authorities.validator.name_index import NameIndex
from governance.domain.errors import InvalidInputError, NotUtf8Error
from governance.domain.strict_json import load_strict_json
from governance.flows.judge_report import registered_names
from governance.management.jsonl import open_input, read_document

MAX_REPORT_BYTES = 1024 * 1024
MAX_REGISTRY_BYTES = 64 * 2**20


def add_registry_argument(parser: ArgumentParser) -> None:
    """Add `--registry FILE` to a command that compares names."""
    parser.add_argument(
        "--registry",
        metavar="FILE",
        help='Compare names with those in this JSON file, {"capabilities": [...]}, instead of '
        "with the registry. The command then needs no database.",
    )


def names_to_compare(path: str | None) -> NameIndex:
    """Return the names of the registry, or those of a file.

    Raises:
        InvalidInputError: the file cannot be read, or is no list of capabilities.
    """
    if path is None:
        return registered_names()
    document = read_document(path, largest=MAX_REGISTRY_BYTES)
    rows = document.get("capabilities") if isinstance(document, Mapping) else document
    if not isinstance(rows, list):
        raise InvalidInputError.at("capabilities", "must be a list")
    return NameIndex(_name_in(row, index) for index, row in enumerate(rows))


def _name_in(row: Any, index: int) -> str:
    name = row.get("name") if isinstance(row, Mapping) else row
    if not isinstance(name, str):
        raise InvalidInputError.at(f"capabilities[{index}].name", "is required and must be text")
    return name


def read_payload(path: str) -> Mapping[str, Any]:
    """Return the report in a file: a JSON object, or text whose first line is the subject.

    Raises:
        InvalidInputError: the file cannot be read, or is not UTF-8, or begins like a JSON object
            and is none.
    """
    with open_input(path) as file:
        raw = file.read(MAX_REPORT_BYTES + 1)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotUtf8Error(f"{path} is not UTF-8.") from None
    if text.lstrip().startswith("{"):
        payload: Mapping[str, Any] = load_strict_json(text, largest=MAX_REPORT_BYTES)
        return payload
    subject, _, body = text.strip().partition("\n")
    return {"subject": subject, "body": body}
