"""Splitting SQL files at the ends of statements, and nowhere else."""

from __future__ import annotations

import pytest

from governance.models.sql import quote_identifier, split_statements


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        ("  \n-- Nothing but words; really.\n", []),
        (";;\n;", []),
        ("SELECT 1;", ["SELECT 1"]),
        ("SELECT 1;SELECT 2;\n", ["SELECT 1", "SELECT 2"]),
        ("-- One; or two?\nSELECT 1;", ["-- One; or two?\nSELECT 1"]),
        ("SELECT 1 -- one; not two\n;", ["SELECT 1 -- one; not two"]),
        ("/* a; /* b; */ c; */ SELECT 1;", ["/* a; /* b; */ c; */ SELECT 1"]),
        ("SELECT 'a;b''c;d';", ["SELECT 'a;b''c;d'"]),
        ("SELECT 'a\\';SELECT 'b;';", ["SELECT 'a\\'", "SELECT 'b;'"]),
        ("SELECT E'a\\';b';", ["SELECT E'a\\';b'"]),
        ("SELECT type'a;';", ["SELECT type'a;'"]),
        ('SELECT "a;""b";', ['SELECT "a;""b"']),
        ("SELECT $$a;'b$$;", ["SELECT $$a;'b$$"]),
        ("SELECT $a$ x; $$ y; $b$ z; $a$;", ["SELECT $a$ x; $$ y; $b$ z; $a$"]),
        ("SELECT a$1;b$$c;", ["SELECT a$1", "b$$c"]),
        ("SELECT $1;", ["SELECT $1"]),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;\n"
            "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW EXECUTE FUNCTION f('a;b');",
            [
                "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$",
                "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW EXECUTE FUNCTION f('a;b')",
            ],
        ),
    ],
)
def test_statements__of_any_shape__end_where_they_end(text: str, statements: list[str]) -> None:
    assert split_statements(text) == statements


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT 'a;",
        "SELECT E'a\\';",
        'SELECT "a;',
        "SELECT $$ a; ",
        "SELECT $a$ b; $$;",
        "SELECT 1 /* a;",
        "SELECT 1 /* a /* b */;",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;",
        "CREATE FUNCTION f() RETURNS int begin\n  atomic SELECT 1; END;",
    ],
)
def test_statements__that_do_not_end__refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not closed|no semicolon|BEGIN ATOMIC"):
        split_statements(text)


def test_identifier__with_quotes_in_it__stays_one() -> None:
    assert quote_identifier('al"pha') == '"al""pha"'
