"""Archives hold every row of a contract; a new table that references one fails these tests."""

from __future__ import annotations

import re

from django.apps import apps
from django.db.models import ForeignKey

from governance.models import Notice, SystemContract
from governance.models.sql import read_sql
from governance.record.ledger.record_tables import RECORD_TABLES


def hanging_on_a_contract() -> set[type]:
    """Return SystemContract and every model that references it, directly or indirectly."""
    models = set(apps.get_app_config("governance").get_models())
    found: set[type] = {SystemContract}
    while True:
        more = {
            model
            for model in models - found
            for field in model._meta.fields
            if isinstance(field, ForeignKey) and field.related_model in found
        }
        if not more:
            return found
        found |= more


# They leave with their contract and are in no archive, because they are not part of the record.
NOT_ON_RECORD = {Notice}
ALSO_EMPTIED = [model._meta.db_table for model in NOT_ON_RECORD]
TABLE_NAMES = {name: table.model._meta.db_table for name, table in RECORD_TABLES.items()}


def test_tables__that_hang_on_a_contract__are_all_in_its_record() -> None:
    assert {
        table.model for table in RECORD_TABLES.values()
    } == hanging_on_a_contract() - NOT_ON_RECORD


def test_tables__that_hang_on_a_contract__are_all_emptied_with_it_children_first() -> None:
    emptied = re.findall(r"DELETE FROM (\w+)", read_sql("remove_contracts"))
    assert sorted(emptied) == sorted([*TABLE_NAMES.values(), *ALSO_EMPTIED])
    for name, table in RECORD_TABLES.items():
        if table.parent:
            child, parent = TABLE_NAMES[name], TABLE_NAMES[table.parent]
            assert emptied.index(child) < emptied.index(parent)


def test_tables__that_refer_to_a_contract_itself__are_all_checked_for_rows_left() -> None:
    checked = re.findall(r"SELECT FROM (\w+)", read_sql("rows_left_of"))
    direct = [
        TABLE_NAMES[name]
        for name, table in RECORD_TABLES.items()
        if table.parent in (None, "SystemContract")
    ]
    assert sorted(checked) == sorted([*direct, *ALSO_EMPTIED])
