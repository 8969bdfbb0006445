"""Factories of API tokens for the users of the tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from governance.domain.tokens import TOKEN_KEY_LENGTH, hash_token, new_token_text
from governance.models import ApiToken
from tests.support.factories import now


def new_token(person: Any, **options: Any) -> str:
    """Make a token of the person, and return its text; `options` are those of `made_token`."""
    return made_token(person, **options)[1]


def made_token(
    person: Any, *, lasts: timedelta | None = timedelta(days=90), **columns: Any
) -> tuple[ApiToken, str]:
    """Make a token of any account, not only of service accounts, and return it with its text.

    The token counts as used just now, so that a call does not also write `last_used_at`.

    Args:
        lasts: How long the token is valid; None means without end.
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
