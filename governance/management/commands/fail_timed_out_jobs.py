"""Jobs whose executor is lost come to their end."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from governance.flows.sweep import fail_timed_out_jobs
from governance.management.base import GovernanceCommand
from governance.management.sweeping import report_sweep


class Command(GovernanceCommand):
    help = """End the running jobs whose executor is lost as FAILED, for a scheduler to call.

Lost is who was silent longer than its lease: the timeout of the step that is due and
GOVSITE_LEASE_GRACE_SECONDS, never beyond the job's deadline. Each job is sealed with its evidence;
the step that was due counts as failed, its outcome unknown. It is never run a second time."""

    permission = "governance.cancel_job"
    has_json = True
    examples = ("fail_timed_out_jobs --as scheduler", "fail_timed_out_jobs --as scheduler --json")
    exit_codes = {0: "all were ended, or somebody else was first", 1: "at least one was refused"}

    def run(self, **options: Any) -> None:
        outcomes = fail_timed_out_jobs(actor=options["actor"], at=timezone.now())
        report_sweep(self, outcomes, subject="job", as_json=options["as_json"])
