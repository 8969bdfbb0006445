"""Loading of contract records from PostgreSQL, and their assembly from rows of another source."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from governance.db.row_mapping import array_literal, pipelined_rows
from governance.domain.values import ContractStatus
from governance.models import (
    ApprovalSignature,
    AuditEvidence,
    AuditResolution,
    ClarificationAnswer,
    ClarificationRequest,
    ContractTombstone,
    GovernanceAudit,
    GovernanceJob,
    HealthSnapshot,
    JobStep,
    LedgerEntry,
    StepResult,
    SystemContract,
)
from governance.record.ledger.contract_record import ContractRecord
from governance.record.ledger.rows import (
    AS_TEXT,
    RowQuery,
    rows_of,
)


class RowReader(Protocol):
    """A source of rows: it returns the rows of `model` whose `column` is in `keys`, in order."""

    def __call__(self, model: Any, column: str, keys: Collection[Any]) -> list[Any]: ...


def load_contract_records(
    contract_ids: Sequence[UUID],
    *,
    using: str = DEFAULT_DB_ALIAS,
    meanwhile: Iterable[object] = (),
) -> Iterator[ContractRecord]:
    """Load the records of these contracts, in the order of their ids, by fourteen queries.

    If a contract is missing, the others are loaded again without it, because its remaining rows
    belong to no record.

    Args:
        meanwhile: work to do while PostgreSQL executes the queries (`pipelined_rows`).
    """
    ids = array_literal(contract_ids)
    questions = [
        RowQuery(SystemContract, "id = ANY (%s::uuid[])", [ids]),
        *(
            RowQuery(model, on, [ids], _ORDERS.get(model, "id"))
            for model, on in _OF_CONTRACTS.items()
        ),
    ]
    asked = [
        *(question.statement for question in questions),
        (_SUCCESSORS, [ids, ids]),
        (_VALID_PARENTS, [ids, ContractStatus.REJECTED] * 2),
    ]
    with closing(
        pipelined_rows(asked, as_text=AS_TEXT, using=using, meanwhile=meanwhile)
    ) as answers:
        contracts = rows_of(SystemContract, next(answers))
        are_all_there = len(contracts) == len({*contract_ids})
        if are_all_there:
            rows = {model: rows_of(model, next(answers)) for model in _OF_CONTRACTS}
            successors, valid_parents = answers
    if not are_all_there:
        yield from load_contract_records([contract.pk for contract in contracts], using=using)
        return
    contract_records = [ContractRecord(contract) for contract in contracts]
    _add_succession(contract_records, successors, valid_parents)
    yield from assemble_contract_records(contract_records, lambda model, column, keys: rows[model])


def assemble_contract_records(
    begun: Iterable[ContractRecord], read: RowReader
) -> Iterator[ContractRecord]:
    """Fill contract records, which have only their contract, with the rows that `read` returns."""
    contract_records = {
        str(contract_record.contract.pk): contract_record for contract_record in begun
    }
    for entry in read(LedgerEntry, "contract_id", contract_records):
        contract_records[entry.contract_id].entries.append(entry)
    asked = {}
    for question in read(ClarificationRequest, "contract_id", contract_records):
        asked[question.id] = question
        contract_record = contract_records[question.contract_id]
        contract_record.questions[question.number] = question
        contract_record.add("clarification_sha256", question.number, question)
    for answer in read(ClarificationAnswer, "request_id", asked):
        question = asked[answer.request_id]
        contract_record = contract_records[question.contract_id]
        contract_record.answers[question.number] = answer
        contract_record.add("clarification_answer_sha256", question.number, answer)
    for signature in read(ApprovalSignature, "contract_id", contract_records):
        contract_records[signature.contract_id].add("signature_sha256", signature.number, signature)
    of_job = {}
    for job in read(GovernanceJob, "contract_id", contract_records):
        contract_record = of_job[job.id] = contract_records[job.contract_id]
        contract_record.job = job
        contract_record.add("job_sha256", None, job)
    for step in read(JobStep, "job_id", of_job):
        of_job[step.job_id].steps.append(step)
    for result in read(StepResult, "job_id", of_job):
        of_job[result.job_id].add("step_result_sha256", result.step_index, result)
    for snapshot in read(HealthSnapshot, "job_id", of_job):
        of_job[snapshot.job_id].add(f"health_{snapshot.phase.lower()}_sha256", None, snapshot)
    for evidence in read(AuditEvidence, "job_id", of_job):
        of_job[evidence.job_id].add("evidence_sha256", None, evidence)
    of_audit = {}
    for audit in read(GovernanceAudit, "job_id", of_job):
        contract_record = of_audit[audit.id] = of_job[audit.job_id]
        contract_record.add("audit_sha256", None, audit)
    for resolution in read(AuditResolution, "audit_id", of_audit):
        of_audit[resolution.audit_id].add("resolution_sha256", None, resolution)
    yield from contract_records.values()


def _table(model: type[Model]) -> str:
    return model._meta.db_table


def _on(column: str, model: type[Model], where: str) -> str:
    """Make the condition that `column` refers to a row of `model` for which `where` holds."""
    return f"{column} IN (SELECT id FROM {_table(model)} WHERE {where})"  # noqa: S608 - ours


_ON_CONTRACT = "contract_id = ANY (%s::uuid[])"
_ON_JOB = _on("job_id", GovernanceJob, _ON_CONTRACT)
_OF_CONTRACTS: Mapping[Any, str] = {
    LedgerEntry: _ON_CONTRACT,
    ClarificationRequest: _ON_CONTRACT,
    ClarificationAnswer: _on("request_id", ClarificationRequest, _ON_CONTRACT),
    ApprovalSignature: _ON_CONTRACT,
    GovernanceJob: _ON_CONTRACT,
    JobStep: _ON_JOB,
    StepResult: _ON_JOB,
    HealthSnapshot: _ON_JOB,
    AuditEvidence: _ON_JOB,
    GovernanceAudit: _ON_JOB,
    AuditResolution: _on("audit_id", GovernanceAudit, _ON_JOB),
}
_ORDERS: Mapping[Any, str] = {
    LedgerEntry: "contract_id, seq, id",
    JobStep: "job_id, step_index, id",
}


def _add_succession(
    contract_records: Iterable[ContractRecord],
    successors: Iterable[Sequence[Any]],
    valid_parents: Collection[Any],
) -> None:
    """Set the successor of each record, and whether its parent is valid.

    A contract that was archived and removed counts by its tombstone.
    """
    begun = {
        str(contract_record.contract.pk): contract_record for contract_record in contract_records
    }
    for successor_id, parent_id in successors:
        contract_record = begun[parent_id]
        contract_record.successor_id = successor_id
        contract_record.add("successor_id", None, successor_id)
    for contract_record in begun.values():
        replaced_id = contract_record.contract.parent_id
        contract_record.is_parent_valid = replaced_id is None or (replaced_id,) in valid_parents


_CONTRACTS, _TOMBSTONES = _table(SystemContract), _table(ContractTombstone)
_PARENTS = f"SELECT parent_id FROM {_CONTRACTS} WHERE id = ANY (%s::uuid[])"  # noqa: S608 - ours
_SUCCESSORS = f"""
SELECT id, parent_id FROM {_CONTRACTS} WHERE parent_id = ANY (%s::uuid[])
UNION ALL
SELECT contract_id, parent_id FROM {_TOMBSTONES} WHERE parent_id = ANY (%s::uuid[])
ORDER BY 1
"""  # noqa: S608 - ours
_VALID_PARENTS = f"""
SELECT id FROM {_CONTRACTS} WHERE id IN ({_PARENTS}) AND status = %s
UNION ALL
SELECT contract_id FROM {_TOMBSTONES} WHERE contract_id IN ({_PARENTS}) AND status = %s
"""  # noqa: S608 - ours
