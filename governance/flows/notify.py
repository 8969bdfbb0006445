"""Notices of the flows to the people whom something concerns, in the causing transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from governance.authorities.orchestrator.job_state import JobHistory
from governance.domain.roles import Role
from governance.domain.rollbacks import ComputedRollback
from governance.domain.values import NoticeKind
from governance.models import (
    ClarificationAnswer,
    ClarificationRequest,
    GovernanceAudit,
    HandlerBreaker,
    SystemContract,
)
from governance.services.access.accounts import active_members
from governance.services.notices.operations import notify
from governance.services.notices.queries import was_notified


def notify_of_failed_job(history: JobHistory, *, is_lost: bool) -> None:
    """Notify the proposer, and the founders who approved, that a job failed.

    Args:
        is_lost: whether the job failed because its executor stopped reporting.
    """
    contract = history.job.contract
    notify(
        account_ids=[contract.proposed_by_id],
        to_signers=True,
        kind=NoticeKind.EXECUTOR_LOST if is_lost else NoticeKind.JOB_FAILED,
        text=_loss_in_words(history) if is_lost else f"{_reported_last(history)} failed.",
        contract_id=contract.pk,
        at=history.now,
    )


def notify_of_question(contract: SystemContract, question: ClarificationRequest) -> None:
    """Notify the proposer that a founder asked something."""
    notify(
        account_ids=[contract.proposed_by_id],
        kind=NoticeKind.QUESTION_ASKED,
        text=f"{question.asked_by} asks: {question.question}",
        contract_id=contract.pk,
        at=question.asked_at,
    )


def notify_of_answer(contract: SystemContract, answer: ClarificationAnswer) -> None:
    """Notify the founder who asked that there is an answer."""
    notify(
        account_ids=[answer.request.asked_by_id],
        kind=NoticeKind.QUESTION_ANSWERED,
        text=f"{answer.answered_by} answered: {answer.answer}",
        contract_id=contract.pk,
        at=answer.answered_at,
    )


def notify_of_expiry(contract: SystemContract) -> None:
    """Notify the proposer that the time for review passed without a decision."""
    notify(
        account_ids=[contract.proposed_by_id],
        kind=NoticeKind.CONTRACT_EXPIRED,
        text="The time for review is over, and no founder decided.",
        contract_id=contract.pk,
        at=contract.updated_at,
    )


def notify_of_unused_window(contract: SystemContract) -> None:
    """Notify the proposer, and the founders who approved, that the window passed unused."""
    notify(
        account_ids=[contract.proposed_by_id],
        to_signers=True,
        kind=NoticeKind.WINDOW_PASSED,
        text="The activation window is over, and nobody activated the contract.",
        contract_id=contract.pk,
        at=contract.updated_at,
    )


def notify_of_open_breaker(breaker: HandlerBreaker, *, contract_id: UUID) -> None:
    """Notify the operators that a handler gets no jobs until one of them closes its breaker.

    Args:
        contract_id: the contract whose job opened the breaker.
    """
    if breaker.last_fault_at is None:
        raise ValueError("the breaker had no fault")
    notify(
        account_ids=active_members(Role.OPERATOR),
        kind=NoticeKind.BREAKER_OPENED,
        text=f"The jobs of the handler {breaker.handler} wait until an operator closes its circuit "
        f"breaker. Its last fault: {breaker.last_fault}",
        contract_id=contract_id,
        at=breaker.last_fault_at,
    )


def notify_of_rollback(
    rollback: SystemContract, *, undone: SystemContract, computed: ComputedRollback
) -> None:
    """Notify the people of the undone contract that its rollback waits for founders."""
    left_out = computed.left_out_in_words
    text = f"{rollback.reference} would roll this back, and waits for review."
    notify(
        account_ids=[undone.proposed_by_id],
        to_signers=True,
        kind=NoticeKind.ROLLBACK_PROPOSED,
        text=f"{text} Left out: {left_out}." if left_out else text,
        contract_id=undone.pk,
        at=rollback.created_at,
    )


def notify_of_missing_rollback(failed: SystemContract, *, why: str, at: datetime) -> None:
    """Notify the people of a FAILED contract that no rollback was proposed, and why."""
    notify(
        account_ids=[failed.proposed_by_id],
        to_signers=True,
        kind=NoticeKind.ROLLBACK_NOT_MADE,
        text=f"Failed, and no rollback was proposed. {why}",
        contract_id=failed.pk,
        at=at,
    )


def notify_of_failed_audit(contract: SystemContract, reason: str, *, at: datetime) -> None:
    """Notify the proposer, and the founders who approved, that the verdict on a job is FAIL."""
    notify(
        account_ids=[contract.proposed_by_id],
        to_signers=True,
        kind=NoticeKind.AUDIT_FAILED,
        text=reason,
        contract_id=contract.pk,
        at=at,
    )


def notify_of_many_rollbacks(rollback: SystemContract, *, number: int) -> None:
    """Notify all founders that many rollbacks were proposed, at most once in an hour."""
    founders = active_members(Role.FOUNDER)
    since = rollback.created_at - timedelta(hours=1)
    if was_notified(founders, kind=NoticeKind.MANY_ROLLBACKS, since=since):
        return
    notify(
        account_ids=founders,
        kind=NoticeKind.MANY_ROLLBACKS,
        text=f"{number} rollbacks were proposed within an hour.",
        contract_id=rollback.pk,
        at=rollback.created_at,
    )


def notify_of_inconclusive_audit(contract: SystemContract, audit: GovernanceAudit) -> None:
    """Notify the auditors, one of whom has to decide, and the founders who approved."""
    notify(
        account_ids=active_members(Role.AUDITOR),
        to_signers=True,
        kind=NoticeKind.AUDIT_INCONCLUSIVE,
        text=audit.reason,
        contract_id=contract.pk,
        at=audit.recorded_at,
    )


def _reported_last(history: JobHistory) -> str:
    return f"Step {history.job.current_step_index} of {history.job.total_steps}"


def _loss_in_words(history: JobHistory) -> str:
    job = history.job
    if history.failed:
        return f"{_reported_last(history)} failed, and the executor did not end the job in time."
    if job.current_step_index == job.total_steps:
        return "Every step was reported, but the executor did not end the job in time."
    due = job.current_step_index + 1
    return (
        f"The executor stopped reporting at step {due} of {job.total_steps}; "
        "whether that step was carried out is unknown."
    )
