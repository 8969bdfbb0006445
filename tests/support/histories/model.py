"""The model of contracts, in plain Python; it imports nothing of the code under test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

REVIEW_TIME = timedelta(days=7)
MAX_WINDOW = timedelta(hours=168)
FOUNDERS = {"founder", "second_founder"}
OPERATORS = {"operator"}
AUDITORS = {"auditor", "second_auditor"}
FROZEN = {"Vault"}

MOVES: Mapping[str, set[str]] = {
    "DRAFT": {"VALIDATED", "REJECTED", "EXPIRED"},
    "VALIDATED": {"ELIGIBLE", "REJECTED", "EXPIRED"},
    "ELIGIBLE": {"APPROVED", "REJECTED", "EXPIRED"},
    "APPROVED": {"ACTIVE", "FAILED"},
    "ACTIVE": {"COMPLETED", "FAILED"},
    "COMPLETED": set(),
    "FAILED": set(),
    "REJECTED": set(),
    "EXPIRED": set(),
}


class Refused(Exception):  # noqa: N818 - a refusal is a result, not an error
    """A refusal by the model; `code` is the error code that govsite must raise."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def refuse_if(condition: object, code: str) -> None:
    if condition:
        raise Refused(code)


@dataclass(frozen=True)
class ModelEntry:
    """The parts of a ledger entry that the design defines."""

    event: str
    actor: str
    at: datetime
    before: str = ""
    after: str = ""
    reason: str = ""
    step_index: int | None = None


@dataclass
class Job:
    """The model of a job: its state, its results, and its participants."""

    status: str
    steps: int
    timeout: timedelta
    created_at: datetime
    token: str = ""
    started_by: str = ""
    lease: datetime | None = None
    started_at: datetime | None = None
    deadline: datetime | None = None
    results: list[tuple[str, str]] = field(default_factory=list)  # status, variant
    participants: set[str] = field(default_factory=set)
    snapshots: list[str] = field(default_factory=lambda: ["BEFORE"])
    sealed: bool = False
    audit: str = ""
    resolution: str = ""

    @property
    def has_failed_step(self) -> bool:
        return bool(self.results) and self.results[-1][0] == "FAILED"


@dataclass
class Contract:
    """The model of a contract: its state, its ledger, and its job."""

    scope: str
    steps: int
    proposer: str
    created_at: datetime
    status: str = "DRAFT"
    verdict: str = "PENDING"
    approver: str = ""
    opens: datetime | None = None
    closes: datetime | None = None
    job: Job | None = None
    ledger: list[ModelEntry] = field(default_factory=list)
    asked_by: str = ""  # the founder whose question is open
    asked_at: datetime | None = None
    paused: timedelta = timedelta()
    # The steps that were done on its scope when it was approved (`ModelWorld.done_on`).
    approved_after: set[int] = field(default_factory=set)

    def append_entry(
        self, event: str, actor: str, at: datetime, after: str = "", reason: str = ""
    ) -> None:
        """Append an entry; with `after`, also move the contract to that status."""
        before = self.status if after and self.ledger else ""
        self.ledger.append(ModelEntry(event, actor, at, before, after, reason))
        self.status = after or self.status

    def require_move(self, target: str) -> None:
        if target not in MOVES[self.status]:
            raise Refused("invalid_transition" if MOVES[self.status] else "contract_immutable")

    @property
    def review_ends(self) -> datetime | None:
        """The end of the review; None while a question is open, which pauses the review."""
        return None if self.asked_by else self.created_at + REVIEW_TIME + self.paused

    def is_expired(self, at: datetime) -> bool:
        return self.review_ends is not None and at > self.review_ends


