"""The tables with rows of a contract. Reading, archives and removal all follow this one list.

The SQL of removal (`remove_contracts.sql`, `rows_left_of.sql`) has to name the tables itself; tests
hold it equal to this list. Foreign keys lead from each table to the contract, so another test finds
a new table that is missing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from governance import models


class RecordTable(NamedTuple):
    """A table with rows of a contract.

    `reference` is the column with the id of the row of the table `parent` to which a row belongs.
    For the contract itself, which has no parent, it is the contract's own id.
    """

    model: Any
    parent: str | None
    reference: str
    order: str = "id"


# Columns that are younger than the format of an archive, each with the value that a file leaves
# out, so that a record with no other value stays byte for byte what an earlier version wrote.
LATER_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "SystemContract": {
        "risk_asked": None,
        "repeats_id": None,
        "rolls_back_id": None,
        "approval_kind": "signed",
        "authorisation_sha256": None,
    },
    "GovernanceJob": {"run_by": "client", "is_rollback": False},
    "JobStep": {"name_keys": None},
    "ApprovalSignature": {"activates_itself": False, "authorisation_sha256": None},
    "GovernanceAudit": {"auditor_version": ""},
}

# The names never change, because the files of an archive contain them, and archives of every
# earlier version must stay readable when a model is renamed. A parent is before its children.
RECORD_TABLES: Mapping[str, RecordTable] = {
    "SystemContract": RecordTable(models.SystemContract, None, "id"),
    "LedgerEntry": RecordTable(models.LedgerEntry, "SystemContract", "contract_id", "seq, id"),
    "ClarificationRequest": RecordTable(
        models.ClarificationRequest, "SystemContract", "contract_id"
    ),
    "ClarificationAnswer": RecordTable(
        models.ClarificationAnswer, "ClarificationRequest", "request_id"
    ),
    "ContractComment": RecordTable(models.ContractComment, "SystemContract", "contract_id"),
    "ApprovalSignature": RecordTable(models.ApprovalSignature, "SystemContract", "contract_id"),
    "RollbackAuthorisation": RecordTable(
        models.RollbackAuthorisation, "ApprovalSignature", "signature_id"
    ),
    "GovernanceJob": RecordTable(models.GovernanceJob, "SystemContract", "contract_id"),
    "JobStep": RecordTable(models.JobStep, "GovernanceJob", "job_id", "step_index, id"),
    "StepResult": RecordTable(models.StepResult, "GovernanceJob", "job_id"),
    "HealthSnapshot": RecordTable(models.HealthSnapshot, "GovernanceJob", "job_id"),
    "Observation": RecordTable(models.Observation, "GovernanceJob", "job_id"),
    "AuditEvidence": RecordTable(models.AuditEvidence, "GovernanceJob", "job_id"),
    "AuditAttempt": RecordTable(models.AuditAttempt, "GovernanceJob", "job_id", "number, id"),
    "GovernanceAudit": RecordTable(models.GovernanceAudit, "GovernanceJob", "job_id"),
    "AuditResolution": RecordTable(models.AuditResolution, "GovernanceAudit", "audit_id"),
}
