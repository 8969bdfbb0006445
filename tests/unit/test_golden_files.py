"""The documents of version 0.1 verify and are reproduced byte for byte, without a database.

A failure means that documents which users keep no longer verify, or that new documents differ
under an old version number. See tests/golden/v0_1/README.md.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from governance.domain.canonical import canonical_text, load_json
from governance.record.ledger.chain import entry_hash
from governance.record.ledger.chain_verification import first_problem
from governance.record.ledger.contract_record import VALUE_FUNCTIONS
from governance.record.ledger.events import EVENTS
from governance.record.ledger.record_tables import LATER_COLUMNS, RECORD_TABLES
from governance.record.ledger.rows import columns_of
from governance.record.retention.document import contract_record_text, read_verified_record
from tests.golden import names
from tests.golden.verification import (
    SUMS,
    GoldenRecord,
    changed_files,
    problems_in,
    read_golden_record,
    record_files,
)

FOLDER = Path(__file__).parents[1] / "golden" / "v0_1"
SHA256_OF_SUMS = "f3140824f08ad631c37afa6f3e986d7de994322222c92936d9dfa5629bc56c5e"
RECORD_FILES = record_files(FOLDER)
DOCUMENTS = [json.loads((FOLDER / file).read_bytes()) for file in RECORD_FILES]
EVIDENCE_FILES = sorted(path.name for path in FOLDER.glob("evidence/*.json"))


@pytest.fixture(params=RECORD_FILES)
def golden(request: pytest.FixtureRequest) -> GoldenRecord:
    """Return each golden contract record in turn."""
    return read_golden_record(FOLDER, request.param)


# --- the files are unchanged and verify ---
def test_golden_files__are_those_that_were_written() -> None:
    assert sha256((FOLDER / SUMS).read_bytes()).hexdigest() == SHA256_OF_SUMS
    assert changed_files(FOLDER) == []


def test_golden_files__verify() -> None:
    assert (len(RECORD_FILES), len(EVIDENCE_FILES)) == (27, 16)
    assert problems_in(FOLDER) == []


def test_golden_files__hold_every_status_event_and_verdict() -> None:
    def found(table: str, column: str) -> set[Any]:
        return {row[column] for one in DOCUMENTS for row in one["rows"].get(table, [])}

    assert found("SystemContract", "status") == {*names.CONTRACT_STATUSES}
    assert found("SystemContract", "audit_verdict") == {*names.VERDICTS}
    assert found("GovernanceJob", "status") == {*names.JOB_STATUSES}
    assert found("LedgerEntry", "event") == {*names.EVENTS}
    replaced = {one["contract_id"] for one in DOCUMENTS if one["successor_id"]}
    assert found("SystemContract", "parent_id") == {None} | replaced
    assert len(replaced) == 1


# --- the current code reproduces them byte for byte ---
def test_record__parsed_and_serialized_again__is_the_file(golden: GoldenRecord) -> None:
    assert contract_record_text(golden.record) == golden.text


def test_entries__parsed_and_serialized_again__are_the_stored_bytes(golden: GoldenRecord) -> None:
    """`governance_append_entries` makes the same: tests/database/test_canonical_in_postgres.py."""
    for row in golden.record.entries:
        assert canonical_text(load_json(row.body)) == row.body
        assert entry_hash(row.prev_hash, row.body) == row.hash


@pytest.mark.parametrize("file", EVIDENCE_FILES)
def test_evidence__parsed_and_serialized_again__is_the_file(file: str) -> None:
    text = (FOLDER / "evidence" / file).read_text()
    assert canonical_text(load_json(text)) == text


# --- the names inside them ---
def objects_at(document: Any, path: str) -> Iterator[dict[str, Any]]:
    """Yield the objects at a dotted path; lists yield each of their items, null yields none."""
    if isinstance(document, list):
        for item in document:
            yield from objects_at(item, path)
    elif path and document is not None:
        name, _, rest = path.partition(".")
        yield from objects_at(document.get(name), rest)
    elif document is not None:
        yield document


def assert_names(documents: Iterable[Any], parts: names.Parts) -> None:
    documents = list(documents)
    for path, expected in parts.items():
        found = {frozenset(part) for one in documents for part in objects_at(one, path)}
        assert found == {frozenset(expected)}, path


def signed_document(file: str, payload_type: str, *, line: int = 0) -> Any:
    """Return the payload of the signed envelope in one line of a file."""
    envelope = json.loads((FOLDER / file).read_text().splitlines()[line])
    assert envelope["payloadType"] == payload_type
    assert_names([envelope], names.ENVELOPE)
    return json.loads(base64.b64decode(envelope["payload"]))


def test_names__in_contract_records() -> None:
    assert_names(DOCUMENTS, names.RECORD)
    assert {(one["format"], one["version"]) for one in DOCUMENTS} == {names.RECORD_FORMAT}
    assert {table for one in DOCUMENTS for table in one["rows"]} == {*names.TABLES}


def test_names__in_contract_records__are_those_of_the_code() -> None:
    # Later versions have more tables, whose rows older archives do not have.
    found = {name: {*columns_of(RECORD_TABLES[name].model)} for name in names.TABLES}
    assert found == {
        table: {*columns, *LATER_COLUMNS.get(table, ())} for table, columns in names.TABLES.items()
    }


def test_names__in_ledger_entries() -> None:
    bodies = [json.loads(row["body"]) for one in DOCUMENTS for row in one["rows"]["LedgerEntry"]]
    assert_names(bodies, names.ENTRY_BODY)
    found = defaultdict(set)
    for body in bodies:
        found[body["event"]].add(tuple(sorted(body["records"])))
    expected = {event: {tuple(records)} for event, records in names.EVENTS.items()}
    resolved, records = names.RESOLVED
    expected[resolved].add(records)
    assert found == expected


def test_names__in_ledger_entries__are_those_of_the_code() -> None:
    assert names.EVENTS.keys() <= EVENTS.keys()
    for event, records in (*names.EVENTS.items(), names.RESOLVED):
        assert {*records} in EVENTS[event]
        assert {*records} <= VALUE_FUNCTIONS.keys()


def test_names__in_evidence() -> None:
    sealed = [file for file in EVIDENCE_FILES if not file.endswith(".dsse.json")]
    documents = [json.loads((FOLDER / "evidence" / file).read_text()) for file in sealed]
    assert_names(documents, names.EVIDENCE)
    assert {one["evidence_version"] for one in documents} == {names.EVIDENCE_VERSION}


def test_names__in_signed_evidence() -> None:
    signed = [f"evidence/{file}" for file in EVIDENCE_FILES if file.endswith(".dsse.json")]
    documents = [signed_document(file, names.STATEMENT_ENVELOPE) for file in signed]
    assert_names(documents, names.STATEMENT)
    assert {(one["_type"], one["predicateType"]) for one in documents} == {names.STATEMENT_TYPES}


@pytest.mark.parametrize(
    ("file", "removed"), [("before-removal.checkpoint", 0), ("after-removal.checkpoint", 10)]
)
def test_names__in_checkpoints(file: str, removed: int) -> None:
    lines = [json.loads(line) for line in (FOLDER / file).read_text().splitlines()[:-1]]
    assert_names(lines[: 27 - removed], names.CHECKPOINT_CHAIN)
    if removed:
        assert_names(lines[27 - removed :], names.CHECKPOINT_REMOVED)
    signed = signed_document(file, names.CHECKPOINT_ENVELOPE, line=-1)
    assert_names([signed], names.CHECKPOINT)
    assert (signed["version"], signed["removed"]) == (names.CHECKPOINT_VERSION, removed)


def test_names__in_the_archive() -> None:
    text = (FOLDER / "archive/manifest.jsonl").read_text()
    assert_names(map(json.loads, text.splitlines()), names.MANIFEST_LINE)
    signed = signed_document("archive/manifest.signature.json", names.MANIFEST_ENVELOPE)
    assert_names([signed], names.MANIFEST)
    assert (signed["version"], signed["contracts"]) == (names.MANIFEST_VERSION, 10)


# --- verification can fail ---
def other_byte_after(marker: str) -> Callable[[Path], None]:
    """Return a function that replaces the first byte after `marker` in a file."""

    def change(path: Path) -> None:
        data = path.read_bytes()
        index = data.index(marker.encode()) + len(marker.encode())
        other = b"B" if data[index : index + 1] == b"A" else b"A"
        path.write_bytes(data[:index] + other + data[index + 1 :])

    return change


def swap_entries(path: Path) -> None:
    document = json.loads(path.read_text())
    entries = document["rows"]["LedgerEntry"]
    entries[1], entries[2] = entries[2], entries[1]
    path.write_text(canonical_text(document) + "\n")


ACTIVE = "records/active-job-completed.json"
ARCHIVED = "archive/contracts/00f/01a00000-0000-7000-8000-00000000000f.json"
ALTERATIONS: list[tuple[str, Callable[[Path], None], str]] = [
    (ACTIVE, other_byte_after('\\"actor\\":\\"'), "its hash is not that of its body"),
    (ACTIVE, other_byte_after('"title":"'), "not what proposal_sha256 vouches for"),
    (ACTIVE, other_byte_after('"lease_expires_at":nul'), "cannot be read as a contract"),
    (ACTIVE, swap_entries, "entry 2 is missing"),
    ("records/draft.json", other_byte_after('"status":"'), "but the last entry says DRAFT"),
    (ARCHIVED, other_byte_after('"title":"'), "is not the one in the manifest"),
    ("evidence/active-job-failed.json", other_byte_after('"end_reason":"'), "names its SHA-256"),
    ("evidence/active-job-failed.dsse.json", other_byte_after('"payload":"'), "by this key"),
    ("evidence/active-job-failed.dsse.json", other_byte_after('"sig":"'), "by this key"),
    ("before-removal.checkpoint", other_byte_after('"head":"'), "not those that were signed"),
    ("after-removal.checkpoint", other_byte_after('"file":"'), "not those that were signed"),
    ("after-removal.checkpoint", other_byte_after('"sig":"'), "by this key"),
    (
        "archive/manifest.jsonl",
        other_byte_after('"reference":"'),
        "lines are not those that were signed",
    ),
    ("archive/manifest.signature.json", other_byte_after('"sig":"'), "by this key"),
]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "copied"))


@pytest.mark.parametrize(("file", "alter", "problem"), ALTERATIONS)
def test_altered_file__verification_names_it(
    copied: Path, file: str, alter: Callable[[Path], None], problem: str
) -> None:
    alter(copied / file)
    problems = problems_in(copied)
    about = [one for one in problems if one.startswith((file, "archive/manifest"))]
    assert any(problem in one for one in about), problems
    assert changed_files(copied) == [file]


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("records/draft.json", "before-removal.checkpoint: its chains are not those"),
        ("evidence/active-job-failed.json", "evidence: that of contract"),
        ("evidence/active-job-failed.dsse.json", "evidence: that of contract"),
        (ARCHIVED, "The file is missing."),
    ],
)
def test_missing_file__verification_finds_it(copied: Path, file: str, problem: str) -> None:
    (copied / file).unlink()
    assert any(problem in one for one in problems_in(copied))
    assert changed_files(copied) == [file]


def with_a_time_that_runs_backwards(document: Any) -> str:
    """Return a record's text whose second entry is a day earlier, with all hashes recomputed."""
    head = bytes(32)
    for row in document["rows"]["LedgerEntry"]:
        if row["seq"] == 2:
            row["at"] = "2020-01-01T00:00:00.000000Z"
        row["body"] = canonical_text(json.loads(row["body"]) | {"at": row["at"]})
        row["prev_hash"] = head.hex()
        head = entry_hash(head, row["body"])
        row["hash"] = head.hex()
    return canonical_text(document) + "\n"


def test_archived_record__with_a_time_that_runs_backwards__verifies_as_of_0_1() -> None:
    """Version 0.1 took times from the clocks of its processes, which were not always in step."""
    text = with_a_time_that_runs_backwards(json.loads((FOLDER / ARCHIVED).read_bytes()))
    record = read_verified_record(text)
    assert first_problem(record) == (2, "its time is before that of entry 1")


def test_new_file__is_not_one_that_was_written(copied: Path) -> None:
    (copied / "records/another.json").write_text("{}")
    assert changed_files(copied) == ["records/another.json"]
