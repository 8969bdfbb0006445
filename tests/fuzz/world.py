"""The data that requests find: contracts and jobs in every status, and their tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group

from governance.domain.roles import Role
from governance.domain.values import AuditVerdict, ContractStatus
from governance.models import Account
from tests.support.factories import (
    apart,
    asked,
    contract_in,
    failed_job,
    finished_job,
    judged_job,
    pending_job,
    running_job,
)
from tests.support.observations import observe, seen
from tests.support.tokens import new_token
from tests.support.users import Users


@dataclass
class World:
    """A token with every permission of the API, and the ids of the contracts and jobs.

    `subjects` has, for an operation, the contract or job on which it can succeed. By job,
    `execution_tokens`, `steps_due` and `evidence` have what the body must contain for that.
    """

    token: str
    contracts: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    subjects: dict[str, str] = field(default_factory=dict)
    execution_tokens: dict[str, str] = field(default_factory=dict)
    steps_due: dict[str, int] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)

    def subject_of(self, operation_id: str, path: str) -> str:
        known = self.contracts if "/contracts/" in path else self.jobs
        return self.subjects.get(operation_id, known[-1])


def make_world(users: Users) -> World:
    """Create and commit contracts and jobs in every status, several of them PENDING or RUNNING."""
    superset_user = Account.objects.create_user("everyone")
    superset_user.groups.set(Group.objects.filter(name__in=list(Role)))
    world = World(new_token(superset_user))

    for status in ContractStatus:
        if status is not ContractStatus.VALIDATED:  # no operation leaves a contract in it
            world.contracts.append(str(contract_in(users, status).pk))
    world.contracts.append(str(asked(users).pk))
    world.subjects["activate_contract"] = str(contract_in(users, ContractStatus.APPROVED).pk)
    world.contracts.append(world.subjects["activate_contract"])

    fresh, half, whole = (running_job(users, **apart()) for _ in range(3))
    half.complete_steps(1)
    whole.complete_steps()
    observe(half, seen("Search"), seen("Billing"), phase="STEP", step_index=0)
    for steps, running in enumerate((fresh, half, whole)):
        world.execution_tokens[str(running.job.pk)] = running.token
        world.steps_due[str(running.job.pk)] = steps
    pending, finished = pending_job(users), finished_job(users)
    ended = [running_job(users).cancel(), failed_job(users), finished]
    ended.append(judged_job(users, AuditVerdict.INCONCLUSIVE))
    for job in (pending, fresh.job, half.job, whole.job, *ended):
        world.jobs.append(str(job.pk))
        world.contracts.append(str(job.contract_id))
    world.evidence = {str(job.pk): job.evidence.sha256 for job in ended}
    subjects: dict[str, Any] = {
        "start_job": pending,
        "report_step": fresh.job,
        "complete_job": whole.job,
        "cancel_job": half.job,
        "list_observations": half.job,
        "record_verdict": finished,
    }
    world.subjects |= {operation: str(job.pk) for operation, job in subjects.items()}
    return world
