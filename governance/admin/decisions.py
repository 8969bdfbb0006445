"""The forms with which a founder approves or rejects a contract.

GET shows a form and changes nothing. POST makes one call of a flow; a refusal is shown on the same
form, with its message and its code. The approval form carries the digests of the content and of the
view that its page showed. If the view has changed, the refusal is shown on a fresh form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from governance.admin.contract_page import FoldedList, contract_context, current_health
from governance.admin.form_errors import form_status
from governance.admin.forms import ApproveForm, RejectForm
from governance.admin.links import contract_url
from governance.admin.readonly import ReadOnlyAdmin, require_reviewer
from governance.admin.wording import format_time, plural
from governance.authorities.contract.guards import needs_confirmation
from governance.authorities.contract.signatures import SigningProgress, signing_progress
from governance.authorities.review.signed_text import render_signed_text
from governance.authorities.review.view import ReviewView, review_view
from governance.domain.errors import GovernanceError, ViewChangedError
from governance.domain.values import ActivationWindow, ContractStatus
from governance.flows.review_contract import approve_contract, reject_contract
from governance.models import SystemContract

DEFAULT_WINDOW = timedelta(hours=24)
# Fields that a fresh form keeps as typed. The confirmation must be typed again.
KEPT = ("window_opens_at", "window_closes_at", "note")
MINUTE = timedelta(minutes=1)

# Makes the decision with a valid form, and returns the message about what was done.
Operation = Callable[[forms.Form, SystemContract, datetime], str]
# Returns the form that a page offers for the view that it shows.
FreshForm = Callable[[Mapping[str, Any], ReviewView | None, datetime], forms.Form]


def approve_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any) -> HttpResponse:
    """Show the approval form, or sign the content and the view whose digests the form carries."""

    def operation(form: forms.Form, contract: SystemContract, at: datetime) -> str:
        data = form.cleaned_data
        signed = approve_contract(
            contract_id=contract.pk,
            founder=request.user,
            window=ActivationWindow(data["window_opens_at"], data["window_closes_at"]),
            seen_digest=data["seen_digest"],
            seen_view=data["seen_view"],
            seen_text=data["seen_text"],
            note=data["note"],
            confirmation=data["confirmation"],
            at=at,
        )
        if signed.status == ContractStatus.ELIGIBLE:
            signing = signing_progress(signed, at=at)
            others = plural(signing.missing, "more founder has", "more founders have")
            return f"Signed: {signing}. The contract is approved once {others} signed too."
        opens, closes = format_time(signed.window_opens_at), format_time(signed.window_closes_at)
        return f"Approved. It can be activated from {opens} to {closes}."

    def fresh_form(page: Mapping[str, Any], view: ReviewView | None, at: datetime) -> forms.Form:
        opens_at, closes_at = default_window(page["signing"], at)
        seen = view or ReviewView(page["contract"].content_digest or "", {})
        return ApproveForm(
            initial={
                "window_opens_at": opens_at,
                "window_closes_at": closes_at,
                "seen_digest": seen.content_digest,
                "seen_view": seen.digest(),
                "seen_text": seen.for_form(),
            }
        )

    return _decide(model_admin, request, object_id, "approve", ApproveForm, fresh_form, operation)


def default_window(signing: SigningProgress, at: datetime) -> tuple[datetime, datetime]:
    """Return the suggested window: one day from now, or what is left of the signed window."""
    opens_at = at.replace(second=0, microsecond=0)
    if signing.window is None:
        return opens_at, opens_at + DEFAULT_WINDOW
    # The browser's picker has whole minutes, so round up to stay inside the signed window.
    first = signing.window.opens_at
    first += -timedelta(seconds=first.second, microseconds=first.microsecond) % MINUTE
    return max(opens_at, first), signing.window.closes_at.replace(second=0, microsecond=0)


def reject_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any) -> HttpResponse:
    """Show the form for a rejection, or move the contract from ELIGIBLE to REJECTED."""

    def operation(form: forms.Form, contract: SystemContract, at: datetime) -> str:
        reject_contract(
            contract_id=contract.pk,
            founder=request.user,
            reason=form.cleaned_data["reason"],
            at=at,
        )
        return "Rejected for good. The requester can read your reason."

    def fresh_form(page: Mapping[str, Any], view: ReviewView | None, at: datetime) -> forms.Form:
        return RejectForm()

    return _decide(model_admin, request, object_id, "reject", RejectForm, fresh_form, operation)


def _decide(
    model_admin: ReadOnlyAdmin,
    request: HttpRequest,
    object_id: Any,
    verb: str,
    form_class: type[forms.Form],
    fresh_form: FreshForm,
    operation: Operation,
) -> HttpResponse:
    require_reviewer(request)
    contract = model_admin.find(request, object_id)
    at = timezone.now()
    refusal: GovernanceError | None = None
    form = form_class(request.POST)
    if request.method == "POST":
        if form.is_valid():
            try:
                done = operation(form, contract, at)
            except GovernanceError as error:
                refusal = error
            else:
                messages.success(request, done)
                return HttpResponseRedirect(contract_url(contract))
        # Another person may have decided meanwhile, so the page shows the current state.
        contract = model_admin.find(request, object_id)

    # Read the view before the rest of the page: what changes between the two reads is then refused
    # as a changed view, and is not signed unseen.
    health = current_health(contract, at)
    is_signed = verb == "approve" and contract.status == ContractStatus.ELIGIBLE
    view = review_view(contract, health=health) if is_signed else None
    page = contract_context(request, contract, at=at, health=health)
    if request.method != "POST":
        form = fresh_form(page, view, at)
    elif isinstance(refusal, ViewChangedError):
        typed = {name: form.cleaned_data[name] for name in KEPT}
        form = fresh_form(page, view, at)
        form.initial.update(typed)
    permissions = page["permissions"]
    obstacles = (
        permissions.against_approving if verb == "approve" else permissions.against_rejecting
    )
    shown_error = refusal or next(iter(obstacles), None)
    context = model_admin.page_context(
        request,
        title=f"{verb.capitalize()} {contract.reference}",
        form=form,
        refusal=refusal,
        obstacles=() if refusal else obstacles,
        decidable=not obstacles,
        contract_url=contract_url(contract),
        again_url=request.path,
        needs_confirmation=needs_confirmation(contract),
        facts=FoldedList.of([*view.facts.items()] if view else []),
        document=render_signed_text(contract, view) if view else "",
        **page,
    )
    return render(
        request, f"admin/governance/{verb}.html", context, status=form_status(request, shown_error)
    )
