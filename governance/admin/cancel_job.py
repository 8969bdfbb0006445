"""The page on which a person cancels a job."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from governance.admin.form_pages import form_page, sent_data
from governance.admin.forms import CancelJobForm
from governance.admin.links import job_url
from governance.admin.next_actions import CANCEL_JOB
from governance.admin.readonly import ReadOnlyAdmin, person_of
from governance.domain.lifecycles import JOB_TERMINAL_STATES
from governance.flows.run_job import cancel_job


def cancel_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show the form by GET; cancel the job by POST.

    Raises:
        PermissionDenied: the person may not cancel jobs.
    """
    person = person_of(request)
    if not person.has_perm(CANCEL_JOB):
        raise PermissionDenied
    job = model_admin.find(request, object_id)

    def cancel(data: dict[str, Any]) -> HttpResponse:
        cancel_job(job_id=job.pk, reason=data["reason"], actor=person)
        messages.success(request, "The job is cancelled.")
        return HttpResponseRedirect(job_url(job))

    def context() -> dict[str, Any]:
        current = model_admin.find(request, object_id)
        return model_admin.page_context(
            request,
            title=f"Cancel the job of {current.contract.reference}",
            job=current,
            contract=current.contract,
            is_over=current.status in JOB_TERMINAL_STATES,
            job_url=job_url(current),
        )

    return form_page(
        request,
        CancelJobForm(sent_data(request)),
        operation=cancel,
        template="admin/governance/cancel_job.html",
        context=context,
    )
