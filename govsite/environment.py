"""Reading of settings from environment variables; each raises ImproperlyConfigured if invalid."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from governance.domain.values import RiskLevel
from govsite.connections import WatchfulConnection
from govsite.embedded import APP_ROLE, OWNER

MAX_APPROVALS_REQUIRED = 20


def read_flag(name: str, default: bool) -> bool:
    """Read a flag: `1`, `true`, `yes`, `on`, or `0`, `false`, `no`, `off`."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def read_number(name: str, default: int, *, minimum: int = 0, maximum: int = 10**9) -> int:
    """Read a whole number between `minimum` and `maximum`."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None
    if not minimum <= number <= maximum:
        raise ImproperlyConfigured(f"{name} must be between {minimum} and {maximum}, not {number}.")
    return number


def read_list(name: str, default: list[str]) -> list[str]:
    """Read a list of words, separated by commas."""
    value = os.environ.get(name, "")
    return [word.strip() for word in value.split(",") if word.strip()] or default


def read_approvals_required(name: str) -> dict[str, int]:
    """Read how many founders must sign, by risk (`critical=2,high=2`); one for other risks."""
    approvals = {str(risk): 1 for risk in RiskLevel}
    named: set[str] = set()
    for part in read_list(name, []):
        risk, _, number = (word.strip() for word in part.partition("="))
        if risk not in approvals:
            raise ImproperlyConfigured(
                f"{name} must have the form critical=2,high=2; {risk!r} is not one of "
                f"{', '.join(approvals)}."
            )
        if risk in named:
            raise ImproperlyConfigured(f"{name} names {risk} twice.")
        if not (
            number.isascii() and number.isdigit() and 1 <= int(number) <= MAX_APPROVALS_REQUIRED
        ):
            raise ImproperlyConfigured(
                f"{name} must give {risk} a number from 1 to {MAX_APPROVALS_REQUIRED}, "
                f"not {number!r}."
            )
        named.add(risk)
        approvals[risk] = int(number)
    return approvals


# PostgreSQL reserves names that begin with `pg_`; `read_schema` excludes information_schema too.
_SCHEMA_NAME = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")


def read_schema(name: str, default: str) -> str:
    """Read the name of a schema: lower-case letters, digits and underscores, 63 at most."""
    value = os.environ.get(name, "").strip() or default
    if not _SCHEMA_NAME.fullmatch(value) or value == "information_schema":
        raise ImproperlyConfigured(
            f"{name} must be at most 63 lower-case letters, digits and underscores, must not begin "
            "with a digit, and must not be a schema of PostgreSQL itself (pg_…, "
            f"information_schema), not {value!r}."
        )
    return value


def read_secret_key(data_dir: Path) -> str:
    """Read `SECRET_KEY`; without it, read a key from the data folder, generated on first use.

    The file of the key has mode 0600.
    """
    value = os.environ.get("SECRET_KEY", "")
    if value:
        return value
    try:
        return _kept_secret_key(data_dir / "secret_key")
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder cannot be used: {error}. Set GOVSITE_DATA_DIR to another folder."
        ) from None


def _kept_secret_key(path: Path) -> str:
    data_dir = path.parent
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        # mkstemp sets mode 0600; the link makes the complete file appear at once, and of two
        # processes only one succeeds.
        handle, draft = tempfile.mkstemp(dir=data_dir)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(64))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    return path.read_text().strip()


# Short limits detect an unreachable server soon, and also its return. The keepalive options apply
# to TCP only, where a host that vanished does not close the connection.
CONNECTION_OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# Frequent statements (`governance/db/row_mapping.py`) are prepared once per session, when they are
# executed the second time, so that a command that executes them once prepares nothing.
PREPARE_THRESHOLD = 1
# By default a request could wait 30 s for a connection, and after a long outage the pool would
# wait as long before it reconnects.
POOL_OPTIONS: dict[str, Any] = {
    "min_size": 1,
    "timeout": 5,
    "reconnect_timeout": 5,
    "connection_class": WatchfulConnection,
}


def read_timeouts() -> str:
    """Make the start-up options of a session for PostgreSQL's time limits; 0 sets no limit.

    `GOVSITE_DB_LOCK_TIMEOUT_MS` limits the wait for a lock, `GOVSITE_DB_STATEMENT_TIMEOUT_MS` one
    statement, and `GOVSITE_DB_IDLE_TRANSACTION_TIMEOUT_MS` an idle transaction.
    """
    limits = {
        "lock_timeout": read_number("GOVSITE_DB_LOCK_TIMEOUT_MS", 5_000, maximum=3_600_000),
        "statement_timeout": read_number(
            "GOVSITE_DB_STATEMENT_TIMEOUT_MS", 30_000, maximum=3_600_000
        ),
        "idle_in_transaction_session_timeout": read_number(
            "GOVSITE_DB_IDLE_TRANSACTION_TIMEOUT_MS", 60_000, maximum=3_600_000
        ),
    }
    return " ".join(f"-c {name}={limit}" for name, limit in limits.items() if limit)


# For many short queries whose data is in memory or on a disk without seek times. With PostgreSQL's
# default costs the planner scans a whole list instead of using the index on the status, and starts
# parallel processes.
PLANNER_OPTIONS = "-c random_page_cost=1.1 -c max_parallel_workers_per_gather=0"


def read_session_options() -> str:
    """Make the start-up options of the application's sessions: time limits and planner settings.

    `GOVSITE_DB_PLANNING=0` leaves the planner to the settings of the server.
    """
    planning = PLANNER_OPTIONS if read_flag("GOVSITE_DB_PLANNING", True) else ""
    return f"{read_timeouts()} {planning}".strip()


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
    default = read_database(data_dir, search_path=search_path, pool_size=pool_size, session=session)
    if not os.environ.get("DATABASE_URL", ""):
        if os.environ.get("GOVSITE_OWNER_DATABASE_URL", ""):
            raise ImproperlyConfigured(
                "GOVSITE_OWNER_DATABASE_URL needs DATABASE_URL, which is not set."
            )
        owner = read_database(data_dir, search_path=search_path, pool_size=0) | {"USER": OWNER}
    elif os.environ.get("GOVSITE_OWNER_DATABASE_URL", ""):
        owner = read_database(
            data_dir, search_path=search_path, pool_size=0, variable="GOVSITE_OWNER_DATABASE_URL"
        )
        if owner["NAME"] != default["NAME"]:
            raise ImproperlyConfigured(
                "GOVSITE_OWNER_DATABASE_URL and DATABASE_URL must name the same database."
            )
    else:
        return {"default": default}
    return {"default": default, "owner": owner}


def read_database(
    data_dir: Path,
    *,
    search_path: str,
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
