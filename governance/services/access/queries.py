"""Queries of API tokens, for commands and the admin; `callers.py` reads those of requests."""

from __future__ import annotations

import re
from uuid import UUID

from django.db.models import QuerySet

from governance.domain.errors import InvalidInputError, TokenNotFoundError
from governance.domain.tokens import TOKEN_KEY_LENGTH
from governance.models import ApiToken

# The beginning of a token, as lists show it; nobody should type a whole token into a command.
_BEGINNING = re.compile(rf"[0-9A-Za-z_-]{{8,{TOKEN_KEY_LENGTH}}}…?", re.ASCII)


def find_token(named: str) -> ApiToken:
    """Find a token by its id, or by the beginning of its text as lists show it.

    Raises:
        InvalidInputError: `named` is neither, or several tokens begin so.
        NotFoundError: no such token.
    """
    tokens = all_tokens()
    try:
        found = list(tokens.filter(pk=UUID(named)))
    except ValueError:
        if not _BEGINNING.fullmatch(named):
            raise InvalidInputError.at(
                "token",
                f"must be an id, or the first 8 to {TOKEN_KEY_LENGTH} characters",
            ) from None
        found = list(tokens.filter(token_key__startswith=named.rstrip("…"))[:2])
    if not found:
        raise TokenNotFoundError("There is no such token.")
    if len(found) > 1:
        raise InvalidInputError.at("token", "matches several tokens; use the id")
    return found[0]


def all_tokens() -> QuerySet[ApiToken]:
    """Return every token with its accounts and its successor, newest first."""
    return ApiToken.objects.select_related("user", "issued_by", "revoked_by", "successor")
