"""The output of a sweep: a line for each contract or job, and a summary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from governance.flows.sweep import SweepResult
from governance.management.base import GovernanceCommand, PartlyRefused


def report_sweep(
    command: GovernanceCommand, outcomes: Iterable[SweepResult], *, subject: str, as_json: bool
) -> None:
    """Print each outcome as it comes, or all of them as one JSON document at the end.

    Args:
        subject: The word for what was swept: contract or job.

    Raises:
        PartlyRefused: At least one was refused, other than because another process was first or
            because changes are frozen.
    """
    moved = passed_over = refused = 0
    documents: list[dict[str, Any]] = []
    for outcome in outcomes:
        if outcome.refusal is None:
            moved += 1
        elif outcome.moved_by_another or outcome.held_by_freeze:
            passed_over += 1
        else:
            refused += 1
        documents.append(_as_data(outcome))
        if not as_json:
            _print(command, outcome, subject)
    if as_json:
        summary = {"moved": moved, "passed_over": passed_over, "refused": refused}
        command.print_json(summary | {"outcomes": documents})
    else:
        command.say(f"{moved} moved, {passed_over} passed over, {refused} refused")
    if refused:
        raise PartlyRefused


def _print(command: GovernanceCommand, outcome: SweepResult, subject: str) -> None:
    if outcome.refusal is None:
        job = f", job {outcome.job_id}" if outcome.job_id else ""
        command.say(f"{subject} {outcome.subject_id}: {outcome.status}{job}")
    elif outcome.moved_by_another:
        command.say(f"{subject} {outcome.subject_id}: passed over, another process was first")
    elif outcome.held_by_freeze:
        until = outcome.refusal.details.get("until", "it is lifted")
        command.say(
            f"{subject} {outcome.subject_id}: passed over, changes are frozen until {until}"
        )
    else:
        refusal = outcome.refusal
        command.note(f"{subject} {outcome.subject_id}: refused: {refusal} ({refusal.code})")


def _as_data(outcome: SweepResult) -> dict[str, Any]:
    refusal = outcome.refusal
    return {
        "id": outcome.subject_id,
        "status": outcome.status or None,
        "job_id": outcome.job_id,
        "passed_over": outcome.moved_by_another or outcome.held_by_freeze,
        "refusal": refusal and {"code": refusal.code, "message": str(refusal)},
    }
