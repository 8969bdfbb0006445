"""`python -m tests.golden.generate v0_2`: write the golden files of a version.

Golden files of an earlier version are never generated again: they are what that version wrote, and
every later version must verify them. So this writes only a new folder, and refuses one that exists.
Ids, times, tokens and the signing key are fixed, so that two runs write the same bytes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch
from uuid import UUID

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection
from django.test.utils import override_settings

from governance.authorities.health.signals import record_signal
from governance.domain.canonical import canonical_text
from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES
from governance.domain.values import HealthDecision
from governance.models import AuditEvidence, SystemContract
from governance.record.attest.checkpoints import checkpoint_lines
from governance.record.attest.keys import public_pem
from governance.record.attest.statements import signed_statement
from governance.record.ledger.loading import load_contract_records
from governance.record.retention.archive_directory import open_archive
from governance.record.retention.document import contract_record_text
from governance.record.retention.export import archive_contracts
from governance.record.retention.removal import remove_archived
from governance.record.retention.signature import sign_manifest
from governance.services.registry.operations import register_capabilities
from tests.golden.contracts import CONTRACTS
from tests.support import factories
from tests.support.clock import clock_at
from tests.support.databases import cloned, ensure_template
from tests.support.users import Users, create_users

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
EXPORTED_AT = START + timedelta(days=30)
# This key is public, so it signs only golden files.
KEY = Ed25519PrivateKey.from_private_bytes(sha256(b"golden files of govsite").digest())


def main(name: str) -> None:
    """Create the contracts in a new database, and write the files.

    Raises:
        FileExistsError: The folder of the version exists.
    """
    folder = Path(__file__).parent / name
    for part in ("records", "evidence"):
        (folder / part).mkdir(parents=True)
    with ExitStack() as stack:
        for patched in fixed():
            stack.enter_context(patched)
        stack.enter_context(cloned(ensure_template()))
        stack.enter_context(connection.execute_wrapper(advancing_clock))
        stack.enter_context(clock_at(START))
        write_files(folder, create_users())
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = "".join(
        f"{sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder)}\n" for p in files
    )
    (folder / "SHA256SUMS").write_text(sums)


def fixed() -> Iterator[Any]:
    """Yield patches of everything that would differ between two runs."""
    ids, tokens = count(1), count(1)
    new_id = Mock(side_effect=lambda: UUID(f"01a00000-0000-7000-8000-{next(ids):012x}"))
    yield patch("governance.models.fields.uuid7", new_id)
    yield patch("secrets.token_urlsafe", Mock(side_effect=lambda _: f"token-{next(tokens)}"))
    yield override_settings(GOVSITE=settings.GOVSITE | {"APPROVALS_REQUIRED": {"high": 2}})


def advancing_clock(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Advance the clock of the database before each statement about the record."""
    if "governance_" in sql:
        connection.connection.execute(
            "SELECT set_config('govsite.time', (current_setting('govsite.time')::timestamptz"
            " + interval '10001 microseconds')::text, false)"
        )
    return execute(sql, params, many, context)


def write_files(folder: Path, users: Users) -> None:
    """Create the contracts and write each file; then remove the archived contracts."""
    search = {"name": "Search", "lifecycle": "DISABLED", "configuration": {"page_size": 20}}
    register_capabilities(documents=[search])
    slow = {"scope": "Search", "signal_type": "probe", "decision": HealthDecision.DEGRADED}
    record_signal(**slow, reason="Slow.", actor=users.operator)
    for number, (name, make) in enumerate(CONTRACTS.items(), start=1):
        at = START + number * timedelta(minutes=1)
        with patch.object(factories, "_numbers", iter([name])), clock_at(at):
            make(users)
    waiting = SystemContract.objects.exclude(status__in=CONTRACT_TERMINAL_STATES)
    names = dict(waiting.values_list("pk", "reference"))
    for record in load_contract_records(names):
        # The reference of a successor ends with its revision.
        name = names[record.contract_id].removeprefix("TEST-").partition(" ")[0]
        (folder / "records" / f"{name}.json").write_text(contract_record_text(record))
    for evidence in AuditEvidence.objects.order_by("job__contract__reference"):
        path = folder / "evidence" / evidence.job.contract.reference.removeprefix("TEST-")
        path.with_suffix(".json").write_text(evidence.body)
        statement = signed_statement(evidence, key=KEY)
        path.with_suffix(".dsse.json").write_text(canonical_text(statement))
    (folder / "signing-key.pub").write_text(public_pem(KEY.public_key()))
    write_checkpoint(folder / "before-removal.checkpoint")
    archive = folder / "archive"
    at = EXPORTED_AT
    with open_archive(archive) as directory:
        exported = list(archive_contracts(before=at, at=at, archive=directory))
        sign_manifest(directory, key=KEY, at=at)
    assert [one.problem for one in exported] == [None] * 10
    list(remove_archived(archive, at=at, using="owner", is_confirmed=True))
    (archive / ".lock").unlink()
    write_checkpoint(folder / "after-removal.checkpoint")


def write_checkpoint(path: Path) -> None:
    """Write a checkpoint as `checkpoint_ledger` does."""
    path.write_text("".join(f"{line}\n" for line in checkpoint_lines(key=KEY, at=EXPORTED_AT)))


if __name__ == "__main__":
    main(sys.argv[1])
