"""Read dossiers from PostgreSQL, or put them together from rows that somebody else has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from governance.ledger.dossier import Dossier
from governance.ledger.rows import AS_TEXT, Question, rows_of
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
from governance.models.prepared import array_of, prepared_answers
from governance.vocabulary.values import ContractStatus


class Reader(Protocol):
    """Where rows come from: those of `model` whose `column` is one of `keys`, in order."""

    def __call__(self, model: Any, column: str, keys: Collection[Any]) -> list[Any]: ...


def load_dossiers(
    contract_ids: Sequence[UUID],
    *,
    using: str = DEFAULT_DB_ALIAS,
    meanwhile: Iterable[object] = (),
) -> Iterator[Dossier]:
    """The dossiers of these contracts, in order of id; fourteen queries, which go out together,
    however many. `meanwhile` is done while PostgreSQL answers (`prepared_answers`).

    Where one is not there, the others are asked for again: what it left belongs to no dossier, and
    is not even looked at.
    """
    ids = array_of(contract_ids)
    questions = [
        Question(SystemContract, "id = ANY (%s::uuid[])", [ids]),
        *(
            Question(model, on, [ids], _ORDERS.get(model, "id"))
            for model, on in _OF_CONTRACTS.items()
        ),
    ]
    asked = [
        *(question.statement for question in questions),
        (_HEIRS, [ids, ids]),
        (_STANDING, [ids, ContractStatus.REJECTED] * 2),
    ]
    with closing(
        prepared_answers(asked, as_text=AS_TEXT, using=using, meanwhile=meanwhile)
    ) as answers:
        contracts = rows_of(SystemContract, next(answers))
        are_all_there = len(contracts) == len({*contract_ids})
        if are_all_there:
            rows = {model: rows_of(model, next(answers)) for model in _OF_CONTRACTS}
            heirs, standing = answers
    if not are_all_there:
        yield from load_dossiers([contract.pk for contract in contracts], using=using)
        return
    dossiers = [Dossier(contract) for contract in contracts]
    _add_succession(dossiers, heirs, standing)
    yield from assembled(dossiers, lambda model, column, keys: rows[model])


def assembled(begun: Iterable[Dossier], read: Reader) -> Iterator[Dossier]:
    """The dossiers, each of which has its contract already, with all that `read` finds for them."""
    dossiers = {str(dossier.contract.pk): dossier for dossier in begun}
    for entry in read(LedgerEntry, "contract_id", dossiers):
        dossiers[entry.contract_id].entries.append(entry)
    asked = {}
    for question in read(ClarificationRequest, "contract_id", dossiers):
        asked[question.id] = question
        dossier = dossiers[question.contract_id]
        dossier.questions[question.number] = question
        dossier.add("clarification_sha256", question.number, question)
    for answer in read(ClarificationAnswer, "request_id", asked):
        question = asked[answer.request_id]
        dossier = dossiers[question.contract_id]
        dossier.answers[question.number] = answer
        dossier.add("clarification_answer_sha256", question.number, answer)
    for signature in read(ApprovalSignature, "contract_id", dossiers):
        dossiers[signature.contract_id].add("signature_sha256", signature.number, signature)
    of_job = {}
    for job in read(GovernanceJob, "contract_id", dossiers):
        dossier = of_job[job.id] = dossiers[job.contract_id]
        dossier.job = job
        dossier.add("job_sha256", None, job)
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
        dossier = of_audit[audit.id] = of_job[audit.job_id]
        dossier.add("audit_sha256", None, audit)
    for resolution in read(AuditResolution, "audit_id", of_audit):
        of_audit[resolution.audit_id].add("resolution_sha256", None, resolution)
    yield from dossiers.values()


def _table(model: type[Model]) -> str:
    return model._meta.db_table


def _on(column: str, model: type[Model], where: str) -> str:
    """The condition for what hangs by `column` on those rows of `model` for which `where` holds."""
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
    dossiers: Iterable[Dossier], heirs: Iterable[Sequence[Any]], standing: Collection[Any]
) -> None:
    """To each what took its place, and whether what it took the place of still stands there.

    What was archived and removed is known by its tombstone.
    """
    begun = {str(dossier.contract.pk): dossier for dossier in dossiers}
    for heir_id, parent_id in heirs:
        dossier = begun[parent_id]
        dossier.successor_id = heir_id
        dossier.add("successor_id", None, heir_id)
    for dossier in begun.values():
        replaced_id = dossier.contract.parent_id
        dossier.parent_stands = replaced_id is None or (replaced_id,) in standing


_LIVING, _REMOVED = _table(SystemContract), _table(ContractTombstone)
_PARENTS = f"SELECT parent_id FROM {_LIVING} WHERE id = ANY (%s::uuid[])"  # noqa: S608 - ours
_HEIRS = f"""
SELECT id, parent_id FROM {_LIVING} WHERE parent_id = ANY (%s::uuid[])
UNION ALL
SELECT contract_id, parent_id FROM {_REMOVED} WHERE parent_id = ANY (%s::uuid[])
ORDER BY 1
"""  # noqa: S608 - ours
_STANDING = f"""
SELECT id FROM {_LIVING} WHERE id IN ({_PARENTS}) AND status = %s
UNION ALL
SELECT contract_id FROM {_REMOVED} WHERE contract_id IN ({_PARENTS}) AND status = %s
"""  # noqa: S608 - ours
