"""Errors of documents, repeated requests and writes, whatever they are about."""

from __future__ import annotations

from governance.domain.errors.base import Advice, InvalidInputError, StaleCopyError, WrongStateError


class MalformedJsonError(InvalidInputError, code="malformed_json"):
    """A body that is not valid JSON in UTF-8."""


class InvalidJsonError(InvalidInputError, code="invalid_json"):
    """JSON that cannot be stored without loss: it has a repeated key, a NUL character, a number
    beyond ±(2^53 − 1), or more than 32 levels.
    """


class NumberNotExactError(InvalidJsonError, code="number_not_exact"):
    """A number that would be recorded as another number, such as 1e-400 or 9007199254740991.4."""


class DocumentTooLargeError(InvalidInputError, code="document_too_large"):
    """A body that is larger than 1 MiB."""


class NotUtf8Error(InvalidInputError, code="not_utf8"):
    """A file, or a line of it, that is not UTF-8."""


class ReasonRequiredError(InvalidInputError, code="reason_required"):
    """A reason that is empty, too short, or longer than 4 000 characters."""


class InvalidNameError(InvalidInputError, code="invalid_name", constraints=("username_is_ascii",)):
    """A name or one-line text that is not what it looks like: it has a character that is not seen,
    odd spaces, piled-up combining marks or, in a name, a word of mixed scripts.
    """


class SimilarNameError(
    InvalidInputError,
    code="similar_name",
    constraints=(
        "capability_resembles_same_key",
        "capability_unlike_others",
        "setting_resembles_same_key",
        "setting_unlike_others",
        "username_unlike_others",
    ),
):
    """A name that differs only by case, width or look-alike characters from another name, which
    `details.similar_to` has.
    """

    @classmethod
    def of(cls, path: str, name: str, other: str) -> SimilarNameError:
        refusal = cls.at(path, f"{name!r} looks like {other!r}, which is another name")
        refusal.details["similar_to"] = other
        return refusal


class KeyReusedError(InvalidInputError, code="idempotency_key_reused", http_status=422):
    """An `Idempotency-Key` of a different request: each request needs its own key."""


class RequestInProgressError(
    WrongStateError,
    code="request_in_progress",
    advice=Advice.RETRY,
    constraints=("governance_idempotencyrecord_pkey",),
):
    """A request while another one with this `Idempotency-Key` is still running."""


class ResponseLostError(WrongStateError, code="answer_lost"):
    """A request that was carried out, but whose stored response cannot be decrypted, because the
    site's secret has changed since.
    """


class IntegrityViolationError(
    WrongStateError, code="integrity_violation", advice=Advice.REPORT_REFUSED_WRITE
):
    """A write that PostgreSQL refused, so nothing was written; `details.constraint` names the
    database guard.
    """


class VersionMismatchError(StaleCopyError, code="precondition_failed", http_status=412):
    """An `If-Match` that names no current version; after a POST `details.version` is the current
    one.
    """
