"""Errors of the activation of contracts, and of what can stop it: health and change freezes."""

from __future__ import annotations

from governance.domain.errors.base import Advice, NotFoundError, WrongStateError
from governance.domain.errors.contracts import TargetOutOfScopeError


class ContractActivationError(WrongStateError, advice=Advice.STOP):
    """An activation that a guard refused; the subclass says which guard."""


class ContractNotApprovedError(
    ContractActivationError, code="contract_not_approved", advice=Advice.READ_AGAIN
):
    """A contract that is not APPROVED; `details.status` is its status."""


class ApproverMissingError(ContractActivationError, code="approver_missing"):
    """A contract without a recorded approver."""


class WindowClosedError(ContractActivationError, code="window_closed", advice=Advice.WAIT):
    """A time outside the activation window."""


class SignerNotActiveError(
    ContractActivationError,
    code="signer_not_active",
    advice=Advice.WAIT,
    constraints=("signer_not_active",),
):
    """A contract that was signed by a person who is no active founder any more; `details.signers`
    names who must sign again, after the approval was withdrawn and the change proposed again.
    """


class ContentChangedError(ContractActivationError, code="content_changed"):
    """A contract whose content differs from the content that was approved."""


class ApprovedTargetOutOfScopeError(ContractActivationError, code=TargetOutOfScopeError.code):
    """A change with a target outside the contract's affected capabilities.

    A proposal with this error is refused; this class is for a contract that has it nevertheless.
    """


class NoLongerEligibleError(ContractActivationError, code="no_longer_eligible", advice=Advice.WAIT):
    """A contract that passed the rules of eligibility, and does not pass those of today;
    `details.first_failing_rule` is the first rule that refuses it.

    Withdraw the approval and propose the change again.
    """


class PlatformChangedError(ContractActivationError, code="platform_changed"):
    """A place that the changes touch, and that has another value than the founders saw as they
    signed; `details.changed` has each place with the signed and the current value.

    Withdraw the approval and propose the change again.
    """


class PlanMismatchError(ContractActivationError, code="plan_mismatch"):
    """A plan that differs from the proposed changes."""


class RoutesUnusableError(WrongStateError, code="routes_unusable", advice=Advice.WAIT):
    """A routes file that cannot be read, so that nobody can say who would run the job."""


class HealthBlocksError(WrongStateError, code="health_blocked", advice=Advice.WAIT):
    """A platform whose health blocks the change; `details.blocking` names the scopes."""


class HealthUnknownError(WrongStateError, code="health_unknown", advice=Advice.WAIT):
    """A platform whose health could not be read; `details.troubles` say why, if it is known."""


class CapabilityFrozenError(WrongStateError, code="capability_frozen"):
    """An approval of a contract with a frozen capability."""


class ChangeFreezeActiveError(
    WrongStateError,
    code="change_freeze_active",
    advice=Advice.WAIT,
    constraints=("change_freeze_active",),
):
    """A change while a founder has frozen all changes; `details` hold the end (`until`) and the
    `reason`.
    """


class FreezeOverError(WrongStateError, code="freeze_over"):
    """The lift of a freeze that has ended."""


class NoActiveFreezeError(WrongStateError, code="no_active_freeze"):
    """The lift of the active freezes while none is active."""


class FreezeNotFoundError(NotFoundError, code="freeze_not_found"):
    """A freeze that does not exist."""
