"""The command `fail_timed_out_jobs`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from governance.flows.sweep import SweepResult, fail_timed_out_jobs
from governance.management.sweeping import EndingSweepCommand


class Command(EndingSweepCommand):
    help = """End the running jobs whose executor no longer reports; they become FAILED.

A scheduler should call this every minute. A job ends when its lease is over. The start of the job
and each report renew the lease, which lasts for the timeout of the next step plus
GOVSITE_LEASE_GRACE_SECONDS, but not beyond the deadline of the job. The evidence of the job is
sealed. The step that was due counts as failed, because its outcome is unknown. The job is never run
again.

A sweep that would end more than 20, and more than a tenth of the open jobs, ends none."""

    permission = "governance.cancel_job"
    subject = "job"
    examples = (
        "fail_timed_out_jobs --as scheduler",
        "fail_timed_out_jobs --force 37 --as operator --json",
    )

    def sweep(self, options: Mapping[str, Any]) -> Iterable[SweepResult]:
        return fail_timed_out_jobs(actor=options["actor"], force=options["force"])
