"""A person's own notices."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from governance.domain.values import NoticeKind
from governance.models import Account, Notice

MAX_UNREAD_COUNTED = 100
_SHOWN = ("id", "kind", "text", "created_at", "read_at", "contract__title", "contract__status")


def unread_count(person: Account) -> int:
    """Return how many of a person's notices are unread, at most `MAX_UNREAD_COUNTED`; one query."""
    unread = Notice.objects.filter(account=person, read_at=None).order_by()
    return unread[:MAX_UNREAD_COUNTED].count()


def was_notified(account_ids: Collection[int], *, kind: NoticeKind, since: datetime) -> bool:
    """Return whether one of these accounts got a notice of this kind after `since`; one query."""
    return Notice.objects.filter(account__in=account_ids, kind=kind, created_at__gt=since).exists()


def newest_notices(person: Account, *, most: int, unread_only: bool = False) -> list[Notice]:
    """Return a person's newest notices with the titles of their contracts; one query."""
    own = Notice.objects.filter(account=person)
    if unread_only:
        own = own.filter(read_at=None)
    return list(own.select_related("contract").only(*_SHOWN).order_by("-id")[:most])
