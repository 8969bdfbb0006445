"""The groups of a new database and the permissions of each, by codename.

`govsite/apps.py` creates the missing groups after a migration, and changes no existing group. What
founders and auditors decide needs no permission but the membership itself
(`services/access/permissions.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class MachineAccount(StrEnum):
    """The accounts of the chain's own authorities; a migration makes them, and none can log in."""

    AUDITOR = "auditor"
    EXECUTOR = "executor"
    SCHEDULER = "scheduler"


class Role(StrEnum):
    FOUNDER = "Founder"
    OPERATOR = "Operator"
    EXECUTOR = "Executor"
    AUDITOR = "Auditor"
    VIEWER = "Viewer"


_VIEW = frozenset(
    f"view_{model}"
    for model in (
        "systemcontract",
        "governancejob",
        "jobstep",
        "stepresult",
        "healthsnapshot",
        "auditevidence",
        "governanceaudit",
        "auditresolution",
        "ledgerentry",
        "capability",
        "configurationentry",
        "governancesignal",
    )
)

ROLE_PERMISSIONS: Mapping[Role, frozenset[str]] = {
    Role.FOUNDER: _VIEW | {"cancel_job"},
    Role.OPERATOR: _VIEW | {"import_contract", "activate_contract", "cancel_job", "record_signal"},
    Role.EXECUTOR: _VIEW | {"activate_contract", "execute_job"},
    Role.AUDITOR: _VIEW | {"record_verdict"},
    Role.VIEWER: _VIEW,
}

# A machine account is in no group. It may do the deed of its authority, and nothing else.
MACHINE_PERMISSIONS: Mapping[str, frozenset[str]] = {
    MachineAccount.AUDITOR: frozenset({"record_verdict"}),
    MachineAccount.EXECUTOR: frozenset({"execute_job"}),
    MachineAccount.SCHEDULER: frozenset({"activate_contract", "cancel_job"}),
}
