"""The page on which an auditor settles an INCONCLUSIVE audit, with all attempts side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from governance.admin.form_pages import form_page, sent_data
from governance.admin.forms import SettleAuditForm
from governance.admin.links import job_url
from governance.admin.readonly import ReadOnlyAdmin, person_of
from governance.authorities.audit.check_rows import CheckRow, check_rows
from governance.authorities.audit.queries import attempts_on, verdict_on
from governance.domain.errors import InvalidVerdictError
from governance.domain.values import AuditVerdict
from governance.flows.audit_by_machine import ask_for_attempt
from governance.flows.audit_job import resolve_audit
from governance.models import AuditAttempt, GovernanceAudit
from governance.services.access.permissions import is_auditor

RESOLVING = {str(AuditVerdict.PASS): AuditVerdict.PASS, str(AuditVerdict.FAIL): AuditVerdict.FAIL}


@dataclass(frozen=True, slots=True)
class AttemptColumn:
    """An attempt of the audit, or a verdict without attempts, as a column of the page."""

    title: str
    by: str
    at: datetime
    verdict: str
    reason: str
    checks: dict[str, CheckRow]


@dataclass(frozen=True, slots=True)
class ComparedCheck:
    """A check as a row: its title, and what each attempt found, None if it has no such check."""

    title: str
    found: list[CheckRow | None]


def settle_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show the attempts and the form by GET; settle the audit, or try once more, by POST.

    Raises:
        PermissionDenied: the person is no auditor.
    """
    person = person_of(request)
    if not is_auditor(person):
        raise PermissionDenied
    job = model_admin.find(request, object_id)

    def act(data: dict[str, Any]) -> HttpResponse:
        if "ask" in request.POST:
            attempt = ask_for_attempt(job_id=job.pk, person=person)
            messages.success(request, f"Tried once more: {attempt.verdict}.")
            return HttpResponseRedirect(request.path)
        verdict = RESOLVING.get(data["verdict"])
        if verdict is None:
            raise InvalidVerdictError("Choose PASS or FAIL.")
        resolve_audit(job_id=job.pk, verdict=verdict, reason=data["reason"], resolver=person)
        messages.success(request, f"The audit is settled as {verdict}.")
        return HttpResponseRedirect(job_url(job))

    def context() -> dict[str, Any]:
        current = model_admin.find(request, object_id)
        audit = verdict_on(current.pk)
        columns = _columns(audit, attempts_on(current.pk))
        return model_admin.page_context(
            request,
            title=f"Settle the audit of {current.contract.reference}",
            job=current,
            contract=current.contract,
            columns=columns,
            rows=_rows(columns),
            may_settle=audit is not None
            and audit.verdict == AuditVerdict.INCONCLUSIVE
            and not hasattr(audit, "resolution"),
            job_url=job_url(current),
        )

    return form_page(
        request,
        SettleAuditForm(sent_data(request)),
        operation=act,
        template="admin/governance/settle_audit.html",
        context=context,
    )


def _columns(
    audit: GovernanceAudit | None, attempts: Sequence[AuditAttempt]
) -> list[AttemptColumn]:
    """Return the attempts in order; a verdict of another auditor comes before them."""
    columns = []
    if audit is not None and not any(one.asked_by_id is None for one in attempts):
        columns.append(_column("Verdict", audit.author.get_username(), audit.recorded_at, audit))
    for attempt in attempts:
        asked = f"asked for by {attempt.asked_by.get_username()}" if attempt.asked_by else ""
        title = f"Attempt {attempt.number}"
        columns.append(_column(title, asked, attempt.attempted_at, attempt))
    return columns


def _column(
    title: str, by: str, at: datetime, found: GovernanceAudit | AuditAttempt
) -> AttemptColumn:
    rows = {row.check_id or row.title: row for row in check_rows(found.checks)}
    return AttemptColumn(title, by, at, str(found.verdict), found.reason, rows)


def _rows(columns: Sequence[AttemptColumn]) -> list[ComparedCheck]:
    keys = sorted({key for column in columns for key in column.checks})
    rows = []
    for key in keys:
        found = [column.checks.get(key) for column in columns]
        title = next(row.title for row in found if row is not None)
        rows.append(ComparedCheck(title, found))
    return rows
