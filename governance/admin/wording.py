"""The record in words: labels, spans of time, events and values, for people's eyes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from governance.vocabulary.changes import parse_changes
from governance.vocabulary.errors import InvalidChangesError

EVENTS: Mapping[str, str] = {
    "contract.proposal.drafted": "proposed the change",
    "contract.validation.recorded": "recorded the validator's verdict",
    "contract.eligibility.granted": "recorded the gate's verdict: it MAY become a contract",
    "contract.eligibility.refused": "recorded the gate's verdict: it MAY NOT become a contract",
    "contract.review.clarification_requested": "asked for clarification; the clock stopped",
    "contract.review.clarified": "answered the question; the clock runs again",
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


def moment(at: datetime | None) -> str:
    """A time that cannot be misread: day, month by name, and UTC said aloud."""
    return f"{at:%-d %b %Y, %H:%M} UTC" if at else "—"


def span(length: timedelta | None) -> str:
    """A length of time in its two largest useful units at most: `3 days`, `4 h 12 min`, `0.8 s`."""
    if length is None:
        return "—"
    seconds = abs(length.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86_400)
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min" if hours < 10 and minutes % 60 else f"{hours} h"
    return "1 day" if days == 1 else f"{days} days"


def left_until(end: datetime, at: datetime) -> str:
    return f"{span(end - at)} left" if end > at else f"over since {span(at - end)}"


def plural(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def event_in_words(event: str, step_index: int | None) -> str:
    """What an entry tells; an event that is not known here stands for itself."""
    words = EVENTS.get(event)
    return event if words is None else words.format(number=step_index)


def actor_in_words(actor: str) -> str:
    """`user:7:ada` is ada; whatever else the ledger holds stays as it is."""
    parts = actor.split(":", 2)
    return parts[2] if len(parts) == 3 and parts[0] == "user" else actor


def value_in_words(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def pretty_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2)


def change_in_words(document: Any) -> str:
    """One recorded change as a sentence; what cannot be read any more is shown as it is."""
    try:
        (change,) = parse_changes(document)
    except (InvalidChangesError, ValueError):
        return value_in_words(document)
    return str(change)


def rollback_in_words(action: Any) -> str:
    return change_in_words(action) if action else "No way back is known"
