"""The traced write matrix: a full run writes exactly what `docs/write-matrix.md` says."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

import pytest

from governance.db.grants import GRANTS
from tests.architecture.write_matrix import documented_lines, matrix_lines
from tests.support.full_run import run_everything
from tests.support.users import Users
from tests.support.write_trace import NOBODY, our_tables, traced_writes

# Only Django's pages for accounts write these, for an administrator.
NOT_WRITTEN = {"governance_account_user_permissions"}
CHANGED_BY_ADMINISTRATORS = "governance_account"


def test_full_run__traced__writes_what_the_page_says(committed: Users, tmp_path: Path) -> None:
    with traced_writes() as writes:
        run_everything(committed, tmp_path)
        traced, tables = writes(), our_tables()

    difference = unified_diff(
        documented_lines(), matrix_lines(traced), "docs/write-matrix.md", "traced", n=0, lineterm=""
    )
    if lines := list(difference):
        pytest.fail(
            "The page differs from what was traced; after a look at each difference, run"
            " `python -m tests.architecture.write_matrix`:\n" + "\n".join(lines),
            pytrace=False,
        )

    # The page says nothing of what the run does not do, so the run must do everything.
    assert NOBODY not in {write.module for write in traced}
    assert {write.table for write in traced} == set(tables) - NOT_WRITTEN
    changed = {(write.table, write.column) for write in traced if write.operation == "UPDATE"}
    granted = {
        (table, column)
        for table in tables
        for column in GRANTS[table].update
        if table != CHANGED_BY_ADMINISTRATORS
    }
    assert granted - changed == set(), "The application may change these, and the run does not."
    assert {one for one in changed if one[0] != CHANGED_BY_ADMINISTRATORS} == granted
