"""Fill an empty database with copies of originals, the oldest first, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from django.db import connections, transaction
from django.db.models import Max

from governance.authorities.contract.queries import count_contracts
from governance.authorities.contract.signatures import quorum_for
from governance.db.clock import adjustable_clock
from governance.demo.people import Login
from governance.demo.scenario import People
from governance.domain.errors import NotEmptyError
from governance.domain.roles import Role
from governance.domain.values import RiskLevel, Source
from governance.models import SystemContract
from governance.services.registry.operations import register_capabilities
from tests.benchmarks.load.kinds import KINDS, copies_of_each
from tests.benchmarks.load.originals import LoadScenarioWriter, Original, create_originals
from tests.benchmarks.load.people import UserFactory
from tests.benchmarks.load.record import TABLES, read_original_record
from tests.benchmarks.load.template import copying_statement, literal
from tests.benchmarks.load.words import (
    AREAS,
    ASPECTS,
    AUDIENCES,
    CAPABILITIES,
    MIDDLING,
    OBJECTS,
    RARE,
    VERBS,
)

PREFIX = "LOAD-"
COPIES_PER_STATEMENT = 2_000  # some 30 MB of text in one statement
CONTRACTS_PER_SLICE = 40_000  # contracts of all kinds in one period of time
# The statement that restores a trigger's state, by pg_trigger.tgenabled.
_AS_BEFORE = {"A": "ENABLE ALWAYS", "O": "ENABLE", "R": "ENABLE REPLICA", "D": "DISABLE"}
_TRIGGERS = """
    SELECT relname, tgname, tgenabled FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
     WHERE NOT tgisinternal AND relname = ANY (%s) AND pg_table_is_visible(tgrelid)
