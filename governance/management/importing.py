"""What the commands that import a file of JSON lines share: a line is taken or told of, and the
rest goes on.
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
    """What became of the lines of a file; a command adds what it counts."""

    already_there: int = 0
    bad_lines: list[dict[str, Any]] = field(default_factory=list)
    interrupted: bool = False

    def summary(self) -> str:
        raise NotImplementedError


class ImportCommand(GovernanceCommand):
    """A command over FILE: `import_document` one by one, each a transaction of its own."""

    has_json = True

    def new_tally(self) -> Tally:
        raise NotImplementedError

    def begin(self, tally: Any, options: Mapping[str, Any]) -> None:
        """What comes before the first line."""

    def import_document(
        self, document: dict[str, Any], tally: Any, options: Mapping[str, Any]
    ) -> None:
        """Record one document and count it; a GovernanceError makes it a bad line."""
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSON lines in UTF-8; - reads stdin.")

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
    """The id in the field `name`, which is called after what it names; `error` where it is none."""
    try:
        return UUID(document.get(name))
    except (TypeError, ValueError, AttributeError):
        thing = name.removesuffix("_id")
        raise error.at(name, f"is required and must be a {thing}'s id") from None
