"""Who is asking: a hashed, expiring token in the header `Authorization: Bearer <token>`."""

from __future__ import annotations

import re
from hmac import compare_digest
from typing import Any

from django.utils import timezone
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.models import get_token_model
from knox.settings import CONSTANTS
from rest_framework.exceptions import AuthenticationFailed

# What knox makes are hexadecimal digits. Anything else would only trouble the database.
_TOKEN = re.compile(rb"[0-9A-Za-z_-]{16,256}", re.ASCII)


class ApiTokenAuthentication(TokenAuthentication):
    """knox's tokens, checked in one query that changes nothing.

    A token that is unknown or expired, or whose user is not active, answers 401; knox's header
    name `Bearer` goes out in `WWW-Authenticate`.
    """

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        if not _TOKEN.fullmatch(token):
            raise AuthenticationFailed("This token is not one of ours.")
        text = token.decode("ascii")
        digest = hash_token(text)
        candidates = get_token_model().objects.select_related("user")
        for known in candidates.filter(token_key=text[: CONSTANTS.TOKEN_KEY_LENGTH]):
            if not compare_digest(digest, known.digest):
                continue
            if known.expiry is not None and known.expiry <= timezone.now():
                raise AuthenticationFailed("This token has expired.", code="token_expired")
            if not known.user.is_active:
                raise AuthenticationFailed("This user is not active.", code="user_inactive")
            return known.user, known
        raise AuthenticationFailed("This token is not one of ours.")
