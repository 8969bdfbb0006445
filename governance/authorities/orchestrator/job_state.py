"""Reads of a contract or a job at the start of an operation, each in one statement.

Inside a transaction, the read first locks the contract's row, which is also the lock of its chain
and its job. Outside of one, nothing is locked: the SQL call that writes refuses if the head of the
chain is no longer the one that was read (docs/adr/0005-optimistic-locking-on-the-chain-head.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from governance.db.row_mapping import RowMapping, prepared_rows
from governance.domain.canonical import load_json
from governance.domain.errors import ContractNotFoundError, JobNotFoundError
from governance.domain.values import StepStatus
from governance.models import ApprovalSignature, GovernanceJob, JobStep, StepResult, SystemContract
from governance.record.ledger.chain import ChainHead

_CONTRACT = RowMapping(SystemContract, "contract")
_JOB = RowMapping(GovernanceJob, "job")
# Evidence needs none of the contract's long columns.
_APPROVED = RowMapping(
    SystemContract,
    "contract",
    but=[
        *("description", "proposed_changes", "affected_capabilities", "plan"),
        *("validator_verdict", "eligibility_verdict"),
    ],
)

_HEAD = """
    (SELECT seq FROM governance_ledgerentry WHERE contract_id = {contract}
      ORDER BY seq DESC LIMIT 1),
    (SELECT hash FROM governance_ledgerentry WHERE contract_id = {contract}
      ORDER BY seq DESC LIMIT 1)"""

_HOLD_CONTRACT = "SELECT FROM governance_systemcontract WHERE id = %s FOR UPDATE"
_HOLD_JOB = """
    SELECT FROM governance_systemcontract contract
      JOIN governance_governancejob job ON job.contract_id = contract.id
     WHERE job.id = %s FOR UPDATE OF contract"""

_READ_CONTRACT = f"""
    SELECT {_CONTRACT.sql}, {_HEAD.format(contract="contract.id")}
      FROM governance_systemcontract contract WHERE contract.id = %s"""  # noqa: S608 - names of our own

_READ_JOB = f"""
    SELECT {_JOB.sql}, {_HEAD.format(contract="job.contract_id")},
           (SELECT status FROM governance_stepresult
             WHERE job_id = job.id AND step_index = job.current_step_index - 1),
           ARRAY(SELECT timeout_seconds FROM governance_jobstep
                  WHERE job_id = job.id
                    AND step_index BETWEEN job.current_step_index AND job.current_step_index + %s
                  ORDER BY step_index)
      FROM governance_governancejob job WHERE job.id = %s"""  # noqa: S608 - names of our own

_STEP, _RESULT = RowMapping(JobStep, "part"), RowMapping(StepResult, "part")
_SIGNATURE = RowMapping(ApprovalSignature, "part")
_ROWS_OF = """
    (SELECT json_agg(to_json(part) ORDER BY part.{order})::text FROM {table} part
      WHERE part.{owner} = {of}.id)"""
_STEPS = _ROWS_OF.format(table="governance_jobstep", order="step_index", owner="job_id", of="job")
_RESULTS = _ROWS_OF.format(
    table="governance_stepresult", order="step_index", owner="job_id", of="job"
)
_SIGNATURES = _ROWS_OF.format(
    table="governance_approvalsignature", order="number", owner="contract_id", of="contract"
)

_READ_HISTORY = f"""
    SELECT {_JOB.sql}, {_APPROVED.sql}, {_HEAD.format(contract="contract.id")},
           {_STEPS}, {_RESULTS}, {_SIGNATURES},
           (SELECT reading::text FROM governance_healthsnapshot
             WHERE job_id = job.id AND phase = 'BEFORE')
      FROM governance_governancejob job
      JOIN governance_systemcontract contract ON contract.id = job.contract_id
     WHERE job.id = %s"""  # noqa: S608 - names of our own


@dataclass(frozen=True, slots=True)
class JobState:
    """A job, the head of its chain, and the steps around its cursor.

    `last` is the status of the result before the step that is due. `timeouts` has the seconds of
    the step that is due and of the following steps, as many as were requested and exist.
    """

    job: GovernanceJob
    head: ChainHead
    last: StepStatus | None
    timeouts: list[int]


@dataclass(frozen=True, slots=True)
class JobHistory:
    """Everything about a job that its evidence contains, as it is before the job ends."""

    job: GovernanceJob
    head: ChainHead
    steps: list[dict[str, Any]]
    results: list[StepResult]
    signatures: list[ApprovalSignature]
    health_before: dict[str, Any] | None

    @property
    def failed(self) -> StepResult | None:
        return next((one for one in self.results if one.status == StepStatus.FAILED), None)


def read_contract(contract_id: UUID) -> tuple[SystemContract, ChainHead]:
    """Return the contract and the head of its chain.

    Raises:
        NotFoundError: no such contract.
    """
    row = _read(_HOLD_CONTRACT, contract_id, _READ_CONTRACT, [contract_id])
    if row is None:
        raise ContractNotFoundError(contract_id)
    return _CONTRACT.row(row), ChainHead(*row[_CONTRACT.number :])


def read_job_state(job_id: UUID, *, ahead: int = 0) -> JobState:
    """Return the state of a job, with the timeouts of the step that is due and of `ahead` more.

    Raises:
        NotFoundError: no such job.
    """
    row = _read(_HOLD_JOB, job_id, _READ_JOB, [ahead, job_id])
    if row is None:
        raise JobNotFoundError(job_id)
    seq, hash_, last, timeouts = row[_JOB.number :]
    return JobState(
        _JOB.row(row), ChainHead(seq, hash_), StepStatus(last) if last else None, timeouts
    )


def read_job_history(job_id: UUID) -> JobHistory:
    """Return a job with its contract and everything that its evidence contains.

    Raises:
        NotFoundError: no such job.
    """
    row = _read(_HOLD_JOB, job_id, _READ_HISTORY, [job_id])
    if row is None:
        raise JobNotFoundError(job_id)
    job = _JOB.row(row)
    row = row[_JOB.number :]
    job.contract = _APPROVED.row(row)
    seq, hash_, steps, results, signatures, before = row[_APPROVED.number :]
    return JobHistory(
        job=job,
        head=ChainHead(seq, hash_),
        steps=[_STEP.row_from_json(row).as_record() for row in load_json(steps)],
        results=[_RESULT.row_from_json(row) for row in load_json(results or "[]")],
        signatures=[_SIGNATURE.row_from_json(row) for row in load_json(signatures or "[]")],
        health_before=load_json(before) if before else None,
    )


def _read(hold: str, pk: UUID, sql: str, values: list[Any]) -> tuple[Any, ...] | None:
    if connection.in_atomic_block:
        prepared_rows(hold, [pk])
    rows = prepared_rows(sql, values)
    return rows[0] if rows else None
