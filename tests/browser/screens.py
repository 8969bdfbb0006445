"""Every screen of the desk, one line each: for banners, pictures, widths and accessibility."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from governance.models import Capability, GovernanceJob, LineFreeze, SystemContract
from governance.vocabulary.values import ContractStatus, JobStatus


@dataclass(frozen=True)
class Screen:
    """A page of the admin; `of` finds what it is about, in whatever world the test has made.

    `group` is who may see it: everybody who reads, or only a founder.
    """

    name: str
    url: str
    of: Callable[[], Any] | None = None
    group: str = "Viewer"

    def address(self) -> str:
        about = self.of() if self.of else None
        return reverse(f"admin:{self.url}", args=[about.pk] if about else [])

    def exists(self) -> bool:
        """Whether this world holds anything that the screen could be about."""
        return self.of is None or self.of() is not None


def contract_that(status: ContractStatus) -> Callable[[], Any]:
    return lambda: SystemContract.objects.filter(status=status).order_by("created_at").first()


def job_that(status: JobStatus) -> Callable[[], Any]:
    return lambda: GovernanceJob.objects.filter(status=status).order_by("created_at").first()


waiting = contract_that(ContractStatus.ELIGIBLE)

SCREENS = [
    Screen("home", "index"),
    Screen("queue", "governance_systemcontract_queue"),
    Screen("contract", "governance_systemcontract_change", waiting),
    Screen("approve", "governance_systemcontract_approve", waiting, "Founder"),
    Screen("reject", "governance_systemcontract_reject", waiting, "Founder"),
    Screen("modify", "governance_systemcontract_modify", waiting, "Founder"),
    Screen("clarify", "governance_systemcontract_clarify", waiting, "Founder"),
    Screen("comment", "governance_systemcontract_comment", waiting),
    Screen(
        "contract-done", "governance_systemcontract_change", contract_that(ContractStatus.COMPLETED)
    ),
    Screen("contracts", "governance_systemcontract_changelist"),
    Screen("jobs", "governance_governancejob_changelist"),
    Screen("job-running", "governance_governancejob_change", job_that(JobStatus.RUNNING)),
    Screen("job-done", "governance_governancejob_change", job_that(JobStatus.COMPLETED)),
    Screen("job-failed", "governance_governancejob_change", job_that(JobStatus.FAILED)),
    Screen("line", "governance_linefreeze_changelist"),
    Screen("stop", "governance_linefreeze_stop", group="Founder"),
    Screen("freeze", "governance_linefreeze_change", LineFreeze.objects.first),
    Screen("thaw", "governance_linefreeze_thaw", LineFreeze.objects.first, "Founder"),
    Screen("capabilities", "governance_capability_changelist"),
    Screen("capability", "governance_capability_change", Capability.objects.order_by("name").first),
    Screen("configuration", "governance_configurationentry_changelist"),
    Screen("signals", "governance_governancesignal_changelist"),
]


def every_screen() -> list[Screen]:
    """Those that there are in this world."""
    return [screen for screen in SCREENS if screen.exists()]
