"""Raw SQL against notices: unread at first, marked as read once, removed with their contract."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.models import Notice, SystemContract
from tests.support.archives import AT_REST, remove_with_tombstone
from tests.support.attacks import (
    check_deferred_triggers,
    insert_row,
    run_sql,
    update_row,
    violates_constraint,
)
from tests.support.factories import asked, now
from tests.support.roles import as_owner
from tests.support.users import Users

TABLE = "governance_notice"


def forge_notice(users: Users, **changes: Any) -> None:
    row = {
        "account_id": users.operator.pk,
        "kind": "question_asked",
        "text": "founder asks: Why?",
        "created_at": now(),
    }
    insert_row(TABLE, **(row | changes))


def notice_of(users: Users) -> Notice:
    asked(users)
    return Notice.objects.get()


def test_notice__as_it_should_be__is_written_and_marked_once(users: Users) -> None:
    """A control: the attacks below fail because of what each changes."""
    forge_notice(users)
    notice = Notice.objects.get()
    update_row(TABLE, notice.pk, read_at=now())
    assert Notice.objects.get().read_at is not None


def test_notice__that_begins_as_read__refused(users: Users) -> None:
    with violates_constraint("notice_read_once"):
        forge_notice(users, read_at=now())


@pytest.mark.parametrize("again", [None, "later"])
def test_notice__marked_again_or_as_unread__refused(users: Users, again: str | None) -> None:
    notice = notice_of(users)
    update_row(TABLE, notice.pk, read_at=now())
    with violates_constraint("notice_read_once"):
        update_row(TABLE, notice.pk, read_at=again and now() + timedelta(hours=1))


@pytest.mark.parametrize("column", ["account_id", "kind", "text", "contract_id", "created_at"])
def test_notice__changed_as_it_is_marked__refused(users: Users, column: str) -> None:
    notice = notice_of(users)
    other = {
        "account_id": users.viewer.pk,
        "kind": "job_failed",
        "text": "Never mind.",
        "contract_id": None,
        "created_at": now() + timedelta(hours=1),
    }
    with violates_constraint("notice_read_once"):
        update_row(TABLE, notice.pk, read_at=now(), **{column: other[column]})


def test_notice__removed_or_truncated__refused(users: Users) -> None:
    notice_of(users)
    forge_notice(users)
    for number in Notice.objects.values_list("pk", flat=True):
        with violates_constraint("notice_never_removed"):
            run_sql(f"DELETE FROM {TABLE} WHERE id = %s", number)
    with violates_constraint("notice_never_removed"):
        run_sql(f"TRUNCATE {TABLE}")


def test_notice__of_an_unknown_kind_or_without_text__refused(users: Users) -> None:
    with violates_constraint("notice_kind_known"):
        forge_notice(users, kind="gossip")
    with violates_constraint("notice_text_not_empty"):
        forge_notice(users, text="")


def test_notices__of_an_archived_contract__leave_with_it(users: Users) -> None:
    contract = AT_REST["discussed"](users)
    other: SystemContract = asked(users)
    assert Notice.objects.filter(contract=contract).exists()
    check_deferred_triggers()
    with as_owner():
        remove_with_tombstone(contract)
        check_deferred_triggers()
    assert {notice.contract_id for notice in Notice.objects.all()} == {other.pk}
