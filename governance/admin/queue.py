"""The page of the review queue: the contracts that await a founder's decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from governance.admin.readonly import ReadOnlyAdmin
from governance.admin.wording import format_duration, left_until, source_in_words
from governance.authorities.contract.queries import signatures_on
from governance.authorities.contract.signatures import SigningProgress, signing_progress_from
from governance.authorities.review.queue import (
    AGES,
    QueueCursor,
    QueueFilter,
    queue_page,
)
from governance.domain.values import RiskLevel, Source
from governance.models import ApprovalSignature, SystemContract
from governance.services.access.permissions import REVIEW_PERMISSION

QUEUE = "admin:governance_systemcontract_queue"
MAX_CAPABILITIES_SHOWN = 2
MAX_SEARCH_LENGTH = 200


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A contract in the queue; the address of a form is empty if the person cannot use the form."""

    contract: SystemContract
    url: str
    approve_url: str
    reject_url: str
    clarify_url: str
    modify_url: str
    capabilities: str
    all_capabilities: str
    source: str
    confidence: str
    age: str
    left: str
    is_over: bool
    # The signing progress after the first signature: `1 of 2 signatures: ada`.
    signed: str


def queue_rows(contracts: Any, *, person: Any, at: datetime) -> list[QueueRow]:
    """Return the rows for contracts that await a decision; one query, for their signatures."""
    is_founder = person.has_perm(REVIEW_PERMISSION)
    contracts = list(contracts)
    signatures: dict[UUID, list[ApprovalSignature]] = {contract.pk: [] for contract in contracts}
    for signature in signatures_on([one.pk for one in contracts]) if contracts else ():
        signatures[signature.contract_id].append(signature)
    return [
        _row(
            contract,
            at,
            may_decide=is_founder and contract.proposed_by_id != person.pk,
            signing=signing_progress_from(contract, signatures[contract.pk], at=at),
        )
        for contract in contracts
    ]


def queue_view(model_admin: ReadOnlyAdmin, request: HttpRequest) -> HttpResponse:
    """Show a page of the queue; an invalid filter or cursor leads to the first page."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    at = timezone.now()
    try:
        wanted, after, before = read_request(request)
    except ValueError:
        return HttpResponseRedirect(reverse(QUEUE))
    page = queue_page(wanted, at=at, after=after, before=before)
    rows = queue_rows(page.rows, person=request.user, at=at)
    asked = queue_query(wanted)
    context = model_admin.page_context(
        request,
        title="Waiting for a decision",
        rows=rows,
        wanted=wanted,
        is_filtered=bool(asked),
        queue_url=reverse(QUEUE),
        risks=[(str(risk), f"{risk} risk") for risk in RiskLevel],
        sources=[(str(source), source_in_words(source)) for source in Source],
        ages=[(age, age_in_words(age)) for age in AGES],
        earlier_url=_beyond("before", page.rows[:1], asked) if page.has_earlier else "",
        later_url=_beyond("after", page.rows[-1:], asked) if page.has_later else "",
        can_clarify=any(row.clarify_url for row in rows),
        can_modify=any(row.modify_url for row in rows),
    )
    return render(request, "admin/governance/queue.html", context)


def read_request(
    request: HttpRequest,
) -> tuple[QueueFilter, QueueCursor | None, QueueCursor | None]:
    """Return the filter of the address, and its cursors `after` and `before`.

    Raises:
        ValueError: a filter or a cursor is invalid.
    """
    params = {name: request.GET.get(name, "").strip() for name in request.GET}
    age = params.get("age", "")
    if age and age not in AGES:
        raise ValueError
    wanted = QueueFilter(
        risk=RiskLevel(params["risk"]) if params.get("risk") else None,
        source=Source(params["source"]) if params.get("source") else None,
        capability=params.get("capability", "")[:MAX_SEARCH_LENGTH],
        words=params.get("q", "")[:MAX_SEARCH_LENGTH],
        age=age,
    )
    after, before = (
        QueueCursor.read(params[name]) if params.get(name) else None for name in ("after", "before")
    )
    return wanted, after, before


def queue_query(wanted: QueueFilter) -> dict[str, str]:
    """Return the parameters of the queue's address for the filter `wanted`."""
    params = {
        "q": wanted.words,
        "risk": str(wanted.risk or ""),
        "source": str(wanted.source or ""),
        "capability": wanted.capability,
        "age": wanted.age,
    }
    return {name: value for name, value in params.items() if value}


def age_in_words(age: str) -> str:
    youngest, oldest = AGES[age]
    if oldest is None:
        return f"{youngest} days and more"
    return "up to 1 day" if not youngest else f"{youngest} to {oldest} days"


def _row(
    contract: SystemContract, at: datetime, *, may_decide: bool, signing: SigningProgress
) -> QueueRow:
    names = contract.affected_capabilities
    more = len(names) - MAX_CAPABILITIES_SHOWN
    confidence, ends_at = contract.confidence_score, contract.review_ends_at
    return QueueRow(
        contract=contract,
        url=_address(contract, "change"),
        approve_url=_address(contract, "approve") if may_decide else "",
        reject_url=_address(contract, "reject") if may_decide else "",
        clarify_url=_address(contract, "clarify") if may_decide and ends_at else "",
        modify_url=_address(contract, "modify") if may_decide else "",
        capabilities=", ".join(names[:MAX_CAPABILITIES_SHOWN]) + (f" +{more}" if more > 0 else ""),
        all_capabilities=", ".join(names[:20]),
        source=source_in_words(contract.source),
        confidence="—" if confidence is None else f"{confidence:.0%}",
        age=format_duration(at - contract.created_at),
        left=left_until(ends_at, at) if ends_at else "review paused: a question is open",
        is_over=ends_at is not None and ends_at <= at,
        signed=str(signing) if signing.active_signatures else "",
    )


def _address(contract: SystemContract, page: str) -> str:
    """Return the address of a page of the contract, or nothing if there is no such page."""
    try:
        return reverse(f"admin:governance_systemcontract_{page}", args=[contract.pk])
    except NoReverseMatch:
        return ""


def _beyond(parameter: str, row: Any, asked: dict[str, str]) -> str:
    """Return the address of the page beyond `row`, a list of one row; if empty, the first page."""
    cursor = {parameter: str(QueueCursor.of(row[0]))} if row else {}
    return f"{reverse(QUEUE)}?{urlencode(asked | cursor)}"
