"""The API's description leaves the code."""

from __future__ import annotations

from argparse import ArgumentParser
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings

from governance.api.reference import errors_file, schema_file
from governance.management.base import GovernanceCommand, PartlyRefused

FILES = {"openapi.yaml": schema_file, "errors.md": errors_file}
LINES_SHOWN = 20


class Command(GovernanceCommand):
    help = """Write what the API says of itself: the OpenAPI schema and the list of its refusals.

Both files, openapi.yaml and errors.md, are made from the code alone; no database is asked. Code
generators and readers take them from docs/.

With --check nothing is written: the files are compared, and one that is stale is named, with the
first lines that differ."""

    examples = ("describe_api", "describe_api --check", "describe_api --folder /tmp/api")
    exit_codes = {1: "with --check: a file is stale or missing"}

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--folder",
            metavar="DIR",
            type=Path,
            default=settings.BASE_DIR / "docs",
            help="Where the files are (default: docs/).",
        )
        parser.add_argument("--check", action="store_true", help="Compare, and write nothing.")

    def run(self, **options: Any) -> None:
        stale = False
        for name, made in FILES.items():
            path: Path = options["folder"] / name
            text = made()
            if not options["check"]:
                path.write_text(text, encoding="utf-8")
                self.note(f"{path} is written.")
            elif lines := _differences(path, text):
                stale = True
                self.note(f"{path} is stale: run `make schema` and commit it.")
                self.stderr.write("\n".join(lines))
        if stale:
            raise PartlyRefused


def _differences(path: Path, text: str) -> list[str]:
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = unified_diff(
        known.splitlines(), text.splitlines(), str(path), "what the code says", lineterm="", n=1
    )
    return list(islice(lines, LINES_SHOWN))
