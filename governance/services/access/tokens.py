"""API tokens of service accounts: issued, used, rotated and revoked.

A token's scope is fixed when it is issued. It allows at most what its account may do, of that only
its verbs, and only on contracts that affect nothing but its capabilities. The text of a token is
returned once, by the function that creates it; only its hash is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from governance.db.clock import database_now
from governance.domain.errors import (
    InvalidInputError,
    MachineAccountError,
    NotAServiceAccountError,
    TokenExpiredError,
    TokenIssuedError,
    TokenNotFoundError,
    TokenRevokedError,
    TokenRotatedError,
    UserInactiveError,
    UserNotFoundError,
)
from governance.domain.roles import Role
from governance.domain.strict_json import require_plain_json
from governance.domain.tokens import (
    DEFAULT_OVERLAP_HOURS,
    DEFAULT_TOKEN_DAYS,
    OVERLAP_HOURS,
    TOKEN_DAYS,
    TOKEN_KEY_LENGTH,
    hash_token,
    new_token_text,
    read_capabilities,
    read_name,
    read_verbs,
)
from governance.domain.values import TokenState
from governance.models import Account, ApiToken
from governance.services.access.accounts import assign_role, is_service_account, open_account
from governance.services.registry.guards import refuse_like_registered

DEFAULT_OVERLAP = timedelta(hours=DEFAULT_OVERLAP_HOURS)
LAST_USED_PRECISION = timedelta(minutes=1)
MAX_REASON_LENGTH = 4000


def issue_token(
    *,
    username: str,
    role: Role | None,
    days: int,
    create: bool,
    actor: Account,
    name: str = "",
    verbs: Sequence[str] | None = None,
    capabilities: Sequence[str] | None = None,
    token_id: UUID | None = None,
) -> tuple[ApiToken, str]:
    """Issue a token of a service account; return it and its text, which is not stored.

    Args:
        role: the account is added to this role's group; None leaves its groups as they are.
        create: whether a missing account is created, as a service account that cannot log in.
        verbs: the permissions that the token is limited to; None is all of the account's.
        capabilities: the capabilities that the token is limited to; None is no limit.
        token_id: the id of the new token, which makes a repeated call fail instead of issuing a
            second token.

    Raises:
        InvalidInputError: a field is invalid, a capability only looks like a registered one, or
            the account lacks a permission of `verbs`.
        UserNotFoundError: there is no such account.
        UserInactiveError: the account is not active.
        NotAServiceAccountError: the account is a person's.
        MachineAccountError: it is the account of an authority itself.
        TokenIssuedError: a token with `token_id` exists.
    """
    require_plain_json(username, "username")
    columns: dict[str, Any] = {
        "name": read_name(name),
        "verbs": read_verbs(verbs),
        "capabilities": read_capabilities(capabilities),
    }
    limits = columns["capabilities"] or ()
    refuse_like_registered([("capabilities", capability) for capability in limits])
    if days not in TOKEN_DAYS:
        raise InvalidInputError.at("days", f"must be from {TOKEN_DAYS[0]} to {TOKEN_DAYS[-1]}")
    if token_id is not None:
        columns["id"] = token_id
    with transaction.atomic():
        account = _account(username, role, create=create)
        for verb in columns["verbs"] or ():
            if not account.has_perm(f"governance.{verb}"):
                raise InvalidInputError.at("verbs", f"{username} may not {verb}")
        # `_account` locked the account's row, so of two equal calls the second sees the token.
        if token_id is not None and ApiToken.objects.filter(pk=token_id).exists():
            raise TokenIssuedError(
                "This token was already issued, and its text cannot be shown again: revoke it, or "
                "rotate it."
            )
        return _make(
            user=account, lifetime=timedelta(days=days), actor=actor, at=database_now(), **columns
        )


def rotate_token(
    *, token_id: UUID, actor: Account, overlap: timedelta = DEFAULT_OVERLAP
) -> tuple[ApiToken, str]:
    """Issue a successor of a token, with the same scope and lifetime; return it and its text.

    The old token stays valid for the `overlap`, but not beyond its own end.

    Raises:
        InvalidInputError: the overlap is out of bounds.
        TokenNotFoundError: no such token.
        TokenRevokedError: the token is revoked.
        TokenExpiredError: the token has expired.
        TokenRotatedError: the token has a successor.
        WrongPersonError: as in `issue_token`.
    """
    if not timedelta(hours=OVERLAP_HOURS[0]) <= overlap <= timedelta(hours=OVERLAP_HOURS[-1]):
        raise InvalidInputError.at("overlap", f"must be from 0 to {OVERLAP_HOURS[-1]} hours")
    with transaction.atomic():
        old = _lock(token_id)
        at = database_now()
        require_rotatable(old, at)
        lifetime = old.expiry - old.created if old.expiry else timedelta(days=DEFAULT_TOKEN_DAYS)
        successor, text = _make(
            user=old.user,
            lifetime=lifetime,
            actor=actor,
            at=at,
            name=old.name,
            verbs=old.verbs,
            capabilities=old.capabilities,
            rotated_from=old,
        )
        old.expiry = min(old.expiry, at + overlap) if old.expiry else at + overlap
        old.save(update_fields=["expiry"])
    return successor, text


def require_rotatable(token: ApiToken, at: datetime) -> None:
    """Refuse a token that cannot be rotated, with the errors of `rotate_token`."""
    if (state := token.state_at(at)) is not TokenState.LIVE:
        is_revoked = state is TokenState.REVOKED
        error_class = TokenRevokedError if is_revoked else TokenExpiredError
        raise error_class(f"This token is {state}; issue another one.")
    if ApiToken.objects.filter(rotated_from=token).exists():
        raise TokenRotatedError("This token already has a successor; rotate that one.")
    _require_service_account(token.user)


def revoke_token(*, token_id: UUID, actor: Account, reason: str = "") -> ApiToken:
    """Revoke a token at once and without return; its successor stays valid.

    Raises:
        InvalidInputError: the reason is too long.
        NotFoundError: no such token.
        TokenRevokedError: the token is revoked already.
    """
    require_plain_json(reason, "reason")
    if len(reason) > MAX_REASON_LENGTH:
        raise InvalidInputError.at("reason", f"must have at most {MAX_REASON_LENGTH} characters")
    with transaction.atomic():
        token = _lock(token_id)
        if token.revoked_at is not None:
            raise TokenRevokedError("This token is already revoked.")
        token.revoked_at, token.revoked_by = database_now(), actor
        token.revoked_reason = reason.strip()
        token.save(update_fields=["revoked_at", "revoked_by", "revoked_reason"])
    return token


def record_use(token: ApiToken, *, at: datetime) -> None:
    """Record when a token was last used, to the minute.

    A row that another transaction has locked is skipped, so no request waits for this.

    Raises:
        DatabaseError: the write failed; the caller decides whether that matters.
    """
    with transaction.atomic():
        free = ApiToken.objects.select_for_update(skip_locked=True, no_key=True)
        outdated = Q(last_used_at=None) | Q(last_used_at__lte=at - LAST_USED_PRECISION)
        ApiToken.objects.filter(pk__in=free.filter(outdated, pk=token.pk).values("pk")).update(
            last_used_at=at
        )


def _account(username: str, role: Role | None, *, create: bool) -> Account:
    account = Account.objects.select_for_update().filter(username=username).first()
    if account is not None:
        _require_service_account(account)
        if role:
            assign_role(account, role)
        return account
    if not create:
        raise UserNotFoundError(f"There is no user {username!r}; --create makes a service account.")
    if role is None:
        raise InvalidInputError.at("role", "is required for a new account")
    return open_account(username=username, role=role)


def _require_service_account(account: Account) -> None:
    if account.machine is not None:
        raise MachineAccountError(
            f"{account} is the account of an authority itself, which has no token; choose another "
            "name."
        )
    if not account.is_active:
        raise UserInactiveError(f"{account} is not active.")
    if not is_service_account(account):
        raise NotAServiceAccountError(
            f"{account} is a person's account; a token belongs to a service account, which nobody "
            "can log in with."
        )


def _make(
    *, user: Any, lifetime: timedelta, actor: Account, at: datetime, **columns: Any
) -> tuple[ApiToken, str]:
    text = new_token_text()
    token = ApiToken(
        digest=hash_token(text),
        token_key=text[:TOKEN_KEY_LENGTH],
        user=user,
        created=at,
        expiry=at + lifetime,
        issued_by=actor,
        **columns,
    )
    token.save(force_insert=True)
    return token, text


def _lock(token_id: UUID) -> ApiToken:
    token = ApiToken.objects.select_for_update().filter(pk=token_id).first()
    if token is None:
        raise TokenNotFoundError("There is no such token.")
    return token
