"""Who may do what: the groups that come with a new database, by permission codename.

A group that exists is left as its owners made it; only missing groups are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


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

# What a token of the API can be narrowed to: the permissions that its calls name, in words.
TOKEN_VERBS: Mapping[str, str] = {
    "view_systemcontract": "Read contracts, and whether the line runs",
    "view_ledgerentry": "Read ledgers",
    "view_governancejob": "Read jobs and their progress",
    "view_jobstep": "Read steps and their results",
    "view_auditevidence": "Read sealed evidence",
    "activate_contract": "Activate approved contracts",
    "execute_job": "Claim, start, report and complete jobs",
    "cancel_job": "Cancel jobs",
    "record_verdict": "Give verdicts",
}

ROLE_PERMISSIONS: Mapping[Role, frozenset[str]] = {
    Role.FOUNDER: _VIEW | {"review_contract", "cancel_job", "resolve_audit"},
    Role.OPERATOR: _VIEW | {"import_contract", "activate_contract", "cancel_job", "record_signal"},
    Role.EXECUTOR: _VIEW | {"activate_contract", "execute_job"},
    Role.AUDITOR: _VIEW | {"record_verdict", "resolve_audit"},
    Role.VIEWER: _VIEW,
}
