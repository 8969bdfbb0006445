"""Who is asking: a hashed, expiring token in the header `Authorization: Bearer <token>`."""

from __future__ import annotations

import logging
import re
from hmac import compare_digest
from typing import Any

from django.core.cache import cache
from django.db import Error
from django.utils import timezone
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.settings import CONSTANTS
from rest_framework.exceptions import AuthenticationFailed

from governance.flows.callers import tokens_that_begin
from governance.flows.tokens import USE_NOTED_EVERY, note_use
from governance.models import ApiToken
from governance.vocabulary.values import TokenState

logger = logging.getLogger(__name__)

# What knox makes are hexadecimal digits. Anything else would only trouble the database.
_TOKEN = re.compile(rb"[0-9A-Za-z_-]{16,256}", re.ASCII)
_REFUSALS = {
    TokenState.REVOKED: ("This token was revoked.", "token_revoked"),
    TokenState.EXPIRED: ("This token has expired.", "token_expired"),
}


class ApiTokenAuthentication(TokenAuthentication):
    """knox's tokens, checked in one query with what their users may do; once a minute their use
    is noted.

    A token that is unknown, revoked or expired, or whose user is not active, answers 401, and who
    does not know the whole of it hears no more than that it is unknown. knox's header name
    `Bearer` goes out in `WWW-Authenticate`.
    """

    def authenticate_credentials(self, token: bytes) -> tuple[Any, ApiToken]:
        if not _TOKEN.fullmatch(token):
            raise AuthenticationFailed("This token is not one of ours.")
        text = token.decode("ascii")
        digest = hash_token(text)
        for known in tokens_that_begin(text[: CONSTANTS.TOKEN_KEY_LENGTH]):
            if not compare_digest(digest, known.digest):
                continue
            at = timezone.now()
            if refusal := _REFUSALS.get(known.state_at(at)):
                raise AuthenticationFailed(*refusal)
            if not known.user.is_active:
                raise AuthenticationFailed("This user is not active.", code="user_inactive")
            _try_to_note_use(known, at)
            return known.user, known
        raise AuthenticationFailed("This token is not one of ours.")


def _try_to_note_use(token: ApiToken, at: Any) -> None:
    """Once a minute, whatever comes of it: a call does not fail because it could not be noted.

    A database that only reads would refuse it every time.
    """
    if token.last_used_at is not None and token.last_used_at > at - USE_NOTED_EVERY:
        return
    if cache.add(f"used:{token.pk}", True, timeout=USE_NOTED_EVERY.total_seconds()):
        try:
            note_use(token, at=at)
        except Error as error:
            logger.warning("The use of token %s could not be noted: %s", token.pk, error)
