"""The flow of an audit: a verdict on a job's evidence, and its consequence for the contract.

`audit_by_machine.py` has the audits of the site's own auditor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from governance.authorities.audit.verdicts import write_resolution, write_verdict
from governance.authorities.contract import operations as contract_operations
from governance.db.transactions import retried, write_transaction
from governance.domain.canonical import digest
from governance.domain.errors import AuditorInsideError
from governance.domain.values import AuditVerdict
from governance.flows.notify import notify_of_failed_audit, notify_of_inconclusive_audit
from governance.flows.propose_rollback import propose_rollback
from governance.models import (
    Account,
    AuditResolution,
    GovernanceAudit,
    GovernanceJob,
    SystemContract,
)
from governance.record.ledger.chain import lock_job
from governance.services.access.permissions import require_auditor


def record_verdict(
    *,
    job_id: UUID,
    verdict: AuditVerdict,
    reason: str,
    evidence_sha256: str,
    author: Account,
    checks: Sequence[Mapping[str, Any]] = (),
) -> GovernanceAudit:
    """Record the verdict of an outside auditor: PASS completes the contract, FAIL fails it.

    After INCONCLUSIVE the contract stays ACTIVE until `resolve_audit`.

    Raises:
        WrongPersonError: the author is no auditor.
        AuditorInsideError: the auditor of this site gives the verdicts.
        NotFoundError: no such job.
        GovernanceError: any error of `write_verdict`.
    """
    require_auditor(author)
    if is_auditor_inside():
        raise AuditorInsideError
    return give_verdict(
        job_id=job_id,
        verdict=verdict,
        reason=reason,
        evidence_sha256=evidence_sha256,
        author=author,
        checks=checks,
    )


@retried
def give_verdict(
    *,
    job_id: UUID,
    verdict: AuditVerdict,
    reason: str,
    evidence_sha256: str,
    author: Account,
    checks: Sequence[Mapping[str, Any]] = (),
) -> GovernanceAudit:
    """Record a verdict as `record_verdict` does, even if the site has its own auditor.

    The demo calls it for verdicts that a person gave in its history.

    Raises:
        NotFoundError: no such job.
        GovernanceError: any error of `write_verdict`.
    """
    with write_transaction():
        job, at = lock_job(job_id)
        return write_verdict_and_end(
            job,
            at=at,
            verdict=verdict,
            reason=reason,
            checks=checks,
            evidence_sha256=evidence_sha256,
            author=author,
        )


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


def is_auditor_inside() -> bool:
    """Return whether the auditor of this site gives the verdicts."""
    return bool(settings.GOVSITE["AUDITOR"] == "inside")


def write_verdict_and_end(job: GovernanceJob, *, at: datetime, **verdict: Any) -> GovernanceAudit:
    """Write a verdict on a locked job; the contract follows in the same transaction.

    Args:
        verdict: the other arguments of `write_verdict`.

    Raises:
        GovernanceError: any error of `write_verdict`.
    """
    audit = write_verdict(job_id=job.pk, at=at, **verdict)
    records = {"audit_sha256": digest(audit.as_record())}
    given, author = AuditVerdict(audit.verdict), verdict["author"]
    if given is AuditVerdict.INCONCLUSIVE:
        contract_operations.mark_inconclusive(
            contract=job.contract, actor=author, at=at, reason=audit.reason, records=records
        )
        notify_of_inconclusive_audit(job.contract, audit)
    else:
        _end_contract(job.contract, given, audit.reason, records, actor=author, at=at)
    return audit


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
        return
    contract_operations.fail(contract=contract, actor=actor, at=at, reason=reason, records=records)
    notify_of_failed_audit(contract, reason, at=at)
    propose_rollback(failed=contract, at=at)
