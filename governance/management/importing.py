"""The base of the commands that import a file of JSON lines.

A bad line is reported with its number, and the import goes on with the next one.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from governance.domain.errors import GovernanceError, InvalidInputError
from governance.management.base import GovernanceCommand, PartlyRefused
from governance.management.jsonl import (
    bad_line,
    describe_error,
    open_input,
)
from governance.management.progress import Interruption, iterate_with_progress, outside_progress_bar


@dataclass
class Tally:
    """The counts of an import; each command's subclass adds its own."""

    already_there: int = 0
    bad_lines: list[dict[str, Any]] = field(default_factory=list)
    interrupted: bool = False

    def summary(self) -> str:
        raise NotImplementedError


class ImportCommand(GovernanceCommand):
    """A command that imports FILE line by line, each line in a transaction of its own."""

    has_json = True

    def new_tally(self) -> Tally:
        raise NotImplementedError

    def begin(self, tally: Any, options: Mapping[str, Any]) -> None:
        """Do what is necessary before the first line; by default nothing."""

    def import_document(
        self, document: dict[str, Any], tally: Any, options: Mapping[str, Any]
    ) -> None:
        """Record one document and count it in `tally`.

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
        tally = self.new_tally()
        interruption = Interruption()
        with open_input(options["file"]) as file:
            self.begin(tally, options)
            for line in iterate_with_progress(
                file, interruption=interruption, with_bar=self.stderr.isatty()
            ):
                try:
                    self.import_document(line.document(), tally, options)
                except GovernanceError as refusal:
                    tally.bad_lines.append(bad_line(line, refusal))
                    with outside_progress_bar():
                        self.stderr.write(f"line {line.number}: {describe_error(refusal)}")
        tally.interrupted = interruption.requested
        if options["as_json"]:
            self.print_json(asdict(tally))
        else:
            self.say(tally.summary())
        if tally.interrupted:
            raise KeyboardInterrupt
        if tally.bad_lines:
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
