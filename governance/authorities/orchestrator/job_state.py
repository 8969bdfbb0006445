"""Reads of a contract or a job at the start of an operation, each in one statement.

The statement also reads the head of the chain, and what time it is in the chain: guards, rows and
entries of the operation use that time. The SQL call that writes refuses if the head of the chain is
no longer the one that was read (docs/adr/0005-optimistic-locking-on-the-chain-head.md). A retry
first locks the contract's row, which is also the lock of its chain and its job.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.db.rows import Columns, fetch_rows, instance_from_json
from governance.db.transactions import must_lock_reads
from governance.domain.canonical import load_json
from governance.domain.errors import ContractNotFoundError, JobNotFoundError
from governance.domain.recorded_changes import LIFECYCLE_KEY
from governance.domain.values import PlatformState, StepStatus
from governance.models import (
    Account,
    ApprovalSignature,
    GovernanceJob,
    JobStep,
    Observation,
    StepResult,
    SystemContract,
)
from governance.record.ledger.chain import ChainHead

_CONTRACT = Columns(SystemContract, "contract")
_JOB = Columns(GovernanceJob, "job")
# Evidence needs none of the contract's long columns.
_APPROVED = Columns(
    SystemContract,
    "contract",
    omit=["description", "proposed_changes", "plan", "validator_verdict", "eligibility_verdict"],
)

_HEAD = """
    (SELECT seq FROM governance_ledgerentry WHERE contract_id = {contract}
      ORDER BY seq DESC LIMIT 1),
    (SELECT hash FROM governance_ledgerentry WHERE contract_id = {contract}
      ORDER BY seq DESC LIMIT 1),
    governance_chain_now({contract})"""

_SIGNATURE = Columns(ApprovalSignature, "signature", omit=["shown"])
_SIGNED = f"""
    (SELECT json_agg(signed)::text FROM (
        SELECT {_SIGNATURE.sql}, founder.username
          FROM governance_approvalsignature signature
          JOIN governance_account founder ON founder.id = signature.founder_id
         WHERE signature.contract_id = contract.id ORDER BY signature.number) signed)"""  # noqa: S608 - names of our own

_PLATFORM = """
    (SELECT json_agg(json_build_array(held.scope, held.key, held.value))::text
       FROM governance_platformvalue held
      WHERE held.scope = ANY (contract.affected_capabilities)),
    (SELECT array_agg(capability.name)
       FROM governance_capability capability
      WHERE capability.name = ANY (contract.affected_capabilities) AND capability.frozen)"""

_LOCK_CONTRACT = "SELECT FROM governance_systemcontract WHERE id = %s FOR UPDATE"
_LOCK_JOB = """
    SELECT FROM governance_systemcontract contract
      JOIN governance_governancejob job ON job.contract_id = contract.id
     WHERE job.id = %s FOR UPDATE OF contract"""

_READ_CONTRACT = f"""
    SELECT {_CONTRACT.sql}, {_HEAD.format(contract="contract.id")},
           {_SIGNED}, {_PLATFORM}, proposer.username, approver.username,
           governance_inactive_signers(contract.id)
      FROM governance_systemcontract contract
      JOIN governance_account proposer ON proposer.id = contract.proposed_by_id
      LEFT JOIN governance_account approver ON approver.id = contract.approved_by_id
     WHERE contract.id = %s"""  # noqa: S608 - names of our own

_READ_JOB = f"""
    SELECT {_JOB.sql}, {_HEAD.format(contract="job.contract_id")},
           (SELECT status FROM governance_stepresult
             WHERE job_id = job.id AND step_index = job.current_step_index - 1)
      FROM governance_governancejob job WHERE job.id = %s"""  # noqa: S608 - names of our own

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

_OBSERVATIONS = _ROWS_OF.format(
    table="governance_observation", order="id", owner="job_id", of="job"
)
_SIGNALS = """
    (SELECT json_agg(json_build_object(
                'scope', scope, 'signal_type', signal_type, 'decision', decision,
                'reason', reason, 'recorded_at', governance_timestamp(recorded_at))
                ORDER BY id)::text
       FROM governance_governancesignal
      WHERE scope = ANY (contract.affected_capabilities || 'SYSTEM'::varchar)
        AND recorded_at >= job.started_at)"""

_READ_HISTORY = f"""
    SELECT {_JOB.sql}, {_APPROVED.sql}, {_HEAD.format(contract="contract.id")},
           {_STEPS}, {_RESULTS}, {_SIGNATURES}, {_OBSERVATIONS}, {_SIGNALS},
           (SELECT reading::text FROM governance_healthsnapshot
             WHERE job_id = job.id AND phase = 'BEFORE'),
           creator.username
      FROM governance_governancejob job
      JOIN governance_systemcontract contract ON contract.id = job.contract_id
      JOIN governance_account creator ON creator.id = job.created_by_id
     WHERE job.id = %s"""  # noqa: S608 - names of our own


@dataclass(frozen=True, slots=True)
class ContractState:
    """A contract with the head of its chain, the time in its chain, and what an activation checks.

    `inactive_signers` are the usernames of the signers who are no active founders any more,
    `platform` the state of the places that the contract may touch, and `frozen_capabilities` are
    those of its capabilities that are frozen.
    """

    contract: SystemContract
    head: ChainHead
    now: datetime
    inactive_signers: list[str]
    platform: PlatformState
    frozen_capabilities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class JobState:
    """A job, the head of its chain, what time it is, and the status of the step before the due."""

    job: GovernanceJob
    head: ChainHead
    now: datetime
    last: StepStatus | None


@dataclass(frozen=True, slots=True)
class JobHistory:
    """Everything about a job that its evidence contains, as it is before the job ends.

    `signals` are the health signals of its scopes that were recorded since its start.
    """

    job: GovernanceJob
    head: ChainHead
    now: datetime
    steps: list[dict[str, Any]]
    results: list[StepResult]
    signatures: list[ApprovalSignature]
    observations: list[Observation]
    signals: list[dict[str, Any]]
    health_before: dict[str, Any] | None

    @property
    def scopes(self) -> list[str]:
        """The capabilities that the contract affects."""
        return list(self.job.contract.affected_capabilities)

    @property
    def failed(self) -> StepResult | None:
        return next((one for one in self.results if one.status == StepStatus.FAILED), None)


def read_contract(contract_id: UUID) -> ContractState:
    """Return the state of a contract and of the places that it may touch.

    The contract has its signatures with their views, and the names of its people.

    Raises:
        NotFoundError: no such contract.
    """
    row = _read(_LOCK_CONTRACT, _READ_CONTRACT, contract_id)
    if row is None:
        raise ContractNotFoundError(contract_id)
    contract: SystemContract = _CONTRACT.instance(row)
    seq, hash_, now, signed, values, frozen, proposer, approver, inactive_signers = row[
        _CONTRACT.number :
    ]
    contract.known_signatures = [_signature(one) for one in load_json(signed or "[]")]
    contract.proposed_by = Account(pk=contract.proposed_by_id, username=proposer)
    if approver is not None:
        contract.approved_by = Account(pk=contract.approved_by_id, username=approver)
    held = load_json(values or "[]")
    state = PlatformState(
        lifecycles={scope: value for scope, key, value in held if key == LIFECYCLE_KEY},
        configuration={(scope, key): value for scope, key, value in held if key != LIFECYCLE_KEY},
    )
    return ContractState(
        contract, ChainHead(seq, hash_), now, inactive_signers, state, frozenset(frozen or ())
    )


def read_job_state(job_id: UUID) -> JobState:
    """Return the state of a job.

    Raises:
        NotFoundError: no such job.
    """
    row = _read(_LOCK_JOB, _READ_JOB, job_id)
    if row is None:
        raise JobNotFoundError(job_id)
    seq, hash_, now, last = row[_JOB.number :]
    return JobState(
        _JOB.instance(row), ChainHead(seq, hash_), now, StepStatus(last) if last else None
    )


def read_job_history(job_id: UUID) -> JobHistory:
    """Return a job with its contract and everything that its evidence contains.

    Raises:
        NotFoundError: no such job.
    """
    row = _read(_LOCK_JOB, _READ_HISTORY, job_id)
    if row is None:
        raise JobNotFoundError(job_id)
    job: GovernanceJob = _JOB.instance(row)
    row = row[_JOB.number :]
    job.contract = _APPROVED.instance(row)
    seq, hash_, now, *parts, before, creator = row[_APPROVED.number :]
    steps, results, signatures, observations, signals = (load_json(one or "[]") for one in parts)
    job.created_by = Account(pk=job.created_by_id, username=creator)
    return JobHistory(
        job=job,
        head=ChainHead(seq, hash_),
        now=now,
        steps=[instance_from_json(JobStep, one).as_record() for one in steps],
        results=[instance_from_json(StepResult, one) for one in results],
        signatures=[instance_from_json(ApprovalSignature, one) for one in signatures],
        observations=[instance_from_json(Observation, one) for one in observations],
        signals=signals,
        health_before=load_json(before) if before else None,
    )


def _signature(columns: dict[str, Any]) -> ApprovalSignature:
    signature = instance_from_json(ApprovalSignature, columns)
    signature.founder = Account(pk=signature.founder_id, username=columns["username"])
    return signature


def _read(lock: str, sql: str, pk: UUID) -> tuple[Any, ...] | None:
    if must_lock_reads():
        fetch_rows(lock, [pk])
    rows = fetch_rows(sql, [pk])
    return rows[0] if rows else None
