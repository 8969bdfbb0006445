"""The checks of `doctor`: database, disk and settings; each returns a `CheckResult`."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings
from django.core.checks import WARNING, run_checks
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from governance.db.app_role import excess_rights, missing_rights, role_privileges
from governance.db.clock import is_clock_replaced
from governance.db.installed import guard_problems
from governance.db.rows import fetch_rows
from governance.domain.wording import plural
from governance.management.check_result import CheckResult
from governance.management.roles import application_role
from governance.services.breakers.queries import open_breakers
from governance.workers.queries import count_tasks, count_workers

MIN_POSTGRESQL = 15
MIN_FREE_BYTES = 2**30
MAX_NAMED = 3
# Each of these system checks has a check of `doctor` of its own.
_OF_THE_DATABASE = {"governance.I001", "governance.W001", "governance.W002"}


def check_database() -> CheckResult:
    """Check that PostgreSQL answers, and that its version is recent enough."""
    try:
        [(version, number)] = fetch_rows(
            "SELECT current_setting('server_version'),"
            " current_setting('server_version_num')::integer"
        )
    except (OperationalError, InterfaceError) as error:
        first_line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        return CheckResult.wrong(
            f"PostgreSQL cannot be reached: {first_line}",
            remedy="start PostgreSQL, or correct DATABASE_URL",
        )
    if number < MIN_POSTGRESQL * 10_000:
        return CheckResult.wrong(
            f"PostgreSQL {version} is too old; govsite needs {MIN_POSTGRESQL} or later.",
            remedy="update PostgreSQL",
        )
    name = connection.settings_dict["NAME"]
    return CheckResult.well(f"PostgreSQL {version} answers; the database is {name}.")


def check_migrations() -> CheckResult:
    """Check that the database has the migrations of this version, and no others."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    every = executor.migration_plan(loader.graph.leaf_nodes(), clean_start=True)
    missing = [
        one for one, _ in every if (one.app_label, one.name) not in loader.applied_migrations
    ]
    if missing:
        return CheckResult.wrong(
            f"{plural(len(missing), 'migration')} not applied; the first is {missing[0]}.",
            remedy="manage.py migrate",
        )
    unknown = sorted(set(loader.applied_migrations) - set(loader.graph.nodes))
    if ours := [name for app, name in unknown if app == "governance"]:
        return CheckResult.wrong(
            f"A later version of govsite migrated this database: {ours[0]} is not known here.",
            remedy="install the version of govsite that made it",
        )
    return CheckResult.well("Every migration is applied.")


def check_guards() -> CheckResult:
    """Check that the SQL functions and triggers are those of the files, and that none is off."""
    problems = guard_problems(using=DEFAULT_DB_ALIAS)
    if not problems:
        return CheckResult.well("Every trigger is on, and every SQL function is the installed one.")
    return CheckResult.wrong(
        f"The database's guards differ from those of govsite: {_named(problems)}.",
        remedy="manage.py restore_guards, after you know who changed them",
    )


def check_grants() -> CheckResult:
    """Check that the application's role has its rights and no others."""
    role = application_role()
    with connection.cursor() as cursor:
        too_strong = role_privileges(cursor, role=role)
        excess = excess_rights(cursor, role=role)
        missing = missing_rights(cursor, role=role)
    if too_strong:
        return CheckResult.wrong(
            f"Grants cannot limit the role {role}: it {_named(too_strong)}.",
            remedy="run the application as another role: manage.py grant_app_role --help",
        )
    if excess or missing:
        more = [f"has {right}" for right in excess] + [f"lacks {right}" for right in missing]
        return CheckResult.wrong(
            f"The role {role} has not the rights of the application: it {_named(more)}.",
            remedy=f"manage.py grant_app_role {role} --apply",
        )
    return CheckResult.well(f"The role {role} can add to the record and do nothing else to it.")


def check_clock_body() -> CheckResult:
    """Check that the clock of the database is PostgreSQL's own."""
    if is_clock_replaced():
        return CheckResult.wrong(
            "Somebody replaced the function governance_now(): new entries have wrong times.",
            remedy="manage.py restore_guards, after you know who replaced it",
        )
    return CheckResult.well("The time of new entries is that of PostgreSQL's clock.")


def check_breakers() -> CheckResult:
    """Check that no circuit breaker is open, because the jobs of its handler wait."""
    if found := open_breakers():
        names = [f"{breaker.handler}, after {breaker.last_fault!r}" for breaker in found]
        return CheckResult.wrong(
            f"The jobs of {plural(len(found), 'handler')} wait: {_named(names)}.",
            remedy="mend the handler; then an operator closes its breaker in the admin",
        )
    return CheckResult.well("No handler is stopped by its circuit breaker.")


def check_disk(folder: Path | None = None) -> CheckResult:
    """Check the space where govsite's own files are: keys, static files, the embedded database."""
    folder = folder or settings.GOVSITE_DATA_DIR
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(existing).free
    if free < MIN_FREE_BYTES:
        return CheckResult.wrong(
            f"{_gibibytes(free)} are free under {folder}; at least "
            f"{_gibibytes(MIN_FREE_BYTES)} should be.",
            remedy="free some space, or set GOVSITE_DATA_DIR to another disk",
        )
    return CheckResult.well(f"{_gibibytes(free)} are free under {folder}.")


def check_settings() -> CheckResult:
    """Check the settings as `check --deploy` does; with DEBUG, nothing is wrong with a warning."""
    found = [
        message
        for message in run_checks(include_deployment_checks=True)
        if message.level >= WARNING
        and not message.is_silenced()
        and message.id not in _OF_THE_DATABASE
    ]
    warnings = plural(len(found), "warning")
    if settings.DEBUG:
        return CheckResult.well(f"DEBUG is on, for development: {warnings} of check --deploy.")
    if found:
        return CheckResult.wrong(
            f"{warnings} of check --deploy; the first: {str(found[0].msg).splitlines()[0]}",
            remedy="manage.py check --deploy",
        )
    return CheckResult.well("check --deploy has nothing to say.")


def check_workers() -> CheckResult:
    """Check that a worker answers if a task waits."""
    workers = count_workers()
    tasks = sum(counted.waiting for counted in count_tasks())
    waiting = f"{plural(tasks, 'task')} waiting"
    if tasks and not workers:
        return CheckResult.wrong(
            f"No worker has answered for two minutes; {waiting}.", remedy="manage.py worker"
        )
    return CheckResult.well(f"{plural(workers, 'worker')} at work; {waiting}.")


def _named(phrases: list[str]) -> str:
    """Join the first phrases, and count the others."""
    more = len(phrases) - MAX_NAMED
    return "; ".join(phrases[:MAX_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
