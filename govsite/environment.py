"""Reading of settings from environment variables; each raises ImproperlyConfigured if invalid."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from governance.domain.values import RiskLevel
from governance.record.files import create_private_file

MAX_APPROVALS_REQUIRED = 20
_FRACTION = re.compile(r"0(\.[0-9]{1,6})?|1(\.0{1,6})?")
# The routes of a development site, in its data folder.
ROUTES_FILE = "routes.toml"


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


def read_fraction(name: str, default: str) -> str:
    """Read a number from 0 to 1 with a point, as the text that it is written in."""
    value = os.environ.get(name, "").strip() or default
    if not _FRACTION.fullmatch(value):
        raise ImproperlyConfigured(f"{name} must be a number from 0 to 1, not {value!r}.")
    return value


def read_list(name: str, default: list[str]) -> list[str]:
    """Read a list of words, separated by commas."""
    value = os.environ.get(name, "")
    return [word.strip() for word in value.split(",") if word.strip()] or default


def read_choices(name: str, default: list[str], *, choices: Sequence[str]) -> list[str]:
    """Read a list of words that are all among `choices`."""
    words = read_list(name, default)
    for word in words:
        if word not in choices:
            raise ImproperlyConfigured(
                f"{name} must be a list of {', '.join(choices)}; {word!r} is none of them."
            )
    return words


def read_choice(name: str, default: str, choices: Sequence[str]) -> str:
    """Read one of several words."""
    value = os.environ.get(name, "").strip() or default
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be {' or '.join(choices)}, not {value!r}.")
    return value


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


def read_execution_file(data_dir: Path, *, is_embedded: bool) -> str:
    """Read the path of the routes file; empty if there is none.

    On the embedded PostgreSQL it is by default the file that `run_dev` has written, so that the
    commands and the running site have the same routes.
    """
    path = os.environ.get("GOVSITE_EXECUTION_FILE", "")
    written = data_dir / ROUTES_FILE
    return str(written) if not path and is_embedded and written.exists() else path


def read_secret_key(data_dir: Path) -> str:
    """Read `SECRET_KEY`; without it, read a key from the data folder, generated on first use.

    The file of the key has mode 0600.
    """
    value = os.environ.get("SECRET_KEY", "")
    if value:
        return value
    try:
        path = data_dir / "secret_key"
        if not path.exists():
            create_private_file(path, secrets.token_urlsafe(64).encode())
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder cannot be used: {error}. Set GOVSITE_DATA_DIR to another folder."
        ) from None
