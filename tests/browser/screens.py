"""The list of the admin's screens, for tests of banner, width and accessibility, and pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from governance.authorities.audit.judgement import judge_evidence
from governance.authorities.health.observed_states import replace_observed_states
from governance.authorities.orchestrator.evidence import EndOfJob
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.job_state import read_job_history
from governance.domain.breaker import BreakerState
from governance.domain.observations import ObservedScope
from governance.domain.roles import Role
from governance.domain.values import AuditVerdict, ContractStatus, JobStatus
from governance.flows.audit_by_machine import ask_for_attempt
from governance.flows.audit_job import record_verdict
from governance.flows.propose_contract import draft_contract
from governance.flows.review_contract import comment_on_contract, request_clarification
from governance.models import (
    Account,
    ApiToken,
    ApprovalSignature,
    Capability,
    ChangeFreeze,
    GovernanceJob,
    HandlerBreaker,
    SystemContract,
)
from governance.services.access.tokens import issue_token, record_use, revoke_token
from governance.services.breakers.operations import close_breaker, record_run
from governance.services.freezes.operations import start_freeze
from tests.support.clock import as_of
from tests.support.factories import affecting, proposal_document, running_job
from tests.support.observations import observe, seen
from tests.support.queue import add_task, add_worker
from tests.support.users import Users, username_of

LOST = "A-LOST-EXECUTOR"
OBSERVED = "A-JOB-THAT-WAS-OBSERVED"


@dataclass(frozen=True)
class Screen:
    """A page of the admin.

    Args:
        of: finds the object of the page in the test's database, or the arguments of its address.
        who: the person who opens it: "anybody" with the permission to view, or only a "founder",
            an "operator" or the "admin".
        press: a button to press after the page has opened, to show the next page.
    """

    name: str
    url: str
    of: Callable[[], Any] | None = None
    who: str = "anybody"
    press: str = ""

    def address(self) -> str:
        about = self.of() if self.of else None
        args = about if isinstance(about, tuple) else (about.pk,) if about else ()
        return reverse(f"admin:{self.url}", args=args)

    def exists(self) -> bool:
        """Return whether the database has an object for the screen."""
        return self.of is None or self.of() is not None


def contract_that(**is_so: Any) -> Callable[[], Any]:
    return lambda: SystemContract.objects.filter(**is_so).order_by("created_at").first()


def job_that(**is_so: Any) -> Callable[[], Any]:
    return lambda: GovernanceJob.objects.filter(**is_so).order_by("created_at").first()


_ELIGIBLE = {"status": ContractStatus.ELIGIBLE}
waiting = contract_that(**_ELIGIBLE, review_ends_at__isnull=False)
questioned = contract_that(**_ELIGIBLE, review_ends_at=None)
done = contract_that(status=ContractStatus.COMPLETED)
drafted = contract_that(status=ContractStatus.DRAFT)
approved = contract_that(status=ContractStatus.APPROVED)
rejected = contract_that(status=ContractStatus.REJECTED)


def job_that_runs() -> Any:
    return (
        GovernanceJob.objects.filter(status=JobStatus.RUNNING)
        .exclude(contract__reference=LOST)
        .first()
    )


def lost_job() -> Any:
    """Return the job whose executor is lost, which `add_screen_records` adds."""
    return GovernanceJob.objects.filter(contract__reference=LOST).first()


def observed_job() -> Any:
    """Return the job that did something else than planned, which `add_screen_records` adds."""
    return GovernanceJob.objects.filter(contract__reference=OBSERVED).first()


def inconclusive_job() -> Any:
    return GovernanceJob.objects.filter(audit__verdict=AuditVerdict.INCONCLUSIVE).first()


def narrow_token() -> Any:
    return ApiToken.objects.filter(name="Search, rack 3").first()


def another_token() -> Any:
    """Return the newest successor of a token, because each picture of a rotation adds one."""
    return ApiToken.objects.filter(name="Spare", successor=None, revoked_at=None).first()


def open_breaker() -> Any:
    return HandlerBreaker.objects.filter(state=BreakerState.OPEN).first()


def signature() -> tuple[Any, int] | None:
    """Return the id of a signed contract and the number of its first signature."""
    signed = ApprovalSignature.objects.first()
    return signed and (signed.contract_id, signed.number)


SCREENS = [
    Screen("home", "index"),
    Screen("queue", "governance_systemcontract_queue"),
    Screen("contract", "governance_systemcontract_change", waiting),
    Screen("approve", "governance_systemcontract_approve", waiting, "founder"),
    Screen("reject", "governance_systemcontract_reject", waiting, "founder"),
    Screen("modify", "governance_systemcontract_modify", waiting, "founder"),
    Screen("refused", "governance_systemcontract_reject", waiting, who="founder", press="Reject"),
    Screen("clarify", "governance_systemcontract_clarify", waiting, "founder"),
    Screen("comment", "governance_systemcontract_comment", waiting),
    Screen("answer", "governance_systemcontract_answer", questioned, "operator"),
    Screen("contract-asked", "governance_systemcontract_change", questioned),
    Screen("contract-done", "governance_systemcontract_change", done),
    Screen(
        "contract-failed", "governance_systemcontract_change", contract_that(reference=OBSERVED)
    ),
    Screen("contract-draft", "governance_systemcontract_change", drafted),
    Screen("contract-approved", "governance_systemcontract_change", approved, "founder"),
    Screen("contract-rejected", "governance_systemcontract_change", rejected, "founder"),
    Screen("activate", "governance_systemcontract_activate", approved, "operator"),
    Screen("withdraw", "governance_systemcontract_withdraw", approved, "founder"),
    Screen("repeat", "governance_systemcontract_repeat", rejected, "operator"),
    Screen("signature", "governance_systemcontract_signature", signature),
    Screen("ledger", "governance_systemcontract_ledger", done),
    Screen("contracts", "governance_systemcontract_changelist"),
    Screen("jobs", "governance_governancejob_changelist"),
    Screen("job-running", "governance_governancejob_change", job_that_runs),
    Screen("job-done", "governance_governancejob_change", job_that(status=JobStatus.COMPLETED)),
    Screen("job-failed", "governance_governancejob_change", job_that(status=JobStatus.FAILED)),
    Screen("job-observed", "governance_governancejob_change", observed_job),
    Screen("settle", "governance_governancejob_settle", inconclusive_job, "auditor-1"),
    Screen("job-report", "governance_governancejob_report", observed_job),
    Screen("job-lost", "governance_governancejob_change", lost_job, "founder"),
    Screen("cancel-job", "governance_governancejob_cancel", lost_job, "founder"),
    Screen("verify", "governance_governancejob_verify", job_that(status=JobStatus.COMPLETED)),
    Screen("notices", "governance_notice_changelist", who="operator"),
    Screen("freezes", "governance_changefreeze_changelist"),
    Screen("start-freeze", "governance_changefreeze_start", who="founder"),
    Screen("breakers", "governance_handlerbreaker_changelist", who="operator"),
    Screen("breaker", "governance_handlerbreaker_change", open_breaker, "operator"),
    Screen("close-breaker", "governance_handlerbreaker_close", open_breaker, "operator"),
    Screen("workers", "governance_governancejob_workers"),
    Screen("capabilities", "governance_capability_changelist"),
    Screen("capability", "governance_capability_change", Capability.objects.order_by("name").first),
    Screen("drift", "governance_capability_drift"),
    Screen("configuration", "governance_configurationentry_changelist"),
    Screen("signals", "governance_governancesignal_changelist"),
    Screen("tokens", "governance_apitoken_changelist", who="admin"),
    Screen("token", "governance_apitoken_change", narrow_token, "admin"),
    Screen("token-issue", "governance_apitoken_issue", who="admin"),
    Screen("token-rotate", "governance_apitoken_rotate", narrow_token, "admin"),
    Screen("token-made", "governance_apitoken_rotate", another_token, "admin", press="Rotate"),
    Screen("token-revoke", "governance_apitoken_revoke", narrow_token, "admin"),
]


# Screens during a change freeze.
FROZEN_SCREENS = [
    Screen("home-frozen", "index"),
    Screen("freezes-active", "governance_changefreeze_changelist"),
    Screen("freeze", "governance_changefreeze_change", ChangeFreeze.objects.first),
    Screen("lift-freeze", "governance_changefreeze_lift", ChangeFreeze.objects.first, "founder"),
]


# Screens while a sweep is held back.
HELD_SCREENS = [
    Screen("home-held", "index", who="operator"),
    Screen("endings", "governance_systemcontract_endings", who="operator"),
    Screen("endings-of-none", "governance_governancejob_endings", who="operator"),
]


def add_screen_records() -> None:
    """Add a comment, a question, tokens, breakers and workers: every screen has content."""
    founder, at = Account.objects.get(username="founder"), timezone.now()
    remark = "The branch in the harbour tried this last year; two readers wrote to thank us."
    as_of(at, comment_on_contract, contract_id=waiting().pk, person=founder, text=remark)
    if questioned() is None:
        last = SystemContract.objects.filter(**_ELIGIBLE).latest("created_at")
        question = "Why not after the holidays, when fewer people borrow?"
        as_of(at, request_clarification, contract_id=last.pk, founder=founder, question=question)
    Account.objects.filter(username="auditor-1").update(is_staff=True)
    users = _users_of_demo()
    _lose_executor(users, at - timedelta(hours=2))
    _add_observed_job(users)
    ask_for_attempt(job_id=inconclusive_job().pk, person=users.auditor)
    issued = {"role": Role.EXECUTOR, "days": 90, "create": True, "actor": founder}
    narrow, _ = issue_token(
        username="search-worker",
        name="Search, rack 3",
        verbs=["view_jobstep", "execute_job"],
        capabilities=["CatalogueSearch", "InterlibraryLoan", "SYSTEM"],
        **issued,
    )
    record_use(narrow, at=at)
    for _ in range(2):
        spare, _ = issue_token(username="spare-worker", name="Spare", **issued)
    reason = "It stood in a log."
    as_of(at, revoke_token, token_id=spare.pk, reason=reason, actor=founder)
    add_breakers(job_that(status=JobStatus.FAILED)())
    add_workers()
    add_drift(at)


def add_drift(at: datetime) -> None:
    """Let the platform hold other values of the first capability, and hide another one."""
    first, second = Capability.objects.order_by("name")[:2]
    state = {"lifecycle": "PREVIEW", "configuration": {"opening_hours": {"saturday": "10-14"}}}
    replace_observed_states(
        [
            ObservedScope(first.name, "http", state, at),
            ObservedScope(second.name, "git", None, at, "The repository has no branch main."),
        ]
    )


def add_breakers(job: GovernanceJob) -> None:
    """Add a breaker that is open for the second time, one that is careful, and one that runs."""
    operator = Account.objects.get(username="operator")

    def run(handler: str, fault: str = "") -> None:
        faulty = handler if fault else ""
        record_run(handlers=[handler], job_id=job.pk, faulty=faulty, fault=fault)

    timeout = "Timed out after 300.0 s."
    run("library-website", timeout)
    run("library-website", timeout)
    reason = "The website was restarted, and answers again."
    close_breaker(handler="library-website", reason=reason, actor=operator)
    run("library-website", "ConnectionResetError: [Errno 104] Connection reset by peer")
    run("git", timeout)
    run("registry", timeout)
    run("registry")


def add_workers() -> None:
    """Add a worker that runs a job, one that was killed, and tasks in each state."""
    killed, running = add_worker(silence=timedelta(hours=3)), add_worker()
    add_task("run_job", worker=running)
    add_task("run_job", worker=killed)
    add_task("run_job", waiting_since=timedelta(minutes=7))
    add_task("expire_reviews", failed_since=timedelta(hours=2))
    add_task("activate_contract", waiting_since=-timedelta(hours=5))


def _users_of_demo() -> Users:
    people = {
        name: Account.objects.get(username=username_of(name))
        for name in ("operator", "founder", "auditor")
    }
    executor = Account.objects.get(username="executor-1")
    return Users(
        **people,
        executor=executor,
        second_founder=people["founder"],
        second_auditor=people["auditor"],
        viewer=people["founder"],
        outsider=people["founder"],
    )


def _lose_executor(users: Users, at: datetime) -> None:
    """Add a job that was started at `at`, and whose executor then reported one step of three."""
    running = running_job(users, at=at, reference=LOST, title="Search while people type")
    running.record(running.report(0), at=at)


def _add_observed_job(users: Users) -> None:
    """Add a job that failed its audit, because its platform holds another value than planned."""
    scope = {"reference": OBSERVED, "title": "Show fifty results at once", **affecting("Results")}
    running = running_job(users, **scope)
    values = {"page_size": 20, "timeout_seconds": 1.5}
    before = {"lifecycle": "DISABLED", "configuration": values}
    after = {"lifecycle": "PREVIEW", "configuration": values | {"timeout_seconds": 2.5}}
    observe(running, seen("Results", before))
    running.complete_steps()
    route = {"handler": "http", "observer": "http", "trust_reports": False}
    routes = [route | {"step_index": index, "shares_database": False} for index in range(3)]
    job = GovernanceOrchestrator.complete_job(
        read_job_history(running.job.pk),
        EndOfJob(observed=[seen("Results", after)], routes=routes),
        token=running.token,
        executor=users.executor,
    )
    judgement = judge_evidence(job.evidence.document)
    record_verdict(
        job_id=job.pk,
        verdict=judgement.verdict,
        reason=judgement.reason,
        checks=judgement.checks_as_documents(),
        evidence_sha256=job.evidence.sha256,
        author=users.auditor,
    )


def start_demo_freeze() -> None:
    at = timezone.now()
    as_of(
        at,
        start_freeze,
        reason="The payment provider is down; nobody can buy anything.",
        ends_at=at + timedelta(hours=4),
        founder=Account.objects.get(username="founder"),
    )


def let_reviews_pass() -> None:
    """Add so many drafts whose time for review is over that a sweep is held back."""
    operator, at = Account.objects.get(username="operator"), timezone.now() - timedelta(days=30)
    for _ in range(21):
        as_of(at, draft_contract, document=proposal_document(), proposer=operator)
