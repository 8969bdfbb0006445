"""The write matrix of `docs/write-matrix.md`, which a traced full run gives.

`python -m tests.architecture.write_matrix` runs the product on a test database and writes the page.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.write_trace import TracedWrite

PAGE = Path(__file__).resolve().parents[2] / "docs" / "write-matrix.md"
HEADER = "| table | what is written | by |\n|---|---|---|\n"
WHAT = {"INSERT": "new row", "DELETE": "removed row", "UPDATE": "changed {}", "SET": "set {}"}


def matrix_lines(writes: Iterable[TracedWrite]) -> list[str]:
    """Return the rows of the page: one for the columns of a table that have the same writers."""
    writers: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for write in writes:
        writers[write.table, write.operation, write.column].add(writer_in_words(write))
    columns: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (table, operation, column), names in writers.items():
        columns[table, operation, tuple(sorted(names))].append(column)
    order = list(WHAT)
    rows = [
        (table, order.index(operation), sorted(found), names)
        for (table, operation, names), found in columns.items()
    ]
    return [
        f"| `{table}` | {WHAT[order[kind]].format(', '.join(f'`{one}`' for one in found))}"
        f" | {'; '.join(names)} |"
        for table, kind, found, names in sorted(rows)
    ]


def writer_in_words(write: TracedWrite) -> str:
    """Name the module, and the SQL function or trigger that writes for it."""
    if write.is_by_trigger:
        on = f", on a write of `{write.module}`" if write.module else ""
        return f"**trigger** `{write.function}`{on}"
    return f"`{write.module}`" + (f" through `{write.function}`" if write.function else "")


def documented_lines() -> list[str]:
    """Return the rows of the page as it is now."""
    _, found, rows = PAGE.read_text(encoding="utf-8").partition(HEADER)
    assert found, "The page has no table with the right heading."
    return rows.splitlines()


def write_page(lines: Iterable[str]) -> None:
    """Replace the rows of the page; its introduction stays."""
    introduction, _, _ = PAGE.read_text(encoding="utf-8").partition(HEADER)
    PAGE.write_text(introduction + HEADER + "".join(f"{line}\n" for line in lines), "utf-8")


def traced_lines() -> list[str]:
    """Run everything on a test database of its own, and return the rows that the page must have."""
    from tests.support.databases import cloned, ensure_template
    from tests.support.full_run import run_everything
    from tests.support.users import create_users
    from tests.support.write_trace import traced_writes

    with cloned(ensure_template()), TemporaryDirectory() as folder:
        users = create_users()
        with traced_writes() as writes:
            run_everything(users, Path(folder))
            return matrix_lines(writes())


if __name__ == "__main__":
    import os

    import django
    from django.test.utils import setup_test_environment

    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    setup_test_environment()
    write_page(traced_lines())
    sys.stdout.write(f"{PAGE.name} is written\n")
