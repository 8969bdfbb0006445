"""Run the jobs that run by themselves, and what is due by time: expired reviews, ended leases.

Start as many workers as you like, on any machine that reaches the database; each job is run once.
The routes file (GOVSITE_EXECUTION_FILE) says which handlers perform the steps. The worker listens
on a connection of its own: GOVSITE_WORKER_DATABASE_URL, by default DATABASE_URL. Log lines go to
standard error.

After SIGTERM or Ctrl-C, the worker finishes what it has begun and takes nothing else. After a
second signal it exits at once, and its jobs fail when their leases end.
"""

from __future__ import annotations

import signal
from argparse import ArgumentParser

from governance.authorities.orchestrator.queries import enqueue_waiting_runs
from governance.flows.run_by_worker import worker_handlers
from governance.management.base import NO_DATABASE, REFUSED, GovernanceCommand
from governance.management.values import number_in
from governance.workers.running import DEFAULT_CONCURRENCY, MAX_CONCURRENCY, run_worker


class Command(GovernanceCommand):
    help = __doc__

    examples = ("worker", "worker --concurrency 8")
    exit_codes = {
        0: "stopped by a signal",
        REFUSED: "the routes file, or a secret that it names, cannot be used",
        NO_DATABASE: "the database cannot be reached or is not migrated, or a setting is wrong",
        128 + signal.SIGINT: "stopped at once by a second Ctrl-C",
        128 + signal.SIGTERM: "stopped at once by a second SIGTERM",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--concurrency",
            metavar="N",
            type=number_in(range(1, MAX_CONCURRENCY + 1)),
            default=DEFAULT_CONCURRENCY,
            help="How many jobs run at the same time (default: %(default)s).",
        )

    def run(self, *, concurrency: int) -> None:
        worker_handlers()  # so that a wrong file is found now, and not with the first job
        enqueue_waiting_runs()
        run_worker(concurrency=concurrency)
