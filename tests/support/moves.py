"""Every operation on a contract, called so that only the contract's state can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from governance.contract import operations
from governance.ledger.story import story
from governance.models import SystemContract
from governance.vocabulary.values import ActivationWindow, AuditVerdict, ContractStatus
from tests.support.cast import Cast
from tests.support.signing import sign
from tests.support.stories import MAY, VALIDATOR_VERDICT, now

Operation = Callable[[SystemContract, Cast], object]
REASON = "A reason that is long enough."


def record_verdicts(contract: SystemContract, cast: Cast) -> object:
    return operations.record_verdicts(
        contract_id=contract.pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=MAY,
        actor=cast.operator,
        at=contract.created_at,
    )


def approve(contract: SystemContract, cast: Cast) -> object:
    at = contract.created_at
    window = ActivationWindow(at, at + timedelta(hours=1))
    return sign(contract, founder=cast.founder, window=window, at=at)


def reject(contract: SystemContract, cast: Cast) -> object:
    return operations.reject_contract(
        contract_id=contract.pk, founder=cast.founder, reason=REASON, at=contract.created_at
    )


def expire(contract: SystemContract, cast: Cast) -> object:
    at = now() + timedelta(days=365)
    return operations.expire_contract(contract_id=contract.pk, actor=cast.operator, at=at)


def lapse(contract: SystemContract, cast: Cast) -> object:
    at = now() + timedelta(days=365)
    return operations.lapse_contract(contract_id=contract.pk, actor=cast.operator, at=at)


def activate(contract: SystemContract, cast: Cast) -> object:
    with story():
        locked = SystemContract.objects.lock(contract.pk)
        return operations.activate(contract=locked, at=now())


def complete(contract: SystemContract, cast: Cast) -> object:
    with story():
        operations.complete(
            contract=SystemContract.objects.lock(contract.pk),
            verdict=AuditVerdict.PASS,
            actor=cast.auditor,
            at=now(),
            reason=REASON,
            records={"audit_sha256": "a" * 64},
        )
    return None


def fail(contract: SystemContract, cast: Cast) -> object:
    with story():
        operations.fail(
            contract=SystemContract.objects.lock(contract.pk),
            actor=cast.auditor,
            at=now(),
            reason=REASON,
            records={"audit_sha256": "a" * 64},
        )
    return None


def leave_open(contract: SystemContract, cast: Cast) -> object:
    with story():
        operations.leave_open(
            contract=SystemContract.objects.lock(contract.pk),
            actor=cast.auditor,
            at=now(),
            reason=REASON,
            records={"audit_sha256": "a" * 64},
        )
    return None


# Each operation, and from where the table lets it begin.
BEGINS_AT: dict[Operation, set[ContractStatus]] = {
    record_verdicts: {ContractStatus.DRAFT},
    approve: {ContractStatus.ELIGIBLE},
    reject: {ContractStatus.DRAFT, ContractStatus.VALIDATED, ContractStatus.ELIGIBLE},
    expire: {ContractStatus.DRAFT, ContractStatus.VALIDATED, ContractStatus.ELIGIBLE},
    activate: {ContractStatus.APPROVED},
    complete: {ContractStatus.ACTIVE},
    fail: {ContractStatus.ACTIVE},
    lapse: {ContractStatus.APPROVED},
    leave_open: {ContractStatus.ACTIVE},
}
