"""Tell one original of every kind, through the real flows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from governance.contract.operations import expire_contract, lapse_contract
from governance.demo.load.kinds import KINDS, Kind
from governance.demo.load.words import PAIRED
from governance.demo.teller import People, Teller
from governance.flows import run_job
from governance.flows.audit_job import resolve_audit
from governance.flows.review_contract import answer_clarification, request_clarification
from governance.models import Account, GovernanceJob, SystemContract
from governance.vocabulary.values import AuditVerdict

# What the copies' own words and names stand for; said nowhere else in an original.
TITLE = "The title of an original"
DESCRIPTION = "The description of an original."
CAPABILITY = "AskALibrarian"
SOURCE = "crm_feedback"

# Far enough back for every story to come to its end in the past.
HOURS_AGO = {"lapsed": 200, "running": 3}
_OTHERWISE = 6


@dataclass(frozen=True, slots=True)
class Original:
    """A contract as the flows made it, for others to be made like it."""

    contract_id: Any
    reference: str
    kind: Kind


class Narrator(Teller):
    """Tells what the demo does not: doubts, cancellations, lapsed windows, questions.

    Doubts are settled by `resolver`, who had no part in what they settle.
    """

    def __init__(self, now: datetime, people: People, *, resolver: Account) -> None:
        super().__init__(now, people)
        self.resolver = resolver

    def expired(self, told: Mapping[str, Any]) -> None:
        contract = self.eligible(told)
        at = contract.expires_at + timedelta(minutes=5)
        expire_contract(contract_id=contract.pk, actor=self.operator, at=at)

    def lapsed(self, told: Mapping[str, Any]) -> None:
        contract = self.approved(told)
        at = (contract.window_closes_at or self.now) + timedelta(minutes=5)
        lapse_contract(contract_id=contract.pk, actor=self.operator, at=at)

    def asked(self, told: Mapping[str, Any]) -> SystemContract:
        contract = self.eligible(told)
        request_clarification(
            contract_id=contract.pk,
            founder=self.founder,
            question="Who asked for this, and by when?",
            at=contract.created_at + timedelta(minutes=31),
        )
        return contract

    def answered(self, told: Mapping[str, Any]) -> None:
        contract = self.asked(told)
        answer_clarification(
            contract_id=contract.pk,
            person=self.operator,
            answer="The desk did, by the end of the month.",
            at=contract.created_at + timedelta(minutes=78),
        )

    def cancelled(self, told: Mapping[str, Any]) -> GovernanceJob:
        job = self.pending(told)
        return run_job.cancel_job(
            job_id=job.pk,
            reason="Another change came first.",
            actor=self.operator,
            at=job.created_at + timedelta(minutes=9),
        )

    def cancelled_and_judged(self, told: Mapping[str, Any]) -> None:
        self._judge(self.cancelled(told), AuditVerdict.FAIL, told)

    def resolved_well(self, told: Mapping[str, Any]) -> None:
        self._resolve(told, AuditVerdict.PASS)

    def resolved_badly(self, told: Mapping[str, Any]) -> None:
        self._resolve(told, AuditVerdict.FAIL)

    def _resolve(self, told: Mapping[str, Any], verdict: AuditVerdict) -> None:
        job = self._finish(told)
        self._judge(job, AuditVerdict.INCONCLUSIVE, told)
        resolve_audit(
            job_id=job.pk,
            verdict=verdict,
            reason="Looked at the branch's own figures.",
            resolver=self.resolver,
            at=(job.ended_at or self.now) + timedelta(minutes=55),
        )


def tell_originals(narrators: list[Narrator], references: Iterator[str]) -> Iterator[Original]:
    """One original of each kind; the narrators take turns."""
    for number, kind in enumerate(KINDS):
        narrator = narrators[number % len(narrators)]
        told = proposal_for(kind, next(references))
        getattr(narrator, kind.ends_as)(told)
        contract = SystemContract.objects.get(reference=told["reference"])
        yield Original(contract.pk, contract.reference, kind)


def proposal_for(kind: Kind, reference: str) -> dict[str, Any]:
    # A third touches two capabilities, the others one.
    names = [CAPABILITY] if kind.steps % 3 else [CAPABILITY, CAPABILITY + PAIRED]
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


def _hours_ago(kind: Kind) -> int:
    if kind.ends_as == "expired":
        return int(settings.GOVERNANCE["REVIEW_TTL_HOURS"]) + 30
    return HOURS_AGO.get(kind.ends_as, _OTHERWISE)


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
