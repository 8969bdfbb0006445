"""Record values as text on pages: labels, times left; and the words of the domain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from governance.admin.visible_html import plain_text, visible
from governance.domain.record_wording import CLOSING_REASONS as CLOSING_REASONS
from governance.domain.record_wording import EVENTS as EVENTS
from governance.domain.record_wording import actor_in_words as actor_in_words
from governance.domain.record_wording import closing_in_words as closing_in_words
from governance.domain.record_wording import event_in_words as event_in_words
from governance.domain.record_wording import job_end_in_words as job_end_in_words
from governance.domain.record_wording import parse_actor as parse_actor
from governance.domain.record_wording import split_closing as split_closing
from governance.domain.wording import change_in_words as change_in_words
from governance.domain.wording import format_duration as format_duration
from governance.domain.wording import format_time as format_time
from governance.domain.wording import plural as plural
from governance.domain.wording import pretty_json as pretty_json
from governance.domain.wording import rollback_in_words as rollback_in_words
from governance.domain.wording import value_in_words as value_in_words


def label(word: Any) -> SafeString:
    """Format a word as a label; the stylesheet has a colour for each known word."""
    return format_html('<span class="gov-label" data-word="{0}">{0}</span>', word)


def two_lines(first: str, second: str) -> SafeString:
    """Format a list cell: the main text, and a fainter text below it."""
    return format_html(
        '<span class="gov-two-lines"><strong title="{}">{}</strong><small>{}</small></span>',
        plain_text(first),
        visible(first),
        visible(second),
    )


def source_in_words(source: str) -> str:
    return source.replace("_", " ").replace("crm", "CRM")


def left_until(end: datetime, at: datetime) -> str:
    """Return the time from `at` to `end`: `6 days left`, or `passed 2 h ago`."""
    return (
        f"{format_duration(end - at)} left"
        if end > at
        else f"passed {format_duration(at - end)} ago"
    )


def review_left(ends_at: datetime | None, at: datetime) -> str:
    """Return the time left for a review that ends at `ends_at`; None is a paused review."""
    return left_until(ends_at, at) if ends_at else "review paused: a question is open"


def first_names(names: Sequence[str], most: int = 2) -> str:
    """Return the first names and the number of the others: `Billing, Search +3`."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" +{more}" if more > 0 else "")


def verdict_time(recorded: Any, at: datetime) -> str:
    """Format the ISO 8601 time in a verdict, with its age; other text is returned unchanged."""
    try:
        given_at = datetime.fromisoformat(recorded).astimezone(UTC)
        age = format_duration(at - given_at)
    except (TypeError, ValueError, OverflowError):
        return str(recorded)
    return f"{format_time(given_at)} ({f'{age} ago' if given_at <= at else f'{age} ahead'})"


def normalize_newlines(text: str) -> str:
    """Replace the line ends that browsers send (`\\r\\n`) by `\\n`, as the record keeps them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
