"""The attack `chains`: 32 writers append to shared chains and to chains of their own.

First with the real operations: all writers report the same steps of the same jobs, and also run
jobs of their own. Then without the contract's lock, so that only the unique constraint and the
trigger `ledger_chain` protect the chain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import ceil
from random import choice, random
from threading import Lock
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.db.errors import constraint_name
from governance.domain.errors import GovernanceError
from governance.domain.values import JobStatus
from governance.models import GovernanceJob, LedgerEntry
from governance.record.ledger.chain import GENESIS, NewEntry, append_entries, entry_hash
from tests.stress.attack import Advance, AttackResult, attack, require
from tests.stress.proof import require_whole_record
from tests.support.databases import cloned, ensure_template
from tests.support.factories import Running, apart, eligible, pending_job, running_job
from tests.support.forgery import forge_entry
from tests.support.rounds import WorkerThreads, run_simultaneously
from tests.support.users import Users, create_users

WRITERS = 32
SHARED_JOBS = 4
ENTRIES_OF_A_PENDING_JOB = 6  # from the proposal to the activation
ENTRIES_OF_START_AND_END = 2
STEPS = 3  # of a job that one writer runs alone

# The errors that a writer may get because another one was first.
LOST = {"step_out_of_order", "result_conflict", "invalid_job_transition", "job_immutable"}
LAST_GUARDS = {"ledger_seq_once", "ledger_chain"}


class EntryCounts:
    """The number of written entries by contract, and of refusals by code."""

    def __init__(self, advance: Advance) -> None:
        self._advance, self._lock = advance, Lock()
        self.written: Counter[UUID] = Counter()
        self.refused: Counter[str] = Counter()

    @property
    def total(self) -> int:
        return sum(self.written.copy().values())

    def wrote(self, contract_id: UUID, entries: int = 1) -> None:
        with self._lock:
            self.written[contract_id] += entries
            self._advance(entries)

    def lost(self, code: str) -> None:
        with self._lock:
            self.refused[code] += 1


@attack(
    "chains",
    f"{WRITERS} writers on shared and separate chains",
    unit="entries",
    short=200,
    long=1000,
)
def chains(count: int, advance: Advance) -> AttackResult:
    with cloned(ensure_template()):
        operated = write_by_operations(count, create_users(), advance)
        require_exactly(operated.written)
        entries = require_whole_record()
        separate = len(operated.written) - SHARED_JOBS
    with cloned(ensure_template()):
        forged = write_without_the_lock(create_users())
    refused = sum(operated.refused.values())
    stopped = " and ".join(
        f"{number} by {constraint}" for constraint, number in forged.refused.most_common()
    )
    return AttackResult(
        f"{entries} entries on {SHARED_JOBS} shared and {separate} separate chains, the expected "
        f"number: no fork, no gap, every chain verifies; {refused} calls were refused because "
        f"another was first; without the lock {stopped} were refused, and no chain was forked",
        {"entries": entries, "refused": refused, "stopped": sum(forged.refused.values())},
    )


# --- with the real operations -------------------------------------------------------------------
def write_by_operations(count: int, users: Users, advance: Advance) -> EntryCounts:
    """Write at least `count` entries, half of them on shared chains."""
    around = ENTRIES_OF_A_PENDING_JOB + ENTRIES_OF_START_AND_END
    steps = max(STEPS, ceil(count / 2 / SHARED_JOBS) - around)
    jobs_alone = max(1, ceil((count - SHARED_JOBS * (steps + around)) / (STEPS + around)))
    tally = EntryCounts(advance)
    shared = [shared_job(users, f"Shared {number}", steps) for number in range(SHARED_JOBS)]
    for running in shared:
        tally.wrote(running.job.contract_id, ENTRIES_OF_A_PENDING_JOB + 1)
    to_run = iter(range(jobs_alone))

    def write() -> None:
        more = True
        while (left := unended(shared)) or more:
            if left and random() < 0.8:
                tallied(tally, lambda: advance_shared(choice(left), tally))
            else:
                more = next(to_run, None) is not None
                if more:
                    tallied(tally, lambda: live_through_one(users, tally))
        while claimed := GovernanceOrchestrator.claim_job(executor=users.executor):
            run_through(Running(*claimed, users), tally)

    with WorkerThreads(WRITERS) as threads:
        run_simultaneously([write] * WRITERS, threads)
    expected = SHARED_JOBS * (steps + around) + jobs_alone * (STEPS + around)
    require(tally.total == expected, f"{tally.total} entries were written, not {expected}")
    return tally


def shared_job(users: Users, capability: str, steps: int) -> Running:
    changes = [
        {"type": "parameter_change", "scope": capability, "parameters": {f"p{number}": number}}
        for number in range(steps)
    ]
    return running_job(users, affected_capabilities=[capability], proposed_changes=changes)


def unended(shared: list[Running]) -> list[Running]:
    running = GovernanceJob.objects.filter(
        pk__in=[each.job.pk for each in shared], status=JobStatus.RUNNING
    ).values_list("pk", flat=True)
    still = set(running)
    return [each for each in shared if each.job.pk in still]


def tallied(tally: EntryCounts, move: Callable[[], None]) -> None:
    try:
        move()
    except GovernanceError as refusal:
        require(refusal.code in LOST, f"{refusal.code}: {refusal}")
        tally.lost(refusal.code)


def advance_shared(running: Running, tally: EntryCounts) -> None:
    """Report the step that is due or, in one of ten cases, the next one; at the end, complete."""
    due = GovernanceJob.objects.values_list("current_step_index", flat=True).get(pk=running.job.pk)
    if due == running.job.total_steps:
        running.complete()
    else:
        early = due + 1 < running.job.total_steps and random() < 0.1
        # With a random output, or an equal report of another writer would count as a repetition.
        report = running.report(due + early, output={"writer": random()})
        _, is_new = running.record(report)
        require(is_new, f"a new report of step {due} was taken for a repetition")
    tally.wrote(running.job.contract_id)


def live_through_one(users: Users, tally: EntryCounts) -> None:
    """Create a job; then start it, or claim any pending one, and run that job."""
    own = pending_job(users, **apart())
    tally.wrote(own.contract_id, ENTRIES_OF_A_PENDING_JOB)
    if random() < 0.5:
        begun = GovernanceOrchestrator.start_job(job_id=own.pk, executor=users.executor)
    else:
        claimed = GovernanceOrchestrator.claim_job(executor=users.executor)
        if claimed is None:
            return  # other writers started all jobs, or have them locked
        begun = claimed
    run_through(Running(*begun, users), tally)


def run_through(running: Running, tally: EntryCounts) -> None:
    contract_id = running.job.contract_id
    tally.wrote(contract_id)
    for step_index in range(running.job.total_steps):
        running.record(running.report(step_index))
        tally.wrote(contract_id)
    running.complete()
    tally.wrote(contract_id)


def require_exactly(written: Counter[UUID]) -> None:
    counted = LedgerEntry.objects.order_by().values_list("contract_id").annotate(Count("id"))
    there = dict(counted)
    differing = {
        contract_id: (written[contract_id], there.get(contract_id, 0))
        for contract_id in written | there
        if written[contract_id] != there.get(contract_id, 0)
    }
    require(not differing, f"entries (written, found) by contract: {differing}")


# --- without the operations ---------------------------------------------------------------------
def write_without_the_lock(users: Users) -> EntryCounts:
    """Let all writers append to one chain without a lock on its contract."""
    tally = EntryCounts(lambda entries: None)
    contract = eligible(users)
    contract_id, at = contract.pk, contract.updated_at  # the contract itself does not change
    tally.wrote(contract_id, 3)
    entry = NewEntry("contract.audit.inconclusive", records={"audit_sha256": "0" * 64})

    def append() -> None:
        append_entries(contract_id=contract_id, actor=users.auditor, at=at, entries=[entry])
        tally.wrote(contract_id)

    def fork() -> None:
        forge_entry(contract_id, seq=3, event=entry.event)
        raise AssertionError("a second entry with number 3 was accepted")

    def leave_a_gap() -> None:
        forge_entry(contract_id, seq=10_000, event=entry.event)
        raise AssertionError("an entry with number 10 000 was accepted")

    def link_to_nothing() -> None:
        forge_entry(contract_id, prev_hash=bytes(32), event=entry.event)
        raise AssertionError("an entry with a wrong prev_hash was accepted")

    def write() -> None:
        for move in (append, fork, append, leave_a_gap, append, link_to_nothing, append, append):
            try:
                with transaction.atomic():
                    move()
            except IntegrityError as error:
                constraint = str(constraint_name(error))
                require(constraint in LAST_GUARDS, f"refused by {constraint}: {error}")
                tally.lost(constraint)

    with WorkerThreads(WRITERS) as threads:
        run_simultaneously([write] * WRITERS, threads)
    require_exactly(tally.written)
    require_linked(contract_id)
    return tally


def require_linked(contract_id: UUID) -> None:
    """Check numbers, links and hashes of a chain; its entries do not agree with any other rows."""
    before = GENESIS
    entries = LedgerEntry.objects.filter(contract_id=contract_id).order_by("seq", "id")
    for expected, entry in enumerate(entries, start=1):
        require(entry.seq == expected, f"entry {expected} has the number {entry.seq}")
        require(bytes(entry.prev_hash) == before, f"entry {expected} is not linked")
        require(bytes(entry.hash) == entry_hash(before, entry.body), f"hash of entry {expected}")
        before = bytes(entry.hash)
