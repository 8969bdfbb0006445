"""JOB-005: health snapshots are observations: written once, never changed."""

from __future__ import annotations

from typing import Any

import pytest

from governance.authorities.health.readings import capture_health_snapshot
from governance.db.transactions import write_transaction
from governance.domain.errors import IntegrityViolationError
from governance.domain.values import HealthDecision, SnapshotPhase
from governance.models import HealthSnapshot
from tests.support.attacks import nothing_written, run_sql, update_row, violates_constraint
from tests.support.factories import finished_job, now, pending_job, running_job
from tests.support.forgery import NOON, SNAPSHOT, forge_snapshot
from tests.support.platform import signal
from tests.support.roles import as_owner
from tests.support.users import Users


class TestJOB005HealthReadOnly:
    # --- in Python ---
    def test_job__from_activation_to_end__keeps_one_snapshot_before_and_one_after(
        self, users: Users
    ) -> None:
        running = running_job(users)
        phases = HealthSnapshot.objects.filter(job=running.job).values_list("phase", flat=True)
        assert list(phases) == [SnapshotPhase.BEFORE]
        running.cancel()
        assert set(phases.all()) == {SnapshotPhase.BEFORE, SnapshotPhase.AFTER}

    def test_snapshot__platform_changes_later__stays_as_observed(self, users: Users) -> None:
        job = pending_job(users)
        before = job.snapshots.get().reading
        signal(users, HealthDecision.DEGRADED)
        assert job.snapshots.get().reading == before
        assert before["capabilities"] == {"Search": "HEALTHY"}

    def test_snapshot__holds_what_was_read_with_its_signals(self, users: Users) -> None:
        signal(users, HealthDecision.DEGRADED)
        signal(users, HealthDecision.BLOCKED, "Billing", signal_type="not_in_scope")
        reading = pending_job(users).snapshots.get().reading
        assert reading["system"] == "HEALTHY"
        assert reading["capabilities"] == {"Search": "DEGRADED"}
        assert [s["signal_type"] for s in reading["signals"]] == ["latency"]

    def test_executors_claim__sent_with_a_report__is_no_snapshot(self, users: Users) -> None:
        running = running_job(users)
        result, _ = running.record(running.report(0, health_after={"system": "BLOCKED"}))
        assert result.health_after == {"system": "BLOCKED"}
        assert running.job.snapshots.count() == 1

    def test_reading_health__writes_nothing(self, users: Users) -> None:
        signal(users, HealthDecision.DEGRADED)
        with nothing_written():
            capture_health_snapshot(scopes=["Search"], at=now())

    def test_snapshot__rewritten_through_the_model__integrity_violation(self, users: Users) -> None:
        job = pending_job(users)
        with (
            nothing_written(),
            as_owner(),
            pytest.raises(IntegrityViolationError) as refusal,
            write_transaction(),
        ):
            HealthSnapshot.objects.filter(job=job).update(reading={"system": "BLOCKED"})
        assert refusal.value.details["constraint"] == "health_snapshot_written_once"

    def test_second_snapshot__written_past_the_guards__integrity_violation(
        self, users: Users
    ) -> None:
        job = pending_job(users)
        with (
            nothing_written(),
            pytest.raises(IntegrityViolationError) as refusal,
            write_transaction(),
        ):
            HealthSnapshot.objects.create(job=job, phase="BEFORE", reading={}, observed_at=NOON)
        assert refusal.value.details["constraint"] == "snapshot_once_per_phase"

    # --- in Postgres ---
    @pytest.mark.parametrize(
        ("column", "value"),
        [("reading", "{}"), ("phase", "AFTER"), ("observed_at", NOON)],
    )
    def test_sql_update__snapshot__refused(self, users: Users, column: str, value: Any) -> None:
        snapshot = pending_job(users).snapshots.get()
        with violates_constraint("health_snapshot_written_once"):
            update_row(SNAPSHOT, snapshot.pk, **{column: value})

    def test_sql_delete__snapshot__refused(self, users: Users) -> None:
        job = finished_job(users)
        with violates_constraint("health_snapshot_written_once"):
            run_sql(f"DELETE FROM {SNAPSHOT} WHERE job_id = %s", job.pk)

    def test_sql_truncate__snapshots__refused(self, users: Users) -> None:
        finished_job(users)
        with violates_constraint("health_snapshot_written_once"):
            run_sql(f"TRUNCATE {SNAPSHOT}")

    def test_sql_insert__second_snapshot_before__refused(self, users: Users) -> None:
        job = pending_job(users)
        with violates_constraint("snapshot_once_per_phase"):
            forge_snapshot(job.pk, "BEFORE")

    def test_sql_insert__second_snapshot_after__refused(self, users: Users) -> None:
        job = running_job(users).job
        forge_snapshot(job.pk, "AFTER")
        with violates_constraint("snapshot_once_per_phase"):
            forge_snapshot(job.pk, "AFTER")

    def test_sql_insert__snapshot_before_of_a_running_job__refused(self, users: Users) -> None:
        job = running_job(users).job
        with violates_constraint("health_snapshot_in_time"):
            forge_snapshot(job.pk, "BEFORE")

    def test_sql_insert__snapshot_after_the_end__refused(self, users: Users) -> None:
        running = running_job(users)
        running.cancel()
        with violates_constraint("health_snapshot_in_time"):
            forge_snapshot(running.job.pk, "AFTER")

    def test_sql_insert__unknown_phase__refused(self, users: Users) -> None:
        job = running_job(users).job
        with violates_constraint("snapshot_phase_known"):
            forge_snapshot(job.pk, "DURING")
