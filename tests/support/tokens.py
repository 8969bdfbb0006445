"""Tokens of the cast's people for the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from governance.domain.tokens import (
    TOKEN_KEY_LENGTH,
    hash_token,
    new_token_text,
)
from governance.models import ApiToken
from tests.support.factories import now


def new_token(person: Any, **options: Any) -> str:
    """The text of a new token of the person; `options` are those of `made_token`."""
    return made_token(person, **options)[1]


def made_token(
    person: Any, *, lasts: timedelta | None = timedelta(days=90), **columns: Any
) -> tuple[ApiToken, str]:
    """Make a token of any account, people's too, and return it with its text.

    Without `lasts` it never ends. It was used just now, so that a call with it writes only what
    it is about.
    """
    columns = {"last_used_at": now()} | columns
    text = new_token_text()
    token = ApiToken.objects.create(
        digest=hash_token(text),
        token_key=text[:TOKEN_KEY_LENGTH],
        user=person,
        expiry=now() + lasts if lasts else None,
        **columns,
    )
    return token, text
