"""The flow of an audit: a verdict on a job's evidence, and its consequence for the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.authorities.audit.verdicts import write_resolution, write_verdict
from governance.authorities.contract import operations as contract_operations
from governance.db.transactions import retried, write_transaction
from governance.domain.canonical import digest
from governance.domain.values import AuditVerdict
from governance.flows.propose_rollback import propose_rollback
from governance.models import Account, AuditResolution, GovernanceAudit, SystemContract
from governance.record.ledger.chain import lock_job
from governance.services.access.permissions import require_auditor


@retried
def record_verdict(
    *,
    job_id: UUID,
    verdict: AuditVerdict,
    reason: str,
    evidence_sha256: str,
    author: Account,
    checks: Sequence[Mapping[str, Any]] = (),
) -> GovernanceAudit:
    """Record a verdict: PASS completes the contract, FAIL fails it.

    After INCONCLUSIVE the contract stays ACTIVE until `resolve_audit`.

    Raises:
        WrongPersonError: the author is no auditor.
        NotFoundError: no such job.
        GovernanceError: any error of `write_verdict`.
    """
    require_auditor(author)
    with write_transaction():
        job, at = lock_job(job_id)
        audit = write_verdict(
            job_id=job_id,
            verdict=verdict,
            reason=reason,
            checks=checks,
            evidence_sha256=evidence_sha256,
            author=author,
            at=at,
        )
        records = {"audit_sha256": digest(audit.as_record())}
        if verdict is AuditVerdict.INCONCLUSIVE:
            contract_operations.mark_inconclusive(
                contract=job.contract, actor=author, at=at, reason=audit.reason, records=records
            )
        else:
            _end_contract(job.contract, verdict, audit.reason, records, actor=author, at=at)
    return audit


@retried
def resolve_audit(
    *, job_id: UUID, verdict: AuditVerdict, reason: str, resolver: Account
) -> AuditResolution:
    """Record a person's resolution of an INCONCLUSIVE audit, which ends the contract.

    Raises:
        WrongPersonError: the resolver is no auditor.
        NotFoundError: no such job.
        GovernanceError: any error of `write_resolution`.
    """
    require_auditor(resolver)
    with write_transaction():
        job, at = lock_job(job_id)
        resolution = write_resolution(
            job_id=job_id, verdict=verdict, reason=reason, resolver=resolver, at=at
        )
        records = {"resolution_sha256": digest(resolution.as_record())}
        _end_contract(job.contract, verdict, resolution.reason, records, actor=resolver, at=at)
    return resolution


def _end_contract(
    contract: SystemContract,
    verdict: AuditVerdict,
    reason: str,
    records: Mapping[str, str],
    *,
    actor: Account,
    at: datetime,
) -> None:
    if verdict is AuditVerdict.PASS:
        contract_operations.complete(
            contract=contract, verdict=verdict, actor=actor, at=at, reason=reason, records=records
        )
    else:
        contract_operations.fail(
            contract=contract, actor=actor, at=at, reason=reason, records=records
        )
        propose_rollback(failed=contract, at=at)
