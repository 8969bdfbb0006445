"""What PostgreSQL and django-fsm refuse comes out in the domain's words, or as what it is."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, OperationalError

from governance.ledger.story import story
from governance.models import GovernanceJob
from governance.vocabulary.errors import RecordProtectedError, StaleCopyError
from tests.support.attacks import nothing_written, run_sql
from tests.support.cast import Cast
from tests.support.stories import again, pending_job


def test_copy__that_somebody_else_moved__stale(cast: Cast) -> None:
    job = pending_job(cast)
    stale = again(job)

    def cancel_both() -> None:
        for copy in (job, stale):
            copy.to_cancelled(at=copy.created_at, by=cast.operator, reason="Enough.")
            copy.save(update_fields=["status", "ended_at", "ended_by", "end_reason", "updated_at"])

    with pytest.raises(StaleCopyError) as refusal, nothing_written(), story():
        cancel_both()
    assert refusal.value.code == "stale_copy"
    assert GovernanceJob.objects.get().status == "PENDING"


def test_constraint__that_no_error_stands_for__record_protected(db: None) -> None:
    with pytest.raises(RecordProtectedError) as refusal, story():
        run_sql("INSERT INTO auth_group (name) VALUES ('twice'), ('twice')")
    assert refusal.value.details["law"] == "auth_group_name_key"


@pytest.mark.parametrize(
    ("sqlstate", "error"), [("23000", IntegrityError), ("53100", OperationalError)]
)
def test_failure__that_is_nobodys_refusal__stays_what_it_is(
    db: None, sqlstate: str, error: type[Exception]
) -> None:
    with pytest.raises(error), story():
        run_sql(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$")


def test_integrity_error__without_a_cause__stays_what_it_is(db: None) -> None:
    with pytest.raises(IntegrityError), story():
        raise IntegrityError("from nowhere")
