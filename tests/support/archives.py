"""Archives for tests: contracts that came to rest in every way, and the commands that move them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from governance.contract.comments import add_comment
from governance.flows.audit_job import resolve_audit
from governance.models import SystemContract
from governance.retention.shelf import MANIFEST, file_of
from governance.vocabulary.values import AuditVerdict, ContractStatus
from tests.support.cast import Cast
from tests.support.commands import Ran, run
from tests.support.stories import again, answered, contract_in, judged_job, now

LATER = (now() + timedelta(days=1)).isoformat()


def archive(folder: Path, *arguments: str, before: str = "") -> Ran:
    return run("archive_contracts", "--before", before or now().isoformat(), "--to", folder, *arguments)


def remove(folder: Path, *arguments: str) -> Ran:
    return run("remove_archived", folder, "--yes", *arguments)
