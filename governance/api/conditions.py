"""Conditional requests: `If-Match` and `If-None-Match`, compared with versions of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from governance.domain.errors import VersionMismatchError
from governance.record.ledger.versions import Subject, require_version, version_of

# Only the client itself may cache the response, and it must revalidate before each use.
REVALIDATE = "private, no-cache"


def conditional_response(
    request: Request, subject: Subject, pk: UUID, read: Callable[[], Response]
) -> HttpResponse:
    """Return the response of `read` with a strong `ETag`, or 304 if `If-None-Match` names it.

    The version is read before the row, so a response can be newer than its tag, never older.

    Raises:
        NotFoundError: there is no such contract or job.
        VersionMismatchError: `If-Match` does not name the current version.
    """
    version = version_of(subject, pk)
    wanted = versions_named_in(request, "If-Match")
    if wanted is not None and not {"*", version} & wanted:
        raise VersionMismatchError(f"The {subject} has changed since it was read.")
    known = versions_named_in(request, "If-None-Match") or frozenset()
    answer: HttpResponse = HttpResponse(status=304) if {"*", version} & known else read()
    answer.headers["ETag"] = f'"{version}"'
    answer.headers["Cache-Control"] = REVALIDATE
    return answer


def versions_named_in(request: Request, header: str) -> frozenset[str] | None:
    """Return the versions that a conditional header names, possibly `*`; None without the header.

    Text that is not an entity tag is ignored. A weak tag (`W/"…"`) counts only in `If-None-Match`,
    for which RFC 9110 prescribes the weak comparison.
    """
    text = request.headers.get(header)
    if text is None:
        return None
    tags = parse_etags(text)
    if header == "If-None-Match":
        tags = [tag.removeprefix("W/") for tag in tags]
    return frozenset(tag.strip('"') for tag in tags if not tag.startswith("W/"))


def require_if_match(request: Request, subject: Subject | None, pk: UUID | None) -> None:
    """Lock the contract and its job, and refuse the write if `If-Match` names another version.

    A call about no single contract or job has no version, so its condition never holds.

    Raises:
        VersionMismatchError: `If-Match` does not name the current version.
        NotFoundError: there is no such contract or job.
    """
    wanted = versions_named_in(request, "If-Match")
    if wanted is None:
        return
    if subject is None or pk is None:
        raise VersionMismatchError(
            "This call has no single contract or job whose version could be compared."
        )
    require_version(subject, pk, wanted)
