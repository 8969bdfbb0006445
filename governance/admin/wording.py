"""The record in words: labels, spans of time, events and values, for people's eyes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from governance.domain.wording import change_in_words as change_in_words
from governance.domain.wording import format_duration as format_duration
from governance.domain.wording import format_time as format_time
from governance.domain.wording import plural as plural
from governance.domain.wording import rollback_in_words as rollback_in_words
from governance.domain.wording import value_in_words as value_in_words

EVENTS: Mapping[str, str] = {
    "contract.proposal.drafted": "proposed the change",
    "contract.validation.recorded": "recorded the validator's verdict",
    "contract.eligibility.granted": "recorded the gate's verdict: it MAY become a contract",
    "contract.eligibility.refused": "recorded the gate's verdict: it MAY NOT become a contract",
    "contract.review.clarification_requested": "asked for clarification; the review was paused",
    "contract.review.clarified": "answered the question; the review resumed",
    "contract.review.signed": "signed the contract; more founders must",
    "contract.review.approved": "approved the contract",
    "contract.review.rejected": "rejected the contract",
    "contract.review.superseded": "modified the scope: another contract takes its place",
    "contract.review.expired": "closed the review: its time was over",
    "contract.window.lapsed": "closed the contract: its window passed unused",
    "contract.activation.activated": "activated the contract",
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


def label(word: Any) -> SafeString:
    """A word as a label; the stylesheet gives each word its colour."""
    return format_html('<span class="gov-label" data-word="{0}">{0}</span>', word)


def two_lines(first: str, second: str) -> SafeString:
    """A cell of a list: what matters, and a fainter word below it."""
    return format_html(
        '<span class="gov-two-lines"><strong title="{0}">{0}</strong><small>{1}</small></span>',
        first,
        second,
    )


def source_in_words(source: str) -> str:
    return source.replace("_", " ").replace("crm", "CRM")


def left_until(end: datetime, at: datetime) -> str:
    return (
        f"{format_duration(end - at)} left"
        if end > at
        else f"over since {format_duration(at - end)}"
    )


def event_in_words(event: str, step_index: int | None) -> str:
    """What an entry tells; an event that is not known here stands for itself."""
    words = EVENTS.get(event)
    return event if words is None else words.format(number=(step_index or 0) + 1)


def actor_in_words(actor: str) -> str:
    """`user:7:ada` is ada; whatever else the ledger holds stays as it is."""
    parts = actor.split(":", 2)
    return parts[2] if len(parts) == 3 and parts[0] == "user" else actor


def pretty_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2)
