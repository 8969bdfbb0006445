"""The commands for activation, sweeps, cancelling, audit verdicts, evidence and signals."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from governance.domain.errors import (
    ContractImmutableError,
    ContractNotApprovedError,
    GovernanceError,
    HealthBlocksError,
    JobImmutableError,
    LeaseNotOverError,
    StaleCopyError,
)
from governance.domain.values import ActivationWindow, AuditVerdict
from governance.flows.sweep import SweepResult
from governance.management.base import PartlyRefused
from governance.management.sweeping import SweepCommand
from governance.models import GovernanceAudit, GovernanceJob, GovernanceSignal
from tests.support.commands import run, write_lines
from tests.support.factories import (
    apart,
    approved,
    draft,
    eligible,
    finished_job,
    judged_job,
    now,
    pending_job,
    reloaded,
    running_job,
)
from tests.support.users import Users


# --- activation ---
def test_activate_contract__approved__becomes_a_pending_job(users: Users) -> None:
    contract = approved(users)
    ran = run(
        "activate_contract",
        contract.pk,
        "--as",
        "operator",
        "--timeout-minutes",
        "30",
        "--json",
    )
    job = GovernanceJob.objects.get()
    assert ran.code == 0
    assert ran.json() == {
        "contract": {"id": str(contract.pk), "status": "ACTIVE"},
        "job": {"id": str(job.pk), "status": "PENDING", "total_steps": 3, "timeout_minutes": 30},
    }
    assert (reloaded(contract).status, job.created_by) == ("ACTIVE", users.operator)


def test_activate_contract__not_approved__is_refused_with_its_code(users: Users) -> None:
    ran = run("activate_contract", eligible(users).pk, "--as", "operator")
    assert ran.code == 1
    assert ran.err == (
        "error: Only an approved contract is activated; this one is ELIGIBLE. "
        "(contract_not_approved)\n"
    )
    assert ran.out == ""
    assert not GovernanceJob.objects.exists()


def test_activate_due_contracts__those_in_their_window__become_jobs(users: Users) -> None:
    due = approved(users)
    later = approved(
        users, window=ActivationWindow(now() + timedelta(hours=1), now() + timedelta(hours=2))
    )
    ran = run("activate_due_contracts", "--as", "operator", "--json")
    assert ran.code == 0
    assert ran.json()["moved"] == 1
    assert [outcome["id"] for outcome in ran.json()["outcomes"]] == [str(due.pk)]
    assert reloaded(later).status == "APPROVED"


def test_activate_due_contracts__one_refused__the_others_go_on_and_the_code_is_1(
    users: Users,
) -> None:
    well, blocked = approved(users), approved(users, affected_capabilities=["Search", "Other"])
    run(
        "record_signal",
        *("--scope", "Other", "--type", "t", "--decision", "BLOCKED", "--reason", "down"),
        *("--as", "operator"),
    )
    ran = run("activate_due_contracts", "--as", "operator")
    assert ran.code == 1
    job = reloaded(well).job
    assert f"contract {well.pk}: ACTIVE, job {job.pk}\n" in ran.out
    assert "1 moved, 0 passed over, 1 refused\n" in ran.out
    assert (
        f"contract {blocked.pk}: refused: Health is BLOCKED for Other. (health_blocked)" in ran.err
    )


# --- sweeps ---
def test_expire_contracts__time_passed__ends_them(users: Users) -> None:
    long_ago = now() - timedelta(days=30)
    old, drafted = eligible(users, at=long_ago), draft(users, at=long_ago)
    lapsed = approved(users, at=long_ago)
    fresh = eligible(users)
    ran = run("expire_contracts", "--as", "operator")
    assert ran.code == 0
    assert "3 moved, 0 passed over, 0 refused\n" in ran.out
    statuses = [reloaded(row).status for row in (old, drafted, lapsed, fresh)]
    assert statuses == ["EXPIRED", "EXPIRED", "FAILED", "ELIGIBLE"]
    assert reloaded(lapsed).closed_reason == "window_lapsed"


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_expire_contracts__that_would_end_too_many__ends_none_with_its_own_exit_code(
    users: Users, options: tuple[str, ...]
) -> None:
    old = [eligible(users, at=now() - timedelta(days=30)) for _ in range(21)]
    ran = run("expire_contracts", "--as", "operator", *options)
    assert (ran.code, ran.out) == (4, "")
    assert "21 would end at once" in ran.err
    assert "--force 21 (too_many_endings)" in ran.err
    wrong = run("expire_contracts", "--as", "operator", "--force", "20", *options)
    assert wrong.code == 1
    assert wrong.err.endswith("21 would end now, not 20. Nothing was ended. (endings_changed)\n")
    assert {reloaded(row).status for row in old} == {"ELIGIBLE"}
    assert run("expire_contracts", "--as", "operator", "--force", "21").code == 0
    assert {reloaded(row).status for row in old} == {"EXPIRED"}


def test_fail_timed_out_jobs__past_the_deadline__ends_them(users: Users) -> None:
    in_time = running_job(users, **apart()).job
    late = running_job(users, at=now() - timedelta(minutes=2), timeout_minutes=1).job
    ran = run("fail_timed_out_jobs", "--as", "operator", "--json")
    assert (ran.code, ran.json()["moved"]) == (0, 1)
    assert (reloaded(late).status, reloaded(in_time).status) == ("FAILED", "RUNNING")


def test_fail_timed_out_jobs__executor_lost_before_the_deadline__ends_them(users: Users) -> None:
    job = running_job(users, at=now() - timedelta(minutes=10)).job
    ran = run("fail_timed_out_jobs", "--as", "operator")
    assert (ran.code, ran.out) == (
        0,
        f"job {job.pk}: FAILED\n1 moved, 0 passed over, 0 refused\n",
    )
    assert "executor lost at step 0, outcome unknown" in reloaded(job).end_reason
    again_ran = run("fail_timed_out_jobs", "--as", "operator")
    assert (again_ran.code, again_ran.out) == (0, "0 moved, 0 passed over, 0 refused\n")


@pytest.mark.parametrize(
    "refusal",
    [
        ContractImmutableError("gone"),
        JobImmutableError("gone"),
        StaleCopyError("gone"),
        ContractNotApprovedError("gone"),
        LeaseNotOverError("It reported in time."),
    ],
)
def test_sweep__another_was_first__is_no_failure(refusal: GovernanceError) -> None:
    text = _printed([SweepResult(uuid4(), refusal=refusal)])
    assert "0 moved, 1 passed over, 0 refused" in text


def test_sweep__refused_for_another_reason__is_a_failure() -> None:
    refusal = HealthBlocksError("ill")
    with pytest.raises(PartlyRefused):
        _printed([SweepResult(uuid4(), refusal=refusal)])


def _printed(outcomes: list[SweepResult]) -> str:
    class Sweep(SweepCommand):
        def sweep(self, options: Mapping[str, Any]) -> Iterable[SweepResult]:
            return outcomes

    out = io.StringIO()
    Sweep(stdout=out).run()
    return out.getvalue()


# --- cancelling ---
def test_cancel_job__running__is_cancelled_with_its_reason(users: Users) -> None:
    job = running_job(users).job
    ran = run("cancel_job", job.pk, "--reason", "Wrong branch.", "--as", "operator")
    assert (ran.code, ran.out) == (0, f"job {job.pk}: CANCELLED\n")
    assert reloaded(job).end_reason == "Wrong branch."


def test_cancel_job__finished__is_refused(users: Users) -> None:
    ran = run("cancel_job", finished_job(users).pk, "--reason", "Too late.", "--as", "operator")
    assert ran.code == 1
    assert ran.err.endswith("(job_immutable)\n")


# --- verdicts ---
def verdict_line(job: GovernanceJob, **changes: Any) -> dict[str, Any]:
    return {
        "job_id": str(job.pk),
        "verdict": "PASS",
        "reason": "All as approved.",
        "evidence_sha256": job.evidence.sha256,
    } | changes


def test_import_audit_verdicts__pass__completes_the_contract_and_twice_changes_nothing(
    users: Users, tmp_path: Path
) -> None:
    job = finished_job(users)
    line = verdict_line(job, checks=[{"check": "A-001", "verdict": "PASS"}])
    path = write_lines(tmp_path / "f", [line])
    first = run("import_audit_verdicts", path, "--as", "auditor-1")
    assert (first.code, first.out) == (0, "1 recorded, 0 already there, 0 bad lines\n")
    assert reloaded(job.contract).status == "COMPLETED"
    second = run("import_audit_verdicts", path, "--as", "auditor-1", "--json")
    assert second.code == 0
    assert (second.json()["recorded"], second.json()["already_there"]) == (0, 1)
    assert GovernanceAudit.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "FAIL"},
        {"reason": "Something else."},
        {"checks": [{"check": "A-001"}]},
    ],
)
def test_import_audit_verdicts__another_verdict_on_the_same_job__is_refused(
    users: Users, tmp_path: Path, changes: dict[str, Any]
) -> None:
    job = judged_job(users)
    other_verdict = verdict_line(job, reason=job.audit.reason) | changes
    ran = run(
        "import_audit_verdicts", write_lines(tmp_path / "f", [other_verdict]), "--as", "auditor-1"
    )
    assert ran.code == 1
    assert ran.err == "line 1: This job already has a verdict\n"


def test_import_audit_verdicts__same_verdict_by_another__is_refused(
    users: Users, tmp_path: Path
) -> None:
    job = judged_job(users)
    path = write_lines(tmp_path / "f", [verdict_line(job, reason=job.audit.reason)])
    assert run("import_audit_verdicts", path, "--as", "second-auditor").code == 1
    assert run("import_audit_verdicts", path, "--as", "auditor-1").code == 0


def test_import_audit_verdicts__bad_lines__are_named_and_the_rest_is_recorded(
    users: Users, tmp_path: Path
) -> None:
    good, running = finished_job(users), running_job(users).job
    lines = [
        verdict_line(good, job_id="no-id"),
        verdict_line(good, job_id=7),
        verdict_line(good, verdict="PENDING"),
        verdict_line(good, verdict=["PASS"]),
        verdict_line(good, reason=" "),
        verdict_line(good, reason=None),
        verdict_line(good, evidence_sha256="0" * 64),
        verdict_line(good, checks="all"),
        verdict_line(good, colour="red"),
        verdict_line(good, job_id=str(uuid4())),
        verdict_line(good, job_id=str(running.pk)),
        "{",
        verdict_line(good),
    ]
    ran = run(
        "import_audit_verdicts", write_lines(tmp_path / "f", lines), "--as", "auditor-1", "--json"
    )
    assert ran.code == 1
    tally = ran.json()
    assert tally["recorded"] == 1
    assert [(bad["line"], bad["field"] or bad["code"]) for bad in tally["bad_lines"]] == [
        (1, "job_id"),
        (2, "job_id"),
        (3, "verdict"),
        (4, "verdict"),
        (5, "reason"),
        (6, "reason"),
        (7, "evidence_mismatch"),
        (8, "checks"),
        (9, "colour"),
        (10, "job_not_found"),
        (11, "evidence_not_sealed"),
        (12, "malformed_json"),
    ]


def test_resolve_audit__inconclusive__is_settled_once(users: Users) -> None:
    job = judged_job(users, AuditVerdict.INCONCLUSIVE)
    arguments = (job.pk, "--verdict", "PASS", "--reason", "Looked at it again.")
    ran = run("resolve_audit", *arguments, "--as", "second-auditor")
    assert (ran.code, ran.out) == (0, f"job {job.pk}: the audit is resolved as PASS\n")
    assert reloaded(job.contract).status == "COMPLETED"
    twice = run("resolve_audit", *arguments, "--as", "second-auditor")
    assert (twice.code, "(verdict_final)" in twice.err) == (1, True)


# --- evidence ---
def test_export_evidence__into_a_file__is_what_was_sealed(users: Users, tmp_path: Path) -> None:
    job = finished_job(users)
    path = tmp_path / "evidence.json"
    ran = run("export_evidence", job.pk, "--output", path)
    assert (ran.code, ran.out, ran.err) == (0, "", f"sha256 {job.evidence.sha256}\n")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == job.evidence.sha256
    assert path.read_bytes() == job.evidence.body.encode()


def test_export_evidence__onto_standard_output__is_byte_for_byte(users: Users) -> None:
    running = running_job(users)
    running.record(running.report(0, output={"said": "Zürich, 東京, “quotes”"}))
    job = running.cancel()
    raw = io.BytesIO()
    # The output must be the exact bytes even if the terminal's encoding is ASCII.
    narrow = io.TextIOWrapper(raw, encoding="ascii")
    ran = run("export_evidence", job.pk, out=narrow)
    assert ran.code == 0
    assert hashlib.sha256(raw.getvalue()).hexdigest() == job.evidence.sha256


def test_export_evidence__file_is_there__is_kept_unless_forced(
    users: Users, tmp_path: Path
) -> None:
    job = finished_job(users)
    path = tmp_path / "evidence.json"
    path.write_text("mine")
    ran = run("export_evidence", job.pk, "--output", path)
    assert (ran.code, path.read_text()) == (1, "mine")
    assert ran.err.endswith("(file_exists)\n")
    assert run("export_evidence", job.pk, "--output", path, "--force").code == 0
    assert json.loads(path.read_text())["job_id"] == str(job.pk)


def test_export_evidence__folder_is_missing__is_refused(users: Users, tmp_path: Path) -> None:
    ran = run("export_evidence", finished_job(users).pk, "--output", tmp_path / "no" / "file")
    assert ran.code == 1
    assert ran.err.endswith("(unwritable_file)\n")


@pytest.mark.parametrize("has_begun", [False, True])
def test_export_evidence__not_sealed__is_refused(users: Users, has_begun: bool) -> None:
    job = running_job(users).job if has_begun else pending_job(users)
    ran = run("export_evidence", job.pk)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("(evidence_not_sealed)\n")


def test_export_evidence__no_such_job__is_refused(db: None) -> None:
    assert run("export_evidence", uuid4()).err.endswith("(job_not_found)\n")


# --- signals ---
def test_record_signal__again__supersedes_the_last(users: Users) -> None:
    arguments = ("--scope", "Search", "--type", "errors", "--as", "operator", "--json")
    run("record_signal", *arguments, "--decision", "BLOCKED", "--reason", "All requests fail.")
    ran = run("record_signal", *arguments, "--decision", "HEALTHY", "--reason", "Mended.")
    assert ran.json()["decision"] == "HEALTHY"
    assert GovernanceSignal.objects.get(superseded_at=None).reason == "Mended."
    assert GovernanceSignal.objects.count() == 2


def test_record_signal__with_an_end__says_until_when_it_counts(users: Users) -> None:
    at = now()
    for option, value in (("--expires-in", "90m"), ("--expires-at", "2999-01-01T00:00:00Z")):
        ran = run(
            "record_signal",
            *("--scope", "Search", "--type", option[2:], "--decision", "WARN", "--reason", "Slow."),
            *(option, value, "--as", "operator"),
        )
        assert ran.out.startswith(f"Search {option[2:]}: DEGRADED, until ")
    lasting, ending = GovernanceSignal.objects.all()
    assert str(lasting.expires_at) == "2999-01-01 00:00:00+00:00"
    assert ending.expires_at is not None
    assert timedelta(0) <= ending.expires_at - at - timedelta(minutes=90) < timedelta(minutes=1)


def test_record_signal__without_words__is_refused(users: Users) -> None:
    ran = run(
        "record_signal",
        *("--scope", "S", "--type", "t", "--decision", "HEALTHY", "--reason", " "),
        *("--as", "operator"),
    )
    assert (ran.code, ran.err.endswith("(invalid_input)\n")) == (1, True)
