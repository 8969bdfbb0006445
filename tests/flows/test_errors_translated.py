"""Tests of `write_transaction`: it translates known database errors and re-raises all others."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, OperationalError

from governance.db.transactions import write_transaction
from governance.domain.errors import IntegrityViolationError, JobImmutableError
from governance.models import GovernanceJob
from tests.support.attacks import nothing_written, run_sql
from tests.support.factories import pending_job, reloaded
from tests.support.users import Users


def test_copy__that_another_session_moved__refused(users: Users) -> None:
    job = reloaded(pending_job(users))
    stale = reloaded(job)

    def cancel_both() -> None:
        for copy in (job, stale):
            copy.to_cancelled(at=copy.created_at, by=users.operator, reason="Enough.")
            copy.save(update_fields=["status", "ended_at", "ended_by", "end_reason", "updated_at"])

    with pytest.raises(JobImmutableError) as refusal, nothing_written(), write_transaction():
        cancel_both()
    assert refusal.value.code == "job_immutable"
    assert GovernanceJob.objects.get().status == "PENDING"


def test_constraint__without_an_error_of_its_own__integrity_violation(db: None) -> None:
    with pytest.raises(IntegrityViolationError) as refusal, write_transaction():
        run_sql("INSERT INTO auth_group (name) VALUES ('twice'), ('twice')")
    assert refusal.value.details["constraint"] == "auth_group_name_key"


@pytest.mark.parametrize(
    ("sqlstate", "error"), [("23000", IntegrityError), ("53100", OperationalError)]
)
def test_failure__that_is_nobodys_refusal__stays_what_it_is(
    db: None, sqlstate: str, error: type[Exception]
) -> None:
    with pytest.raises(error), write_transaction():
        run_sql(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$")


def test_integrity_error__without_a_cause__stays_what_it_is(db: None) -> None:
    with pytest.raises(IntegrityError), write_transaction():
        raise IntegrityError("from nowhere")
