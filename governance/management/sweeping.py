"""Tell what a sweep did: a line for each thing, a summary, and whether anything was refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from governance.flows.sweep import Outcome
from governance.management.base import GovernanceCommand, PartlyRefused


def tell(
    command: GovernanceCommand, outcomes: Iterable[Outcome], *, subject: str, as_json: bool
) -> None:
    """Print `outcomes` as they come, or as one document at the end.

    `subject` is what they are about: contract or job. Raises PartlyRefused when one was refused
    for any reason but that somebody else was first, or that the line stands still.
    """
    moved = passed_over = refused = 0
    told: list[dict[str, Any]] = []
    for outcome in outcomes:
        if outcome.refusal is None:
            moved += 1
        elif outcome.somebody_was_first or outcome.line_is_frozen:
            passed_over += 1
        else:
            refused += 1
        told.append(_as_data(outcome))
        if not as_json:
            _print(command, outcome, subject)
    if as_json:
        summary = {"moved": moved, "passed_over": passed_over, "refused": refused}
        command.print_json(summary | {"outcomes": told})
    else:
        command.say(f"{moved} moved, {passed_over} passed over, {refused} refused")
    if refused:
        raise PartlyRefused


def _print(command: GovernanceCommand, outcome: Outcome, subject: str) -> None:
    if outcome.refusal is None:
        job = f", job {outcome.job_id}" if outcome.job_id else ""
        command.say(f"{subject} {outcome.subject_id}: {outcome.status}{job}")
    elif outcome.somebody_was_first:
        command.say(f"{subject} {outcome.subject_id}: passed over, somebody else was first")
    elif outcome.line_is_frozen:
        until = outcome.refusal.details.get("until", "its thaw")
        command.say(
            f"{subject} {outcome.subject_id}: passed over, the line is frozen until {until}"
        )
    else:
        refusal = outcome.refusal
        command.note(f"{subject} {outcome.subject_id}: refused: {refusal} ({refusal.code})")


def _as_data(outcome: Outcome) -> dict[str, Any]:
    refusal = outcome.refusal
    return {
        "id": outcome.subject_id,
        "status": outcome.status or None,
        "job_id": outcome.job_id,
        "passed_over": outcome.somebody_was_first or outcome.line_is_frozen,
        "refusal": refusal and {"code": refusal.code, "message": str(refusal)},
    }
