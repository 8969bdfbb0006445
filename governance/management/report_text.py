"""The report of a job as lines of plain text, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from governance.domain.canonical import canonical_text
from governance.management.values import printable

Report = Mapping[str, Any]
NOTHING = "-"
NOT_OBSERVED = "not observed"


def report_lines(report: Report) -> Iterator[str]:
    """Yield the lines of the report in reading order: outcome, proposal, job, record."""
    contract, job = report["contract"], report["job"]
    yield printable(f"{contract['reference']}: {contract['title']}")
    yield from _facts(
        {
            "Contract": f"{contract['status']}, {contract['risk_level']} risk, {contract['id']}",
            "Job": f"{job['status']}, {job['id']}",
            "Reported": report["reported_at"],
        }
    )
    yield from _audit(report)
    yield from _proposal(report)
    yield from _job(report)
    yield from _health(report)
    yield from _record(report)


def _audit(report: Report) -> Iterator[str]:
    yield from _heading("Audit")
    audit = report["audit"]
    if audit is None:
        yield "No verdict yet."
    else:
        yield from _judgement(audit, f"by {audit['author']}, {_text(audit['recorded_at'])}")
        if resolution := audit["resolution"]:
            words = "Settled as {verdict} by {resolved_by}: {reason}"
            yield printable(words.format_map(resolution))
    for attempt in report["attempts"]:
        at = _text(attempt["attempted_at"])
        yield from _judgement(attempt, f"in attempt {attempt['number']}, {at}")


def _judgement(judgement: Report, by_whom: str) -> Iterator[str]:
    yield printable(f"{judgement['verdict']} {by_whom}: {judgement['reason']}")
    for check in judgement["checks"]:
        outcome = printable(check["outcome"] or NOTHING)
        yield f"  {outcome:<13} " + printable(f"{check['title']} {check['reason']}")


def _proposal(report: Report) -> Iterator[str]:
    contract = report["contract"]
    yield from _heading("Proposal")
    yield from _facts(
        {
            "Proposed by": f"{contract['proposed_by']}, for {contract['requested_by'] or NOTHING}",
            "Source": contract["source"],
            "Proposed": contract["created_at"],
            "Capabilities": ", ".join(contract["affected_capabilities"]),
            "Description": contract["description"],
        }
    )
    for name in ("validator", "eligibility"):
        verdict = report[f"{name}_verdict"]
        words = _verdict_in_words(verdict) if verdict else "none recorded"
        yield printable(f"Verdict of {name}: {words}")
    yield from _heading("Signatures")
    for one in report["signatures"]:
        window = f"{_text(one['window_opens_at'])} to {_text(one['window_closes_at'])}"
        note = f": {one['note']}" if one["note"] else ""
        signed = f"{one['founder']} signed {_text(one['signed_at'])}, for {window}{note}"
        yield printable(signed)
    if not report["signatures"]:
        yield "None recorded."


def _job(report: Report) -> Iterator[str]:
    job = report["job"]
    yield from _heading("Job")
    yield from _facts(
        {
            "Activated": f"{_text(job['created_at'])} by {job['created_by']}",
            "Started": f"{_text(job['started_at'])} by {job['started_by'] or NOTHING}",
            "Ended": f"{_text(job['ended_at'])} by {job['ended_by'] or NOTHING}",
            "Because": job["end_reason"],
            "Steps reported": f"{job['steps_reported']} of {job['steps']}",
        }
    )
    for step in report["steps"]:
        yield printable(f"{step['number']}. {step['status']}: {step['change']}")
        yield "   " + printable(f"rollback: {step['rollback']}")
        if step["error"]:
            yield "   " + printable(f"error: {step['error']}")
        for value in step["values"]:
            mark = "  DIFFERS" if value["differs"] else ""
            yield "   " + printable(_value_in_words(value)) + mark


def _health(report: Report) -> Iterator[str]:
    yield from _heading("Health and observations")
    for phase in ("before", "after"):
        reading = report["health"][phase]
        words = NOT_OBSERVED
        if reading:
            scopes = [f"{name} {word}" for name, word in sorted(reading["capabilities"].items())]
            words = ", ".join([f"SYSTEM {reading['system']}", *scopes])
        yield printable(f"Health {phase}: {words}")
    for signal in report["signals"] or ():
        words = "Signal {recorded_at}: {scope} {decision} by {signal_type}: {reason}"
        yield printable(words.format_map(signal))
    for one in report["observations"]:
        when = f"after step {one['step']}" if one["step"] else f"{one['phase'].lower()} the job"
        held = one["trouble"] if one["state"] is None else canonical_text(one["state"])
        at = _text(one["observed_at"])
        yield printable(f"{one['scope']} {when}, seen by {one['observer']} at {at}: {held}")


def _record(report: Report) -> Iterator[str]:
    evidence, ledger = report["evidence"], report["ledger"]
    yield from _heading("Evidence")
    if evidence is None:
        yield "Sealed when the job ends."
    else:
        state = "intact" if evidence["is_intact"] else "NOT WHAT WAS SEALED"
        yield f"{evidence['sha256']}, {state}, {evidence['bytes']} bytes"
    yield from _heading("Ledger")
    yield "The chain is verified." if ledger["is_verified"] else printable(ledger["problem"])
    for entry in ledger["entries"]:
        words = printable(f"{entry['actor']} {entry['event']}{_moved(entry)}")
        yield f"{entry['seq']:>3}  {_text(entry['at'])}  {words}  {entry['hash'][:12]}"


def _heading(words: str) -> Sequence[str]:
    return ("", words, "-" * len(words))


def _facts(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each fact that there is."""
    for name, value in facts.items():
        if value:
            yield f"{name + ':':<16}" + printable(_text(value))


def _text(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return str(value)


def _moved(entry: Report) -> str:
    """Return the change of status in an entry, in brackets; empty for an entry without one."""
    moved = [status for status in (entry["from_status"], entry["to_status"]) if status]
    return f" ({' to '.join(moved)})" if entry["to_status"] else ""


def _verdict_in_words(verdict: Report) -> str:
    parts = (verdict.get("decision") or verdict.get("recommended_action"), verdict.get("reason"))
    return ": ".join(str(part) for part in parts if part)


def _value_in_words(value: Report) -> str:
    phases = {
        "before": value["before"] or NOT_OBSERVED,
        "planned": value["planned"],
        "reported": value["reported"] or "not said",
        "observed after": value["after"] or NOT_OBSERVED,
    }
    return f"{value['name']}: " + ", ".join(f"{name} {words}" for name, words in phases.items())
