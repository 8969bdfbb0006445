"""PostgreSQL's copy of the invariants: one readable SQL file for each law.

A migration that adds or changes a law lists it in `InstallLaws`; the files can be run again and
again. A test compares the live catalogue with the files.
"""

from __future__ import annotations

from pathlib import Path

from django.db.migrations.operations import RunSQL

FOLDER = Path(__file__).parent


def law_sql(name: str) -> str:
    """The text of one law."""
    return (FOLDER / f"{name}.sql").read_text()


def all_laws() -> list[str]:
    """Every law's name, in the order in which they can be installed."""
    names = sorted(path.stem for path in FOLDER.glob("*.sql"))
    return ["refuse", *(name for name in names if name != "refuse")]


class InstallLaws(RunSQL):
    """A migration step that installs laws as the files say now. Going back leaves them in force."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            [law_sql(name) for name in names],
            reverse_sql=RunSQL.noop,
        )
        self.names = names

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (type(self).__name__, [], {"names": self.names})

    def describe(self) -> str:
        return "Install laws: " + ", ".join(self.names)
