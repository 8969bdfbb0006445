"""Reading of Django's `DATABASES` from environment variables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from govsite.connections import WatchfulConnection
from govsite.embedded import APP_ROLE, OWNER
from govsite.environment import read_flag, read_number

OWNER_URL = "GOVSITE_OWNER_DATABASE_URL"
WORKER_URL = "GOVSITE_WORKER_DATABASE_URL"
# Short limits detect an unreachable server soon, and also its return. The keepalive options apply
# to TCP only, where a host that vanished does not close the connection.
CONNECTION_OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    # PostgreSQL binds the values, so it can prepare statements.
    "server_side_binding": True,
}
# Statements are prepared once per session, when they are executed the second time, so that a
# command that executes them once prepares nothing.
PREPARE_THRESHOLD = 1
# By default a request could wait 30 s for a connection, and after a long outage the pool would
# wait as long before it reconnects.
POOL_OPTIONS: dict[str, Any] = {
    "min_size": 1,
    "timeout": 5,
    "reconnect_timeout": 5,
    "connection_class": WatchfulConnection,
}


# PostgreSQL's time limits for the wait for a lock, for one statement and for an idle transaction:
# the variable of each, and the milliseconds without it.
TIME_LIMITS = {
    "lock_timeout": ("GOVSITE_DB_LOCK_TIMEOUT_MS", 5_000),
    "statement_timeout": ("GOVSITE_DB_STATEMENT_TIMEOUT_MS", 30_000),
    "idle_in_transaction_session_timeout": ("GOVSITE_DB_IDLE_TRANSACTION_TIMEOUT_MS", 60_000),
}
# For many short queries whose data is in memory or on a disk without seek times. With PostgreSQL's
# default costs the planner scans a whole list instead of using the index on the status, and starts
# parallel processes.
PLANNER_OPTIONS = "-c random_page_cost=1.1 -c max_parallel_workers_per_gather=0"


def read_session_options() -> str:
    """Make the start-up options of the application's sessions: time limits and planner settings.

    A time limit of 0 sets none. `GOVSITE_DB_PLANNING=0` leaves the planner to the settings of the
    server.
    """
    options = []
    for limit, (variable, default) in TIME_LIMITS.items():
        if milliseconds := read_number(variable, default, maximum=3_600_000):
            options.append(f"-c {limit}={milliseconds}")
    if read_flag("GOVSITE_DB_PLANNING", True):
        options.append(PLANNER_OPTIONS)
    return " ".join(options)


def read_search_path(schema: str) -> str:
    """Make the start-up option that sets the search path to `schema` alone.

    `GOVSITE_DB_SEARCH_PATH=0` leaves the search path to the role, for a pooler that refuses
    start-up options.
    """
    return f"-c search_path={schema}" if read_flag("GOVSITE_DB_SEARCH_PATH", True) else ""


def read_databases(
    data_dir: Path, *, search_path: str, pool_size: int, session: str
) -> dict[str, dict[str, Any]]:
    """Make Django's `DATABASES`: one database and schema, with one or two roles.

    `default` is the application. `owner` owns the tables and migrates them, without a pool and
    without time limits; it is the superuser of the embedded server, or
    `GOVSITE_OWNER_DATABASE_URL`. With `DATABASE_URL` alone there is no `owner`, and `default` does
    both.

    Args:
        search_path: the start-up option of both (`read_search_path`).
        session: further start-up options of `default` (`read_session_options`).
    """
    is_embedded = not os.environ.get("DATABASE_URL", "")
    has_owner_url = bool(os.environ.get(OWNER_URL, ""))
    if is_embedded and has_owner_url:
        raise ImproperlyConfigured(f"{OWNER_URL} needs DATABASE_URL, which is not set.")
    default = read_database(data_dir, search_path=search_path, pool_size=pool_size, session=session)
    if not (is_embedded or has_owner_url):
        return {"default": default}
    owner = read_database(data_dir, search_path=search_path, pool_size=0, variable=OWNER_URL)
    if is_embedded:
        owner["USER"] = OWNER
    elif owner["NAME"] != default["NAME"]:
        raise ImproperlyConfigured(f"{OWNER_URL} and DATABASE_URL must name the same database.")
    return {"default": default, "owner": owner}


def read_worker_database(
    data_dir: Path, *, search_path: str, session: str
) -> dict[str, Any] | None:
    """Make the entry of the connection on which a worker listens; None if it is the site's own.

    It is another connection where `DATABASE_URL` is that of a pooler that cannot pass LISTEN on.
    """
    if not os.environ.get(WORKER_URL, ""):
        return None
    return read_database(
        data_dir, search_path=search_path, pool_size=0, session=session, variable=WORKER_URL
    )


def read_database(
    data_dir: Path,
    *,
    search_path: str = "",
    pool_size: int,
    session: str = "",
    variable: str = "DATABASE_URL",
) -> dict[str, Any]:
    """Make one entry of `DATABASES` from the URL in `variable`, or for the embedded PostgreSQL.

    A URL has the form `postgresql://user:password@host:port/name?option=value`. Its options are
    passed to psycopg (`host=/a/folder` for a unix socket), and override the defaults here.

    Args:
        search_path: the start-up option for the schema. It comes last, so that no option of the
            URL leads to another schema.
        pool_size: the most connections that the process shares; with 0 each thread keeps one.
        session: further start-up options.
    """
    url = os.environ.get(variable, "")
    database: dict[str, Any] = {
        "CONN_MAX_AGE": 0 if pool_size else None,
        # govsite/postgresql checks the connections of a pool when they are taken.
        "CONN_HEALTH_CHECKS": not pool_size,
        "OPTIONS": dict(CONNECTION_OPTIONS),
    }
    if read_flag("GOVSITE_DB_PREPARED_STATEMENTS", True):
        database["OPTIONS"]["prepare_threshold"] = PREPARE_THRESHOLD
    if pool_size:
        database["OPTIONS"]["pool"] = POOL_OPTIONS | {"max_size": pool_size}
    if session or search_path:
        database["OPTIONS"]["options"] = f"{session} {search_path}".strip()
    if not url:
        return database | {
            "ENGINE": "govsite.embedded",
            "NAME": "govsite",
            "HOST": str(data_dir / "pg"),
            "USER": APP_ROLE,
        }
    # The message does not quote the URL, which may contain a password.
    refusal = ImproperlyConfigured(
        f"{variable} must have the form postgresql://user:password@host:port/name; "
        "govsite supports PostgreSQL only."
    )
    try:
        parts = urlsplit(url)
        port = str(parts.port or "")
    except ValueError:
        raise refusal from None
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise refusal
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or unquote(parts.hostname or "")
    if "options" in options:
        options["options"] = f"{session} {options['options']} {search_path}".strip()
    database["OPTIONS"] |= options
    return database | {
        "ENGINE": "govsite.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
    }
