"""Measure the validator on labelled reports: the confusion matrix, precision, recall and F1 of
each type and severity, the capabilities found, and the changes proposed. Nothing is written.

Each line of the file is a JSON object with subject, body and label (issue_type, severity,
affected_capabilities, proposed_change or null), and optionally id, cap_match (exact, near, alias
or none) and text (how real the words are; each kind is measured apart).
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any

from governance.authorities.validator.evaluation import evaluate_reports
from governance.domain.errors import InvalidInputError
from governance.management.base import GovernanceCommand
from governance.management.jsonl import open_input, read_lines
from governance.management.reports import add_registry_argument, labelled_report, names_to_compare
from governance.management.values import printable


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples = (
        "evaluate_validator reports.jsonl",
        "evaluate_validator reports.jsonl --registry capabilities.json --json",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file",
            metavar="FILE",
            help="The reports: one JSON object per line, in UTF-8; - reads standard input.",
        )
        parser.add_argument(
            "--mistakes", action="store_true", help="Also list each report that was judged wrongly."
        )
        add_registry_argument(parser)

    def run(self, *, file: str, mistakes: bool, registry: str | None) -> None:
        with open_input(file) as opened:
            labelled = [labelled_report(line) for line in read_lines(opened)]
        if not labelled:
            raise InvalidInputError.whole("The file has no report.")
        result = evaluate_reports(labelled, registry=names_to_compare(registry))
        self.report(result, *_lines(result, mistakes))


def _lines(result: Mapping[str, Any], mistakes: bool) -> Iterator[str]:
    yield from _figures("all reports", result)
    for text, figures in result["by_text"].items():
        yield ""
        yield from _figures(f"text: {printable(text)}", figures)
    for one in result["mistakes"] if mistakes else ():
        yield ""
        yield f"{printable(one['report'])}: {printable(one['subject'])}"
        for field in ("issue_type", "severity", "capabilities"):
            if field in one:
                label, found = one[field]
                yield f"  {field}: labelled {_named(label)}, found {_named(found)}"


def _figures(heading: str, figures: Mapping[str, Any]) -> Iterator[str]:
    yield heading
    for field in ("issue_type", "severity"):
        agreement = figures[field]
        yield (
            f"  {field}: {agreement['reports']} reports, macro F1 {agreement['macro_f1']:.3f}, "
            f"accuracy {agreement['accuracy']:.3f}"
        )
        names = list(agreement["classes"])
        yield "    " + "".join(
            text.rjust(width) for text, width in _columns("labelled, found:", names)
        )
        for name in names:
            numbers = [str(agreement["confusion"][name][other]) for other in names]
            row = agreement["classes"][name]
            rates = "  ".join(f"{key} {row[key]:.2f}" for key in ("precision", "recall", "f1"))
            cells = "".join(
                number.rjust(width)
                for number, (_, width) in zip(numbers, _columns("", names)[1:], strict=True)
            )
            yield f"    {printable(name):<22}{cells}  {rates}"
    names_found, proposals = figures["capabilities"], figures["proposals"]
    yield (
        f"  capabilities: precision {names_found['precision']:.3f}, "
        f"recall {names_found['recall']:.3f} ({names_found['right']} right, "
        f"{names_found['wrong']} wrong, {names_found['missed']} missed)"
    )
    yield (
        f"  proposals: {proposals['proposed']} of {proposals['labelled']} labelled changes, "
        f"{proposals['right']} right, {proposals['wrong']} wrong"
    )


def _named(value: str | list[str]) -> str:
    return printable(value if isinstance(value, str) else ", ".join(value) or "none")


def _columns(first: str, names: list[str]) -> list[tuple[str, int]]:
    return [(first, 22), *((name, max(len(name), 4) + 2) for name in names)]
