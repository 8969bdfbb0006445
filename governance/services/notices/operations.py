"""Writing notices and marking them as read: the only writer of `Notice`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Greatest

from governance.db.clock import DatabaseNow
from governance.db.rows import fetch_rows
from governance.db.transactions import retried, write_transaction
from governance.domain.errors import NotOwnNoticeError
from governance.domain.texts import cut_text
from governance.domain.values import MAX_NOTICE_LENGTH, NoticeKind
from governance.models import Account, Notice

_NOTIFY = "SELECT governance_notify(%s, %s, %s, %s, %s, %s)"


def notify(
    *,
    account_ids: Collection[int],
    kind: NoticeKind,
    text: str,
    contract_id: UUID,
    at: datetime,
    to_signers: bool = False,
) -> None:
    """Write a notice about a contract to several accounts, by one statement of the caller's.

    Each account gets it once. The text is cut to one line of `MAX_NOTICE_LENGTH` characters.

    Args:
        account_ids: the accounts that the notice is for.
        to_signers: whether it is also for the founders whose signatures approved the contract.
        at: the time of what happened, as the caller's transaction has it.
    """
    fetch_rows(_NOTIFY, [list(account_ids), to_signers, contract_id, kind, one_line(text), at])


@retried
def mark_read(*, notice_ids: Collection[int], person: Account) -> int:
    """Mark a person's own notices as read; return how many of them were unread.

    One that was read before keeps its time.

    Raises:
        NotOwnNoticeError: one of them is another person's, or does not exist; none is marked.
    """
    with write_transaction():
        own = Notice.objects.filter(account=person, pk__in=notice_ids)
        if own.count() != len(set(notice_ids)):
            raise NotOwnNoticeError("These notices are not yours.")
        unread = own.filter(read_at=None)
        return unread.update(read_at=Greatest(DatabaseNow(), F("created_at")))


def one_line(text: str) -> str:
    """Join a text's lines, and cut it to the length of a notice."""
    return cut_text(" ".join(text.split()), MAX_NOTICE_LENGTH)
