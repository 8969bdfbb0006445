"""Read settings from the environment: the one place that knows how they are spelled there."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


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


def read_number(name: str, default: int, *, least: int = 0, most: int = 10**9) -> int:
    """A whole number between `least` and `most`, or ImproperlyConfigured."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None
    if not least <= number <= most:
        raise ImproperlyConfigured(f"{name} must lie between {least} and {most}, not {number}.")
    return number


def read_list(name: str, default: list[str]) -> list[str]:
    """Words separated by commas."""
    value = os.environ.get(name, "")
    return [word.strip() for word in value.split(",") if word.strip()] or default


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


def read_database(data_dir: Path, *, pool_size: int) -> dict[str, Any]:
    """Django's description of the database: `DATABASE_URL`, or the embedded PostgreSQL.

    `DATABASE_URL` reads `postgresql://user:password@host:port/name?option=value`; options go to
    psycopg as they are (`host=/a/folder` for a unix socket). With `pool_size` 0 each thread keeps
    one connection, else the process shares a pool of at most that many.
    """
    url = os.environ.get("DATABASE_URL", "")
    database: dict[str, Any] = {
        "CONN_MAX_AGE": 0 if pool_size else None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"pool": {"min_size": 1, "max_size": pool_size}} if pool_size else {},
    }
    if not url:
        return database | {
            "ENGINE": "govsite.embedded",
            "NAME": "govsite",
            "HOST": str(data_dir / "pg"),
        }
    # Never quoted in a refusal: it may hold a password.
    refusal = ImproperlyConfigured(
        "DATABASE_URL must read postgresql://user:password@host:port/name; "
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
    database["OPTIONS"] |= options
    return database | {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
    }
