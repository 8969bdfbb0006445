"""The buttons of a contract's and a job's page for what a person can do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from governance.authorities.audit.queries import may_settle
from governance.domain.lifecycles import JOB_TERMINAL_STATES
from governance.domain.people import Actor
from governance.domain.values import ContractStatus, JobStatus
from governance.models import GovernanceJob, SystemContract
from governance.services.access.permissions import is_auditor

ACTIVATE_CONTRACT = "governance.activate_contract"
CANCEL_JOB = "governance.cancel_job"


@dataclass(frozen=True, slots=True)
class ActionButton:
    """A button that leads to the form of an action; nothing happens before the form is sent."""

    words: str
    url: str
    variant: str = "default"


def contract_buttons(
    contract: SystemContract, job: GovernanceJob | None, *, person: Actor, at: datetime
) -> list[ActionButton]:
    """Return the buttons for what the person could do with the contract now, beside the review.

    A button is no promise: the operation checks again, under lock, and can still refuse.
    """
    buttons = []
    window = contract.window
    if (
        contract.status == ContractStatus.APPROVED
        and window is not None
        and window.opens_at <= at <= window.closes_at
        and person.has_perm(ACTIVATE_CONTRACT)
    ):
        url = reverse("admin:governance_systemcontract_activate", args=[contract.pk])
        buttons.append(ActionButton("Activate now…", url, "primary"))
    if job is not None:
        buttons += job_buttons(job, person=person)
    return buttons


def job_buttons(job: GovernanceJob, *, person: Actor) -> list[ActionButton]:
    """Return the buttons for what the person could do with the job now."""
    buttons = []
    if job.status not in JOB_TERMINAL_STATES and person.has_perm(CANCEL_JOB):
        url = reverse("admin:governance_governancejob_cancel", args=[job.pk])
        buttons.append(ActionButton("Cancel the job…", url))
    if job.status == JobStatus.COMPLETED and is_auditor(person) and may_settle(job.pk, person):
        url = reverse("admin:governance_governancejob_settle", args=[job.pk])
        buttons.append(ActionButton("Settle the audit…", url, "primary"))
    return buttons
