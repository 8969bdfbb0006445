"""The version of a contract and its job, and the refusal of an outdated one."""

from __future__ import annotations

from uuid import uuid4

import pytest

from governance.domain.errors import NotFoundError, VersionMismatchError
from governance.flows.review_contract import comment_on_contract, reject_contract
from governance.record.ledger.versions import Subject, require_version, version_of
from tests.support.factories import eligible, pending_job
from tests.support.users import Users


def test_version__of_a_contract__changes_with_its_chain_and_not_with_a_comment(
    users: Users,
) -> None:
    contract = eligible(users)
    before = version_of("contract", contract.pk)
    comment_on_contract(contract_id=contract.pk, person=users.founder, text="Soon?")
    assert version_of("contract", contract.pk) == before
    reject_contract(contract_id=contract.pk, founder=users.founder, reason="Not this quarter.")
    assert version_of("contract", contract.pk) != before


def test_version__of_a_contract_and_its_job__is_the_same(users: Users) -> None:
    job = pending_job(users)
    assert version_of("job", job.pk) == version_of("contract", job.contract_id)


@pytest.mark.parametrize("subject", ["contract", "job"])
def test_version__of_what_does_not_exist__not_found(users: Users, subject: Subject) -> None:
    with pytest.raises(NotFoundError) as refusal:
        version_of(subject, uuid4())
    assert refusal.value.code == f"{subject}_not_found"


@pytest.mark.parametrize("subject", ["contract", "job"])
def test_require_version__current_or_any__accepted_and_another__refused(
    users: Users, subject: Subject
) -> None:
    job = pending_job(users)
    pk = job.contract_id if subject == "contract" else job.pk
    current = version_of(subject, pk)
    require_version(subject, pk, ["0" * 32, current])
    require_version(subject, pk, ["*"])
    with pytest.raises(VersionMismatchError) as refusal:
        require_version(subject, pk, ["0" * 32])
    assert refusal.value.details == {"version": current}
