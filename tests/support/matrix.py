"""The permissions of the API as one table: the response to each role, operation and state.

Without a token the response is 401, without the permission 403, whether or not the contract or job
exists. With the permission it depends on the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from governance.domain.values import AuditVerdict, ContractStatus
from governance.models import GovernanceJob
from tests.api.support import report_body
from tests.support.factories import (
    affecting,
    apart,
    contract_in,
    failed_job,
    finished_job,
    judged_job,
    pending_job,
    running_job,
)
from tests.support.users import Users

ID = "<uuid:pk>"

Answer = tuple[int, str]

# --- who ---
READERS = frozenset(
    {"viewer", "operator", "founder", "executor", "other_executor", "auditor", "narrow"}
)
# An account with every role, whose token is limited to capabilities that no contract here affects.
ELSEWHERE = "elsewhere"
ACTIVATORS = frozenset({"operator", "executor", "other_executor"})
EXECUTORS = frozenset({"executor", "other_executor"})
ROLES = ("nobody", "outsider", *sorted(READERS), ELSEWHERE)

# --- in which state ---
OF_CONTRACTS = (
    *(str(status) for status in ContractStatus if status != ContractStatus.VALIDATED),
    "missing",
)
OF_JOBS = (
    "PENDING",
    "WAITING",
    "RUNNING",
    "REPORTED",
    "COMPLETED",
    "FAILED",
    "CANCELLED",
    "JUDGED",
    "missing",
)
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "JUDGED"}

MISSING: Mapping[str, Answer] = {
    "contract": (404, "contract_not_found"),
    "job": (404, "job_not_found"),
}


@dataclass(frozen=True)
class MatrixFixtures:
    """One contract or job in each state, and the execution token of each started job."""

    ids: Mapping[str, UUID]
    tokens: Mapping[str, str]
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ApiOperation:
    """One operation of the API: the roles with its permission, its responses, and its body.

    `by_state` has the responses of the states where the response is not `default`. `by_role` has
    the responses to one role that differ from both, by state.
    """

    may: frozenset[str]
    default: Answer
    by_state: Mapping[str, Answer] = field(default_factory=dict)
    by_role: Mapping[str, Mapping[str, Answer]] = field(default_factory=dict)
    body: Callable[[MatrixFixtures, str], Mapping[str, Any]] = lambda fixtures, state: {}

    def answer(self, role: str, state: str, subject: str) -> Answer:
        """Return status and code of the response to `role` in this state.

        Args:
            subject: What the path names: "contract", "job" or "".
        """
        if role == "nobody":
            return 401, "not_authenticated"
        if role != ELSEWHERE and role not in self.may:
            return 403, "permission_denied"
        if subject and (role == ELSEWHERE or state == "missing"):
            return MISSING[subject]
        return self.by_role.get(role, {}).get(state) or self.by_state.get(state, self.default)


def _state(states: set[str], answer: Answer) -> dict[str, Answer]:
    return dict.fromkeys(states, answer)


def _report(fixtures: MatrixFixtures, state: str) -> Mapping[str, Any]:
    return report_body(fixtures.tokens.get(state, "no token"))


def _token(fixtures: MatrixFixtures, state: str) -> Mapping[str, Any]:
    return {"execution_token": fixtures.tokens.get(state, "no token")}


def _verdict(fixtures: MatrixFixtures, state: str) -> Mapping[str, Any]:
    digest = fixtures.evidence.get(state, "0" * 64)
    return {"verdict": "FAIL", "reason": "Not as signed.", "evidence_sha256": digest}


# A report by another account than the one that started the job does not reveal that it exists.
_ANOTHERS = _state({"RUNNING", "REPORTED", *ENDED}, MISSING["job"])
_SETTLED = _state(ENDED, (409, "job_immutable"))
_NOT_STARTED = _state({"PENDING", "WAITING"}, (409, "invalid_job_transition"))

OPERATIONS: Mapping[tuple[str, str], ApiOperation] = {
    ("get", "contracts/"): ApiOperation(READERS, (200, "")),
    ("get", f"contracts/{ID}/"): ApiOperation(READERS, (200, "")),
    ("get", f"contracts/{ID}/ledger/"): ApiOperation(READERS, (200, "")),
    ("post", f"contracts/{ID}/activate/"): ApiOperation(
        ACTIVATORS, (409, "contract_not_approved"), {"APPROVED": (201, "")}
    ),
    ("post", "contracts/activate/"): ApiOperation(
        ACTIVATORS,
        (200, ""),
        body=lambda fixtures, state: {"contract_ids": [str(fixtures.ids[state])]},
    ),
    ("get", "jobs/"): ApiOperation(READERS, (200, "")),
    ("get", f"jobs/{ID}/"): ApiOperation(READERS, (200, "")),
    ("get", f"jobs/{ID}/steps/"): ApiOperation(READERS, (200, "")),
    ("get", f"jobs/{ID}/observations/"): ApiOperation(READERS, (200, "")),
    ("get", f"jobs/{ID}/progress/"): ApiOperation(READERS, (200, "")),
    ("get", f"jobs/{ID}/evidence/"): ApiOperation(
        READERS, (404, "evidence_not_sealed"), _state(ENDED, (200, ""))
    ),
    ("get", f"jobs/{ID}/audit/"): ApiOperation(
        READERS, (404, "evidence_not_sealed"), _state(ENDED, (200, ""))
    ),
    # Only gunicorn's settings reserve threads for streams, so the test client gets none.
    ("get", f"jobs/{ID}/events/"): ApiOperation(READERS, (503, "too_many_streams")),
    ("post", "jobs/claim/"): ApiOperation(
        EXECUTORS, (204, ""), {"PENDING": (200, "")}, {ELSEWHERE: {"PENDING": (204, "")}}
    ),
    ("post", f"jobs/{ID}/start/"): ApiOperation(
        EXECUTORS,
        (409, "invalid_job_transition"),
        {"PENDING": (200, ""), "WAITING": (409, "scope_busy")} | _SETTLED,
    ),
    ("post", f"jobs/{ID}/results/"): ApiOperation(
        EXECUTORS,
        (409, "step_out_of_order"),
        {"RUNNING": (201, ""), "REPORTED": (409, "result_conflict")} | _NOT_STARTED | _SETTLED,
        {"other_executor": _ANOTHERS},
        _report,
    ),
    ("post", f"jobs/{ID}/complete/"): ApiOperation(
        EXECUTORS,
        (409, "steps_outstanding"),
        {"REPORTED": (200, "")} | _NOT_STARTED | _SETTLED,
        {"other_executor": _ANOTHERS},
        _token,
    ),
    ("post", f"jobs/{ID}/cancel/"): ApiOperation(
        frozenset({"operator", "founder"}),
        (200, ""),
        _SETTLED,
        body=lambda fixtures, state: {"reason": "No longer wanted."},
    ),
    ("post", f"jobs/{ID}/verdict/"): ApiOperation(
        frozenset({"auditor"}),
        (404, "evidence_not_sealed"),
        _state(ENDED, (201, "")) | {"JUDGED": (409, "verdict_exists")},
        body=_verdict,
    ),
    ("get", "audits/"): ApiOperation(READERS, (200, "")),
    ("get", "freezes/"): ApiOperation(READERS, (200, "")),
    ("get", "health/"): ApiOperation(READERS, (200, "")),
    ("get", "registry/"): ApiOperation(READERS, (200, "")),
}


def subject_of(route: str) -> str:
    """Return what the path names: "contract", "job", or "" for a list."""
    return {"contracts": "contract", "jobs": "job"}[route.split("/")[0]] if ID in route else ""


def states_of(method: str, route: str) -> tuple[str, ...]:
    """Return the states in which the operation is called."""
    if method == "get" and ID not in route:
        return ("any",)
    return OF_CONTRACTS if route.startswith("contracts") else OF_JOBS


def cells(role: str) -> Iterator[tuple[str, str, str, Answer]]:
    """Yield (method, route, state, response) for everything that a role may call."""
    for (method, route), operation in OPERATIONS.items():
        for state in states_of(method, route):
            yield method, route, state, operation.answer(role, state, subject_of(route))


def fixtures_of_contracts(users: Users) -> MatrixFixtures:
    # Approved last, because the jobs of the others change values that the founder sees.
    states = sorted(OF_CONTRACTS, key=lambda state: state == "APPROVED")
    ids = {s: contract_in(users, ContractStatus(s)).pk for s in states if s != "missing"}
    return MatrixFixtures(ids | {"missing": uuid4()}, {})


def fixtures_of_jobs(users: Users) -> MatrixFixtures:
    fresh = running_job(users, **affecting("Busy"))
    reported, cancelled = (running_job(users, **apart()) for _ in range(2))
    reported.complete_steps()
    jobs: dict[str, GovernanceJob] = {
        "PENDING": pending_job(users),
        # It waits for the job that runs.
        "WAITING": pending_job(users, **affecting("Busy")),
        "RUNNING": fresh.job,
        "REPORTED": reported.job,
        "COMPLETED": finished_job(users),
        "FAILED": failed_job(users),
        "CANCELLED": cancelled.cancel(),
        "JUDGED": judged_job(users, AuditVerdict.PASS),
    }
    return MatrixFixtures(
        {state: job.pk for state, job in jobs.items()} | {"missing": uuid4()},
        {"RUNNING": fresh.token, "REPORTED": reported.token, "CANCELLED": cancelled.token},
        {state: job.evidence.sha256 for state, job in jobs.items() if state in ENDED},
    )
