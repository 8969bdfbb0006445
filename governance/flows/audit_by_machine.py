"""The flow of an audit by the site's own auditor, which is a machine account.

Where it concludes nothing, it tries once more with what is read meanwhile; then its verdict is
INCONCLUSIVE, and a person decides.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from governance.authorities.audit.attempts import write_attempt
from governance.authorities.audit.judgement import AUDITOR_VERSION, Judgement, judge_evidence
from governance.authorities.audit.queries import AuditState, audit_state_of, enqueue_audit
from governance.authorities.audit.sealed_job import LaterReading
from governance.authorities.contract import operations as contract_operations
from governance.db.transactions import retried, write_transaction
from governance.domain.canonical import digest
from governance.domain.roles import MachineAccount
from governance.domain.values import AuditVerdict
from governance.flows.audit_job import write_verdict_and_end
from governance.flows.read_later import read_later
from governance.models import Account, AuditAttempt, GovernanceAudit, GovernanceJob
from governance.record.ledger.chain import lock_job
from governance.services.access.accounts import machine_account
from governance.services.access.permissions import require_auditor

# After this time without a conclusion, an audit waits no longer for its second attempt.
MAX_AUDIT_TIME = timedelta(minutes=10)


@retried
def audit_job(*, job_id: UUID) -> GovernanceAudit | None:
    """Judge a job whose evidence is sealed, as the site's own auditor; return its verdict.

    A first attempt without a conclusion is kept, and None returned; so is a call before the second
    attempt is due. The second attempt ends with a verdict in any case. A job that has its verdict
    keeps it.

    Raises:
        EvidenceNotSealedError: the job has not ended, or does not exist.
    """
    state = audit_state_of(job_id)
    if state.audit is not None:
        return state.audit
    is_late = state.time_since_seal() >= MAX_AUDIT_TIME
    if not state.attempts:
        judgement = judge_evidence(state.evidence.document)
        if judgement.verdict is not AuditVerdict.INCONCLUSIVE:
            return _conclude(state, judgement)
        if not _keep_first_attempt(state, judgement) or not is_late:
            return None
    elif not is_late and state.now < state.attempts[0].attempted_at + _retry_after():
        return None
    later = read_later(state.evidence)
    return _conclude(state, judge_evidence(state.evidence.document, later), number=2, later=later)


@retried
def ask_for_attempt(*, job_id: UUID, person: Account) -> AuditAttempt:
    """Judge a job anew with what is read now, for a person who has to resolve its audit.

    The attempt is kept beside the verdict, and changes nothing else.

    Raises:
        WrongPersonError: the person is no auditor.
        EvidenceNotSealedError: the job has not ended, or does not exist.
        AttemptConflictError: the audit is not INCONCLUSIVE, or is resolved.
        AuditorNotIndependentError: the person took part in the contract or its job.
    """
    require_auditor(person)
    state = audit_state_of(job_id)
    later = read_later(state.evidence)
    judgement = judge_evidence(state.evidence.document, later)
    with write_transaction():
        job, at = lock_job(job_id)
        number = len(state.attempts) + 1
        return _keep_attempt(job, state, judgement, number, at=at, later=later, asked_by=person)


def _retry_after() -> timedelta:
    return timedelta(seconds=settings.GOVSITE["AUDIT_RETRY_SECONDS"])


@retried
def _keep_first_attempt(state: AuditState, judgement: Judgement) -> bool:
    """Keep the first attempt and enqueue the second; return False if another process did so."""
    job_id = state.evidence.job_id
    with write_transaction():
        job, at = lock_job(job_id)
        now = audit_state_of(job_id)
        if now.audit is not None or now.attempts:
            return False
        _keep_attempt(job, state, judgement, 1, at=at)
        enqueue_audit(job_id, due_at=at + _retry_after())
    return True


def _keep_attempt(
    job: GovernanceJob,
    state: AuditState,
    judgement: Judgement,
    number: int,
    *,
    at: datetime,
    later: LaterReading | None = None,
    asked_by: Account | None = None,
) -> AuditAttempt:
    attempt = write_attempt(
        evidence=state.evidence,
        number=number,
        judgement=judgement,
        at=at,
        later=later,
        asked_by=asked_by,
    )
    contract_operations.note_attempt(
        contract=job.contract,
        actor=asked_by or machine_account(MachineAccount.AUDITOR),
        at=at,
        reason=attempt.reason,
        records={"audit_attempt_sha256": digest(attempt.as_record())},
    )
    return attempt


@retried
def _conclude(
    state: AuditState,
    judgement: Judgement,
    *,
    number: int | None = None,
    later: LaterReading | None = None,
) -> GovernanceAudit:
    """Write the verdict of the site's own auditor, and the attempt that it rests on, if any."""
    job_id = state.evidence.job_id
    with write_transaction():
        job, at = lock_job(job_id)
        now = audit_state_of(job_id)
        if now.audit is not None:
            return now.audit
        if number is not None:
            _keep_attempt(job, state, judgement, number, at=at, later=later)
        return write_verdict_and_end(
            job,
            at=at,
            verdict=judgement.verdict,
            reason=judgement.reason,
            checks=judgement.checks_as_documents(),
            evidence_sha256=state.evidence.sha256,
            author=machine_account(MachineAccount.AUDITOR),
            auditor_version=AUDITOR_VERSION,
        )
