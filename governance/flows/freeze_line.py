"""A founder stops the line, or lets it run again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.contract.guards import refuse_frozen_line
from governance.models import LineFreeze, LineThaw
from governance.review import line
from governance.review.queries import freeze_in_force
from governance.vocabulary.errors import LineFrozenError


def freeze_line(*, reason: str, ends_at: datetime, founder: Any, at: datetime) -> LineFreeze:
    """No approval, activation, claim or start until `ends_at`; see `governance.review.line`."""
    return line.freeze_line(reason=reason, ends_at=ends_at, founder=founder, at=at)


def thaw_freeze(*, freeze_id: UUID, reason: str, founder: Any, at: datetime) -> LineThaw:
    """One freeze ends before its time."""
    return line.thaw_freeze(freeze_id=freeze_id, reason=reason, founder=founder, at=at)


def thaw_line(*, reason: str, founder: Any, at: datetime) -> list[LineThaw]:
    """Every freeze that is in force ends before its time."""
    return line.thaw_line(reason=reason, founder=founder, at=at)


@contextmanager
def saying_why_it_is_frozen(at: datetime) -> Iterator[None]:
    """Give a refusal by PostgreSQL its details: of a claim, and for a freeze that came between look
    and commit."""
    try:
        yield
    except LineFrozenError as refusal:
        if "until" not in refusal.details:
            refuse_frozen_line(freeze_in_force(at))
        raise
