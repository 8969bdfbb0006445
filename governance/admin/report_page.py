"""The page with everything about a job and its contract, which can be printed."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from governance.admin.links import job_url
from governance.admin.readonly import ReadOnlyAdmin
from governance.flows.report_job import report_job

NEEDED = (
    "governance.view_systemcontract",
    "governance.view_ledgerentry",
    "governance.view_auditevidence",
)


def report_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show the report of a job to a person who may see all of its parts.

    Raises:
        PermissionDenied: the person may not see the job, its contract, its evidence or the ledger.
    """
    if not request.user.has_perms(NEEDED):
        raise PermissionDenied
    job = model_admin.find(request, object_id)
    context = model_admin.page_context(
        request,
        title=f"Report on {job.contract.reference}",
        report=report_job(job.pk),
        job_url=job_url(job),
    )
    return render(request, "admin/governance/report.html", context)
