"""Errors of accounts, API tokens and database roles."""

from __future__ import annotations

from governance.domain.errors.base import Advice, NotFoundError, WrongPersonError, WrongStateError


# --- accounts ---
class UserNotFoundError(NotFoundError, code="user_not_found"):
    """A user who does not exist, or is not active."""


class GroupNotFoundError(NotFoundError, code="group_not_found"):
    """A role whose group does not exist: the database is not migrated."""


class UserInactiveError(WrongPersonError, code="user_inactive"):
    """An account that is deactivated."""


class NotAServiceAccountError(WrongPersonError, code="not_a_service_account"):
    """A token for a person's account; tokens belong to service accounts."""


class MachineAccountError(
    WrongPersonError,
    code="machine_account",
    constraints=(
        "machine_account_closed",
        "machine_account_by_owner",
        "job_ended_by_its_authority",
    ),
):
    """A change of an account that belongs to an authority itself, a group or a token for it, or an
    act that is not its authority's.
    """


# --- notices ---
class NotOwnNoticeError(WrongPersonError, code="not_own_notice"):
    """A notice to another person; everybody marks only their own as read."""


# --- tokens ---
class TokenNotFoundError(NotFoundError, code="token_not_found"):
    """A token that does not exist."""


class TokenIssuedError(WrongStateError, code="token_issued", advice=Advice.STOP):
    """A token that was issued before; its text cannot be shown again."""


class TokenRotatedError(WrongStateError, code="token_rotated"):
    """A token that already has a successor."""


class TokenRevokedError(WrongStateError, code="token_revoked"):
    """A token that was revoked."""


class TokenExpiredError(WrongStateError, code="token_expired"):
    """A token that has expired."""


# --- database roles ---
class RoleMissingError(NotFoundError, code="role_missing"):
    """A database role that does not exist."""


class RoleTooStrongError(WrongStateError, code="role_too_strong"):
    """A database role that grants cannot limit; `details.reasons` says why."""


class NotMigratedError(WrongStateError, code="not_migrated"):
    """A database that lacks a table: run `manage.py migrate`."""


class NotTheOwnerError(WrongPersonError, code="not_the_owner"):
    """A database role that does not own the tables."""
