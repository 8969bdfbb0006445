"""The card of a job that ended before its plan did: what is known of each step, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from governance.admin.next_actions import CANCEL_JOB
from governance.admin.wording import change_in_words, format_time
from governance.authorities.contract.queries import repetitions_of
from governance.authorities.orchestrator.leases import ended_by_lease, lease_has_expired
from governance.authorities.orchestrator.queries import failed_step_of
from governance.domain.people import Actor
from governance.domain.sentences import Sentence
from governance.domain.values import ContractStatus, JobStatus
from governance.models import GovernanceJob
from governance.services.access.permissions import may_propose

CHECK_TARGET = (
    "Look at the target of the unknown step: it may have the old value, the new one, or part of it."
)


@dataclass(frozen=True, slots=True)
class KnownSteps:
    """Steps of which the same is known: `done`, `failed`, `unknown` or `not begun`.

    `change` is what a single step does, in words; None for several.
    """

    state: str
    steps: str
    words: str
    change: Sentence | None = None


@dataclass(frozen=True, slots=True)
class UnfinishedJob:
    """What happened, what is known of the steps, what to do next, and the address of the button."""

    title: str
    happened: str
    known: Sequence[KnownSteps]
    next_steps: Sequence[str]
    button: str = ""
    url: str = ""


def unfinished_job(job: GovernanceJob, *, person: Actor, at: datetime) -> UnfinishedJob | None:
    """Return the card of a job that is lost, failed, or was cancelled after its start, or None.

    At most three queries, and none for any other job.
    """
    is_lost = lease_has_expired(job, at)
    if not is_lost and job.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
        return None
    if job.started_at is None:
        return None
    failed = failed_step_of(job)
    known = _known_steps(job, failed)
    if is_lost:
        return _still_running(job, known, person)
    next_steps, button, url = _after_the_end(job, person)
    if any(one.state == "unknown" for one in known):
        next_steps = [CHECK_TARGET, *next_steps]
    return UnfinishedJob(*_how_it_ended(job), known, next_steps, button, url)


def _still_running(job: GovernanceJob, known: Sequence[KnownSteps], person: Actor) -> UnfinishedJob:
    happened = (
        f"No report came before {format_time(job.lease_expires_at)}, when the executor's time was "
        "over. It may have stopped, or lost its connection; a late report is refused."
    )
    if person.has_perm(CANCEL_JOB):
        end = "Cancel the job with what you found as the reason, or leave it to the next sweep."
        button = "Cancel the job…"
        url = reverse("admin:governance_governancejob_cancel", args=[job.pk])
    else:
        end = "A founder or an operator can cancel the job; if nobody does, the next sweep ends it."
        button = url = ""
    after = "After an auditor's verdict on what was done, the change can be proposed again."
    first = [CHECK_TARGET] if any(one.state == "unknown" for one in known) else []
    return UnfinishedJob("Executor lost", happened, known, [*first, end, after], button, url)


def _how_it_ended(job: GovernanceJob) -> tuple[str, str]:
    ended_at = format_time(job.ended_at)
    if job.status == JobStatus.CANCELLED:
        return "Cancelled before its end", f"A person cancelled the job at {ended_at}."
    if ended_by_lease(job):
        return (
            "Executor lost",
            f"The executor stopped reporting, so the job was ended as failed at {ended_at}. "
            "It is never run again.",
        )
    return "Failed", f"A step failed, so the job was ended at {ended_at}."


def _after_the_end(job: GovernanceJob, person: Actor) -> tuple[list[str], str, str]:
    """Return what to do after the end, and the button for it with its address."""
    contract = job.contract
    if contract.status != ContractStatus.FAILED:
        verdict = "An auditor gives the verdict on the sealed evidence, which can only be FAIL. "
        return [verdict + "Then the change can be proposed again."], "", ""
    if repetition := repetitions_of(contract).first():
        url = reverse("admin:governance_systemcontract_change", args=[repetition.pk])
        return ["The change was proposed again."], "See the new contract", url
    if not may_propose(person):
        return ["An operator or a founder can propose the change again."], "", ""
    url = reverse("admin:governance_systemcontract_repeat", args=[contract.pk])
    again = "Propose the change again, if it is still wanted: founders sign it anew."
    return [again], "Propose again…", url


def _known_steps(job: GovernanceJob, failed: int | None) -> list[KnownSteps]:
    """Return what is known of the steps, in their order.

    Args:
        failed: the index of the step that failed, if one did.
    """
    reported, total = job.current_step_index, job.total_steps
    done = reported if failed is None else failed
    rows = []
    if done:
        rows.append(KnownSteps("done", _steps(0, done), "reported as completed."))
    if failed is not None:
        words = "reported as failed."
        rows.append(KnownSteps("failed", _steps(failed, reported), words, _change(job, failed)))
    elif reported < total:
        words = "given to the executor, and never reported."
        due = _steps(reported, reported + 1)
        rows.append(KnownSteps("unknown", due, words, _change(job, reported)))
        reported += 1
    if reported < total:
        rows.append(KnownSteps("not begun", _steps(reported, total), "never given to anybody."))
    return rows


def _change(job: GovernanceJob, step_index: int) -> Sentence:
    return change_in_words(job.steps.get(step_index=step_index).change)


def _steps(first: int, end: int) -> str:
    """Name the steps from index `first` to before `end`, counted from 1."""
    return f"Step {end}" if end - first == 1 else f"Steps {first + 1} to {end}"
