"""The flow of a checkpoint that is due by time."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from governance.db.clock import database_now
from governance.record.attest.checkpoints import checkpoint_lines
from governance.record.attest.keys import signing_key
from governance.record.files import replaced_file


def write_due_checkpoint() -> Path | None:
    """Write a checkpoint of the ledger into GOVSITE_CHECKPOINTS_DIR, and return its file.

    The file is named after the hour. Without the setting nothing is written.

    Raises:
        OSError: the file cannot be written.
    """
    if not settings.GOVSITE_CHECKPOINTS_DIR:
        return None
    at = database_now()
    path = Path(settings.GOVSITE_CHECKPOINTS_DIR) / f"{at:%Y-%m-%dT%H}.checkpoint"
    with replaced_file(path) as file:
        for line in checkpoint_lines(key=signing_key(), at=at):
            file.write(f"{line}\n")
    return path
