"""The notice of a sweep that is held back, and the page on which an operator ends what is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from governance.admin.links import contract_url, job_url
from governance.admin.readonly import ReadOnlyAdmin, person_of
from governance.admin.wording import plural
from governance.flows.endings import CONTRACTS, JOBS, Sweep, read_endings
from governance.flows.sweep import SweepResult, expire_contracts, fail_timed_out_jobs
from governance.models import GovernanceJob, SystemContract
from governance.services.access.permissions import is_operator

MAX_ENDED_AT_ONCE = 500  # each is a transaction, and all must fit into one request
MAX_NOTED = 5


@dataclass(frozen=True)
class EndingsPage:
    """What a sweep ends, in words, and the function that ends it."""

    sweep: Sweep
    operation: Callable[..., Iterator[SweepResult]]
    rows: Callable[[list[UUID]], list[dict[str, str]]]
    address: str
    noun: str
    why: str


def _contract_rows(ids: list[UUID]) -> list[dict[str, str]]:
    found = SystemContract.objects.only("id", "title", "reference", "status").in_bulk(ids)
    return [_row(found[one], one, contract_url(found[one])) for one in ids if one in found]


def _job_rows(ids: list[UUID]) -> list[dict[str, str]]:
    shown = ("id", "status", *(f"contract__{name}" for name in ("title", "reference", "status")))
    found = GovernanceJob.objects.select_related("contract").only(*shown).in_bulk(ids)
    return [_row(found[one].contract, one, job_url(found[one])) for one in ids if one in found]


def _row(contract: SystemContract, subject_id: UUID, url: str) -> dict[str, str]:
    names = {"title": contract.title, "reference": contract.reference}
    return names | {"id": str(subject_id), "url": url}


CONTRACT_ENDINGS = EndingsPage(
    CONTRACTS,
    expire_contracts,
    _contract_rows,
    "admin:governance_systemcontract_endings",
    "contract",
    "The time for their review, or their activation window, is over.",
)
JOB_ENDINGS = EndingsPage(
    JOBS,
    fail_timed_out_jobs,
    _job_rows,
    "admin:governance_governancejob_endings",
    "job",
    "Their executors have stopped reporting, and their leases are over.",
)


def held_notices(pages: Sequence[EndingsPage], at: datetime) -> list[dict[str, Any]]:
    """Return a notice of each sweep that is held back; one query, and one for each notice."""
    if not pages:
        return []
    found = read_endings(*(page.sweep for page in pages), at=at)
    return [
        {
            "number": plural(len(endings.ids), page.noun),
            "why": page.why,
            "rows": page.rows(endings.ids[:MAX_NOTED]),
            "more": len(endings.ids) - MAX_NOTED,
            "url": reverse(page.address),
        }
        for page, endings in zip(pages, found, strict=True)
        if endings.is_held
    ]


def endings_page(
    page: EndingsPage, model_admin: ReadOnlyAdmin, request: HttpRequest
) -> HttpResponse:
    """List what the sweep would end by GET; end exactly what the form lists by POST.

    Raises:
        PermissionDenied: the person may not see it, or no operator posts the form.
    """
    may_end = is_operator(person_of(request))
    if not model_admin.has_view_permission(request) or (request.method == "POST" and not may_end):
        raise PermissionDenied
    if seen := _ids_in(request):
        return _end(page, request, seen)
    [endings] = read_endings(page.sweep, at=timezone.now())
    rows = page.rows(endings.ids[:MAX_ENDED_AT_ONCE])
    context = model_admin.page_context(
        request,
        title=f"{plural(len(endings.ids), page.noun)} to end",
        page=page,
        endings=endings,
        rows=rows,
        number=len(endings.ids),
        may_end=may_end,
    )
    status = 400 if request.method == "POST" else 200
    return render(request, "admin/governance/endings.html", context, status=status)


def _ids_in(request: HttpRequest) -> frozenset[UUID]:
    """Return the ids that a form sent, without texts that are none."""
    ids = set()
    for text in request.POST.getlist("ids")[:MAX_ENDED_AT_ONCE]:
        with suppress(ValueError):
            ids.add(UUID(text))
    return frozenset(ids)


def _end(page: EndingsPage, request: HttpRequest, seen: frozenset[UUID]) -> HttpResponse:
    outcomes = list(page.operation(actor=person_of(request), only=seen))
    ended = sum(outcome.refusal is None for outcome in outcomes)
    messages.success(request, f"Ended: {plural(ended, page.noun)} of the {len(seen)} listed.")
    return HttpResponseRedirect(reverse("admin:index"))
