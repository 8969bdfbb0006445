"""What the commands about the validator share: the registry, reports in files, and tables."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from governance.authorities.validator.evaluation import LabelledReport
from governance.authorities.validator.name_index import NameIndex
from governance.authorities.validator.report import Report
from governance.domain.errors import InvalidInputError, NotUtf8Error
from governance.domain.strict_json import load_strict_json
from governance.domain.values import Source
from governance.flows.judge_report import registered_names
from governance.management.jsonl import JsonLine, open_input, read_document

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


def labelled_report(line: JsonLine) -> LabelledReport:
    """Return the labelled report on a line.

    Raises:
        InvalidInputError: a field is absent or has another type; the error names line and field.
    """
    document = line.document()
    label = document.get("label")
    if not isinstance(label, Mapping):
        raise InvalidInputError.at(f"line {line.number}: label", "is required")
    names, change = label.get("affected_capabilities", []), label.get("proposed_change")
    if not isinstance(names, list) or not isinstance(change, dict | None):
        raise InvalidInputError.at(f"line {line.number}: label", "has a field of another type")
    return LabelledReport(
        key=str(document.get("id", line.number)),
        report=Report(
            source=str(Source.SUPPORT_TICKET),
            subject=_text(document, "subject", line),
            body=_text(document, "body", line),
        ),
        issue_type=_text(label, "issue_type", line),
        severity=_text(label, "severity", line),
        capabilities=frozenset(map(str, names)),
        change=change,
        name_match=str(document.get("cap_match", "exact")),
        text=str(document.get("text", "report")),
    )


def _text(document: Mapping[str, Any], field: str, line: JsonLine) -> str:
    value = document.get(field)
    if not isinstance(value, str):
        raise InvalidInputError.at(f"line {line.number}: {field}", "is required and must be text")
    return value
