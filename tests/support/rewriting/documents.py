"""The rows of one contract, and which entry of its chain vouches for each column.

This is written by hand from the design and not from `governance.record.ledger`, which is attacked.

The record does not cover, on purpose:

* `id` of entries and of the rows of a job: no other row or entry refers to it.
* `GovernanceJob.lease_expires_at`: the state of a running job. Its effects (an accepted report, the
  end of the job) are recorded.
* `GovernanceJob.run_by` and `JobStep.name_keys`: who is to run a job, and how the registry keeps
  the names of a step. Who did run it is recorded.
* Capabilities, configuration entries and health signals: the state of the platform. What was read
  of them is in the plan and in the health snapshots.
* Accounts, groups, tokens and sessions. Entries name a person by id and by the name at that time.

No verification finds what was never in the record or in a checkpoint: an invented contract with all
its rows and entries, and invented entries with all their rows after the last checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model

from governance.models import (
    ApprovalSignature,
    AuditEvidence,
    AuditResolution,
    GovernanceAudit,
    GovernanceJob,
    HealthSnapshot,
    JobStep,
    LedgerEntry,
    StepResult,
    SystemContract,
)
from tests.support.attacks import run_sql

Row = Mapping[str, Any]
Dump = Mapping[str, Sequence[str]]  # table → its rows as JSON

_JOBS = "SELECT id FROM governance_governancejob WHERE contract_id = %s"
_AUDITS = f"SELECT id FROM governance_governanceaudit WHERE job_id IN ({_JOBS})"
# Each table, and the condition for the rows of one contract; referencing tables come first.
TABLES: Mapping[type[Model], str] = {
    LedgerEntry: "contract_id = %s",
    AuditResolution: f"audit_id IN ({_AUDITS})",
    GovernanceAudit: f"job_id IN ({_JOBS})",
    AuditEvidence: f"job_id IN ({_JOBS})",
    HealthSnapshot: f"job_id IN ({_JOBS})",
    StepResult: f"job_id IN ({_JOBS})",
    JobStep: f"job_id IN ({_JOBS})",
    GovernanceJob: "contract_id = %s",
    ApprovalSignature: "contract_id = %s",
    SystemContract: "id = %s",
}

_PROPOSAL, _DRAFT = ("proposal_sha256",), ("draft_sha256",)
_VALIDATED = ("validator_verdict_sha256",)
_ELIGIBLE = ("content_sha256", "eligibility_verdict_sha256")
_APPROVAL, _CLOSING = ("approval_sha256",), ("closing_sha256",)
_SIGNED = "signature_sha256"
_BIRTH, _START, _END = ("job_sha256",), ("start_sha256",), ("job_end_sha256",)

# Column → records; the first entry of the chain with one of these records vouches for the column.
OF_CONTRACT: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(
        ("reference", "source", "title", "description", "requested_by", "proposed_changes"),
        _PROPOSAL,
    ),
    **dict.fromkeys(("affected_capabilities", "risk_level", "proposal_digest"), _PROPOSAL),
    "risk_asked": _PROPOSAL,
    **dict.fromkeys(("proposed_by_id", "plan", "created_at", "expires_at"), _DRAFT),
    **dict.fromkeys(("parent_id", "repeats_id", "rolls_back_id"), _DRAFT),
    **dict.fromkeys(("validator_verdict", "confidence_score"), _VALIDATED),
    **dict.fromkeys(("eligibility_verdict", "eligibility_decision"), _ELIGIBLE),
    "content_digest": ("content_sha256",),
    "review_ends_at": (),  # follows from `expires_at` and the review's questions
    "updated_at": (),  # follows from the entries
    **dict.fromkeys(("approved_by_id", "approved_at", "approved_digest"), _APPROVAL),
    **dict.fromkeys(("approval_note", "window_opens_at", "window_closes_at"), _APPROVAL),
    **dict.fromkeys(("approval_kind", "authorisation_sha256"), _APPROVAL),
    **dict.fromkeys(("status", "audit_verdict"), _CLOSING),
    **dict.fromkeys(("closed_by_id", "closed_at", "closed_reason"), _CLOSING),
}
OF_JOB: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(("id", "contract_id", "total_steps", "timeout_minutes"), _BIRTH),
    **dict.fromkeys(("created_at", "created_by_id"), _BIRTH),
    **dict.fromkeys(("started_at", "started_by_id", "deadline_at"), _START),
    "execution_token_sha256": _START,
    "updated_at": (),
    **dict.fromkeys(("status", "current_step_index"), _END),
    **dict.fromkeys(("ended_at", "ended_by_id", "end_reason"), _END),
}
NOT_COVERED: Mapping[type[Model], set[str]] = {
    SystemContract: {"id"},  # another id is an edit of its own: `rename_contract`
    GovernanceJob: {"lease_expires_at", "run_by", "is_rollback"},
    JobStep: {"id", "name_keys"},
    **{model: {"id"} for model in TABLES if model not in (SystemContract, GovernanceJob, JobStep)},
}


@dataclass(frozen=True)
class ChainEntry:
    """The parts of a ledger entry that say what it vouches for."""

    row_id: int
    event: str
    step_index: int | None
    records: frozenset[str]


@dataclass(frozen=True)
class ContractDocument:
    """The rows of one contract by table, and its chain in order."""

    contract_id: UUID
    rows: Mapping[type[Model], Sequence[Row]]
    chain: Sequence[ChainEntry]

    @property
    def after(self) -> int:
        """The number of the next entry, which verification reports as missing after a change."""
        return len(self.chain) + 1

    def vouching(self, records: Sequence[str], step_index: int | None = None) -> int:
        """Return the number of the first entry with one of `records`, or that of the next entry."""
        for number, entry in enumerate(self.chain, start=1):
            if entry.records.intersection(records) and entry.step_index == step_index:
                return number
        return self.after

    def vouching_row(self, model: type[Model], row: Row) -> int:
        """Return the number of the entry that vouches for the existence of a row like `row`."""
        if model is LedgerEntry:
            return int(row["seq"])
        if model is StepResult:
            return self.vouching(["step_result_sha256"], row["step_index"])
        if model is ApprovalSignature:
            return self.vouching_signature(row["number"])
        if model is HealthSnapshot:
            return self.vouching([f"health_{row['phase'].lower()}_sha256"])
        return self.vouching(
            {
                SystemContract: _PROPOSAL,
                GovernanceJob: _BIRTH,
                JobStep: _BIRTH,
                AuditEvidence: ("evidence_sha256",),
                GovernanceAudit: ("audit_sha256",),
                AuditResolution: ("resolution_sha256",),
            }[model]
        )

    def vouching_signature(self, number: int) -> int:
        """Return the number of the entry of a signature, or that of the next entry."""
        numbers = [n for n, one in enumerate(self.chain, start=1) if _SIGNED in one.records]
        return numbers[number - 1] if 0 < number <= len(numbers) else self.after

    def vouching_column(
        self, model: type[Model], row: Row, column: str, value: object = None
    ) -> int:
        if column == "risk_asked" and row[column] is None and value == row["risk_level"]:
            return self.vouching(["content_sha256"])  # the proposal's risk stays the same
        if column == "risk_level" and row["risk_asked"]:
            return self.vouching(["content_sha256"])  # the proposal has the risk asked for
        if model is SystemContract:
            return self.vouching(OF_CONTRACT[column])
        if model is GovernanceJob:
            return self.vouching(OF_JOB[column])
        return self.vouching_row(model, row)


def columns_of(model: type[Model]) -> list[Any]:
    """Return the fields of `model` that the record covers; fail if a field is in no list above."""
    fields = [f for f in model._meta.concrete_fields if f.attname not in NOT_COVERED[model]]
    known = {SystemContract: OF_CONTRACT, GovernanceJob: OF_JOB}.get(model)
    assert known is None or {f.attname for f in fields} == set(known), "a column was forgotten"
    return fields


def document_of(contract_id: UUID) -> ContractDocument:
    rows: dict[type[Model], Sequence[Row]] = {}
    for model, condition in TABLES.items():
        mine = run_sql(f"SELECT id FROM {model._meta.db_table} WHERE {condition}", contract_id)
        order = "seq" if model is LedgerEntry else "pk"
        rows[model] = list(
            model._default_manager.filter(pk__in=[one for (one,) in mine]).order_by(order).values()
        )
    chain = [
        ChainEntry(entry["id"], entry["event"], entry["step_index"], _records(entry["body"]))
        for entry in rows[LedgerEntry]
    ]
    return ContractDocument(contract_id, rows, chain)


def _records(body: str) -> frozenset[str]:
    records = json.loads(body)["records"]
    return frozenset(name for name, value in records.items() if value is not None)


def dump(contract_id: UUID) -> Dump:
    """Return every row of a contract as PostgreSQL's JSON text."""
    return {
        model._meta.db_table: [
            text
            for (text,) in run_sql(
                f"SELECT to_jsonb(t)::text FROM {model._meta.db_table} t WHERE {condition}",
                contract_id,
            )
        ]
        for model, condition in TABLES.items()
    }


def remove_rows(contract_id: UUID) -> None:
    """Delete every row of a contract."""
    for model, condition in TABLES.items():
        run_sql(f"DELETE FROM {model._meta.db_table} WHERE {condition}", contract_id)


def put_back(rows: Dump) -> None:
    """Insert the rows that `dump` returned."""
    for table, texts in rows.items():
        for text in texts:
            run_sql(
                f"INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, %s)).*", text
            )
