"""The SQL statement that copies an original and computes all hashes of the copies.

A *name* is a column of the statement for a value that differs between copies: an id, a time, a
text, a digest. Where a text of the original contains the value, the text of a copy contains the
copy's value. Digests depend on each other, so a text is filled after everything that it contains.
An id, a time or a digest without a name is refused, because it would be equal in all copies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BinaryField, Field, JSONField, Model, UUIDField

from governance.domain.canonical import canonical_text, sha256_hex, timestamp
from governance.domain.wording import format_time
from governance.models import (
    AuditResolution,
    ClarificationAnswer,
    ClarificationRequest,
    GovernanceAudit,
    GovernanceJob,
    LedgerEntry,
)
from tests.benchmarks.load.originals import DESCRIPTION, SOURCE, TITLE
from tests.benchmarks.load.record import OriginalRecord, hashed_texts

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
_DIGEST = r"\b[0-9a-f]{64}\b"
_UNNAMED = re.compile(f"{_UUID}|{_TIME}|{_DIGEST}|\\d [A-Z][a-z]{{2}} \\d{{4}}, ")
_NAMED = re.compile(
    f"{_UUID}|{_TIME}|{_DIGEST}|\\d{{1,2}} [A-Z][a-z]{{2}} \\d{{4}}, \\d\\d:\\d\\d(?::\\d\\d)? UTC"
)
_ISO_FORMAT = '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\''
_MOMENT = "'FMDD Mon YYYY, HH24:MI UTC'"
_TO_THE_SECOND = "'FMDD Mon YYYY, HH24:MI:SS UTC'"
_MAX_ARGUMENTS = 90  # PostgreSQL's functions take a hundred
_GENESIS = f"'\\x{'00' * 32}'::bytea"


@dataclass
class Template:
    """The columns of the statement by level, and the values of the original that they replace.

    A column is computed one level after the columns that it needs.
    """

    record: OriginalRecord
    levels: list[dict[str, str]] = field(default_factory=list)
    level_of: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # value within a text → its column
    times: dict[datetime, str] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)  # whole stored text → its column

    def column(self, name: str, expression: str, *needs: str) -> str:
        """Add the column `name` on the level after those of the columns in `needs`; return it."""
        level = 1 + max((self.level_of[one] for one in needs), default=-1)
        while len(self.levels) <= level:
            self.levels.append({})
        self.levels[level][name] = expression
        self.level_of[name] = level
        return name

    def fill(self, text: str) -> tuple[str, set[str]]:
        """Return the SQL of a copy's `text`, and the columns that it needs.

        Raises:
            ValueError: The text has an id, a time or a digest without a name.
        """
        pieces, needs = [], set()
        for piece in self._pattern().split(text):
            if column := self.names.get(piece):
                pieces.append(column)
                needs.add(column)
            elif unnamed := _UNNAMED.search(piece):
                raise ValueError(f"{unnamed[0]!r} has no name in the text {text[:200]!r}.")
            elif piece:
                pieces.append(literal(piece))
        return _joined(pieces or ["''"]), needs

    def _pattern(self) -> re.Pattern[str]:
        words = [name for name in self.names if not _NAMED.fullmatch(name)]
        return _pattern_of(tuple(sorted(words, key=len, reverse=True)))


@cache
def _pattern_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern for these words, and for anything like an id, a time or a digest."""
    return re.compile(f"({'|'.join([*map(re.escape, words), _NAMED.pattern])})")


def copying_statement(record: OriginalRecord) -> str:
    """Return one SQL statement that inserts copies of the original into all tables.

    The statement reads a relation `copies` (copies.sql) with the columns `n`, `chance_id`,
    `reference`, `title`, `description`, `capability`, `source` and `age` (an interval of minutes).
    """
    template = Template(record)
    _name_what_differs(template)
    _name_digests(template)
    filled = "SELECT * FROM copies"
    for columns in template.levels:
        computed = ",\n       ".join(f"{sql} AS {name}" for name, sql in columns.items())
        # OFFSET 0 stops the planner from inlining a column, and so from computing it repeatedly.
        filled = f"SELECT level.*,\n       {computed}\n  FROM ({filled} OFFSET 0) AS level"
    inserts = [
        _insert(template, number, table, rows)
        for number, (table, rows) in enumerate(record.rows.items())
        if rows
    ]
    parts = [f"filled AS MATERIALIZED (\n{filled}\n)", *inserts]
    return ",\n".join(parts) + "\nSELECT count(*) FROM filled"


