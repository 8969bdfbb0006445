"""Archives hold every row of a contract; a new table that references one fails these tests."""

from __future__ import annotations

import re

from django.apps import apps
from django.db.models import ForeignKey

from governance.models import SystemContract
from governance.models.sql import read_sql
from governance.record.retention.document import TABLES


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


def test_tables__that_hang_on_a_contract__are_all_in_its_file() -> None:
    assert set(TABLES.values()) == hanging_on_a_contract()


def test_tables__that_hang_on_a_contract__are_all_emptied_with_it() -> None:
    emptied = re.findall(r"DELETE FROM (\w+)", read_sql("remove_contracts"))
    tables = [model._meta.db_table for model in TABLES.values()]
    assert sorted(emptied) == sorted(tables)
