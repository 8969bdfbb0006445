"""The line: a founder stops it for a while, and lets it run again. The only writer of both.

While it stands still, nothing is approved, activated, claimed or started. What runs already goes
on: reports, completions, cancellations, verdicts and rejections are taken.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from governance.contract.guards import clean_text
from governance.ledger.story import retried, story
from governance.models import LineFreeze, LineThaw
from governance.review.policy import require_founder
from governance.vocabulary.errors import (
    InvalidWindowError,
    NotFoundError,
    ReasonRequiredError,
    WrongStateError,
)


@retried
def freeze_line(*, reason: str, ends_at: datetime, founder: Any, at: datetime) -> LineFreeze:
    """Stop the line from now until `ends_at`.

    Waits for the moves that are being committed; once this returns, none is made any more.
    Raises WrongPersonError, ReasonRequiredError, and InvalidWindowError for an end that is not in
    the future, or later than `GOVERNANCE["LONGEST_FREEZE_HOURS"]` from now.
    """
    require_founder(founder)
    reason = _require_reason(reason)
    _require_end(ends_at, at)
    with story():
        freeze = LineFreeze(reason=reason, frozen_by=founder, frozen_at=at, ends_at=ends_at)
        return LineFreeze.objects.bulk_create([freeze])[0]


@retried
def thaw_freeze(*, freeze_id: UUID, reason: str, founder: Any, at: datetime) -> LineThaw:
    """End one freeze before its time; the line runs again when no other is in force.

    Raises WrongPersonError, ReasonRequiredError, NotFoundError (`freeze_not_found`), and
    WrongStateError (`freeze_over`) when it was thawed already, or its time is over.
    """
    require_founder(founder)
    reason = _require_reason(reason)
    with story():
        freeze = LineFreeze.objects.select_related("thaw").filter(pk=freeze_id).first()
        if freeze is None:
            raise NotFoundError(f"There is no freeze {freeze_id}.", code="freeze_not_found")
        if hasattr(freeze, "thaw") or freeze.ends_at <= at:
            raise WrongStateError("This freeze is over already.", code="freeze_over")
        return _thaw(freeze, reason=reason, founder=founder, at=at)


@retried
def thaw_line(*, reason: str, founder: Any, at: datetime) -> list[LineThaw]:
    """End every freeze that is in force. WrongStateError (`line_not_frozen`) where none is."""
    require_founder(founder)
    reason = _require_reason(reason)
    with story():
        standing = list(LineFreeze.objects.in_force(at).filter(thaw=None))
        if not standing:
            raise WrongStateError("The line is not frozen.", code="line_not_frozen")
        return [_thaw(freeze, reason=reason, founder=founder, at=at) for freeze in standing]


def _thaw(freeze: LineFreeze, *, reason: str, founder: Any, at: datetime) -> LineThaw:
    # Clocks of two machines differ a little: a thaw never comes before its freeze.
    thawed_at = max(at, freeze.frozen_at)
    thaw = LineThaw(freeze=freeze, reason=reason, thawed_by=founder, thawed_at=thawed_at)
    return LineThaw.objects.bulk_create([thaw])[0]


def _require_reason(reason: Any) -> str:
    text = clean_text(reason, "reason")
    if not text:
        raise ReasonRequiredError.at("reason", "must say why")
    return text


def _require_end(ends_at: datetime, at: datetime) -> None:
    longest = timedelta(hours=settings.GOVERNANCE["LONGEST_FREEZE_HOURS"])
    if ends_at.tzinfo is None:
        message = "must name its time zone"
    elif ends_at <= at:
        message = "must lie in the future"
    elif ends_at - at > longest:
        message = f"must be at most {settings.GOVERNANCE['LONGEST_FREEZE_HOURS']} hours from now"
    else:
        return
    raise InvalidWindowError.at("ends_at", message)
