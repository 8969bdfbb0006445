"""What can go wrong between a program and a govsite, as errors that the program can act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

# The executor that hears one of these has nothing more to do with the job.
JOB_LOST_CODES = frozenset(
    {"lease_expired", "stale_execution", "job_immutable", "result_conflict", "job_not_found"}
)
RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})


class GovsiteError(Exception):
    """Whatever the client raises of itself."""


class NoAnswer(GovsiteError):  # noqa: N818 - named for what happened
    """Nobody answered in the time there was. Whether the call had its effect is not known."""


class GovsiteProblem(GovsiteError):  # noqa: N818 - RFC 9457 calls it a problem
    """The site's refusal: `code` is for programs, `detail` and `str()` for people.

    `status` is HTTP's, `details` and `errors` (`path`, `message`) are the problem document's. What
    answered without one, such as a proxy, has the code `unexpected_answer`.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int,
        code: str,
        details: Mapping[str, Any] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.code = code
        self.details = dict(details or {})
        self.errors = [dict(error) for error in errors]

    def __str__(self) -> str:
        return f"{self.detail} ({self.code})"

    @property
    def is_retryable(self) -> bool:
        """Whether the same call may well succeed later, without anybody mending anything."""
        return self.status in RETRYABLE_STATUSES or self.code == "request_in_progress"


class JobLost(GovsiteProblem):
    """The job is not ours any more, or is not there: run no step of it, report nothing."""


class ChangeFreezeActive(GovsiteProblem):
    """A founder has stopped the line; nothing is claimed, started or activated meanwhile."""

    @property
    def until(self) -> str:
        """When the freeze ends by itself, in RFC 3339."""
        return str(self.details.get("until", ""))


def problem_of(answer: httpx.Response) -> GovsiteProblem:
    """What an answer that is no success says, whether it is a problem document or not."""
    document = _document(answer)
    code = document.get("code")
    if not isinstance(code, str):
        where = f", to {answer.headers['Location']}" if "Location" in answer.headers else ""
        return GovsiteProblem(
            f"The site answered {answer.status_code} {answer.reason_phrase}{where}.",
            status=answer.status_code,
            code="unexpected_answer",
        )
    kind = GovsiteProblem
    if code in JOB_LOST_CODES:
        kind = JobLost
    elif code == "change_freeze_active":
        kind = ChangeFreezeActive
    details, errors = document.get("details"), document.get("errors")
    return kind(
        str(document.get("detail") or code),
        status=answer.status_code,
        code=code,
        details=details if isinstance(details, dict) else None,
        errors=[error for error in errors if isinstance(error, dict)]
        if isinstance(errors, list)
        else (),
    )


def _document(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