# --- names of what differs between copies ---------------------------------------------------------
def _name_what_differs(template: Template) -> None:
    record, names = template.record, template.names
    contract, job = record.contract, record.only(GovernanceJob)
    for given in ("reference", "title", "description", "capability", "source", "age", "chance_id"):
        template.level_of[given] = -1
    names |= {
        contract.reference: "reference",
        TITLE: "title",
        DESCRIPTION: "description",
        contract.affected_capabilities[0]: "capability",
        SOURCE: "source",
    }
    for at in sorted(_times_of(record)):
        _name_time(template, at)
    for row, name in ((contract, "contract_id"), (job, "job_id")):
        if row:
            made_at = template.times[row.created_at]
            template.column(f"{name}_key", _uuid(name, made_at), made_at)
            names[str(row.pk)] = template.column(name, f"{name}_key::text", f"{name}_key")
    if job and job.execution_token_sha256:
        token = template.column(
            "token", "encode(sha256(convert_to(job_id, 'UTF8')), 'hex')", "job_id"
        )
        names[job.execution_token_sha256] = token
    # Rows with a serial id to which the record of another row refers.
    for table, referring, key in (
        (GovernanceAudit, AuditResolution, "audit_id"),
        (ClarificationRequest, ClarificationAnswer, "request_id"),
    ):
        if record.rows[referring]:
            next_id = f"nextval(pg_get_serial_sequence('{table._meta.db_table}', 'id'))"
            template.column(key, next_id)
            member = f'"{key}":{record.only(table).pk}'
            named = f"{literal(f'{chr(34)}{key}{chr(34)}:')} || {key}"
            names[member] = template.column(f"{key}_member", named, key)


def _times_of(record: OriginalRecord) -> set[datetime]:
    """Return every time in the record: in columns, in texts, and in JSON."""
    found: set[datetime] = set()
    for rows in record.rows.values():
        for row in rows:
            for column in row._meta.concrete_fields:
                value = getattr(row, column.attname)
                if isinstance(value, datetime):
                    found.add(value)
                elif isinstance(column, JSONField):
                    found |= _times_in(canonical_text(value))
                elif isinstance(value, str):
                    found |= _times_in(value)
    return found


def _times_in(text: str) -> set[datetime]:
    return {datetime.fromisoformat(iso) for iso in re.findall(_TIME, text)}


def _name_time(template: Template, at: datetime) -> None:
    iso, number = timestamp(at), len(template.times)
    name = template.column(f"at_{number}", f"TIMESTAMPTZ '{iso}' - age", "age")
    template.times[at] = name
    utc = at.astimezone(UTC)
    for text, form, suffix in (
        (iso, _ISO_FORMAT, "iso"),
        (format_time(utc), _MOMENT, "moment"),
        (f"{utc:%-d %b %Y, %H:%M:%S} UTC", _TO_THE_SECOND, "second"),
    ):
        if text not in template.names:
            column = template.column(f"{name}_{suffix}", f"to_char({name}, {form})", name)
            template.names[str(text)] = column


def _uuid(name: str, made_at: str) -> str:
    """Return the SQL of a UUID of version 7: the time in milliseconds, then bits of a hash."""
    chance = f"md5('{name}' || chance_id)"
    return (
        f"(lpad(to_hex((extract(epoch FROM {made_at}) * 1000)::bigint), 12, '0') || '7'"
        f" || substr({chance}, 1, 3) || 'b' || substr({chance}, 4, 15))::uuid"
    )


# --- names of digests -----------------------------------------------------------------------------
def _name_digests(template: Template) -> None:
    """Name each digest of the record, after everything within its text is named."""
    texts = {sha256_hex(text): text for text in hashed_texts(template.record)}
    entries = {entry.hash.hex(): entry for entry in template.record.rows[LedgerEntry]}
    kept = set(_kept_texts(template.record))

    def name(digest: str) -> None:
        if digest in template.names:
            return
        if digest in entries:
            entry = entries[digest]
            if entry.seq > 1:
                name(entry.prev_hash.hex())
            name_those_in(entry.body)
            _name_entry(template, entry)
        elif digest in texts:
            name_those_in(texts[digest])
            _name_digest(template, digest, texts[digest], is_kept=texts[digest] in kept)
        else:
            raise ValueError(f"There is no text with the digest {digest}.")

    def name_those_in(text: str) -> None:
        for digest in re.findall(_DIGEST, text):
            name(digest)

    for text in kept:
        name_those_in(text)
    for digest in entries:
        name(digest)


