"""The client's exceptions: refusals by the site, and missing responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

# After one of these codes an executor must drop the job.
JOB_LOST_CODES = frozenset(
    {"lease_expired", "stale_execution", "job_immutable", "result_conflict", "job_not_found"}
)
RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})


class GovsiteError(Exception):
    """The base of the client's exceptions."""


class NoAnswer(GovsiteError):  # noqa: N818 - named for what happened
    """No response arrived in time. It is unknown whether the call had its effect."""


class GovsiteProblem(GovsiteError):  # noqa: N818 - RFC 9457 calls it a problem
    """A refusal by the site: `code` is for programs, `detail` and `str()` are for people.

    `status` is the HTTP status; `details` and `errors` (each with `path` and `message`) are those
    of the problem document. A response without a problem document, such as one from a proxy, has
    the code `unexpected_answer`.
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
        self.errors = [dict(error) for error in errors if isinstance(error, Mapping)]

    def __str__(self) -> str:
        return f"{self.detail} ({self.code})"

    @property
    def is_retryable(self) -> bool:
        """Whether the same call may succeed later without any change to it."""
        return self.status in RETRYABLE_STATUSES or self.code == "request_in_progress"


class JobLost(GovsiteProblem):
    """The executor no longer has the job: it must run no further step and report nothing."""


class ChangeFreezeActive(GovsiteProblem):
    """A change freeze is active: no contract is activated, and no job is claimed or started."""

    @property
    def until(self) -> str:
        """When the freeze ends unless a founder lifts it earlier, in RFC 3339."""
        return str(self.details.get("until", ""))


def problem_of(answer: httpx.Response) -> GovsiteProblem:
    """Build the exception for an unsuccessful response, with or without a problem document."""
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("code"), str):
        where = f", to {answer.headers['Location']}" if "Location" in answer.headers else ""
        return GovsiteProblem(
            f"The site answered {answer.status_code} {answer.reason_phrase}{where}.",
            status=answer.status_code,
            code="unexpected_answer",
        )
    code, details, errors = document["code"], document.get("details"), document.get("errors")
    return _PROBLEM_CLASSES.get(code, GovsiteProblem)(
        str(document.get("detail") or code),
        status=answer.status_code,
        code=code,
        details=details if isinstance(details, dict) else {},
        errors=errors if isinstance(errors, list) else [],
    )


_PROBLEM_CLASSES: Mapping[str, type[GovsiteProblem]] = {
    **dict.fromkeys(JOB_LOST_CODES, JobLost),
    "change_freeze_active": ChangeFreezeActive,
}
