"""The eligibility of a contract as it was recorded, and as today's rules and platform have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.authorities.contract.siblings import open_contracts_beside
from governance.authorities.eligibility.asking_again import was_recorded_true
from governance.authorities.eligibility.snapshot import (
    BlockingSignal,
    EligibilitySnapshot,
    OpenContract,
    RegisteredNames,
)
from governance.authorities.eligibility.verdict import ROLLBACK_RULES, decide_eligibility
from governance.authorities.health.readings import capture_health_snapshot
from governance.db.clock import database_now
from governance.domain.errors import ContractNotFoundError
from governance.domain.values import HealthDecision
from governance.domain.verdicts import EligibilityVerdict, parse_validator_verdict
from governance.flows.read_eligibility import site_thresholds
from governance.models import SystemContract
from governance.services.access.permissions import is_operator
from governance.services.registry.queries import frozen_capabilities, unknown_capabilities


@dataclass(frozen=True, slots=True)
class ExplainedEligibility:
    """The eligibility verdict of a contract, and what it would be now.

    Either is None where there is none: `recorded` before the contract is ELIGIBLE, `today` before
    the validator has spoken.
    """

    reference: str
    recorded: Mapping[str, Any] | None
    today: EligibilityVerdict | None


def explain_eligibility(*, contract_id: UUID) -> ExplainedEligibility:
    """Return the recorded eligibility of a contract, and that of today; nothing is written.

    Raises:
        NotFoundError: no such contract.
    """
    contract = SystemContract.objects.select_related("proposed_by").filter(pk=contract_id).first()
    if contract is None:
        raise ContractNotFoundError(contract_id)
    today = None
    if contract.validator_verdict is not None:
        today = decide_eligibility(
            read_snapshot(contract, at=database_now()),
            site_thresholds(),
            only=ROLLBACK_RULES if contract.is_rollback else None,
        )
    return ExplainedEligibility(contract.reference, contract.eligibility_verdict, today)


def read_snapshot(contract: SystemContract, *, at: datetime) -> EligibilitySnapshot:
    """Return what the rules of eligibility see of a contract that has its validator verdict.

    Whether a founder approved it beforehand is what its recorded verdict found.

    Raises:
        InvalidVerdictError: the validator's verdict does not fit its form.
    """
    names = contract.affected_capabilities
    health = capture_health_snapshot(scopes=names, at=at)
    signals = health.signals if health is not None else ()
    was_pre_approved = was_recorded_true(contract.eligibility_verdict, "E-103", "pre_approved")
    return EligibilitySnapshot(
        report=contract.reference,
        source=contract.source,
        verdict=parse_validator_verdict(contract.validator_verdict),
        affected_capabilities=names,
        registered=RegisteredNames(
            known={*names} - {*unknown_capabilities(names)}, frozen=frozen_capabilities(names)
        ),
        taken_at=at,
        system_health=None if health is None else health.system,
        blocking_signals=[
            BlockingSignal(one["scope"], one["signal_type"])
            for one in signals
            if one["decision"] == HealthDecision.BLOCKED
        ],
        open_contracts=[
            OpenContract(str(one.pk), one.affected_capabilities, one.created_at, one.reference)
            for one in open_contracts_beside(contract)
        ],
        pre_approved={contract.reference} if was_pre_approved else frozenset(),
        proposer_may_propose=is_operator(contract.proposed_by),
    )
