"""Quoting of identifiers in SQL."""

from __future__ import annotations

from governance.models.sql import quote_identifier


def test_identifier__with_quotes_in_it__stays_one() -> None:
    assert quote_identifier('al"pha') == '"al""pha"'
