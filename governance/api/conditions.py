"""Conditions on a call: only if what the caller read still stands, or only if it does not."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from governance.domain.errors import VersionMismatchError
from governance.record.ledger.versions import (
    Subject,
    require_version,
    version_of,
)

# May be kept by the client alone, who must ask before using it again.
REVALIDATE = "private, no-cache"


def conditional_response(
    request: Request, subject: Subject, pk: UUID, read: Callable[[], Response]
) -> HttpResponse:
    """What `read` answers, with a strong `ETag`; 304 if the caller names it in `If-None-Match`.

    The version is read before the row: an answer may be newer than its tag, never older. Raises
    NotFoundError, and VersionMismatchError if `If-Match` names only others.
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
    """The versions that a condition names, `*` among them; None without the header.

    What is no entity tag stands for no version. A weak tag (`W/"…"`) is one only where a weak
    comparison does, in `If-None-Match`.
    """
    text = request.headers.get(header)
    if text is None:
        return None
    tags = parse_etags(text)
    if header == "If-None-Match":
        tags = [tag.removeprefix("W/") for tag in tags]
    return frozenset(tag.strip('"') for tag in tags if not tag.startswith("W/"))


def require_if_match(request: Request, subject: Subject | None, pk: UUID | None) -> None:
    """Hold a call that writes to its `If-Match`, with contract and job locked from here on.

    A call that is about no single contract or job has no version: there the condition never holds.
    """
    wanted = versions_named_in(request, "If-Match")
    if wanted is None:
        return
    if subject is None or pk is None:
        raise VersionMismatchError("What this call is about has no version to compare.")
    require_version(subject, pk, wanted)