@dataclass
class ModelWorld:
    """The state of the model: contracts in the order of creation, health signals, the time."""

    at: datetime
    contracts: list[Contract] = field(default_factory=list)
    signals: dict[tuple[str, str], str] = field(default_factory=dict)
    # The steps that were done, by scope: the same step of any contract sets the same value.
    done: set[tuple[str, int]] = field(default_factory=set)

    def done_on(self, it: Contract) -> set[int]:
        return {index for scope, index in self.done if scope == it.scope and index < it.steps}

    def blocked(self, scope: str) -> bool:
        spoken = [
            decision for (where, _), decision in self.signals.items() if where in (scope, "SYSTEM")
        ]
        return "BLOCKED" in spoken

    # --- proposals ---
    def draft(self, scope: str, steps: int, who: str) -> Contract:
        contract = Contract(scope, steps, who, self.at)
        contract.append_entry("contract.proposal.drafted", who, self.at, "DRAFT")
        self.contracts.append(contract)
        return contract

    def propose(self, scope: str, steps: int, who: str, *, may: bool, why: tuple[str, str]) -> None:
        refuse_if(not may, "may_not")
        self._find_eligible(self.draft(scope, steps, who), who, why)

    def record_review_verdicts(
        self, it: Contract | None, who: str, may: bool, why: tuple[str, str]
    ) -> None:
        it = _there(it)
        it.require_move("VALIDATED")
        refuse_if(it.is_expired(self.at), "contract_expired")
        if may:
            self._find_eligible(it, who, why)
        else:
            it.append_entry("contract.validation.recorded", who, self.at, "VALIDATED", why[0])
            it.append_entry("contract.eligibility.refused", who, self.at, "REJECTED", why[1])

    def _find_eligible(self, it: Contract, who: str, why: tuple[str, str]) -> None:
        it.append_entry("contract.validation.recorded", who, self.at, "VALIDATED", why[0])
        it.append_entry("contract.eligibility.granted", who, self.at, "ELIGIBLE", why[1])

    # --- reviews ---
    def approve(
        self,
        it: Contract | None,
        who: str,
        window: tuple[datetime, datetime],
        note: str,
        *,
        saw_it: bool,
    ) -> None:
        refuse_if(who not in FOUNDERS, "not_permitted")
        it = _there(it)
        refuse_if(it.scope in FROZEN, "capability_frozen")
        refuse_if(self.blocked(it.scope), "health_blocked")
        opens, closes = window
        fits = opens < closes <= opens + MAX_WINDOW and closes > self.at
        refuse_if(not fits, "invalid_window")
        it.require_move("APPROVED")
        refuse_if(it.is_expired(self.at), "contract_expired")
        refuse_if(it.proposer == who, "four_eyes")
        refuse_if(not saw_it, "stale_copy")
        it.approver, it.opens, it.closes = who, opens, closes
        it.approved_after = self.done_on(it)
        it.append_entry("contract.review.approved", who, self.at, "APPROVED", note)

    def reject(self, it: Contract | None, who: str, reason: str) -> None:
        refuse_if(who not in FOUNDERS, "not_permitted")
        it = _there(it)
        refuse_if(not MOVES[it.status], "contract_immutable")
        refuse_if(it.status != "ELIGIBLE", "not_eligible")
        refuse_if(len(reason) <= 10, "reason_required")
        refuse_if(it.proposer == who, "four_eyes")
        it.append_entry("contract.review.rejected", who, self.at, "REJECTED", reason)

    def modify(
        self, it: Contract | None, who: str, reason: str, *, saw_it: bool, names: tuple[str, str]
    ) -> None:
        """Replace a contract by a draft with one change.

        Args:
            names: The references of the contract and of its successor, which govsite chooses.
        """
        refuse_if(who not in FOUNDERS, "not_permitted")
        it = _there(it)
        refuse_if(not MOVES[it.status], "contract_immutable")
        refuse_if(it.status != "ELIGIBLE", "not_eligible")
        refuse_if(len(reason) <= 10, "reason_required")
        refuse_if(it.is_expired(self.at), "contract_expired")
        refuse_if(it.proposer == who, "four_eyes")
        refuse_if(not saw_it, "stale_copy")
        old, new = names
        successor = Contract(it.scope, 1, who, self.at)
        why = f"In place of {old}: {reason}"
        successor.append_entry("contract.proposal.drafted", who, self.at, "DRAFT", why)
        self.contracts.append(successor)
        why = f"Superseded by {new}: {reason}"
        it.append_entry("contract.review.superseded", who, self.at, "REJECTED", why)

    def withdraw(self, it: Contract | None, who: str, reason: str) -> None:
        refuse_if(who not in FOUNDERS, "not_permitted")
        it = _there(it)
        refuse_if(len(reason) <= 10, "reason_required")
        refuse_if(not MOVES[it.status], "contract_immutable")
        refuse_if(it.status != "APPROVED", "invalid_transition")
        why = f"approval_withdrawn: {reason}"
        it.append_entry("contract.approval.withdrawn", who, self.at, "FAILED", why)

    def repeat(self, it: Contract | None, who: str, name: str) -> None:
        """Propose an ended contract again; `name` is its reference, which govsite knows."""
        refuse_if(who not in FOUNDERS | OPERATORS, "not_permitted")
        it = _there(it)
        refuse_if(it.status not in ("FAILED", "EXPIRED", "REJECTED"), "not_repeatable")
        again = Contract(it.scope, it.steps, who, self.at)
        why = f"Proposes {name} again."
        again.append_entry("contract.proposal.drafted", who, self.at, "DRAFT", why)
        self.contracts.append(again)

    def ask(self, it: Contract | None, who: str, question: str) -> None:
        refuse_if(who not in FOUNDERS, "not_permitted")
        it = _there(it)
        refuse_if(not MOVES[it.status], "contract_immutable")
        refuse_if(it.status != "ELIGIBLE", "not_eligible")
        refuse_if(not question, "invalid_input")
        refuse_if(it.is_expired(self.at), "contract_expired")
        refuse_if(it.proposer == who, "four_eyes")
        refuse_if(it.asked_by, "clarification_open")
        it.asked_by, it.asked_at = who, self.at
        it.append_entry("contract.review.clarification_requested", who, self.at, reason=question)

    def answer(self, it: Contract | None, who: str, answer: str) -> None:
        it = _there(it)
        refuse_if(who not in OPERATORS and who != it.proposer, "not_permitted")
        refuse_if(not MOVES[it.status], "contract_immutable")
        refuse_if(it.status != "ELIGIBLE", "not_eligible")
        refuse_if(not answer, "invalid_input")
        refuse_if(not it.asked_by, "no_open_clarification")
        refuse_if(it.asked_by == who, "four_eyes")
        assert it.asked_at
        it.paused += self.at - it.asked_at
        it.asked_by = ""
        it.append_entry("contract.review.clarified", who, self.at, reason=answer)

    def expire(self, it: Contract | None, who: str) -> None:
        it = _there(it)
        it.require_move("EXPIRED")
        refuse_if(it.review_ends is None, "review_paused")
        refuse_if(not it.is_expired(self.at), "review_open")
        it.append_entry("contract.review.expired", who, self.at, "EXPIRED", "review_ttl_passed")

    def lapse(self, it: Contract | None, who: str) -> None:
        it = _there(it)
        if it.status != "APPROVED":
            it.require_move("FAILED")
            raise Refused("not_lapsed")
        refuse_if(it.closes is None or self.at <= it.closes, "window_open")
        it.append_entry("contract.window.lapsed", who, self.at, "FAILED", "window_lapsed")

    # --- activation ---
    def activate(self, it: Contract | None, who: str, minutes: int) -> None:
        it = _there(it)
        refuse_if(not 1 <= minutes <= 1440, "invalid_input")
        refuse_if(it.status != "APPROVED", "contract_not_approved")
        assert it.opens
        assert it.closes
        refuse_if(not it.opens <= self.at <= it.closes, "window_closed")
        refuse_if(self.done_on(it) != it.approved_after, "platform_changed")
        refuse_if(self.blocked(it.scope), "health_blocked")
        it.job = Job("PENDING", it.steps, timedelta(minutes=minutes), self.at)
        it.job.participants.add(who)
        it.append_entry("contract.activation.activated", who, self.at, "ACTIVE")
        it.ledger.append(ModelEntry("job.activation.created", who, self.at, "", "PENDING"))


def _there(it: Contract | None) -> Contract:
    if it is None:
        raise Refused("contract_not_found")
    return it
