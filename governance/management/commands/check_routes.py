"""Show which handler and which observer serve the steps of each registered capability, and of
SYSTEM, by the routes file (GOVSITE_EXECUTION_FILE). With a job, show what serves each of its steps,
and whether a worker would run it now. Nothing is run, and nothing is changed.

Run it on the machine of the worker and as the worker's account, because it reads the same files:
the routes, the programs that they name, and the secrets (GOVSITE_SECRETS_DIR). docs/routes.md
describes the routes file.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby
from uuid import UUID

from django.conf import settings

from governance.domain.changes import CHANGE_TYPES
from governance.flows.check_routes import (
    JobCheck,
    ServedSteps,
    check_job,
    missing_handlers,
    registered_scopes,
    served_steps,
    unregistered_scopes,
)
from governance.flows.run_by_worker import worker_handlers
from governance.flows.site_observers import site_observers
from governance.management.base import REFUSED, GovernanceCommand, PartlyRefused
from governance.management.values import parse_id, printable, text_table

HEADINGS = ("scope", "change types", "handler", "observer", "reports", "route")
STEP_HEADINGS = ("step", "change type", "target", *HEADINGS[2:])
NOTHING = "-"


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples = (
        "check_routes",
        "check_routes --json",
        "check_routes 0197a0c2-0000-7000-8000-000000000000",
    )
    exit_codes = {
        0: "everything that a route names is here; with a job: a worker would run it now",
        REFUSED: "the routes file, an option of it or a secret cannot be used; or a handler is "
        "not installed; or an observer cannot be used; or a worker would leave the job alone",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "job",
            nargs="?",
            metavar="JOB",
            type=parse_id,
            help="The id of a job: show what a worker would do with it now.",
        )

    def run(self, *, job: UUID | None) -> None:
        handlers, observers = worker_handlers(), site_observers()
        if job is not None:
            self._show_job(check_job(job, handlers, observers))
            return
        scopes = registered_scopes()
        served = served_steps(handlers, observers, scopes)
        missing = unregistered_scopes(handlers, scopes)
        found = {one.obstacle for one in served if one.obstacle}
        obstacles = sorted(found.union(missing_handlers(handlers)))
        self.report(
            {
                "file": settings.GOVSITE_EXECUTION_FILE,
                "served": [asdict(one) for one in served],
                "obstacles": obstacles,
                "unregistered_scopes": missing,
            },
            *text_table(HEADINGS, _rows(served)),
            *(f"obstacle: {one}" for one in obstacles),
        )
        for scope in missing:
            self.note(f"A route names {printable(scope)}, which is not registered.")
        if not settings.GOVSITE_EXECUTION_FILE:
            self.note(
                "GOVSITE_EXECUTION_FILE is not set: all steps are left to executors over HTTP."
            )
        if obstacles:
            raise PartlyRefused

    def _show_job(self, check: JobCheck) -> None:
        rows = [
            (
                str(step.step_index + 1),
                step.served.step_type,
                printable(step.served.scope),
                *_serving(step.served),
            )
            for step in check.steps
        ]
        verdict = "A worker would leave this job alone." if check.obstacles else ""
        self.report(
            asdict(check) | {"would_run": not check.obstacles},
            *text_table(STEP_HEADINGS, rows),
            *(f"obstacle: {printable(one)}" for one in check.obstacles),
            verdict or "A worker would run this job now.",
        )
        if check.obstacles:
            raise PartlyRefused


def _rows(served: Iterable[ServedSteps]) -> list[tuple[str, ...]]:
    """Return a row for each scope, or several where its types of steps are served differently."""
    rows = []
    for scope, of_scope in groupby(served, key=lambda one: one.scope):
        by_serving: dict[tuple[str, ...], list[str]] = {}
        for one in of_scope:
            by_serving.setdefault(_serving(one), []).append(one.step_type)
        for serving, types in by_serving.items():
            shown = "all" if len(types) == len(CHANGE_TYPES) else ", ".join(types)
            rows.append((printable(scope), shown, *serving))
    return rows


def _serving(one: ServedSteps) -> tuple[str, str, str, str]:
    return (
        one.handler,
        one.observer or NOTHING,
        "trusted" if one.trust_reports else NOTHING,
        one.route or NOTHING,
    )
