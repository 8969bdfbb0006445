"""A worker: jobs are claimed over the API, and a handler of yours does their steps."""

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

from governance.client import Executor, GovsiteClient, JobOutcome
from governance.management.base import REFUSED, GovernanceCommand, PartlyRefused
from governance.management.executing import (
    TOKEN,
    UNREACHABLE,
    handler_at,
    read_token,
    refusal_of,
    site_address,
)
from governance.management.values import number_in, printable

MAX_PARALLEL_JOBS = 64


class Command(GovernanceCommand):
    help = """Run jobs: claim them over the API of the site at --url, have a handler do their steps,
report each step, and end each job. It needs no database and no other part of govsite but the API.

The handler is a class or an object of yours with `step_types` and `run_step`: docs/executors.md.
governance.client:PrintSteps is one that only prints each step, for trying: the jobs that it runs
are COMPLETED all the same, although nothing was done.

The token is read from --token-file, or from the variable GOVSITE_TOKEN; create_api_token makes one
for an Executor. What happens is told on standard error.

On SIGTERM or Ctrl-C, a job that runs is finished and no other is claimed, since nobody else can go
on with it. At the second one it leaves at once, and the job ends by its lease."""

    examples = (
        "run_executor --url https://gov.example --handler governance.client:PrintSteps --once",
        "run_executor --url https://gov.example --handler docs.examples.handlers:PlatformFile \\\n"
        "      --token-file /run/secrets/govsite --jobs 4",
    )
    exit_codes = {
        0: "stopped as asked, or nothing is left to do (--once, --until-idle)",
        REFUSED: "the site refused us, or a job was lost (--once, --until-idle)",
        UNREACHABLE: "the site does not answer (--once, --until-idle), or our settings are wrong",
        128 + signal.SIGINT: "left at once, at the second Ctrl-C",
        128 + signal.SIGTERM: "left at once, at the second SIGTERM",
    }
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # `--token SECRET` must not pass for the beginning of --token-file.
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--url", required=True, type=site_address, help="The site, as in https://gov.example."
        )
        parser.add_argument(
            "--handler",
            metavar="MODULE:NAME",
            required=True,
            type=handler_at,
            help="The handler. A class is called for one object for each of --jobs, an object "
            "serves all of them. The current folder is searched for the module, too.",
        )
        parser.add_argument(
            "--token-file",
            metavar="FILE",
            type=Path,
            help=f"Where the token is (default: {TOKEN}).",
        )
        parser.add_argument(
            "--jobs",
            metavar="N",
            type=number_in(range(1, MAX_PARALLEL_JOBS + 1)),
            default=1,
            help="How many jobs are run at the same time (default: %(default)s).",
        )
        ends = parser.add_mutually_exclusive_group()
        ends.add_argument("--once", action="store_true", help="Leave after one job, or none.")
        ends.add_argument("--until-idle", action="store_true", help="Leave when no job waits.")
        parser.add_argument(
            "--json",
            dest="as_json",
            action="store_true",
            help="Print each job that has ended as a line of JSON on standard output.",
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
            except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for us
                ended.put(error)
            ended.put(None)

        with ExitStack() as leaving:
            executors = []
            for _ in range(workers):
                client = leaving.enter_context(GovsiteClient(options["url"], token))
                handler = options["handler"]()
                executors.append(Executor(client, handler, stopping=stopping, log=self._log))
            self._stop_on_signals(stopping, leaving)
            for executor in executors:
                # A thread that must be left at once must not hold us back.
                threading.Thread(target=work, args=(executor,), daemon=True).start()
            trouble, lost = self._collect(ended, workers, stopping, as_json=options["as_json"])
        if trouble is not None:
            raise refusal_of(trouble)
        if lost and bounded:
            raise PartlyRefused(f"{lost} {'job was' if lost == 1 else 'jobs were'} lost")

    def _collect(
        self,
        ended: queue.Queue[JobOutcome | BaseException | None],
        workers: int,
        stopping: threading.Event,
        *,
        as_json: bool,
    ) -> tuple[BaseException | None, int]:
        """Until all have left: the first trouble that one met, and how many jobs were lost."""
        trouble, lost = None, 0
        while workers:
            item = ended.get()
            if item is None:
                workers -= 1
            elif isinstance(item, BaseException):
                trouble = trouble or item
                stopping.set()  # what one was refused is refused to all
            else:
                lost += item.status is None
                if as_json and not isinstance(trouble, OSError):
                    trouble = self._print(item) or trouble
                    if trouble:
                        stopping.set()
        return trouble, lost

    def _print(self, job: JobOutcome) -> OSError | None:
        """A line for the job; what went wrong where nobody reads our lines any more."""
        try:
            self.say(json.dumps(asdict(job)))
            self.stdout.flush()
        except OSError as error:
            return error
        return None

    def _log(self, text: str) -> None:
        # That nobody reads our words is no reason to leave a job half done.
        with suppress(OSError):
            self.note(printable(text))

    def _stop_on_signals(self, stopping: threading.Event, leaving: ExitStack) -> None:
        asked = threading.Event()  # others may be stopping us already

        def stop(signum: int, frame: FrameType | None) -> None:
            if asked.is_set():
                # Not by an exception: whoever is interrupted here might hold it back.
                os._exit(128 + signum)
            asked.set()
            stopping.set()
            self._log("stopping: a job that runs is finished; once more leaves at once")

        for number in (signal.SIGINT, signal.SIGTERM):
            leaving.callback(signal.signal, number, signal.signal(number, stop))
