"""Tokens of the cast's people for the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from governance.models import ApiToken
from tests.support.stories import now


def new_token(person: Any, **columns: Any) -> str:
    """The text of a new token of the person; `columns` narrow it (`verbs`, `capabilities`)."""
    return made_token(person, **columns)[1]


def made_token(
    person: Any, *, lasts: timedelta = timedelta(days=90), **columns: Any
) -> tuple[ApiToken, str]:
    """A new token and its text, whosever account it is: the cast's people log in, and call.

    It was used just now, so that a call with it writes only what it is about.
    """
    columns = {"last_used_at": now()} | columns
    token, text = ApiToken.objects.create(person, expiry=lasts, **columns)
    return token, str(text)
