"""Run jobs: claim them over the API of the site at --url, let a handler do the steps,
report each step, and end each job. The command needs no database, only the API.

The handler is a class or an object of your own with `step_types` and `run_step`; see
docs/executors.md. For a first try there is governance.client:PrintSteps, which only prints each
step. Its jobs become COMPLETED, although nothing was done.

The API token is read from --token-file, or from the environment variable GOVSITE_TOKEN.
create_api_token with --role Executor makes one. Log lines go to standard error.

After a fault of the handler (an exception, a timeout, an outcome that cannot be recorded), jobs run
one at a time until one ends without a fault. After two faults in a row no other job is claimed, and
the command exits with 5. A step that its target refuses is no fault.

After SIGTERM or Ctrl-C, running jobs are finished and no other job is claimed, because no other
executor can continue a job. After a second signal the command exits at once, and its jobs fail when
their leases end.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import threading
from argparse import ArgumentParser
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import CommandParser

from governance.client import Executor, ExecutorBreaker, GovsiteClient, JobOutcome, OutageLog
from governance.management.base import REFUSED, GovernanceCommand, PartlyRefused
from governance.management.executing import (
    AT_FAULT,
    TOKEN,
    UNREACHABLE,
    HandlerAtFault,
    handler_at,
    read_token,
    refusal_of,
    site_address,
)
from governance.management.values import number_in, printable

MAX_PARALLEL_JOBS = 64


class Command(GovernanceCommand):
    help = __doc__

    examples = (
        "run_executor --url https://gov.example --handler governance.client:PrintSteps --once",
        "run_executor --url https://gov.example --handler docs.examples.handlers:PlatformFile \\\n"
        "      --token-file /run/secrets/govsite --jobs 4",
    )
    exit_codes = {
        0: "stopped by a signal, or nothing is left to do (--once, --until-idle)",
        REFUSED: "the site refused a call, or a job was lost (--once, --until-idle)",
        UNREACHABLE: "the site does not answer (--once, --until-idle), or a setting is wrong",
        AT_FAULT: "the handler was at fault in two jobs in a row; no other job was claimed",
        128 + signal.SIGINT: "stopped at once by a second Ctrl-C",
        128 + signal.SIGTERM: "stopped at once by a second SIGTERM",
    }
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # With abbreviations, `--token SECRET` would mean --token-file.
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--url",
            required=True,
            type=site_address,
            help="The address of the site, as in https://gov.example.",
        )
        parser.add_argument(
            "--handler",
            metavar="MODULE:NAME",
            required=True,
            type=handler_at,
            help="The handler. Of a class, one object is made for each of --jobs; an object is "
            "shared by all of them. The module may be in the current folder.",
        )
        parser.add_argument(
            "--token-file",
            metavar="FILE",
            type=Path,
            help=f"The file with the API token (default: the variable {TOKEN}).",
        )
        parser.add_argument(
            "--jobs",
            metavar="N",
            type=number_in(range(1, MAX_PARALLEL_JOBS + 1)),
            default=1,
            help="How many jobs run at the same time (default: %(default)s).",
        )
        ends = parser.add_mutually_exclusive_group()
        ends.add_argument(
            "--once", action="store_true", help="Exit after one job, or if no job is pending."
        )
        ends.add_argument(
            "--until-idle", action="store_true", help="Exit as soon as no job is pending."
        )
        parser.add_argument(
            "--json",
            dest="as_json",
            action="store_true",
            help="Print each job that ended as one line of JSON on standard output.",
        )

    def run(self, **options: Any) -> None:
        token = read_token(options["token_file"])
        stopping = threading.Event()
        bounded = options["once"] or options["until_idle"]
        limits = {"until_idle": bounded, "at_most": 1 if options["once"] else None}
        workers = 1 if options["once"] else options["jobs"]
        ended: queue.Queue[JobOutcome | BaseException | None] = queue.Queue()

        def work(executor: Executor) -> None:
            try:
                for job in executor.run(**limits):
                    ended.put(job)
            except BaseException as error:  # noqa: BLE001 - the main thread raises it again
                ended.put(error)
            ended.put(None)

        with ExitStack() as leaving:
            breaker, outages = ExecutorBreaker(), OutageLog(self._log)
            executors = []
            for _ in range(workers):
                client = GovsiteClient(options["url"], token, outages=outages)
                executors.append(
                    Executor(
                        leaving.enter_context(client),
                        options["handler"](),
                        stopping=stopping,
                        breaker=breaker,
                        log=self._log,
                    )
                )
            self._stop_on_signals(stopping, leaving)
            for executor in executors:
                # Daemon threads do not delay the exit after a second signal.
                threading.Thread(target=work, args=(executor,), daemon=True).start()
            trouble, lost = self._collect(ended, workers, stopping)
        if trouble is not None:
            raise refusal_of(trouble)
        if breaker.is_open:
            raise HandlerAtFault("the handler was at fault in two jobs in a row")
        if lost and bounded:
            raise PartlyRefused(f"{lost} {'job was' if lost == 1 else 'jobs were'} lost")

    def _collect(
        self,
        ended: queue.Queue[JobOutcome | BaseException | None],
        workers: int,
        stopping: threading.Event,
    ) -> tuple[BaseException | None, int]:
        """Wait for all workers; return the first exception of one, and the number of lost jobs."""
        trouble: BaseException | None = None
        lost = 0
        while workers:
            item = ended.get()
            if item is None:
                workers -= 1
            elif isinstance(item, BaseException):
                trouble = trouble or item
                stopping.set()  # the other workers would meet the same error
            else:
                lost += item.status is None
                if self.as_json and not isinstance(trouble, OSError):
                    try:
                        self.stdout.write(json.dumps(asdict(item)))
                        self.stdout.flush()
                    except OSError as error:  # standard output is closed
                        trouble = error
                        stopping.set()
        return trouble, lost

    def _log(self, text: str) -> None:
        # A closed standard error must not interrupt a job.
        with suppress(OSError):
            self.note(printable(text))

    def _stop_on_signals(self, stopping: threading.Event, leaving: ExitStack) -> None:
        asked = threading.Event()  # not `stopping`, which a worker's error also sets

        def stop(signum: int, frame: FrameType | None) -> None:
            if asked.is_set():
                # Not by an exception, which the interrupted code might catch.
                os._exit(128 + signum)
            asked.set()
            stopping.set()
            self._log("stopping: running jobs are finished first; a second signal exits at once")

        for number in (signal.SIGINT, signal.SIGTERM):
            leaving.callback(signal.signal, number, signal.signal(number, stop))
