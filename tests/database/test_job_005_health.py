"""JOB-005: health snapshots are observations: written once, never changed."""

from __future__ import annotations

from typing import Any

import pytest

from governance.health.readings import capture_health_snapshot
from governance.ledger.story import story
from governance.models import HealthSnapshot
from governance.vocabulary.errors import RecordProtectedError
from governance.vocabulary.values import HealthDecision, SnapshotPhase
from tests.support.attacks import nothing_written, refused_by, run_sql, update_row
from tests.support.cast import Cast
from tests.support.forgery import NOON, SNAPSHOT, forge_snapshot
from tests.support.platform import signal
from tests.support.roles import as_owner
from tests.support.stories import finished_job, now, pending_job, running_job


class TestJOB005HealthReadOnly:
    # --- in Python ---
    def test_job__from_activation_to_end__keeps_one_snapshot_before_and_one_after(
        self, cast: Cast
    ) -> None:
        running = running_job(cast)
        phases = HealthSnapshot.objects.filter(job=running.job).values_list("phase", flat=True)
        assert list(phases) == [SnapshotPhase.BEFORE]
        running.cancel()
        assert set(phases.all()) == {SnapshotPhase.BEFORE, SnapshotPhase.AFTER}

    def test_snapshot__platform_changes_later__stays_as_observed(self, cast: Cast) -> None:
        job = pending_job(cast)
        before = job.snapshots.get().reading
        signal(cast, HealthDecision.DEGRADED)
        assert job.snapshots.get().reading == before
        assert before["capabilities"] == {"Search": "HEALTHY"}

    def test_snapshot__holds_what_was_read_with_its_signals(self, cast: Cast) -> None:
        signal(cast, HealthDecision.DEGRADED)
        signal(cast, HealthDecision.BLOCKED, "Billing", signal_type="not_in_scope")
        reading = pending_job(cast).snapshots.get().reading
        assert reading["system"] == "HEALTHY"
        assert reading["capabilities"] == {"Search": "DEGRADED"}
        assert [s["signal_type"] for s in reading["signals"]] == ["latency"]

    def test_executors_claim__sent_with_a_report__is_no_snapshot(self, cast: Cast) -> None:
        running = running_job(cast)
        result, _ = running.record(running.report(0, health_after={"system": "BLOCKED"}))
        assert result.health_after == {"system": "BLOCKED"}
        assert running.job.snapshots.count() == 1

    def test_reading_health__writes_nothing(self, cast: Cast) -> None:
        signal(cast, HealthDecision.DEGRADED)
        with nothing_written():
            capture_health_snapshot(scopes=["Search"], at=now())

    def test_snapshot__rewritten_through_the_model__record_protected(self, cast: Cast) -> None:
        job = pending_job(cast)
        with (
            nothing_written(),
            as_owner(),
            pytest.raises(RecordProtectedError) as refusal,
            story(),
        ):
            HealthSnapshot.objects.filter(job=job).update(reading={"system": "BLOCKED"})
        assert refusal.value.details["law"] == "health_snapshot_written_once"

    def test_second_snapshot__written_past_the_guards__record_protected(self, cast: Cast) -> None:
        job = pending_job(cast)
        with nothing_written(), pytest.raises(RecordProtectedError) as refusal, story():
            HealthSnapshot.objects.create(job=job, phase="BEFORE", reading={}, observed_at=NOON)
        assert refusal.value.details["law"] == "snapshot_once_per_phase"

    # --- in Postgres ---
    @pytest.mark.parametrize(
        ("column", "value"),
        [("reading", "{}"), ("phase", "AFTER"), ("observed_at", NOON)],
    )
    def test_sql_update__snapshot__refused(self, cast: Cast, column: str, value: Any) -> None:
        snapshot = pending_job(cast).snapshots.get()
        with refused_by("health_snapshot_written_once"):
            update_row(SNAPSHOT, snapshot.pk, **{column: value})

    def test_sql_delete__snapshot__refused(self, cast: Cast) -> None:
        job = finished_job(cast)
        with refused_by("health_snapshot_written_once"):
            run_sql(f"DELETE FROM {SNAPSHOT} WHERE job_id = %s", job.pk)

    def test_sql_truncate__snapshots__refused(self, cast: Cast) -> None:
        finished_job(cast)
        with refused_by("health_snapshot_written_once"):
            run_sql(f"TRUNCATE {SNAPSHOT}")

    def test_sql_insert__second_snapshot_before__refused(self, cast: Cast) -> None:
        job = pending_job(cast)
        with refused_by("snapshot_once_per_phase"):
            forge_snapshot(job.pk, "BEFORE")

    def test_sql_insert__second_snapshot_after__refused(self, cast: Cast) -> None:
        job = running_job(cast).job
        forge_snapshot(job.pk, "AFTER")
        with refused_by("snapshot_once_per_phase"):
            forge_snapshot(job.pk, "AFTER")

    def test_sql_insert__snapshot_before_of_a_running_job__refused(self, cast: Cast) -> None:
        job = running_job(cast).job
        with refused_by("health_snapshot_in_time"):
            forge_snapshot(job.pk, "BEFORE")

    def test_sql_insert__snapshot_after_the_end__refused(self, cast: Cast) -> None:
        running = running_job(cast)
        running.cancel()
        with refused_by("health_snapshot_in_time"):
            forge_snapshot(running.job.pk, "AFTER")

    def test_sql_insert__phase_that_nobody_knows__refused(self, cast: Cast) -> None:
        job = running_job(cast).job
        with refused_by("snapshot_phase_known"):
            forge_snapshot(job.pk, "DURING")
