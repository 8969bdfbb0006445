"""Read settings from the environment: the one place that knows how they are spelled there."""

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
    """`1`, `true`, `yes`, `on` and their opposites; anything else is refused."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def read_number(name: str, default: int, *, minimum: int = 0, maximum: int = 10**9) -> int:
    """A whole number between `minimum` and `maximum`, or ImproperlyConfigured."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None
    if not minimum <= number <= maximum:
        raise ImproperlyConfigured(
            f"{name} must lie between {minimum} and {maximum}, not {number}."
        )
    return number


def read_list(name: str, default: list[str]) -> list[str]:
    """Words separated by commas."""
    value = os.environ.get(name, "")
    return [word.strip() for word in value.split(",") if word.strip()] or default


def read_approvals_required(name: str) -> dict[str, int]:
    """How many founders must sign a contract, by risk: `critical=2,high=2`; one where not named."""
    approvals = {str(risk): 1 for risk in RiskLevel}
    named: set[str] = set()
    for part in read_list(name, []):
        risk, _, number = (word.strip() for word in part.partition("="))
        if risk not in approvals:
            raise ImproperlyConfigured(
                f"{name} reads critical=2,high=2; {risk!r} is none of {', '.join(approvals)}."
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


# `pg_` is PostgreSQL's own beginning; another name of its own is information_schema.
_SCHEMA_NAME = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")


def read_schema(name: str, default: str) -> str:
    """Read the name of a schema: lower-case letters, digits and underscores, 63 at most."""
    value = os.environ.get(name, "").strip() or default
    if not _SCHEMA_NAME.fullmatch(value) or value == "information_schema":
        raise ImproperlyConfigured(
            f"{name} must be at most 63 lower-case letters, digits and underscores, begin with no "
            f"digit and be no schema of PostgreSQL's own (pg_…, information_schema), not {value!r}."
        )
    return value


def read_secret_key(data_dir: Path) -> str:
    """`SECRET_KEY`, or one made on first use and kept in the data folder, readable by us alone."""
    value = os.environ.get("SECRET_KEY", "")
    if value:
        return value
    try:
        return _kept_secret_key(data_dir / "secret_key")
    except OSError as error:
        raise ImproperlyConfigured(
            f"The folder for our data cannot be used: {error}. Set GOVSITE_DATA_DIR to another one."
        ) from None


def _kept_secret_key(path: Path) -> str:
    data_dir = path.parent
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        # mkstemp opens with 0600; the link makes the whole file appear at once, for one winner.
        handle, draft = tempfile.mkstemp(dir=data_dir)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(64))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    return path.read_text().strip()


# A server that does not answer is given up soon, so that its return is noticed soon. The libpq
# options matter over TCP only: a host that vanished does not hang up.
CONNECTION_OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# What is asked again and again (`governance/db/row_mapping.py`) is planned once a session: at
# its second time, so that a command that asks it once prepares nothing.
PREPARE_THRESHOLD = 1
# The pool's own defaults would let a request wait for 30 s, and after a long outage sleep as long
# before it tries again.
POOL_OPTIONS: dict[str, Any] = {
    "min_size": 1,
    "timeout": 5,
    "reconnect_timeout": 5,
    "connection_class": WatchfulConnection,
}


def read_timeouts() -> str:
    """How long PostgreSQL lets us wait, as the start of a session says it; 0 is without end.

    `GOVSITE_DB_LOCK_TIMEOUT_MS` for somebody else's lock, `GOVSITE_DB_STATEMENT_TIMEOUT_MS` for one
    statement, `GOVSITE_DB_IDLE_TRANSACTION_TIMEOUT_MS` for a transaction in which nothing happens.
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


# Many short questions at once: what they read is in memory or on a disk that need not seek, and
# each is for one core. With PostgreSQL's own numbers the planner would rather filter its way
# through a list in the order of the table than go straight to a status, and start processes.
PLANNER_OPTIONS = "-c random_page_cost=1.1 -c max_parallel_workers_per_gather=0"


def read_session_options() -> str:
    """How a session of the application starts: its time limits, and what plans are made for.

    `GOVSITE_DB_PLANNING=0` leaves the planner to the server's settings.
    """
    planning = PLANNER_OPTIONS if read_flag("GOVSITE_DB_PLANNING", True) else ""
    return f"{read_timeouts()} {planning}".strip()


def read_search_path(schema: str) -> str:
    """Make the start-up option by which names are looked up in `schema` and nowhere else.

    `GOVSITE_DB_SEARCH_PATH=0` leaves it to the role: behind a pooler that takes no such options.
    """
    return f"-c search_path={schema}" if read_flag("GOVSITE_DB_SEARCH_PATH", True) else ""


def read_databases(
    data_dir: Path, *, search_path: str, pool_size: int, session: str
) -> dict[str, dict[str, Any]]:
    """Django's `DATABASES`: one schema of one database, under the one or two roles that use it.

    `default` is the application, whose sessions start with `session`; `search_path` is for both.
    `owner` owns the tables and migrates them, without a pool or a time limit: the embedded
    server's superuser, or `DATABASE_OWNER_URL`; without that URL there is no `owner`, and
    `default` does both.
    """
    default = read_database(data_dir, search_path=search_path, pool_size=pool_size, session=session)
    if not os.environ.get("DATABASE_URL", ""):
        if os.environ.get("DATABASE_OWNER_URL", ""):
            raise ImproperlyConfigured("DATABASE_OWNER_URL needs DATABASE_URL beside it.")
        owner = read_database(data_dir, search_path=search_path, pool_size=0) | {"USER": OWNER}
    elif os.environ.get("DATABASE_OWNER_URL", ""):
        owner = read_database(
            data_dir, search_path=search_path, pool_size=0, variable="DATABASE_OWNER_URL"
        )
        if owner["NAME"] != default["NAME"]:
            raise ImproperlyConfigured(
                "DATABASE_OWNER_URL and DATABASE_URL must name the same database."
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
    """Django's description of the database: the URL in `variable`, or the embedded PostgreSQL.

    A URL reads `postgresql://user:password@host:port/name?option=value`; options go to
    psycopg as they are (`host=/a/folder` for a unix socket) and win over ours. With `pool_size` 0
    each thread keeps one connection, else the process shares a pool of at most that many.
    `session` is what `read_session_options` says, `search_path` what `read_search_path` does: it
    comes last, so that no option of the URL leads to another schema.
    """
    url = os.environ.get(variable, "")
    database: dict[str, Any] = {
        "CONN_MAX_AGE": 0 if pool_size else None,
        # A pool's are looked at as they are taken: govsite/postgresql.
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
    # Never quoted in a refusal: it may hold a password.
    refusal = ImproperlyConfigured(
        f"{variable} must read postgresql://user:password@host:port/name; "
        "govsite keeps its record in PostgreSQL only."
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
