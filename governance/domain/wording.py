"""Times, durations, values and changes as text, the same on every page and in every document."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from governance.domain.changes import parse_changes
from governance.domain.errors import InvalidChangesError
from governance.domain.sentences import Sentence, valued
from governance.domain.sentences import value_in_words as value_in_words


def format_time(at: datetime | None) -> str:
    """Format a time without ambiguity: the month by name, and the zone."""
    return f"{at:%-d %b %Y, %H:%M} UTC" if at else "—"


def format_duration(length: timedelta | None) -> str:
    """Format a duration in at most two units: `3 days`, `4 h 12 min`, `0.8 s`."""
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


def plural(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def pretty_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2)


def change_in_words(document: Any) -> Sentence:
    """Return a recorded change as a sentence, or as JSON if it is no longer a valid change."""
    try:
        (change,) = parse_changes(document)
    except (InvalidChangesError, ValueError):
        return Sentence.of(valued(document))
    return change.sentence()


def rollback_in_words(action: Any) -> Sentence:
    return change_in_words(action) if action else Sentence.of("No known rollback")
