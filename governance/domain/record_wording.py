"""What the ledger and closed rows have recorded, in words: events, actors, reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping

from governance.domain.values import WITHDRAWN, JobStatus

EVENTS: Mapping[str, str] = {
    "contract.proposal.drafted": "proposed the change",
    "contract.validation.recorded": "recorded the validator's verdict",
    "contract.eligibility.granted": "recorded the eligibility verdict MAY",
    "contract.eligibility.refused": "recorded the eligibility verdict MAY_NOT",
    "contract.review.clarification_requested": "asked for clarification; the review was paused",
    "contract.review.clarified": "answered the question; the review resumed",
    "contract.review.signed": "signed the contract; more founders must",
    "contract.review.approved": "approved the contract",
    "contract.review.pre_authorised": "approved the rollback, as founders authorised beforehand",
    "contract.review.rejected": "rejected the contract",
    "contract.review.superseded": "modified the scope: another contract takes its place",
    "contract.review.expired": "closed the contract: no founder decided in time",
    "contract.window.lapsed": "closed the contract: its window passed unused",
    "contract.approval.withdrawn": "withdrew the approval",
    "contract.activation.activated": "activated the contract",
    "contract.audit.attempted": "kept an attempt of the audit beside the verdict",
    "contract.audit.passed": "gave the verdict PASS",
    "contract.audit.failed": "gave the verdict FAIL",
    "contract.audit.inconclusive": "gave the verdict INCONCLUSIVE",
    "job.activation.created": "made the job, with its steps",
    "job.execution.started": "started the job",
    "job.step.completed": "reported step {number} as completed",
    "job.step.failed": "reported step {number} as failed",
    "job.execution.completed": "ended the job: every step completed",
    "job.execution.failed": "ended the job: it failed",
    "job.execution.cancelled": "cancelled the job",
}

# Reasons that are recorded as codes, and their sentences.
CLOSING_REASONS: Mapping[str, str] = {
    "review_ttl_passed": "No founder decided in time.",
    "window_lapsed": "Its activation window passed unused.",
}
_ACTOR = re.compile(r"user:(\d{1,18}):(.*)", re.DOTALL)
_STEP = re.compile(r"\b([Ss]tep) (\d+)\b")


def event_in_words(event: str, step_index: int | None) -> str:
    """Return what a ledger entry's actor did; an unknown event is returned unchanged."""
    words = EVENTS.get(event)
    return event if words is None else words.format(number=(step_index or 0) + 1)


def actor_in_words(actor: str, names: Mapping[int, str]) -> str:
    """Return `ada (account 7)` for the actor `user:7:ada`, with another present name if there is.

    Any other actor is returned unchanged.

    Args:
        names: the present usernames of accounts, by their ids.
    """
    account_id, name = parse_actor(actor)
    if account_id is None:
        return actor
    present = names.get(account_id, name)
    return f"{name} (account {account_id}{'' if present == name else f', now {present}'})"


def parse_actor(actor: str) -> tuple[int | None, str]:
    """Return id and name of the account that a ledger's actor names; None if it names none."""
    found = _ACTOR.fullmatch(actor)
    return (int(found[1]), found[2]) if found else (None, actor)


def split_closing(reason: str) -> tuple[str, str]:
    """Split a closing reason into the sentence of its code and a person's words, if it has them."""
    code, _, words = reason.partition(": ")
    if code == WITHDRAWN:
        return "A founder withdrew its approval.", words
    sentence = CLOSING_REASONS.get(reason, "")
    return sentence, "" if sentence else reason


def closing_in_words(reason: str) -> str:
    """Return the sentence for a recorded closing code, and the words that a person typed."""
    return " ".join(part for part in split_closing(reason) if part)


def job_end_in_words(status: str, reason: str) -> str:
    """Return why a job ended, with the steps counted from 1.

    The system writes the reason of a FAILED job and counts its steps from 0. The reason of a
    cancelled job was typed by a person, and is returned unchanged.
    """
    if status != JobStatus.FAILED:
        return reason
    return _STEP.sub(lambda step: f"{step[1]} {int(step[2]) + 1}", reason)
