"""Originals: one contract of each kind, made by the flows of the product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from governance.authorities.contract.operations import expire_contract, fail_contract_past_window
from governance.db.clock import set_time
from governance.demo.scenario import People, ScenarioWriter
from governance.domain.values import AuditVerdict
from governance.flows import run_job
from governance.flows.audit_job import resolve_audit
from governance.flows.review_contract import answer_clarification, request_clarification
from governance.models import Account, GovernanceJob, SystemContract
from tests.benchmarks.load.kinds import KINDS, ContractKind
from tests.benchmarks.load.words import PAIRED

# The texts that each copy replaces by its own; they occur nowhere else in an original.
TITLE = "The title of an original"
DESCRIPTION = "The description of an original."
CAPABILITY = "AskALibrarian"
SOURCE = "crm_feedback"

# Long enough ago for every scenario to end in the past.
HOURS_AGO = {"lapsed": 200, "running": 3}
_DEFAULT_HOURS_AGO = 6


@dataclass(frozen=True, slots=True)
class Original:
    """A contract that the flows made, which is then copied."""

    contract_id: Any
    reference: str
    kind: ContractKind


class LoadScenarioWriter(ScenarioWriter):
    """A scenario writer for what the demo lacks: cancellations, passed windows, questions.

    It also resolves INCONCLUSIVE audits, by `resolver`, who took no part in the contract.
    """

    def __init__(self, now: datetime, people: People, *, resolver: Account) -> None:
        super().__init__(now, people)
        self.resolver = resolver

    def expired(self, scenario: Mapping[str, Any]) -> None:
        contract = self.eligible(scenario)
        at = contract.expires_at + timedelta(minutes=5)
        set_time(at)
        expire_contract(contract_id=contract.pk, actor=self.operator)

    def lapsed(self, scenario: Mapping[str, Any]) -> None:
        contract = self.approved(scenario)
        at = (contract.window_closes_at or self.now) + timedelta(minutes=5)
        set_time(at)
        fail_contract_past_window(contract_id=contract.pk, actor=self.operator)

    def asked(self, scenario: Mapping[str, Any]) -> SystemContract:
        contract = self.eligible(scenario)
        set_time(contract.created_at + timedelta(minutes=31))
        request_clarification(
            contract_id=contract.pk,
            founder=self.founder,
            question="Who asked for this, and by when?",
        )
        return contract

    def answered(self, scenario: Mapping[str, Any]) -> None:
        contract = self.asked(scenario)
        set_time(contract.created_at + timedelta(minutes=78))
        answer_clarification(
            contract_id=contract.pk,
            person=self.operator,
            answer="The desk did, by the end of the month.",
        )

    def cancelled(self, scenario: Mapping[str, Any]) -> GovernanceJob:
        job = self.pending(scenario)
        set_time(job.created_at + timedelta(minutes=9))
        return run_job.cancel_job(
            job_id=job.pk,
            reason="Another change came first.",
            actor=self.operator,
        )

    def cancelled_and_judged(self, scenario: Mapping[str, Any]) -> None:
        self._judge(self.cancelled(scenario), AuditVerdict.FAIL, scenario)

    def resolved_well(self, scenario: Mapping[str, Any]) -> None:
        self._resolve(scenario, AuditVerdict.PASS)

    def resolved_badly(self, scenario: Mapping[str, Any]) -> None:
        self._resolve(scenario, AuditVerdict.FAIL)

    def _resolve(self, scenario: Mapping[str, Any], verdict: AuditVerdict) -> None:
        job = self._finish(scenario)
        self._judge(job, AuditVerdict.INCONCLUSIVE, scenario)
        set_time((job.ended_at or self.now) + timedelta(minutes=55))
        resolve_audit(
            job_id=job.pk,
            verdict=verdict,
            reason="Looked at the branch's own figures.",
            resolver=self.resolver,
        )


def create_originals(
    writers: list[LoadScenarioWriter], references: Iterator[str]
) -> Iterator[Original]:
    """Create one original of each kind, under an adjustable clock; the writers alternate."""
    for number, kind in enumerate(KINDS):
        writer = writers[number % len(writers)]
        scenario = proposal_for(kind, next(references))
        getattr(writer, kind.ends_as)(scenario)
        contract = SystemContract.objects.get(reference=scenario["reference"])
        yield Original(contract.pk, contract.reference, kind)


def proposal_for(kind: ContractKind, reference: str) -> dict[str, Any]:
    # Kinds whose number of steps is a multiple of three affect two capabilities, others one.
    # Each original affects its own, so that one whose job runs keeps no other from starting.
    capability = f"{CAPABILITY} {reference}"
    names = [capability] if kind.steps % 3 else [capability, capability + PAIRED]
    return {
        "reference": reference,
        "hours_ago": _hours_ago(kind),
        "title": TITLE,
        "description": DESCRIPTION,
        "source": SOURCE,
        "requested_by": "Main branch desk",
        "affected_capabilities": names,
        "proposed_changes": [_change(index, names) for index in range(kind.steps)],
        "risk_level": kind.risk_level,
        "issue_type": "configuration_change",
        "confidence": 0.84,
        "rejection": "Not in this quarter, please.",
        "failure": "The gateway refused it: 550." if kind.ends_as == "failed" else "",
        "verdict_reason": "Every step was held against what was approved.",
    }


def _hours_ago(kind: ContractKind) -> int:
    if kind.ends_as == "expired":
        return int(settings.GOVSITE["REVIEW_TTL_HOURS"]) + 30
    return HOURS_AGO.get(kind.ends_as, _DEFAULT_HOURS_AGO)


def _change(index: int, names: list[str]) -> dict[str, Any]:
    scope = names[index % len(names)]
    match index % 3:
        case 0:
            return {
                "type": "configuration_update",
                "scope": scope,
                "key": f"limit_{index}",
                "old_value": 20,
                "new_value": 50 + index,
            }
        case 1:
            parameters = {"timeout_seconds": 2.5 + index, "retries": 3}
            return {"type": "parameter_change", "scope": scope, "parameters": parameters}
    return {"type": "capability_enable", "capability_name": scope, "target_lifecycle": "PREVIEW"}
