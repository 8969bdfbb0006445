"""Every event that the ledger knows, and the rows that its entries vouch for.

An event has three parts: whose it is (`contract` or `job`), the stage, and what happened. A record
is named for the row whose SHA-256 the entry carries; `dossier.py` says how each is computed.
An event with more than one set of records may carry any one of them.
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
    # Chains begun before drafts were vouched for hold the first alone.
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
    # Approvals given before founders' signatures were kept hold the first alone.
    "contract.review.approved": (
        frozenset({"approval_sha256"}),
        frozenset({"approval_sha256", "signature_sha256"}),
    ),
    "contract.review.rejected": (_CLOSING,),
    # This record is the successor's id itself, so that the chain names it to whoever reads it.
    "contract.review.superseded": (frozenset({"closing_sha256", "successor_id"}),),
    "contract.review.expired": (_CLOSING,),
    "contract.window.lapsed": (_CLOSING,),
    "contract.activation.activated": (_NOTHING,),
    "contract.audit.passed": _VERDICT,
    "contract.audit.failed": _VERDICT,
    "contract.audit.inconclusive": (frozenset({"audit_sha256"}),),
    "job.activation.created": (frozenset({"job_sha256", "health_before_sha256"}),),
    "job.execution.started": (frozenset({"start_sha256"}),),
    "job.step.completed": (frozenset({"step_result_sha256"}),),
    "job.step.failed": (frozenset({"step_result_sha256"}),),
    "job.execution.completed": (_JOB_END,),
    "job.execution.failed": (_JOB_END,),
    "job.execution.cancelled": (_JOB_END,),
}

# What is told without anybody's status moving; every other event tells one move.
STATUSLESS_EVENTS: Set[str] = frozenset(
    {
        "contract.audit.inconclusive",
        "contract.review.clarification_requested",
        "contract.review.clarified",
        "contract.review.signed",
        "job.step.completed",
        "job.step.failed",
    }
)

# Rows of which a contract may have several, each told once, in order: the entry that comes n-th
# vouches for the n-th row.
NUMBERED_RECORDS: Set[str] = frozenset(
    {"clarification_sha256", "clarification_answer_sha256", "signature_sha256"}
)

# A review's questions and answers: they are told one after the other.
CLARIFICATION_RECORDS: Mapping[str, str] = {
    "contract.review.clarification_requested": "clarification_sha256",
    "contract.review.clarified": "clarification_answer_sha256",
}


def ends_the_chain(event: str, to_status: str) -> bool:
    """Whether an entry is the last that its chain will ever have: the contract came to rest."""
    return event.startswith("contract.") and to_status in CONTRACT_TERMINAL_STATES
