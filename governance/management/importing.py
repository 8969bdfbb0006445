"""The base of the commands that import a file of JSON lines.

A bad line is reported with its number, and the import goes on with the next one.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from tqdm import tqdm

from governance.domain.errors import GovernanceError, InvalidInputError
from governance.management.base import GovernanceCommand, PartlyRefused
from governance.management.jsonl import bad_line, describe_error, open_input
from governance.management.progress import lines_with_progress

# The fields that a line with the verdicts of a review has.
VERDICTS = ("validator_verdict", "eligibility_verdict")


class ImportCommand(GovernanceCommand):
    """A command that imports FILE line by line, each line in a transaction of its own.

    A subclass names the `outcomes` that a line may have, and the `summary` of their numbers, with
    a placeholder for each of them and for `bad_lines`.
    """

    has_json = True
    outcomes: ClassVar[tuple[str, ...]]
    summary: ClassVar[str]

    def begin(self, options: Mapping[str, Any]) -> dict[str, int]:
        """Do what is necessary before the first line, and return further numbers to report."""
        return {}

    def import_document(self, document: dict[str, Any], options: Mapping[str, Any]) -> str:
        """Record one document, and return which of `outcomes` it had.

        Raises:
            GovernanceError: The document was refused; the caller reports its line as bad.
        """
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file",
            metavar="FILE",
            help="The file: one JSON object per line, in UTF-8; - reads standard input.",
        )

    def run(self, **options: Any) -> None:
        counts = dict.fromkeys(self.outcomes, 0)
        bad_lines = []
        interruption = None
        with open_input(options["file"]) as file:
            counts |= self.begin(options)
            try:
                for line in lines_with_progress(file):
                    try:
                        counts[self.import_document(line.document(), options)] += 1
                    except GovernanceError as refusal:
                        bad_lines.append(bad_line(line, refusal))
                        with tqdm.external_write_mode(file=sys.stderr):
                            self.stderr.write(f"line {line.number}: {describe_error(refusal)}")
            except KeyboardInterrupt as stop:
                interruption = stop
        self.report(
            counts | {"bad_lines": bad_lines, "interrupted": bool(interruption)},
            self.summary.format(**counts, bad_lines=len(bad_lines)),
        )
        if interruption:
            raise interruption
        if bad_lines:
            raise PartlyRefused


def required_id(
    document: Mapping[str, Any], name: str, error: type[InvalidInputError] = InvalidInputError
) -> UUID:
    """Return the id in the field `name` of `document`.

    Args:
        name: The field, such as `job_id`; the message calls the thing by the part before `_id`.
        error: The class of the error that is raised if the field is not an id.
    """
    try:
        return UUID(document.get(name))
    except (TypeError, ValueError, AttributeError):
        thing = name.removesuffix("_id")
        raise error.at(name, f"is required and must be the id of a {thing}") from None


def require_verdicts(document: Mapping[str, Any], error: type[InvalidInputError]) -> None:
    """Refuse a document without an object in each of the fields `VERDICTS`.

    Args:
        error: The class of the error that is raised.
    """
    for name in VERDICTS:
        if not isinstance(document.get(name), dict):
            raise error.at(name, "is required and must be an object")
