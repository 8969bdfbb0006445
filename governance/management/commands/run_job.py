"""Run one job that waits for a worker, now and in the foreground, and show each step as it ends.

The command does what a worker would do with the job: by the routes file (GOVSITE_EXECUTION_FILE),
within a lease, and as the account `executor`, which the ledger names. So it needs no --as. Run it
on the machine of a worker and as the worker's account. `check_routes JOB` shows beforehand what
would serve each step, and changes nothing.

After Ctrl-C the command exits at once. A step that has begun may have taken effect or not, and no
other executor can continue the job: it ends as FAILED when its lease is over.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from governance.authorities.executor.routed_handlers import RoutedHandlers
from governance.authorities.executor.steps import StepInPlan
from governance.authorities.orchestrator.queries import job_progress, job_to_run, sealed_evidence_of
from governance.domain.errors import EvidenceNotSealedError, JobLeftAloneError
from governance.domain.values import JobStatus, StepReport
from governance.domain.wording import change_in_words
from governance.flows.check_routes import check_job
from governance.flows.route_steps import plan_of
from governance.flows.run_by_worker import JobRun, start_run, worker_handlers
from governance.flows.site_observers import site_observers
from governance.management.base import INTERRUPTED, REFUSED, GovernanceCommand, PartlyRefused
from governance.management.values import parse_id, printable

NOT_COMPLETED = 4
ENDS_BY_LEASE = "The job has begun. It ends as FAILED when its lease is over."


class JobNotCompleted(PartlyRefused):
    """The outcome of a command whose job was run and did not become COMPLETED: exit code 4."""

    exit_code = NOT_COMPLETED


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples = (
        "run_job 0197a0c2-0000-7000-8000-000000000000",
        "run_job 0197a0c2-0000-7000-8000-000000000000 --json",
    )
    exit_codes = {
        0: "the job was run, and is COMPLETED",
        REFUSED: "the job was not begun: there is no such job, it is left to executors over HTTP, "
        "runs or has ended;\n       changes are frozen, its capabilities are busy, a circuit "
        "breaker lets it wait, its window is too short,\n       or no handler serves a step; or "
        "the routes file or a secret cannot be used",
        NOT_COMPLETED: "the job was run and did not become COMPLETED: a step failed, the job was "
        "cancelled, or its lease ended",
        INTERRUPTED: "interrupted by Ctrl-C; the job ends as FAILED when its lease is over",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "job", metavar="JOB", type=parse_id, help="The id of the job, which is PENDING."
        )

    def run(self, *, job: UUID) -> None:
        handlers = worker_handlers()
        check = check_job(job, handlers, site_observers())
        # What ends by itself is refused by the start, which has an error for each.
        if obstacles := [one for one in check.obstacles if one not in check.waits_for]:
            raise JobLeftAloneError(" ".join(obstacles))
        waiting = job_to_run(job)
        plan = plan_of(waiting.steps)
        self._show_plan(job, plan, handlers)
        steps = self._run_to_its_end(start_run(waiting, handlers=handlers), plan, handlers)
        self._show_end(job, steps)

    def _show_plan(self, job: UUID, plan: Sequence[StepInPlan], handlers: RoutedHandlers) -> None:
        self._show(f"job {job}: what will be done, in this order, until a step fails")
        for step in plan:
            self._show(
                f"  {step.step_index + 1}. {printable(str(change_in_words(step.change)))} "
                f"(by {_handler_of(step, handlers)}, at most {step.timeout_seconds} s)"
            )

    def _run_to_its_end(
        self, started: JobRun, plan: Sequence[StepInPlan], handlers: RoutedHandlers
    ) -> list[dict[str, Any]]:
        """Run the steps, show each as it ends, and return what is known of each."""
        steps: list[dict[str, Any]] = []

        def show(step: StepInPlan, report: StepReport) -> None:
            seconds = (report.completed_at - report.started_at).total_seconds()
            steps.append(
                {
                    "step_index": step.step_index,
                    "step_type": step.step_type,
                    "target": step.target,
                    "handler": _handler_of(step, handlers),
                    "status": report.status,
                    "seconds": seconds,
                    "error": report.error,
                }
            )
            error = f": {printable(report.error)}" if report.error else ""
            self._show(
                f"step {step.step_index + 1} of {len(plan)}: "
                f"{report.status} after {seconds:.2f} s{error}"
            )

        try:
            started.until_its_end(on_report=show)
        except (KeyboardInterrupt, SystemExit):
            self.note(ENDS_BY_LEASE)
            raise
        return steps

    def _show_end(self, job: UUID, steps: list[dict[str, Any]]) -> None:
        # Read again, because a job that was lost may have been cancelled meanwhile.
        status, sha256 = job_progress(job).status, None
        with suppress(EvidenceNotSealedError):
            sha256 = sealed_evidence_of(job).sha256
        self.report(
            {"job": {"id": job, "status": status}, "evidence_sha256": sha256, "steps": steps},
            f"job {job}: {status}",
            *([f"sha256 of its evidence: {sha256}"] if sha256 else []),
        )
        if status is JobStatus.RUNNING:
            self.note(ENDS_BY_LEASE)
        if status is not JobStatus.COMPLETED:
            raise JobNotCompleted

    def _show(self, line: str) -> None:
        """Print a line now, unless the output is one JSON document."""
        # A closed standard output must not interrupt a job.
        with suppress(OSError):
            if not self.as_json:
                self.stdout.write(line)
                self.stdout.flush()


def _handler_of(step: StepInPlan, handlers: RoutedHandlers) -> str:
    return handlers.routes.route_of(step.target, step.step_type).handler
