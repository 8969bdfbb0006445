"""What `run_executor` is told, and how what it met sounds."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name

from governance.client import GovsiteError, NoAnswer, StepHandler
from governance.client.connection import api_address, usable_token
from governance.client.problems import GovsiteProblem
from governance.domain.errors import GovernanceError, InvalidInputError
from governance.management.base import PartlyRefused

TOKEN = "GOVSITE_TOKEN"  # noqa: S105 - the name of a variable
UNREACHABLE = 3
MakeHandler = Callable[[], StepHandler]


class SiteUnreachable(PartlyRefused):
    """The site does not answer."""

    exit_code = UNREACHABLE


def site_address(text: str) -> str:
    """The address of a site, for argparse."""
    try:
        api_address(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return text


def handler_at(text: str) -> MakeHandler:
    """What makes the handler that is called MODULE:NAME, for argparse."""
    if not all(text.partition(":")):
        raise ArgumentTypeError(f"{text!r} does not read MODULE:NAME")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)
    try:
        found = resolve_name(text)
    except (ImportError, AttributeError, ValueError) as error:
        raise ArgumentTypeError(f"{text!r} cannot be loaded: {error}") from None
    if isinstance(found, type):
        if not (hasattr(found, "run_step") and hasattr(found, "step_types")):
            raise ArgumentTypeError(f"{text!r} lacks `run_step` or `step_types`")
        return found
    if not isinstance(found, StepHandler):
        raise ArgumentTypeError(f"{text!r} lacks `run_step` or `step_types`")
    return lambda: found


def read_token(file: Path | None) -> str:
    """The token of the file, or of the environment; InvalidInputError when it is none."""
    text = file.read_text(encoding="utf-8") if file else os.environ.get(TOKEN, "")
    where = str(file) if file else f"the variable {TOKEN}"
    try:
        return usable_token(text.strip())
    except ValueError as error:
        raise InvalidInputError.at(where, f"holds no token: {error}", code="no_token") from None


def refusal_of(trouble: BaseException) -> BaseException:
    """What a worker met, as this command says it."""
    if isinstance(trouble, GovsiteProblem) and not trouble.is_retryable:
        return GovernanceError(trouble.detail, code=trouble.code)
    if isinstance(trouble, NoAnswer | GovsiteProblem):
        return SiteUnreachable(f"The site cannot be asked: {trouble}")
    if isinstance(trouble, GovsiteError):
        return PartlyRefused(str(trouble))
    return trouble
