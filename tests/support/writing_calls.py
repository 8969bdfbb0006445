"""The tables that the writing SQL functions lock and write, read from their SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.models.sql import read_sql, sql_files

CONTRACT, JOB = "governance_systemcontract", "governance_governancejob"
_STEP = re.compile(
    r"PERFORM governance_(?P<call>\w+)\("
    r"|FOR UPDATE OF (?P<locked>contract(?:, job)?)"
    r"|FROM (?P<alone>\w+) WHERE id = contract (?P<lock>FOR UPDATE)"
    r"|(?:INSERT INTO|DELETE FROM) (?P<inserted>\w+)"
    r"|UPDATE (?P<updated>governance_\w+)"
)

# The functions that write a whole transaction in one call; each is in a file of its name.
CALLS = ("activate_contract", "start_job", "record_step_results", "end_job")
_PARTS = ("lock_chain", "append_entries", "record_observations")
# These write too: the entries of a move, observations, old stored responses, notices, and the
# removal of a contract.
WRITING = (
    *(*CALLS, "append_entries", "record_observations"),
    *("lock_request", "notify", "remove_contracts"),
)


def called_by(sql: str) -> str | None:
    """Return the writing function that a statement calls, or None."""
    found = re.search(r"governance_(\w+)\(", sql)
    return found[1] if found and found[1] in WRITING else None


def touched_by(name: str) -> list[str]:
    """Return the tables whose rows the function locks or writes, in its order."""
    return list(_touched(name, writes_only=False))


def written_by(name: str) -> list[str]:
    """Return the tables that the function writes."""
    return list(_touched(name, writes_only=True))


def _touched(name: str, *, writes_only: bool) -> Iterator[str]:
    assert name in sql_files()
    for step in _STEP.finditer(read_sql(name)):
        if step["call"] in _PARTS:
            yield from _touched(step["call"], writes_only=writes_only)
        elif step["locked"] and not writes_only:
            yield from (CONTRACT, JOB) if "job" in step["locked"] else (CONTRACT,)
        elif step["alone"] and not writes_only:
            yield step["alone"]
        elif written := step["inserted"] or step["updated"]:
            yield written
