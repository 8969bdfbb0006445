"""Show what the validator says about a report, and why: which words count and how much, which do
not and why, which capabilities are named, and which changes the report proposes. Nothing is
written.

The file is a JSON object as an event has it (subject, body, source, structured_data), or plain
text, whose first line is the subject.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator

from django.utils import timezone

from governance.authorities.validator.analysis import analyse_report
from governance.authorities.validator.proposals import ReportProposal, changes_proposed_by
from governance.authorities.validator.report import report_of_payload
from governance.authorities.validator.verdict import validate_report
from governance.domain.values import Source
from governance.domain.verdicts import ValidatorVerdict
from governance.management.base import GovernanceCommand
from governance.management.reports import add_registry_argument, names_to_compare, read_payload
from governance.management.values import printable


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples = (
        "explain_verdict report.txt",
        "explain_verdict event.json --json",
        "explain_verdict - --registry capabilities.json < report.txt",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", metavar="FILE", help="The report, in UTF-8; - reads standard input."
        )
        parser.add_argument(
            "--source",
            choices=[str(source) for source in Source],
            help="Where the report comes from, if it does not say it (default: manual).",
        )
        add_registry_argument(parser)

    def run(self, *, file: str, source: str | None, registry: str | None) -> None:
        payload = read_payload(file)
        sender = payload.get("source")
        names = names_to_compare(registry)
        report = report_of_payload(
            source=source or (sender if isinstance(sender, str) else str(Source.MANUAL)),
            payload=payload,
        )
        verdict = validate_report(report, registry=names, at=timezone.now())
        proposed = changes_proposed_by(analyse_report(report, registry=names), registry=names)
        self.report(
            {
                "verdict": verdict.model_dump(mode="json"),
                "proposal": {
                    "changes": [change.document() for change in proposed.changes],
                    "reason": proposed.reason,
                    "readings": [change.document() for change in proposed.readings],
                },
            },
            *_lines(verdict, proposed),
        )


def _lines(verdict: ValidatorVerdict, proposed: ReportProposal) -> Iterator[str]:
    yield f"type          {verdict.issue_type}"
    yield f"severity      {verdict.severity}"
    yield f"capabilities  {printable(', '.join(verdict.affected_capabilities) or '-')}"
    yield f"confidence    {verdict.confidence_score:.3f}"
    yield f"action        {verdict.recommended_action}"
    yield f"validator     {verdict.validator_version}"
    evidence = verdict.evidence
    yield ""
    yield "confidence = 0.5 + source + 0.3 x type + capabilities, between 0 and 1"
    for key in ("source_weight", "type_confidence", "capability_confidence"):
        yield f"  {key:<22} {evidence[key]:+.2f}"
    for issue_type, found in evidence.get("types", {}).items():
        yield f"{issue_type} {found['confidence']:.2f}"
        for sign in found["signs"]:
            yield f"  {sign['weight']:+.2f}  {sign['what']} {_quoted(sign['words'])}".rstrip()
    for word in evidence.get("severity_words", ()):
        yield f"severity {word['speaks_for']}: {_quoted(word['words'])} counts {word['counts']}"
    for word in evidence.get("not_counted", ()):
        yield f"not counted for {word['speaks_for']}: {_quoted(word['words'])} is {word['why']}"
    for name in evidence.get("capabilities", ()):
        yield f"{_quoted(name['written'])} is {printable(name['name'])} ({name['similarity']})"
    for name in evidence.get("names_not_found", ()):
        yield f"{_quoted(name['written'])} is no capability: {printable(name['why'])}"
    yield ""
    for change in proposed.changes:
        yield f"proposes      {printable(str(change))}"
    for change in proposed.readings:
        yield f"may mean      {printable(str(change))}"
    yield f"              {printable(proposed.reason)}"


def _quoted(words: str) -> str:
    return f'"{printable(words)}"' if words else ""
