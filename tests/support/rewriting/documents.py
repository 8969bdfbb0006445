"""What stands on record of one contract, and which entry of its chain vouches for each column.

Written by hand from the design, not from `governance.record.ledger`, which is what is under attack.

Not covered by the record, on purpose:

* `id` of the rows that hang on a job, and of entries: a name that nothing says anything about.
* `GovernanceJob.lease_expires_at`: working state, which says until when an executor may be silent.
  What follows from it (a report that was kept, the end of a job) is on record.
* Capabilities, configuration entries and health signals: the governed platform's state, not the
  record of a decision. What was read of them stands in the plan and in the health snapshots.
* Accounts, groups, tokens and sessions. Entries name a person by id and by name as it was then.

No record can show what was never in it or in a checkpoint: a contract that is made up as a whole,
and entries that are made up as a whole, with all their rows, after the last checkpoint.
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
# Each table, and which of its rows are a contract's; what hangs on another comes before it.
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

# Column → the records of which the first that the chain has vouches for it.
OF_CONTRACT: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(
        ("reference", "source", "title", "description", "requested_by", "proposed_changes"),
        _PROPOSAL,
    ),
    **dict.fromkeys(("affected_capabilities", "risk_level", "proposal_digest"), _PROPOSAL),
    **dict.fromkeys(("proposed_by_id", "plan", "created_at", "expires_at"), _DRAFT),
    "parent_id": _DRAFT,
    **dict.fromkeys(("validator_verdict", "confidence_score"), _VALIDATED),
    **dict.fromkeys(("eligibility_verdict", "eligibility_decision"), _ELIGIBLE),
    "content_digest": ("content_sha256",),
    "review_ends_at": (),  # follows from `expires_at` and the review's questions
    "updated_at": (),  # follows from the entries
    **dict.fromkeys(("approved_by_id", "approved_at", "approved_digest"), _APPROVAL),
    **dict.fromkeys(("approval_note", "window_opens_at", "window_closes_at"), _APPROVAL),
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
    SystemContract: {"id"},  # a row under another name is an edit of its own: `rename_contract`
    GovernanceJob: {"lease_expires_at"},
    **{model: {"id"} for model in TABLES if model not in (SystemContract, GovernanceJob)},
}


@dataclass(frozen=True)
class ChainEntry:
    """One entry, as far as it matters for what it vouches for."""

    row_id: int
    event: str
    step_index: int | None
    records: frozenset[str]


@dataclass(frozen=True)
class ContractDocument:
    """One contract's rows by table, and its chain in order."""

    contract_id: UUID
    rows: Mapping[type[Model], Sequence[Row]]
    chain: Sequence[ChainEntry]

    @property
    def after(self) -> int:
        """The number of the entry that would come next: it is what an untold change lacks."""
        return len(self.chain) + 1

    def vouching(self, records: Sequence[str], step_index: int | None = None) -> int:
        """The number of the first entry that vouches for any of `records`, or of the next one."""
        for number, entry in enumerate(self.chain, start=1):
            if entry.records.intersection(records) and entry.step_index == step_index:
                return number
        return self.after

    def vouching_row(self, model: type[Model], row: Row) -> int:
        """The number of the entry that vouches for a row like `row` being here."""
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
        """The number of the entry that tells the `number`-th signature, or of the next one."""
        numbers = [n for n, one in enumerate(self.chain, start=1) if _SIGNED in one.records]
        return numbers[number - 1] if 0 < number <= len(numbers) else self.after

    def vouching_column(self, model: type[Model], row: Row, column: str) -> int:
        if model is SystemContract:
            return self.vouching(OF_CONTRACT[column])
        if model is GovernanceJob:
            return self.vouching(OF_JOB[column])
        return self.vouching_row(model, row)


def columns_of(model: type[Model]) -> list[Any]:
    """The fields of `model` that the record covers; fails for one that nobody thought of."""
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
    """Every row of a contract, as PostgreSQL spells it."""
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
    """Every row of a contract, gone."""
    for model, condition in TABLES.items():
        run_sql(f"DELETE FROM {model._meta.db_table} WHERE {condition}", contract_id)


def put_back(rows: Dump) -> None:
    """Insert what `dump` returned."""
    for table, texts in rows.items():
        for text in texts:
            run_sql(
                f"INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, %s)).*", text
            )
