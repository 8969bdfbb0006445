"""The attack `retention`: the archive commands are killed at random acts, and run again.

Two removals also run at the same time, and one of them is killed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from django.db import connection, connections

from governance.models import ContractTombstone, SystemContract
from governance.record.retention.archive_verification import verify_archive
from tests.stress.attack import Advance, AttackResult, attack, chosen_seed, require
from tests.stress.proof import require_whole_record
from tests.support.archives import AT_REST, lines_of
from tests.support.commands import ROOT, this_database
from tests.support.databases import cloned, ensure_template
from tests.support.factories import now
from tests.support.users import Users, create_users

KILLS_A_ROUND = 4
NEVER = 0


@attack(
    "retention",
    "kill -9 of archive_contracts and remove_archived at any point, each run again",
    unit="kills",
    short=4,
    long=200,
)
def retention(count: int, advance: Advance) -> AttackResult:
    seed = chosen_seed()
    random, runs = Random(seed), Counter[str]()
    with cloned(ensure_template()):
        users = create_users()
        people = _environment()
        before = set(SystemContract.objects.values_list("pk", flat=True))
        acts = _acts_of_a_round(users, people)
        while runs["kills"] < count:
            contracts = {make(users).pk for make in AT_REST.values()}
            with TemporaryDirectory() as directory:
                _round(Path(directory) / "archive", contracts, people, Lots(random, acts), runs)
            advance(KILLS_A_ROUND)
        gone = ContractTombstone.objects.count() - len(AT_REST)
        require(not before, "the database was not empty")
        entries = require_whole_record()
        connections.close_all()
    return AttackResult(
        f"{runs['kills']} kills ({runs['died']} within the command, {runs['late']} after its end), "
        f"{gone} contracts each archived once and removed once, none in part; {entries} entries of "
        f"their successors verify (seed {seed})",
        {"kills": runs["kills"], "removed": gone},
    )


@dataclass(frozen=True)
class Lots:
    """Random acts at which a command is killed, among as many as it has without a kill."""

    random: Random
    acts: Mapping[str, int]

    def draw(self, command: str) -> int:
        return self.random.randint(1, self.acts[command])


def _commands(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (
        ("archive_contracts", "--before", now().isoformat(), "--to", str(folder)),
        ("remove_archived", str(folder), "--confirm"),
    )


def _acts_of_a_round(users: Users, people: Mapping[str, str]) -> Mapping[str, int]:
    """Return how often each command acts on the contracts of a round."""
    for make in AT_REST.values():
        make(users)
    acts = {}
    with TemporaryDirectory() as directory:
        for command in _commands(Path(directory) / "archive"):
            acted = re.search(r"^acted (\d+)$", _run(NEVER, command, people).stderr, re.MULTILINE)
            require(acted is not None, f"{command[0]} did not print how often it acted")
            acts[command[0]] = int(acted[1]) if acted else 0
    return acts


def _round(
    folder: Path, contracts: set[object], people: Mapping[str, str], lots: Lots, runs: Counter
) -> None:
    archiving, removing = _commands(folder)
    for _ in range(2):
        _kill(lots, archiving, people, runs)
        require_whole_record()
    require(
        _run(NEVER, archiving, people).returncode == 0, "archive_contracts failed when run again"
    )
    problems = [checked for checked in verify_archive(folder) if checked.problem]
    require(not problems, f"verify_archive: {problems}")
    listed = [line["contract_id"] for line in lines_of(folder)]
    require(
        sorted(listed) == sorted(map(str, contracts)), "not every contract is listed exactly once"
    )
    _kill(lots, removing, people, runs)
    _require_all_or_nothing(contracts)
    with subprocess.Popen(_command(NEVER, removing), env=people, **_QUIET) as other:
        _kill(lots, removing, people, runs)
        require(other.wait(120) == 0, "the other remove_archived did not remove them")
    _require_all_or_nothing(contracts)
    require(_run(NEVER, removing, people).returncode == 0, "remove_archived failed when run again")
    left = SystemContract.objects.filter(pk__in=contracts)
    require(not left.exists(), "some were not removed")


def _require_all_or_nothing(contracts: set[object]) -> None:
    require_whole_record()  # which also compares tombstones with the remaining rows
    there = set(SystemContract.objects.filter(pk__in=contracts).values_list("pk", flat=True))
    gone = set(ContractTombstone.objects.filter(pk__in=contracts).values_list("pk", flat=True))
    require(there | gone == contracts, f"gone without a tombstone: {contracts - there - gone}")
    require(not there & gone, f"still there although there is a tombstone: {there & gone}")


_QUIET = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def _kill(lots: Lots, command: tuple[str, ...], people: Mapping[str, str], runs: Counter) -> None:
    ran = _run(lots.draw(command[0]), command, people)
    is_dead = ran.returncode == -9
    require(is_dead or ran.returncode == 0, f"{command[0]}: {ran.stderr}")
    runs["kills"] += 1
    runs["died" if is_dead else "late"] += 1


def _run(
    acts: int, command: tuple[str, ...], people: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(acts, command), env=people, timeout=120, check=False, **_QUIET)


def _command(acts: int, command: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "tests.stress.crash_countdown", str(acts), *command]


def _environment() -> dict[str, str]:
    """Return an environment with the connections of the application and of the owner."""
    address = this_database()
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        (owner,) = cursor.fetchone()
    by_owner = re.sub(r"//[^@]*@", f"//{owner}@", address)
    return {**os.environ, "DATABASE_URL": address, "GOVSITE_OWNER_DATABASE_URL": by_owner}
