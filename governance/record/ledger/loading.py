"""Loading of contract records from PostgreSQL, and the gathering of rows from any source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, DataError, connections

from governance.db.rows import array_literal
from governance.record.ledger.contract_record import ContractRecord
from governance.record.ledger.record_tables import RECORD_TABLES, RecordTable
from governance.record.ledger.rows import read_rows

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# The errors of a row that was changed into a value that Python or canonical JSON cannot hold.
UNREADABLE = (DataError, ValueError, TypeError, AttributeError, KeyError, RecursionError)


class RowReader(Protocol):
    """A source of rows: it returns those of a table that refer to one of these ids, in order."""

    def __call__(self, name: str, table: RecordTable, ids: Iterable[Any]) -> list[Any]: ...


def load_contract_records(
    contract_ids: Iterable[UUID], *, using: str = DEFAULT_DB_ALIAS
) -> list[ContractRecord]:
    """Load the records of these contracts, by at most seventeen queries; missing ones are left out.

    Raises:
        One of `UNREADABLE`: for a record that cannot be read.
    """
    gathered = gather_rows(
        map(str, contract_ids),
        lambda _, table, ids: read_rows(table, ids, using=using),
    )
    with connections[using].cursor() as cursor:
        cursor.execute(_SUCCESSION, [array_literal(gathered)])
        succession = {contract_id: found for contract_id, *found in cursor.fetchall()}
    return [ContractRecord(rows, *succession[one]) for one, rows in gathered.items()]


def one_by_one_if_unreadable(
    items: Sequence[_Item],
    work: Callable[[Sequence[_Item]], list[_Result]],
    unreadable: Callable[[_Item, str], _Result],
) -> list[_Result]:
    """Do `work` on all items at once; on each by itself if the record of one cannot be read.

    Args:
        unreadable: makes the result of an item whose record cannot be read, from the problem.
    """
    try:
        return work(items) if items else []
    except UNREADABLE as error:
        if len(items) == 1:
            return [unreadable(items[0], f"the record cannot be read: {type(error).__name__}")]
    return [one for item in items for one in one_by_one_if_unreadable([item], work, unreadable)]


def gather_rows(contract_ids: Iterable[str], read: RowReader) -> dict[str, dict[str, list[Any]]]:
    """Read the rows of these contracts, table after table; a contract without a row is left out.

    Returns:
        The rows of each contract by the name of their table, by the contract's id.
    """
    gathered: dict[str, dict[str, list[Any]]] = {
        one: {name: [] for name in RECORD_TABLES} for one in contract_ids
    }
    # For each table, by the id of a row: all rows of the contract to which this row belongs.
    owners: dict[str | None, dict[Any, dict[str, list[Any]]]] = {None: gathered}
    for name, table in RECORD_TABLES.items():
        parents, owners[name] = owners[table.parent], {}
        for row in read(name, table, parents) if parents else ():
            owner = owners[name][row.id] = parents[getattr(row, table.reference)]
            owner[name].append(row)
    return owners["SystemContract"]


# For each contract: the contracts that replaced it, and whether the contract that it replaces is
# REJECTED. A contract that was archived and removed counts by its tombstone.
_SUCCESSION = """
SELECT id::text,
       ARRAY(SELECT successor.id::text FROM governance_systemcontract successor
              WHERE successor.parent_id = contract.id
              UNION ALL
             SELECT successor.contract_id::text FROM governance_contracttombstone successor
              WHERE successor.parent_id = contract.id
              ORDER BY 1),
       parent_id IS NULL OR 'REJECTED' IN (
             SELECT status FROM governance_systemcontract WHERE id = contract.parent_id
              UNION ALL
             SELECT status FROM governance_contracttombstone WHERE contract_id = contract.parent_id)
  FROM governance_systemcontract contract WHERE id = ANY (%s)
"""
