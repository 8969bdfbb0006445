"""The page of the review queue: the contracts that await a founder's decision."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from governance.admin.links import list_url
from governance.admin.readonly import ReadOnlyAdmin, person_of
from governance.admin.wording import first_names, format_duration, review_left, source_in_words
from governance.authorities.contract.queries import signatures_on
from governance.authorities.contract.siblings import with_siblings
from governance.authorities.contract.signatures import SigningProgress, signing_progress_from
from governance.authorities.review.queue import AGES, QueueCursor, QueueFilter, queue_page
from governance.domain.people import Actor
from governance.domain.values import RiskLevel, Source
from governance.models import ApprovalSignature, SystemContract
from governance.services.access.permissions import is_founder
from governance.services.registry.queries import names_like

QUEUE = "admin:governance_systemcontract_queue"
FILTERS = ("q", "risk", "source", "capability", "age")
MAX_PARAMETER_LENGTH = 200
MAX_NAMES = 20  # of a contract, that are compared with others in a list


def queue_rows(contracts: Any, *, person: Actor, at: datetime) -> list[dict[str, Any]]:
    """Return the rows for contracts that await a decision.

    Three queries: for their signatures, for their siblings, and for capabilities whose names look
    like theirs.
    """
    decides = is_founder(person)
    contracts = list(contracts)
    signatures: dict[UUID, list[ApprovalSignature]] = {contract.pk: [] for contract in contracts}
    for signature in signatures_on([one.pk for one in contracts]) if contracts else ():
        signatures[signature.contract_id].append(signature)
    names = {name for contract in contracts for name in contract.affected_capabilities[:MAX_NAMES]}
    similar = names_like(names) if names else {}
    beside = with_siblings([one.pk for one in contracts]) if contracts else set()
    return [
        _row(
            contract,
            at,
            similar=similar,
            may_decide=decides and contract.proposed_by_id != person.pk,
            signing=signing_progress_from(contract, signatures[contract.pk], at=at),
            has_siblings=contract.pk in beside,
        )
        for contract in contracts
    ]


def queue_view(model_admin: ReadOnlyAdmin, request: HttpRequest) -> HttpResponse:
    """Show a page of the queue; an invalid filter or cursor leads to the first page."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    at = timezone.now()
    asked = {name: text for name in FILTERS if (text := _asked(request, name))}
    try:
        wanted = queue_filter(asked)
        after, before = (
            QueueCursor.read(text) if (text := _asked(request, name)) else None
            for name in ("after", "before")
        )
    except ValueError:
        return HttpResponseRedirect(reverse(QUEUE))
    page = queue_page(wanted, at=at, after=after, before=before)
    rows = queue_rows(page.rows, person=person_of(request), at=at)
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
        may_clarify=any(row["may_clarify"] for row in rows),
        may_decide=any(row["may_decide"] for row in rows),
    )
    return render(request, "admin/governance/queue.html", context)


def queue_filter(asked: Mapping[str, str]) -> QueueFilter:
    """Return the filter that the parameters of an address ask for.

    Raises:
        ValueError: a parameter is invalid.
    """
    age = asked.get("age", "")
    if age and age not in AGES:
        raise ValueError
    return QueueFilter(
        risk=RiskLevel(asked["risk"]) if "risk" in asked else None,
        source=Source(asked["source"]) if "source" in asked else None,
        capability=asked.get("capability", ""),
        words=asked.get("q", ""),
        age=age,
    )


def _asked(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").strip()[:MAX_PARAMETER_LENGTH]


def age_in_words(age: str) -> str:
    youngest, oldest = AGES[age]
    if oldest is None:
        return f"{youngest} days and more"
    return "up to 1 day" if not youngest else f"{youngest} to {oldest} days"


def _row(
    contract: SystemContract,
    at: datetime,
    *,
    similar: Mapping[str, list[str]],
    may_decide: bool,
    signing: SigningProgress,
    has_siblings: bool,
) -> dict[str, Any]:
    names = contract.affected_capabilities[:MAX_NAMES]
    confidence, ends_at = contract.confidence_score, contract.review_ends_at
    return {
        "contract": contract,
        "may_decide": may_decide,
        "may_clarify": may_decide and ends_at is not None,
        "capabilities": first_names(contract.affected_capabilities),
        "similar": [other for name in names for other in similar.get(name, ())],
        "source": source_in_words(contract.source),
        "confidence": "—" if confidence is None else f"{confidence:.0%}",
        "age": format_duration(at - contract.created_at),
        "left": review_left(ends_at, at),
        "is_over": ends_at is not None and ends_at <= at,
        # The signing progress after the first signature: `1 of 2 signatures: ada`.
        "signed": str(signing) if signing.active_signatures else "",
        "has_siblings": has_siblings,
    }


def _beyond(parameter: str, row: Any, asked: dict[str, str]) -> str:
    """Return the address of the page beyond `row`, a list of one row; if empty, the first page."""
    cursor = {parameter: str(QueueCursor.of(row[0]))} if row else {}
    return list_url(QUEUE, **asked, **cursor)