def _kept_texts(record: OriginalRecord) -> Iterator[str]:
    for rows in record.rows.values():
        for row in rows:
            for column in row._meta.concrete_fields:
                if isinstance(value := getattr(row, column.attname), str):
                    yield value


def _name_digest(template: Template, digest: str, text: str, *, is_kept: bool) -> None:
    number = len(template.names)
    sql, needs = template.fill(text)
    if is_kept:
        sql = template.stored[text] = template.column(f"text_{number}", sql, *needs)
        needs = {sql}
    hashed = f"encode(sha256(convert_to({sql}, 'UTF8')), 'hex')"
    template.names[digest] = template.column(f"digest_{number}", hashed, *needs)


def _name_entry(template: Template, entry: LedgerEntry) -> None:
    sql, needs = template.fill(entry.body)
    body = template.stored[entry.body] = template.column(f"body_{entry.seq}", sql, *needs)
    before = f"hash_{entry.seq - 1}" if entry.seq > 1 else _GENESIS
    needs = {body, before} if entry.seq > 1 else {body}
    chained = f"sha256({before} || convert_to({body}, 'UTF8'))"
    link = template.column(f"hash_{entry.seq}", chained, *needs)
    hexadecimal = template.column(f"hex_{entry.seq}", f"encode({link}, 'hex')", link)
    template.names[bytes(entry.hash).hex()] = hexadecimal


# --- the rows -------------------------------------------------------------------------------------
def _insert(template: Template, number: int, table: type[Model], rows: Sequence[Any]) -> str:
    """Return the part of the statement that inserts the rows of one table, in order."""
    columns = [
        column
        for column in table._meta.concrete_fields
        if not column.primary_key or isinstance(column, UUIDField) or _own_key(template, table)
    ]
    named = ", ".join(str(column.column) for column in columns)
    values = ",\n      ".join(
        f"({', '.join(_value(template, row, column) for column in columns)})" for row in rows
    )
    return (
        f"rows_{number} AS (\n"
        f"  INSERT INTO {table._meta.db_table} ({named})\n"
        f"  SELECT made.* FROM filled, LATERAL (VALUES\n      {values}) AS made\n)"
    )


def _own_key(template: Template, table: type[Model]) -> str | None:
    keys: dict[type[Model], str] = {GovernanceAudit: "audit_id", ClarificationRequest: "request_id"}
    key = keys.get(table)
    return key if key in template.level_of else None


def _value(template: Template, row: Any, column: Field[Any, Any]) -> str:
    """Return the SQL of one column of one row, with its type."""
    value, kind = getattr(row, column.attname), column.db_type(connection)
    if value is None:
        return f"NULL::{_plain(kind)}"
    if column.primary_key and not isinstance(column, UUIDField):
        return str(_own_key(template, type(row)))
    if column.attname in ("audit_id", "request_id"):
        return column.attname
    if isinstance(value, UUID):
        return f"{template.names[str(value)]}_key"
    if isinstance(value, datetime):
        return template.times[value]
    if isinstance(column, BinaryField):
        return _hash_column(row, column)
    if isinstance(column, JSONField):
        sql, _ = template.fill(canonical_text(value))
    elif isinstance(column, ArrayField):
        sql = f"ARRAY[{', '.join(template.fill(item)[0] for item in value)}]"
    elif isinstance(value, str):
        sql = template.stored.get(value) or template.fill(value)[0]
    else:
        sql = literal(str(value))
    return f"({sql})::{_plain(kind)}"


def _hash_column(row: LedgerEntry, column: Field[Any, Any]) -> str:
    if column.attname == "hash":
        return f"hash_{row.seq}"
    return f"hash_{row.seq - 1}" if row.seq > 1 else _GENESIS


def _plain(kind: str | None) -> str:
    """Return a type without its length: a cast to varchar(n) cuts a text that an INSERT refuses."""
    return re.sub(r"\(\d+\)", "", str(kind)).replace(" GENERATED BY DEFAULT AS IDENTITY", "")


def literal(text: str) -> str:
    """Return `text` as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _joined(pieces: Sequence[str]) -> str:
    """Return the SQL that concatenates the pieces, with at most 90 arguments for each call."""
    if len(pieces) == 1:
        return pieces[0]
    while len(pieces) > 1:
        pieces = [
            f"concat({', '.join(pieces[start : start + _MAX_ARGUMENTS])})"
            for start in range(0, len(pieces), _MAX_ARGUMENTS)
        ]
    return pieces[0]
