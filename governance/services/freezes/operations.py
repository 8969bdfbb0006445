"""Starting and lifting change freezes: the only writer of `ChangeFreeze` and `FreezeLift`.

While a freeze is active, nothing is approved, activated, claimed or started. Running jobs go on:
reports, completions, cancellations, verdicts and rejections are accepted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from governance.db.clock import database_now
from governance.db.transactions import retried, write_transaction
from governance.domain.errors import (
    FreezeNotFoundError,
    FreezeOverError,
    InvalidWindowError,
    NoActiveFreezeError,
    ReasonRequiredError,
)
from governance.domain.texts import clean_text
from governance.models import Account, ChangeFreeze, FreezeLift
from governance.services.access.permissions import require_founder
from governance.services.freezes.queries import active_freezes


@retried
def start_freeze(*, reason: str, ends_at: datetime, founder: Account) -> ChangeFreeze:
    """Start a change freeze from now until `ends_at`.

    Waits for the moves that are being committed; after that, PostgreSQL refuses every move.

    Raises:
        WrongPersonError: the person is no founder.
        ReasonRequiredError: the reason is empty.
        InvalidWindowError: the end is not in the future, or more than
            `GOVSITE["MAX_FREEZE_HOURS"]` ahead.
    """
    require_founder(founder)
    reason = _require_reason(reason)
    with write_transaction():
        at = database_now()
        _require_end(ends_at, at)
        freeze = ChangeFreeze(reason=reason, started_by=founder, started_at=at, ends_at=ends_at)
        return ChangeFreeze.objects.bulk_create([freeze])[0]


@retried
def lift_freeze(*, freeze_id: UUID, reason: str, founder: Account) -> FreezeLift:
    """Lift one change freeze before its end; another active freeze stays active.

    Raises:
        WrongPersonError: the person is no founder.
        ReasonRequiredError: the reason is empty.
        FreezeNotFoundError: no such freeze.
        FreezeOverError: the freeze was lifted or has ended.
    """
    require_founder(founder)
    reason = _require_reason(reason)
    with write_transaction():
        freeze = ChangeFreeze.objects.select_related("lift").filter(pk=freeze_id).first()
        if freeze is None:
            raise FreezeNotFoundError(f"There is no freeze {freeze_id}.")
        at = database_now()
        if hasattr(freeze, "lift") or freeze.ends_at <= at:
            raise FreezeOverError("This freeze has already ended.")
        return _lift(freeze, reason=reason, founder=founder, at=at)


@retried
def lift_active_freezes(*, reason: str, founder: Account) -> list[FreezeLift]:
    """Lift every active change freeze.

    Raises:
        WrongPersonError: the person is no founder.
        ReasonRequiredError: the reason is empty.
        NoActiveFreezeError: no freeze is active.
    """
    require_founder(founder)
    reason = _require_reason(reason)
    with write_transaction():
        active = active_freezes()
        if not active:
            raise NoActiveFreezeError("No change freeze is active.")
        at = database_now()
        return [_lift(freeze, reason=reason, founder=founder, at=at) for freeze in active]


def _lift(freeze: ChangeFreeze, *, reason: str, founder: Account, at: datetime) -> FreezeLift:
    lift = FreezeLift(freeze=freeze, reason=reason, lifted_by=founder, lifted_at=at)
    return FreezeLift.objects.bulk_create([lift])[0]


def _require_reason(reason: Any) -> str:
    text = clean_text(reason, "reason")
    if not text:
        raise ReasonRequiredError.at("reason", "is required")
    return text


def _require_end(ends_at: datetime, at: datetime) -> None:
    max_length = timedelta(hours=settings.GOVSITE["MAX_FREEZE_HOURS"])
    if ends_at.tzinfo is None:
        message = "must have a time zone"
    elif ends_at <= at:
        message = "must be in the future"
    elif ends_at - at > max_length:
        message = f"must be at most {settings.GOVSITE['MAX_FREEZE_HOURS']} hours from now"
    else:
        return
    raise InvalidWindowError.at("ends_at", message)
