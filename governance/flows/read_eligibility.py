"""Reads for eligibility: the thresholds of the site, and what the rules see of a contract."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.conf import settings

from governance.authorities.eligibility.asking_again import decide_again
from governance.authorities.eligibility.snapshot import RegisteredNames
from governance.authorities.eligibility.thresholds import EligibilityThresholds
from governance.authorities.orchestrator.job_state import ContractState
from governance.domain.verdicts import EligibilityVerdict
from governance.models import SystemContract


def site_thresholds() -> EligibilityThresholds:
    """Return the thresholds of the rules, as this site has set them."""
    limits = settings.GOVSITE
    return EligibilityThresholds(
        minimum_confidence=Decimal(limits["ELIGIBILITY_MIN_CONFIDENCE"]),
        confidence_threshold=Decimal(limits["ELIGIBILITY_CONFIDENCE"]),
        sources=frozenset(limits["ELIGIBILITY_SOURCES"]),
        issue_types=frozenset(limits["ELIGIBILITY_TYPES"]),
        window_hours=limits["ELIGIBILITY_WINDOW_HOURS"],
    )


def eligibility_at_activation(state: ContractState) -> EligibilityVerdict | None:
    """Decide on a contract that is about to be activated as `eligibility_today` does.

    Nothing is read: `state` has what the registry says of the contract's capabilities.
    """
    registered = RegisteredNames(
        known=state.platform.lifecycles.keys(), frozen=state.frozen_capabilities
    )
    return eligibility_today(state.contract, registered=registered, at=state.now)


def eligibility_today(
    contract: SystemContract, *, registered: RegisteredNames, at: datetime
) -> EligibilityVerdict | None:
    """Decide on a contract again if the rules changed since its verdict; otherwise return None.

    Args:
        registered: what the registry says of the contract's capabilities; other names may be there.

    Raises:
        InvalidVerdictError: the contract's validator verdict does not fit its form.
    """
    return decide_again(
        report=contract.reference,
        source=contract.source,
        affected_capabilities=contract.affected_capabilities,
        validator_verdict=contract.validator_verdict,
        recorded=contract.eligibility_verdict,
        is_rollback=contract.is_rollback,
        registered=registered,
        at=at,
        thresholds=site_thresholds(),
    )
