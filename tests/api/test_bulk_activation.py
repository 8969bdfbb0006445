"""Activation of many contracts in one call: one transaction and one outcome for each."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from governance.api import contracts as api_contracts
from governance.domain.errors import BusyError
from governance.domain.values import ContractStatus
from governance.flows.activate_contract import activate_contract
from governance.models import GovernanceJob, IdempotencyRecord, SystemContract
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.factories import approved, eligible, pending_job
from tests.support.threads import at_once
from tests.support.users import Users

URL = f"{API}contracts/activate/"
FLOW = "governance.api.contracts.activate_contract"


def named(*contracts: Any) -> dict[str, Any]:
    return {"contract_ids": [str(getattr(one, "pk", one)) for one in contracts]}


def failing_at(number: int, failure: Exception) -> Any:
    """Patch the activation flow so that its n-th call raises `failure` before it writes."""
    calls = iter(range(1, 1000))

    def flow(**arguments: Any) -> GovernanceJob:
        if next(calls) == number:
            raise failure
        return activate_contract(**arguments)

    return patch.object(api_contracts, "activate_contract", flow)


def test_contracts__some_of_which_cannot__each_has_its_outcome_in_order(
    users: Users, client_for: ClientFor
) -> None:
    first, waiting, taken, last = (
        approved(users),
        eligible(users),
        pending_job(users),
        approved(users),
    )
    missing = uuid4()
    body = named(first, waiting, missing, taken.contract_id, last) | {"timeout_minutes": 7}
    answer = client_for(users.operator).post(URL, body)
    assert answer.status_code == 200, answer.content
    outcomes = answer.json()["results"]
    assert [outcome["contract_id"] for outcome in outcomes] == body["contract_ids"]
    assert [outcome["status"] for outcome in outcomes] == [201, 409, 404, 409, 201]
    codes = [outcome["problem"] and outcome["problem"]["code"] for outcome in outcomes]
    assert codes == [
        *(None, "contract_not_approved", "contract_not_found", "contract_not_approved", None)
    ]
    for contract, outcome in ((first, outcomes[0]), (last, outcomes[4])):
        job = GovernanceJob.objects.get(contract=contract)
        assert outcome["job_id"] == str(job.pk)
        assert job.timeout_minutes == 7
    assert [outcome["job_id"] for outcome in outcomes[1:4]] == [None] * 3


def test_contract__outside_the_token_scope__has_the_outcome_of_a_missing_one(
    users: Users, client_for: ClientFor
) -> None:
    within, beyond = approved(users), approved(users, affected_capabilities=["Search", "Checkout"])
    bound = client_for(users.operator, capabilities=["Search"])
    missing = uuid4()
    outcomes = bound.post(URL, named(within, beyond, missing)).json()["results"]
    assert [outcome["status"] for outcome in outcomes] == [201, 404, 404]
    bodies = [
        str(outcome).replace(str(pk), "ID")
        for outcome, pk in zip(outcomes[1:], (beyond.pk, missing), strict=True)
    ]
    assert bodies[0] == bodies[1]
    assert SystemContract.objects.get(pk=beyond.pk).status == ContractStatus.APPROVED


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "contract_ids"),
        ({"contract_ids": None}, "contract_ids"),
        ({"contract_ids": []}, "contract_ids"),
        ({"contract_ids": "all"}, "contract_ids"),
        ({"contract_ids": [1]}, "contract_ids[0]"),
        ({"contract_ids": ["x"]}, "contract_ids[0]"),
        ({"contract_ids": [None]}, "contract_ids[0]"),
        (named(UUID(int=7), UUID(int=7)), "contract_ids"),
        ({"contract_ids": [str(UUID(int=7)), str(UUID(int=7)).upper()]}, "contract_ids"),
        ({"contract_ids": [f"{{{UUID(int=7)}}}"]}, "contract_ids[0]"),
        (named(*(UUID(int=n) for n in range(201))), "contract_ids"),
        (named(UUID(int=7)) | {"timeout_minutes": 0}, "timeout_minutes"),
        (named(UUID(int=7)) | {"status": "ACTIVE"}, "status"),
    ],
)
def test_body__that_does_not_fit__400_and_nothing_happens(
    users: Users, client_for: ClientFor, body: Any, path: str
) -> None:
    assert_problem(client_for(users.operator).post(URL, body), 400, "invalid_input", path)


def test_two_hundred__are_taken(users: Users, client_for: ClientFor) -> None:
    ids = [UUID(int=number) for number in range(200)]
    answer = client_for(users.operator).post(URL, named(*ids))
    assert [outcome["status"] for outcome in answer.json()["results"]] == [404] * 200


def test_call__that_was_cut__goes_on_where_it_ended(
    committed: Users, client_for: ClientFor
) -> None:
    contracts = [approved(committed) for _ in range(4)]
    operator, key = client_for(committed.operator), {"HTTP_IDEMPOTENCY_KEY": "key"}
    with failing_at(3, RuntimeError()):
        assert_problem(operator.post(URL, named(*contracts), **key), 500, "internal_error")
    done = {str(job.pk) for job in GovernanceJob.objects.all()}
    assert len(done) == 2

    answer = operator.post(URL, named(*contracts), **key)
    outcomes = answer.json()["results"]
    assert [outcome["status"] for outcome in outcomes] == [201] * 4
    assert {outcome["job_id"] for outcome in outcomes[:2]} == done
    assert "Idempotency-Replayed" not in answer
    again = operator.post(URL, named(*contracts), **key)
    assert again.content == answer.content
    assert again["Idempotency-Replayed"] == "true"
    assert GovernanceJob.objects.count() == 4


def test_call__that_was_cut__keeps_its_key_from_another_body(
    committed: Users, client_for: ClientFor
) -> None:
    contracts = [approved(committed) for _ in range(2)]
    operator, key = client_for(committed.operator), {"HTTP_IDEMPOTENCY_KEY": "key"}
    with failing_at(2, RuntimeError()):
        operator.post(URL, named(*contracts), **key)
    other = operator.post(URL, named(contracts[1]), **key)
    assert_problem(other, 422, "idempotency_key_reused")
    assert GovernanceJob.objects.count() == 1


def test_temporary_error__is_reported_and_tried_again(
    committed: Users, client_for: ClientFor
) -> None:
    contracts = [approved(committed) for _ in range(3)]
    operator, key = client_for(committed.operator), {"HTTP_IDEMPOTENCY_KEY": "key"}
    with failing_at(2, BusyError("Others.", details={"undone_by": "lock_timeout"})):
        first = operator.post(URL, named(*contracts), **key).json()["results"]
    assert [outcome["status"] for outcome in first] == [201, 503, 201]
    assert first[1]["problem"]["code"] == "busy"
    second = operator.post(URL, named(*contracts), **key).json()["results"]
    assert [outcome["status"] for outcome in second] == [201] * 3
    assert (second[0], second[2]) == (first[0], first[2])


def test_error_of_the_current_state__is_stored_though_the_call_would_succeed_later(
    committed: Users, client_for: ClientFor
) -> None:
    early, fine = eligible(committed), approved(committed)
    operator, key = client_for(committed.operator), {"HTTP_IDEMPOTENCY_KEY": "key"}
    with failing_at(2, RuntimeError()):
        operator.post(URL, named(early, fine), **key)
    second = operator.post(URL, named(early, fine), **key).json()["results"]
    assert [outcome["status"] for outcome in second] == [409, 201]


def test_call__while_the_same_one_is_at_a_contract__409(
    committed: Users, client_for: ClientFor
) -> None:
    contracts = [approved(committed) for _ in range(2)]
    body, key = named(*contracts), {"HTTP_IDEMPOTENCY_KEY": "key"}
    clients = [client_for(committed.operator) for _ in range(2)]
    with transaction.atomic():
        clients[0].post(URL, body, **key)
        [other] = at_once(lambda wait: clients[1].post(URL, body, **key))
        assert_problem(other, 409, "request_in_progress")
        transaction.set_rollback(True)
    assert [o["status"] for o in clients[1].post(URL, body, **key).json()["results"]] == [201, 201]


def test_calls__with_one_key_at_once__activate_each_once_and_agree(
    committed: Users, client_for: ClientFor
) -> None:
    contracts = [approved(committed) for _ in range(6)]
    clients = [client_for(committed.operator) for _ in range(4)]

    def send_with(client: Any) -> Any:
        def call(wait: Any) -> Any:
            wait()
            while True:
                answer = client.post(URL, named(*contracts), HTTP_IDEMPOTENCY_KEY="key")
                if answer.status_code == 200:
                    return answer
                assert_problem(answer, 409, "request_in_progress")

        return call

    answers = at_once(*map(send_with, clients))
    assert len({answer.content for answer in answers}) == 1
    assert [o["status"] for o in answers[0].json()["results"]] == [201] * 6
    assert SystemContract.objects.filter(status=ContractStatus.ACTIVE).count() == 6
    assert IdempotencyRecord.objects.count() == 7


def test_one_contract_out_of_many__costs_the_same(
    users: Users, client_for: ClientFor, django_assert_max_num_queries: Any
) -> None:
    """Check that the query count grows linearly, as each contract has its own transaction."""
    operator = client_for(users.operator)
    counts = []
    for number in (1, 2, 3):
        body = named(*[approved(users) for _ in range(number)])
        with django_assert_max_num_queries(10_000) as asked:
            operator.post(URL, body)
        counts.append(len(asked))
    assert counts[2] - counts[1] == counts[1] - counts[0]