"""
# The keys that `name_key` gives for the references of a load.
_TAKE_REFERENCES = """
    INSERT INTO governance_takenreference (name_key, reference, contract_id)
    SELECT translate(lower(reference), '01', 'ol'), reference, id FROM governance_systemcontract
        ON CONFLICT DO NOTHING"""
_MAY_SPARE_KEYS = "SELECT has_parameter_privilege(current_user, 'session_replication_role', 'SET')"
_COPIES = (Path(__file__).parent / "copies.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Batch:
    """Copies of one original: their numbers, and how much older than it they are, in minutes."""

    original: int
    first: int
    last: int
    youngest: float
    oldest: float


def fill_database(
    *,
    contracts: int,
    at: datetime,
    using: str,
    seed: int = 0,
    append: bool = False,
    advance: Callable[[int], object] = lambda made: None,
) -> list[Login]:
    """Create `contracts` contracts in every status, with all their rows.

    If it fails, the committed batches stay, and the triggers are enabled.

    Args:
        using: The connection of the tables' owner.
        append: Add to the contracts of an earlier load.

    Returns:
        The logins of the new users.

    Raises:
        ValueError: There are fewer contracts than kinds.
        NotEmptyError: The database has a contract, or with `append` one that no load made
            (`not_empty`).
    """
    copies = copies_of_each(contracts)
    first = first_free_number(append=append)
    user_factory = UserFactory()
    writers = create_scenario_writers(user_factory, at)
    register_capabilities(documents=[_capability(name) for name in CAPABILITIES])
    references = (reference_of(number) for number in count(first))
    originals = []
    with adjustable_clock():
        for original in create_originals(writers, references):
            originals.append(original)
            advance(1)
    prepared = prepare_copies(originals, seed=seed, using=using)
    for batch in _batches(copies, first=first + len(originals), contracts=contracts):
        with triggers_disabled(using) as cursor:
            cursor.execute(
                f"EXECUTE {prepared[batch.original]}"
                f" ({batch.first}, {batch.last}, {batch.youngest}, {batch.oldest})"
            )
        advance(batch.last - batch.first + 1)
    with connections[using].cursor() as cursor:
        cursor.execute(_TAKE_REFERENCES)
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(_tables())}")
    return user_factory.logins


def has_only_load_contracts(*, using: str) -> bool:
    """Tell whether a load made every contract of the database, which may also be empty."""
    contracts = SystemContract.objects.using(using)
    return not contracts.exclude(reference__startswith=PREFIX).exists()


def first_free_number(*, append: bool) -> int:
    if count_contracts() and not append:
        raise NotEmptyError("The database has contracts already, and a load needs an empty one.")
    if not has_only_load_contracts(using="default"):
        raise NotEmptyError("The database has contracts that no load made.")
    last = SystemContract.objects.aggregate(last=Max("reference"))["last"]
    return 1 + int(last.removeprefix(PREFIX)) if last else 1


def create_scenario_writers(user_factory: UserFactory, at: datetime) -> list[LoadScenarioWriter]:
    """Return writers for two teams, each with as many founders as the largest quorum needs."""
    founders = max(2, *(quorum_for(risk) for risk in RiskLevel))
    first = user_factory.people(founders=founders)
    second = People(
        operator=user_factory.person("second-operator", Role.OPERATOR, "proposed the other half"),
        founders=first.founders[::-1],
        executor=user_factory.service("second-executor", Role.EXECUTOR),
        auditor=user_factory.service("second-auditor", Role.AUDITOR),
    )
    return [
        LoadScenarioWriter(at, first, resolver=second.auditor),
        LoadScenarioWriter(at, second, resolver=first.auditor),
    ]


def reference_of(number: int) -> str:
    return f"{PREFIX}{number:09}"


def _capability(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "title": f"Part of the website: {name}",
        "owner": "team-branches",
        "lifecycle": "LAUNCHED",
        "configuration": {"limit_0": 20},
    }


# --- the statements -------------------------------------------------------------------------------
def prepare_copies(originals: Sequence[Original], *, seed: int, using: str) -> list[str]:
    """Prepare a statement for each original, and return the names of the statements in order."""
    # A suffix makes the capability of each copy its own.
    copies, apart = (_differences(seed, own_suffix) for own_suffix in ("''", "n"))
    names = []
    with connections[using].cursor() as cursor:
        cursor.execute("DEALLOCATE PREPARE ALL")
        for number, original in enumerate(originals):
            names.append(f"copies_of_{number}")
            statement = copying_statement(read_original_record(original.contract_id))
            cursor.execute(
                f"PREPARE {names[-1]} (bigint, bigint, float8, float8) AS "
                f"WITH {apart if original.kind.is_apart else copies},\n{statement}"
            )
    return names


def _differences(seed: int, own_suffix: str) -> str:
    """Return the SQL of what differs between copies."""
    return _COPIES.format(
        own_suffix=own_suffix,
        seed=f"{seed}::bigint",
        verbs=_array(VERBS),
        objects=_array(OBJECTS),
        audiences=_array(AUDIENCES),
        middling=_array(MIDDLING),
        rare=_array(RARE),
        areas=_array(AREAS),
        aspects=_array(ASPECTS),
        sources=_array(list(Source)),
        number_of_verbs=len(VERBS),
        number_of_objects=len(OBJECTS),
        number_of_audiences=len(AUDIENCES),
        number_of_middling=len(MIDDLING),
        number_of_rare=len(RARE),
        number_of_areas=len(AREAS),
        number_of_aspects=len(ASPECTS),
        number_of_sources=len(Source),
    )


def _array(words: Sequence[str]) -> str:
    return f"ARRAY[{', '.join(map(literal, words))}]"


def _tables() -> list[str]:
    return [table._meta.db_table for table in TABLES]


@contextmanager
def triggers_disabled(using: str) -> Iterator[Any]:
    """Open a transaction with the triggers of the record disabled; it enables them at its end.

    If the owner may, foreign keys are not checked either, because the copies are known to be valid.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
        cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute(_MAY_SPARE_KEYS)
        if cursor.fetchone()[0]:
            cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(_TRIGGERS, [_tables()])
        triggers = cursor.fetchall()
        for table in _tables():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table, trigger, state in triggers:
            cursor.execute(f'ALTER TABLE {table} {_AS_BEFORE[state]} TRIGGER "{trigger}"')


def _batches(copies: Sequence[int], *, first: int, contracts: int) -> Iterator[Batch]:
    """Yield the copies of all kinds, period by period, so that ids and times grow together."""
    slices = max(1, contracts // CONTRACTS_PER_SLICE)
    number = first
    for turn in range(slices):
        for original, (kind, wanted) in enumerate(zip(KINDS, copies, strict=True)):
            youngest, oldest = kind.ages
            begun, ended = wanted * turn // slices, wanted * (turn + 1) // slices
            for start in range(begun, ended, COPIES_PER_STATEMENT):
                end = min(ended, start + COPIES_PER_STATEMENT)
                yield Batch(
                    original,
                    number,
                    number + end - start - 1,
                    youngest=oldest - (oldest - youngest) * end / wanted,
                    oldest=oldest - (oldest - youngest) * start / wanted,
                )
                number += end - start
