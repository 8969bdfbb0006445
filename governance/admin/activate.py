"""The page on which a person activates an approved contract now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from governance.admin.form_pages import form_page, sent_data
from governance.admin.forms import ActivateForm
from governance.admin.links import contract_url
from governance.admin.next_actions import ACTIVATE_CONTRACT
from governance.admin.readonly import ReadOnlyAdmin, person_of
from governance.domain.values import ContractStatus
from governance.flows.activate_contract import activate_contract, runs_by_itself


def activate_page(
    model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: UUID
) -> HttpResponse:
    """Show the form by GET; activate the contract by POST.

    Raises:
        PermissionDenied: the person may not activate contracts.
    """
    person = person_of(request)
    if not person.has_perm(ACTIVATE_CONTRACT):
        raise PermissionDenied
    contract = model_admin.find(request, object_id)

    def activate(data: dict[str, Any]) -> HttpResponse:
        activate_contract(contract_id=contract.pk, actor=person)
        messages.success(request, "The contract is activated; its job waits to be run.")
        return HttpResponseRedirect(contract_url(contract))

    def context() -> dict[str, Any]:
        current = model_admin.find(request, object_id)
        return model_admin.page_context(
            request,
            title=f"Activate {current.reference}",
            contract=current,
            is_approved=current.status == ContractStatus.APPROVED,
            runs_by_itself=runs_by_itself(current.plan or []),
            contract_url=contract_url(current),
        )

    return form_page(
        request,
        ActivateForm(sent_data(request)),
        operation=activate,
        template="admin/governance/activate.html",
        context=context,
    )
