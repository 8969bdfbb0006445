"""A founder's two decisions: a form by GET, the decision by POST, one operation each.

The form carries the digest of the content that its page showed. Looking (GET, HEAD) changes
nothing; a refusal comes back on the same form, in its own words and with its code.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from governance.admin.contract_page import contract_context
from governance.admin.forms import ApproveForm, RejectForm
from governance.admin.readonly import ReadOnlyAdmin
from governance.admin.refusals import http_status
from governance.admin.wording import moment
from governance.flows.review_contract import approve_contract, reject_contract
from governance.models import SystemContract
from governance.review.policy import REVIEW_PERMISSION
from governance.vocabulary.errors import GovernanceError
from governance.vocabulary.values import ActivationWindow

USUAL_WINDOW = timedelta(hours=24)

# Makes the decision out of a valid form, and says in words what was done.
Operation = Callable[[forms.Form, SystemContract, datetime], str]


def approve_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any) -> HttpResponse:
    """ELIGIBLE → APPROVED, for exactly the content whose digest the form carries."""

    def operation(form: forms.Form, contract: SystemContract, at: datetime) -> str:
        said = form.cleaned_data
        approved = approve_contract(
            contract_id=contract.pk,
            founder=request.user,
            window=ActivationWindow(said["window_opens_at"], said["window_closes_at"]),
            seen_digest=said["seen_digest"],
            note=said["note"],
            at=at,
        )
        opens, closes = moment(approved.window_opens_at), moment(approved.window_closes_at)
        return f"Approved. It can be activated from {opens} to {closes}."

    def empty_form(contract: SystemContract, at: datetime) -> forms.Form:
        opens_at = at.replace(second=0, microsecond=0)
        return ApproveForm(
            initial={
                "window_opens_at": opens_at,
                "window_closes_at": opens_at + USUAL_WINDOW,
                "seen_digest": contract.content_digest,
            }
        )

    return _decide(model_admin, request, object_id, "approve", ApproveForm, empty_form, operation)


def reject_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any) -> HttpResponse:
    """ELIGIBLE → REJECTED, for good, with a reason."""

    def operation(form: forms.Form, contract: SystemContract, at: datetime) -> str:
        reject_contract(
            contract_id=contract.pk,
            founder=request.user,
            reason=form.cleaned_data["reason"],
            at=at,
        )
        return "Rejected for good. The requester can read your reason."

    def empty_form(contract: SystemContract, at: datetime) -> forms.Form:
        return RejectForm()

    return _decide(model_admin, request, object_id, "reject", RejectForm, empty_form, operation)


def _decide(
    model_admin: ReadOnlyAdmin,
    request: HttpRequest,
    object_id: Any,
    verb: str,
    form_class: type[forms.Form],
    empty_form: Callable[[SystemContract, datetime], forms.Form],
    operation: Operation,
) -> HttpResponse:
    if not request.user.has_perm(REVIEW_PERMISSION):
        raise PermissionDenied
    contract = model_admin.find(request, object_id)
    at = timezone.now()
    refusal: GovernanceError | None = None
    if request.method == "POST":
        form = form_class(request.POST)
        if form.is_valid():
            try:
                done = operation(form, contract, at)
            except GovernanceError as error:
                refusal = error
            else:
                messages.success(request, done)
                return HttpResponseRedirect(_page_of(contract))
        # Somebody else may have moved it meanwhile: show what stands there now.
        contract = model_admin.find(request, object_id)
    else:
        form = empty_form(contract, at)

    page = contract_context(request, contract, at=at)
    standing = page["standing"]
    obstacles = standing.against_approving if verb == "approve" else standing.against_rejecting
    heard = refusal or next(iter(obstacles), None)
    unread = 400 if request.method == "POST" else 200
    status = http_status(heard) if heard else unread
    context = model_admin.page_context(
        request,
        title=f"{verb.capitalize()} {contract.reference}",
        form=form,
        refusal=refusal,
        obstacles=() if refusal else obstacles,
        decidable=not obstacles,
        contract_url=_page_of(contract),
        again_url=request.path,
        **page,
    )
    return render(request, f"admin/governance/{verb}.html", context, status=status)


def _page_of(contract: SystemContract) -> str:
    return reverse("admin:governance_systemcontract_change", args=[contract.pk])
