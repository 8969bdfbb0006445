"""The errors that only an HTTP request can cause, declared like those of `domain/errors/`.

DRF itself raises some of them, as exceptions of its own with these codes and statuses.
"""

from __future__ import annotations

from governance.domain.errors import (
    Advice,
    BusyError,
    GovernanceError,
    InvalidInputError,
    TokenExpiredError,
    TokenRevokedError,
    UserInactiveError,
    WrongPersonError,
)


# --- the request is invalid ---
class BadRequestError(InvalidInputError, code="bad_request"):
    """A request that cannot be parsed."""


class InvalidParameterError(InvalidInputError, code="invalid_parameter"):
    """A query parameter that is unknown, repeated or empty, or names an unknown value."""


class InvalidIdempotencyKeyError(InvalidInputError, code="invalid_idempotency_key"):
    """An `Idempotency-Key` that is not 1 to 255 visible ASCII characters."""


class InvalidHeaderError(InvalidInputError, code="invalid_header"):
    """A `Last-Event-ID` that this stream has not sent."""


class MethodNotAllowedError(InvalidInputError, code="method_not_allowed", http_status=405):
    """A method that the path does not support; `Allow` lists those that it supports."""


class NotAcceptableError(InvalidInputError, code="not_acceptable", http_status=406):
    """An `Accept` that names no media type that the call returns."""


class LengthRequiredError(InvalidInputError, code="length_required", http_status=411):
    """A body that is chunked and has no `Content-Length`.

    Django reads such a body as empty, so the call would run with default values.
    """


class AddressTooLongError(InvalidInputError, code="address_too_long", http_status=414):
    """A path or a query that is longer than 4 096 bytes."""


class UnsupportedMediaTypeError(InvalidInputError, code="unsupported_media_type", http_status=415):
    """A body that is not `application/json` in UTF-8."""


# --- the caller is unknown, or may not do this ---
class NotAuthenticatedError(
    GovernanceError, code="not_authenticated", http_status=401, advice=Advice.AUTHENTICATE
):
    """A request without a bearer token."""


class UnknownTokenError(NotAuthenticatedError, code="authentication_failed"):
    """A token that the site does not know."""


class RequestTokenExpiredError(NotAuthenticatedError, code=TokenExpiredError.code):
    """A token that has expired."""


class RequestTokenRevokedError(NotAuthenticatedError, code=TokenRevokedError.code):
    """A token that was revoked."""


class RequestUserInactiveError(NotAuthenticatedError, code=UserInactiveError.code):
    """A token whose account is deactivated."""


class PermissionDeniedError(WrongPersonError, code="permission_denied", advice=Advice.AUTHENTICATE):
    """A token or an account that lacks the permission that `detail` names."""


# --- temporary ---
class ThrottledError(BusyError, code="throttled", http_status=429):
    """Too many requests with this token in this minute."""


class DatabaseUnavailableError(BusyError, code="database_unavailable"):
    """A database that does not answer. It is unknown whether the write happened."""


class TooManyStreamsError(BusyError, code="too_many_streams"):
    """A web process that has no free event stream."""


class UnexpectedError(
    GovernanceError, code="internal_error", http_status=500, advice=Advice.REPORT
):
    """An unexpected error in the server, which has been logged."""
