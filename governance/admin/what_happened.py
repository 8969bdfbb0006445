"""The card of a contract's page that says what came of it: verdict, checks, values, progress."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from governance.admin.contract_page import FoldedList
from governance.admin.job_evidence import checks_context
from governance.admin.job_page import audit_of, job_version, seal_of
from governance.admin.next_actions import contract_buttons
from governance.admin.readonly import person_of
from governance.admin.wording import job_end_in_words
from governance.authorities.audit.comparison import ComparedValue, values_of_job
from governance.authorities.audit.findings import shown_value
from governance.authorities.audit.sealed_job import SealedJob
from governance.authorities.orchestrator.leases import lease_has_expired
from governance.domain.lifecycles import JOB_TERMINAL_STATES
from governance.domain.values import ContractStatus, JobStatus
from governance.models import GovernanceJob, RegistryValue, SystemContract
from governance.services.registry.queries import registry_values_among
from governance.services.registry.secret_keys import visible_value

# While a contract has one of these states, its page follows it.
FOLLOWED = (ContractStatus.APPROVED, ContractStatus.ACTIVE)


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """A value that the contract sets or that changed, and what the registry has of it now."""

    compared: ComparedValue
    recorded: RegistryValue | None

    @property
    def recorded_value(self) -> str:
        value = self.recorded
        return "" if value is None else shown_value(visible_value(value.key, value.value))


def happened_context(job: GovernanceJob | None) -> dict[str, Any]:
    """Return the variables of the card; none for a contract without a job.

    Three queries for a job that has ended, otherwise none.
    """
    if job is None:
        return {}
    has_ended = job.status in JOB_TERMINAL_STATES
    audit, seal = (audit_of(job), seal_of(job)) if has_ended else (None, None)
    is_sound = seal is not None and seal.holds
    rows = _outcome_rows(SealedJob(seal.evidence.document)) if seal and is_sound else []
    return {
        "audit": audit,
        "resolution": getattr(audit, "resolution", None),
        **checks_context(audit),
        "is_sealed": seal is not None,
        "is_broken": seal is not None and not is_sound,
        "outcome": FoldedList.of(rows),
        "outcome_differs": sum(row.compared.differs for row in rows),
        "is_observed": any(row.compared.after is not None for row in rows),
        "job_end": ""
        if job.status == JobStatus.COMPLETED
        else job_end_in_words(job.status, job.end_reason),
    }


def followed_context(
    request: HttpRequest, contract: SystemContract, at: datetime
) -> dict[str, Any]:
    """Return the variables of a contract's page that change without a hand: card and buttons."""
    job = getattr(contract, "job", None)
    return {
        "is_followed": contract.status in FOLLOWED,
        "version": followed_version(contract, job, at),
        "action_buttons": contract_buttons(contract, job, person=person_of(request), at=at),
        **happened_context(job),
    }


def followed_version(contract: SystemContract, job: GovernanceJob | None, at: datetime) -> str:
    """Return a text that changes whenever the page of a followed contract would show news."""
    version = str(contract.updated_at.timestamp())
    if job is not None:
        version += f"-{job_version(job, lapsed=lease_has_expired(job, at))}"
    return version


def _outcome_rows(job: SealedJob) -> list[OutcomeRow]:
    compared = values_of_job(job)
    recorded = _recorded({(value.scope, value.key) for value in compared})
    return [OutcomeRow(value, recorded.get((value.scope, value.key))) for value in compared]


def _recorded(keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], RegistryValue]:
    found = registry_values_among({scope for scope, _ in keys}, {key for _, key in keys})
    return {(value.scope, value.key): value for value in found}
