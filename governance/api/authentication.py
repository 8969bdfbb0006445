"""Authentication by API token: `Authorization: Bearer <token>`."""

from __future__ import annotations

import logging
import re
from datetime import datetime
from hmac import compare_digest

from django.core.cache import cache
from django.db import Error
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from governance.api.errors import RequestTokenExpiredError, RequestTokenRevokedError
from governance.domain.tokens import TOKEN_KEY_LENGTH, hash_token
from governance.domain.values import TokenState
from governance.models import Account, ApiToken
from governance.services.access.callers import tokens_by_key
from governance.services.access.tokens import LAST_USED_PRECISION, record_use

logger = logging.getLogger(__name__)

SCHEME = "Bearer"

# Tokens are hexadecimal digits; text of another form is refused without a query.
_TOKEN = re.compile(rb"[0-9A-Za-z_-]{16,256}", re.ASCII)
_STATE_ERRORS = {
    TokenState.REVOKED: ("This token was revoked.", RequestTokenRevokedError.code),
    TokenState.EXPIRED: ("This token has expired.", RequestTokenExpiredError.code),
}


class ApiTokenAuthentication(BaseAuthentication):
    """The authentication of API tokens, in one query that also reads the account's permissions.

    A token that is unknown, revoked or expired, or whose account is inactive, gets 401. Only a
    caller with the complete token learns that it was revoked or expired; any other caller gets
    `authentication_failed`. The use of a token is recorded at most once a minute.
    """

    def authenticate_header(self, request: Request) -> str:
        """Return the value of `WWW-Authenticate` in a 401."""
        return SCHEME

    def authenticate(self, request: Request) -> tuple[Account, ApiToken] | None:
        """Return (account, token), or None if the header is missing or names another scheme.

        Raises:
            AuthenticationFailed: the token is unknown, revoked or expired, or its account inactive.
        """
        scheme, _, token = get_authorization_header(request).strip().partition(b" ")
        if scheme.lower() != SCHEME.lower().encode():
            return None
        return self._authenticate_token(token.strip())

    def _authenticate_token(self, token: bytes) -> tuple[Account, ApiToken]:
        if not _TOKEN.fullmatch(token):
            raise AuthenticationFailed("This site does not know this token.")
        text = token.decode("ascii")
        digest = hash_token(text)
        for known, now in tokens_by_key(text[:TOKEN_KEY_LENGTH]):
            if not compare_digest(digest, known.digest):
                continue
            if refusal := _STATE_ERRORS.get(known.state_at(now)):
                raise AuthenticationFailed(*refusal)
            if not known.user.is_active:
                raise AuthenticationFailed("This account is not active.", code="user_inactive")
            _try_to_note_use(known, now)
            return known.user, known
        raise AuthenticationFailed("This site does not know this token.")


def _try_to_note_use(token: ApiToken, at: datetime) -> None:
    """Record the use of a token at most once a minute, and only log a database error.

    A read-only database refuses every write, and reads must still work there.
    """
    if token.last_used_at is not None and token.last_used_at > at - LAST_USED_PRECISION:
        return
    if cache.add(f"used:{token.pk}", True, timeout=LAST_USED_PRECISION.total_seconds()):
        try:
            record_use(token, at=at)
        except Error as error:
            logger.warning("The use of token %s could not be recorded: %s", token.pk, error)
