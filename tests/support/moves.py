"""Each operation on a contract, called so that only the contract's status can be refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from governance.authorities.contract import operations
from governance.db.transactions import write_transaction
from governance.domain.values import ActivationWindow, AuditVerdict, ContractStatus
from governance.models import SystemContract
from tests.support.clock import as_of, clock_at
from tests.support.factories import MAY, VALIDATOR_VERDICT, now
from tests.support.signing import sign
from tests.support.users import Users

Operation = Callable[[SystemContract, Users], object]
REASON = "A reason that is long enough."


def record_review_verdicts(contract: SystemContract, users: Users) -> object:
    return as_of(
        contract.created_at,
        operations.record_review_verdicts,
        contract_id=contract.pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=MAY,
        actor=users.operator,
    )


def approve(contract: SystemContract, users: Users) -> object:
    at = contract.created_at
    window = ActivationWindow(at, at + timedelta(hours=1))
    return sign(contract, founder=users.founder, window=window, at=at)


def reject(contract: SystemContract, users: Users) -> object:
    with clock_at(contract.created_at), write_transaction():
        operations.reject(
            contract=SystemContract.objects.lock(contract.pk),
            founder=users.founder,
            reason=REASON,
            at=contract.created_at,
        )
    return None


def expire(contract: SystemContract, users: Users) -> object:
    at = now() + timedelta(days=365)
    return as_of(at, operations.expire_contract, contract_id=contract.pk, actor=users.operator)


def lapse(contract: SystemContract, users: Users) -> object:
    at = now() + timedelta(days=365)
    return as_of(
        at, operations.fail_contract_past_window, contract_id=contract.pk, actor=users.operator
    )


def activate(contract: SystemContract, users: Users) -> object:
    with write_transaction():
        locked = SystemContract.objects.lock(contract.pk)
        return operations.activate(contract=locked, at=now())


def complete(contract: SystemContract, users: Users) -> object:
    with write_transaction():
        operations.complete(
            contract=SystemContract.objects.lock(contract.pk),
            verdict=AuditVerdict.PASS,
            actor=users.auditor,
            at=now(),
            reason=REASON,
            records={"audit_sha256": "a" * 64},
        )
    return None


def fail(contract: SystemContract, users: Users) -> object:
    with write_transaction():
        operations.fail(
            contract=SystemContract.objects.lock(contract.pk),
            actor=users.auditor,
            at=now(),
            reason=REASON,
            records={"audit_sha256": "a" * 64},
        )
    return None


def mark_inconclusive(contract: SystemContract, users: Users) -> object:
    with write_transaction():
        operations.mark_inconclusive(
            contract=SystemContract.objects.lock(contract.pk),
            actor=users.auditor,
            at=now(),
            reason=REASON,
            records={"audit_sha256": "a" * 64},
        )
    return None


# Each operation with the statuses in which the table of moves allows it.
BEGINS_AT: dict[Operation, set[ContractStatus]] = {
    record_review_verdicts: {ContractStatus.DRAFT},
    approve: {ContractStatus.ELIGIBLE},
    reject: {ContractStatus.DRAFT, ContractStatus.VALIDATED, ContractStatus.ELIGIBLE},
    expire: {ContractStatus.DRAFT, ContractStatus.VALIDATED, ContractStatus.ELIGIBLE},
    activate: {ContractStatus.APPROVED},
    complete: {ContractStatus.ACTIVE},
    fail: {ContractStatus.ACTIVE},
    lapse: {ContractStatus.APPROVED},
    mark_inconclusive: {ContractStatus.ACTIVE},
}
