"""The base of all errors, and the families, which say what the caller does next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar, Self


class Advice(StrEnum):
    """What a client should do about an error."""

    FIX_REQUEST = "correct the request: the same request is refused again"
    AUTHENTICATE = "use a valid token, or ask an administrator for the permission"
    RETRY = "wait `Retry-After` seconds, then retry; a POST with the same `Idempotency-Key`"
    WAIT = "try later, a POST with a new `Idempotency-Key`: something else has to change first"
    READ_AGAIN = "read the current state, then decide again"
    REPORT = "tell the operators; one retry with the same `Idempotency-Key` is safe"
    REPORT_REFUSED_WRITE = "report it to the operators; nothing was written"
    STOP = "stop: a retry cannot succeed"


class GovernanceError(Exception):
    """An error: `str()` is a sentence for people, `code` is for programs.

    A subclass declares one error. Its docstring begins with the meaning that the documentation
    shows; its class arguments are the code, and what differs from the class that it extends:

    * `http_status` and `advice`, which the families declare;
    * `constraints`: the constraints and database guards whose refusals become this error.

    `details` holds JSON values that explain the error, such as the statuses involved.
    """

    code: ClassVar[str]
    http_status: ClassVar[int]
    advice: ClassVar[Advice]
    constraints: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(
        cls,
        *,
        code: str | None = None,
        http_status: int | None = None,
        advice: Advice | None = None,
        constraints: tuple[str, ...] = (),
    ) -> None:
        super().__init_subclass__()
        cls.code = code or cls.code
        cls.http_status = http_status or cls.http_status
        cls.advice = advice or cls.advice
        cls.constraints = constraints

    def __init__(self, message: str, *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = dict(details or {})

    @classmethod
    def meaning(cls) -> str:
        """Return the first paragraph of the docstring on one line."""
        return " ".join((cls.__doc__ or "").partition("\n\n")[0].split())


def every_error(
    error_class: type[GovernanceError] = GovernanceError,
) -> Iterator[type[GovernanceError]]:
    """Return every declared error below a class, in the order of declaration."""
    for subclass in error_class.__subclasses__():
        yield subclass
        yield from every_error(subclass)


class InvalidInputError(
    GovernanceError, code="invalid_input", http_status=400, advice=Advice.FIX_REQUEST
):
    """An invalid parameter, or an invalid field of the body; `errors` names each.

    `errors` is a list of `{"path", "message"}`.
    """

    def __init__(self, message: str, *, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(message, details={"errors": [dict(e) for e in errors]})

    @classmethod
    def at(cls, path: str, message: str) -> Self:
        """Make the error of one field, from its path and a message without a subject."""
        return cls(
            f"{path or 'the document'}: {message}.", errors=[{"path": path, "message": message}]
        )

    @classmethod
    def whole(cls, message: str) -> Self:
        """Make the error of a whole document, whose path is empty."""
        return cls(message, errors=[{"path": "", "message": message}])

    @property
    def errors(self) -> list[dict[str, str]]:
        return list(self.details["errors"])


class WrongStateError(
    GovernanceError,
    code="wrong_state",
    http_status=409,
    advice=Advice.READ_AGAIN,
    constraints=(
        "contract_succession",
        "signature_in_turn",
        "signature_numbered_once",
        "freeze_lift_in_time",
        "governance_freezelift_freeze_id_key",
    ),
):
    """An operation that the present state does not allow."""


class WrongPersonError(
    GovernanceError,
    code="not_permitted",
    http_status=403,
    advice=Advice.STOP,
    constraints=("founder_decides", "auditor_judges", "operator_closes"),
):
    """An operation that this person may not carry out; another person may."""


class StaleCopyError(
    GovernanceError,
    code="stale_copy",
    http_status=409,
    advice=Advice.READ_AGAIN,
    constraints=("contract_approves_its_content", "signature_signs_content"),
):
    """A decision on data that changed after it was read."""


class BusyError(GovernanceError, code="busy", http_status=503, advice=Advice.RETRY):
    """A write that PostgreSQL rolled back, so nothing was written; `details.undone_by` says why.

    `undone_by` is `deadlock`, `serialization_failure`, `lock_timeout` or `statement_timeout`.
    """


class NotFoundError(GovernanceError, code="not_found", http_status=404, advice=Advice.STOP):
    """A path that does not exist. Paths end with a slash, and ids are UUIDs."""
