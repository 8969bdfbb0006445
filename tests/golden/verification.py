"""The verification of golden files by the functions of the product, without a database."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from governance.domain.errors import GovernanceError
from governance.record.attest.checkpoints import read_checkpoint
from governance.record.attest.keys import public_key
from governance.record.attest.statements import verify_statement
from governance.record.ledger.chain_verification import first_problem
from governance.record.ledger.contract_record import ContractRecord
from governance.record.retention.archive_verification import verify_archive
from governance.record.retention.document import parse_contract_record
from governance.record.retention.signature import require_signature

SUMS = "SHA256SUMS"
NOT_PINNED = (SUMS, "README.md")
JOB_ENDS = ("job.execution.completed", "job.execution.failed", "job.execution.cancelled")


@dataclass(frozen=True)
class GoldenRecord:
    """A contract record and the file that it was read from."""

    file: str
    text: str
    record: ContractRecord


def problems_in(folder: Path) -> list[str]:
    """Return every problem as "file: problem"; the list is empty if all files verify."""
    records, problems = [], []
    for file in record_files(folder):
        try:
            records.append(read_golden_record(folder, file))
        except GovernanceError as error:
            problems.append(f"{file}: {error}")
    key = public_key(folder / "signing-key.pub")
    return [
        *problems,
        *(f"{one.file}: {problem}" for one in records for problem in problems_of(one.record)),
        *problems_of_evidence(folder, records, key),
        *problems_of_archive(folder / "archive", key),
        *problems_of_checkpoints(folder, records, key),
    ]


def record_files(folder: Path) -> list[str]:
    """Return the files with a contract record, as paths relative to the folder."""
    paths = [*folder.glob("records/*.json"), *folder.glob("archive/contracts/*/*.json")]
    return sorted(str(path.relative_to(folder)) for path in paths)


def read_golden_record(folder: Path, file: str) -> GoldenRecord:
    """Read the contract record in a file.

    Raises:
        InvalidInputError: The file has no valid contract record (`bad_archive`).
    """
    text = (folder / file).read_bytes().decode(errors="replace")
    return GoldenRecord(file, text, parse_contract_record(text))


def problems_of(record: ContractRecord) -> Iterator[str]:
    """Yield what the check of `verify_ledger` and SHA-256 alone find."""
    if found := first_problem(record):
        yield f"entry {found[0]}: {found[1]}"
    head = bytes(32)
    for entry in record.entries:
        head = sha256(head + entry.body.encode()).digest()
        if head != entry.hash:
            yield f"entry {entry.seq}: not the SHA-256 of the previous hash and the body"
            return


def problems_of_evidence(
    folder: Path, records: Iterable[GoldenRecord], key: Ed25519PublicKey
) -> Iterator[str]:
    """Check that each ended job has its evidence, sealed and signed, and that no file is extra."""
    entries = [entry for one in records for entry in one.record.entries]
    sealed = {
        json.loads(entry.body)["records"]["evidence_sha256"]: entry.contract_id
        for entry in entries
        if entry.event in JOB_ENDS
    }
    files = sorted(folder.glob("evidence/*.json"))
    found = {True: set(), False: set()}
    for path in files:
        file, is_signed = str(path.relative_to(folder)), path.name.endswith(".dsse.json")
        digest = sha256(path.read_bytes()).hexdigest()
        if is_signed:
            try:
                proven = verify_statement(json.loads(path.read_bytes()), key=key)
            except GovernanceError as error:
                yield f"{file}: {error}"
                continue
            digest = proven.evidence_sha256
            if sealed.get(digest) != proven.contract_id:
                yield f"{file}: the statement is about another contract"
        if digest not in sealed:
            yield f"{file}: no entry of a job's end names its SHA-256"
        found[is_signed].add(digest)
    for digest, contract_id in sealed.items():
        if any(digest not in digests for digests in found.values()):
            yield f"evidence: that of contract {contract_id} is missing"


def problems_of_archive(archive: Path, key: Ed25519PublicKey) -> Iterator[str]:
    """Yield what `verify_archive --key` finds."""
    try:
        require_signature(archive, key=key)
    except GovernanceError as error:
        yield f"archive/manifest.signature.json: {error}"
    try:
        for checked in verify_archive(archive):
            if checked.problem:
                yield f"archive/{checked.file}: {checked.problem}"
    except GovernanceError as error:
        yield f"archive/manifest.jsonl: {error}"


def problems_of_checkpoints(
    folder: Path, records: Iterable[GoldenRecord], key: Ed25519PublicKey
) -> Iterator[str]:
    """Check the signature of each checkpoint, and its lines against records and manifest."""
    chains = sorted((chain_line(one) for one in records), key=lambda line: line["contract"])
    manifest = (folder / "archive/manifest.jsonl").read_text(errors="replace").splitlines()
    removed = sorted(map(removed_line, manifest), key=lambda line: line["removed"])
    gone = {line["removed"] for line in removed}
    kept = [line for line in chains if line["contract"] not in gone]
    for file, expected in (
        ("before-removal.checkpoint", chains),
        ("after-removal.checkpoint", kept + removed),
    ):
        lines = (folder / file).read_text(errors="replace").splitlines()
        try:
            read_checkpoint(lines, key=key)
        except GovernanceError as error:
            yield f"{file}: {error}"
            continue
        if [json.loads(line) for line in lines[:-1]] != expected:
            yield f"{file}: its chains are not those of the records and the manifest"


def chain_line(one: GoldenRecord) -> dict[str, Any]:
    """Return the line of a checkpoint for a chain: its head, and four bytes of each hash."""
    hashes = [bytes(entry.hash) for entry in one.record.entries]
    return {
        "contract": str(one.record.contract_id),
        "seq": len(hashes),
        "head": hashes[-1].hex(),
        "trail": base64.b64encode(b"".join(value[:4] for value in hashes)).decode(),
    }


def removed_line(line: str) -> dict[str, Any]:
    """Return the line of a checkpoint for a removed contract, from its line in the manifest."""
    listed = json.loads(line)
    return {
        "removed": listed["contract_id"],
        "seq": listed["entries"],
        "head": listed["head_sha256"],
        "file": listed["sha256"],
    }


def changed_files(folder: Path) -> list[str]:
    """Return the files that differ from `SHA256SUMS`, and new and missing ones."""
    lines = (folder / SUMS).read_text().splitlines()
    pinned = {file: digest for digest, file in (line.split("  ", 1) for line in lines)}
    there = {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and str(path.relative_to(folder)) not in NOT_PINNED
    }
    return sorted({file for file, _ in pinned.items() ^ there.items()})
