"""The arguments of `run_executor`, and the errors that it reports."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name

from governance.authorities.executor.steps import StepHandler
from governance.client import GovsiteError, NoAnswer
from governance.client.connection import api_address, usable_token
from governance.client.problems import GovsiteProblem
from governance.domain.errors import NoTokenError
from governance.management.base import PartlyRefused
from governance.management.values import printable

TOKEN = "GOVSITE_TOKEN"  # noqa: S105 - the name of a variable
UNREACHABLE = 3
AT_FAULT = 5
MakeHandler = Callable[[], StepHandler]


class HandlerAtFault(PartlyRefused):
    """The outcome of a command whose handler was at fault twice in a row: exit code 5."""

    exit_code = AT_FAULT


class SiteUnreachable(PartlyRefused):
    """The outcome of a command to which the site did not answer: exit code 3."""

    exit_code = UNREACHABLE


def site_address(text: str) -> str:
    """Return `text` if it is the address of a site; an argparse type."""
    try:
        api_address(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return text


def handler_at(text: str) -> MakeHandler:
    """Return a factory of the handler that `text` names as MODULE:NAME; an argparse type."""
    if not all(text.partition(":")):
        raise ArgumentTypeError(f"{text!r} does not have the form MODULE:NAME")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)
    try:
        found = resolve_name(text)
    except (ImportError, AttributeError, ValueError) as error:
        raise ArgumentTypeError(f"{text!r} cannot be loaded: {error}") from None
    if not (hasattr(found, "run_step") and hasattr(found, "step_types")):
        raise ArgumentTypeError(f"{text!r} lacks `run_step` or `step_types`")
    return found if isinstance(found, type) else lambda: found


def read_token(file: Path | None) -> str:
    """Return the API token in `file`, or in GOVSITE_TOKEN if there is no file.

    Raises:
        NoTokenError: The text is not a token.
    """
    text = file.read_text(encoding="utf-8") if file else os.environ.get(TOKEN, "")
    where = str(file) if file else f"the variable {TOKEN}"
    try:
        return usable_token(text.strip())
    except ValueError as error:
        raise NoTokenError.at(where, f"has no API token: {error}") from None


def refusal_of(trouble: BaseException) -> BaseException:
    """Translate the exception that ended a worker into the one that the command reports."""
    if isinstance(trouble, GovsiteProblem) and not trouble.is_retryable:
        return PartlyRefused(printable(str(trouble)))
    if isinstance(trouble, NoAnswer | GovsiteProblem):
        return SiteUnreachable(f"The site does not answer: {trouble}")
    if isinstance(trouble, GovsiteError):
        return PartlyRefused(str(trouble))
    return trouble
