"""The events of the ledger, and the records that the entries of each event vouch for.

An event has three parts: the subject (`contract` or `job`), the stage, and what happened. A record
is named after the row whose SHA-256 the entry contains; `contract_record.py` computes it. Where
`EVENTS` has several sets of records for an event, an entry has exactly one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES

_NOTHING: Set[str] = frozenset()
_CLOSING: Set[str] = frozenset({"closing_sha256"})
_JOB_END: Set[str] = frozenset({"job_end_sha256", "health_after_sha256", "evidence_sha256"})
_VERDICT: tuple[Set[str], ...] = (
    frozenset({"audit_sha256", "closing_sha256"}),
    frozenset({"resolution_sha256", "closing_sha256"}),
)

EVENTS: Mapping[str, tuple[Set[str], ...]] = {
    # Chains that began before drafts had a digest have the first set.
    "contract.proposal.drafted": (
        frozenset({"proposal_sha256"}),
        frozenset({"proposal_sha256", "draft_sha256"}),
    ),
    "contract.validation.recorded": (frozenset({"validator_verdict_sha256"}),),
    "contract.eligibility.granted": (frozenset({"content_sha256"}),),
    "contract.eligibility.refused": (frozenset({"eligibility_verdict_sha256", "closing_sha256"}),),
    "contract.review.clarification_requested": (frozenset({"clarification_sha256"}),),
    "contract.review.clarified": (frozenset({"clarification_answer_sha256"}),),
    "contract.review.signed": (frozenset({"signature_sha256"}),),
    # Approvals from before signatures were stored have the first set.
    "contract.review.approved": (
        frozenset({"approval_sha256"}),
        frozenset({"approval_sha256", "signature_sha256"}),
    ),
    # The approval's record names the RollbackAuthorisation, which the chain of the contract that is
    # undone vouches for.
    "contract.review.pre_authorised": (frozenset({"approval_sha256"}),),
    "contract.review.rejected": (_CLOSING,),
    # This record is the successor's id itself, so that a reader of the chain can find it.
    "contract.review.superseded": (frozenset({"closing_sha256", "successor_id"}),),
    "contract.review.expired": (_CLOSING,),
    "contract.window.lapsed": (_CLOSING,),
    "contract.approval.withdrawn": (_CLOSING,),
    "contract.activation.activated": (_NOTHING,),
    "contract.audit.passed": _VERDICT,
    "contract.audit.failed": _VERDICT,
    "contract.audit.attempted": (frozenset({"audit_attempt_sha256"}),),
    "contract.audit.inconclusive": (frozenset({"audit_sha256"}),),
    "job.activation.created": (frozenset({"job_sha256", "health_before_sha256"}),),
    "job.execution.started": (frozenset({"start_sha256"}),),
    "job.step.completed": (frozenset({"step_result_sha256"}),),
    "job.step.failed": (frozenset({"step_result_sha256"}),),
    "job.execution.completed": (_JOB_END,),
    "job.execution.failed": (_JOB_END,),
    "job.execution.cancelled": (_JOB_END,),
}

# The events without a status; each other event is one move.
STATUSLESS_EVENTS: Set[str] = frozenset(
    {
        "contract.audit.attempted",
        "contract.audit.inconclusive",
        "contract.review.clarification_requested",
        "contract.review.clarified",
        "contract.review.signed",
        "job.step.completed",
        "job.step.failed",
    }
)

# The records of which a contract may have several, one entry each: the n-th entry vouches for the
# n-th row.
NUMBERED_RECORDS: Set[str] = frozenset(
    {
        "audit_attempt_sha256",
        "clarification_sha256",
        "clarification_answer_sha256",
        "signature_sha256",
    }
)

# The records of a review's questions and answers, which alternate.
CLARIFICATION_RECORDS: Mapping[str, str] = {
    "contract.review.clarification_requested": "clarification_sha256",
    "contract.review.clarified": "clarification_answer_sha256",
}


def ends_the_chain(event: str, to_status: str) -> bool:
    """Tell whether an entry is the last of its chain, because the contract became terminal."""
    return event.startswith("contract.") and to_status in CONTRACT_TERMINAL_STATES
