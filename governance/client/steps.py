"""The run of one step: the handler works in its own thread, and every outcome is a report."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from governance.client.api import report_document
from governance.client.connection import encoded
from governance.client.handlers import Step, StepFailed, StepHandler, StepOutcome
from governance.domain.canonical import MAX_DOCUMENT_BYTES, require_plain_json
from governance.domain.errors import InvalidInputError
from governance.domain.values import StepReport, StepStatus

MAX_ERROR_LENGTH = 10_000
# Room in the request body beside the report, for the execution token.
BODY_OVERHEAD_BYTES = 1024


@dataclass
class _Work:
    """The result of the handler's thread."""

    outcome: Any = None
    error: BaseException | None = None
    duration: float = 0.0


def run_step(handler: StepHandler, step: Step, *, seconds: float) -> StepReport:
    """Run `handler` on `step` for at most `seconds`, and return a report that the site can record.

    The report is COMPLETED with the handler's outcome, or FAILED if the handler raised an
    exception, timed out, or returned an outcome that cannot be recorded. No exception of a handler
    leaves this function.
    """
    started_at = datetime.now(UTC)
    work, finished = _Work(), threading.Event()
    begun = time.monotonic()

    def do() -> None:
        try:
            if step.step_type not in handler.step_types:
                raise StepFailed(f"This executor has no handler for {step.step_type}.")
            work.outcome = handler.run_step(step)
        except BaseException as error:  # noqa: BLE001 - any exception of a handler fails its step
            work.error = error
        work.duration = time.monotonic() - begun
        finished.set()

    # A daemon thread, so that a handler that does not stop cannot keep the process alive.
    threading.Thread(target=do, name=f"step {step.step_index}", daemon=True).start()
    in_time = finished.wait(seconds) and work.duration <= seconds
    if not in_time:
        step.timed_out.set()
        duration = time.monotonic() - begun
        return _failed(step, started_at, duration, f"Timed out after {seconds:.1f} s.")
    return _recordable(_report_of(step, started_at, work))


def _report_of(step: Step, started_at: datetime, work: _Work) -> StepReport:
    if isinstance(work.error, StepFailed):
        reason = _text_of(work.error)
        message = reason if reason.strip() else "The handler gave no reason."
        return _failed(step, started_at, work.duration, message, work.error.outcome)
    if work.error is not None:
        message = f"{type(work.error).__name__}: {_text_of(work.error)}"
        return _failed(step, started_at, work.duration, message)
    if not isinstance(work.outcome, StepOutcome):
        message = f"The handler returned {type(work.outcome).__name__}, not a StepOutcome."
        return _failed(step, started_at, work.duration, message)
    return StepReport(
        step_index=step.step_index,
        status=StepStatus.COMPLETED,
        started_at=started_at,
        completed_at=started_at + timedelta(seconds=work.duration),
        output=work.outcome.output(),
        health_after=work.outcome.health_after,
    )


def failed_report(report: StepReport, error: str) -> StepReport:
    """Return a FAILED report of the same step, without its output and its health."""
    return replace(
        report,
        status=StepStatus.FAILED,
        output=None,
        health_after=None,
        error=_storable_text(error),
    )


def _failed(
    step: Step,
    started_at: datetime,
    duration: float,
    error: str,
    outcome: StepOutcome | None = None,
) -> StepReport:
    return StepReport(
        step_index=step.step_index,
        status=StepStatus.FAILED,
        started_at=started_at,
        completed_at=started_at + timedelta(seconds=duration),
        output=outcome.output() if outcome else None,
        error=_storable_text(error),
        health_after=outcome.health_after if outcome else None,
    )


def _recordable(report: StepReport) -> StepReport:
    """Return the report, or a FAILED one that says why the outcome cannot be recorded."""
    document = report_document(report)
    try:
        require_plain_json(document)
        if len(encoded(document)) <= MAX_DOCUMENT_BYTES - BODY_OVERHEAD_BYTES:
            return report
        why = "it is larger than 1 MiB"
    except InvalidInputError as invalid:
        why = str(invalid).rstrip(".")
    earlier = f" ({report.error})" if report.error else ""
    return failed_report(report, f"The handler's outcome cannot be recorded: {why}.{earlier}")


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a handler's exception may have a broken __str__
        return "its message cannot be read"


def _storable_text(text: str) -> str:
    """Cut a text to the record's limit, and replace NUL and lone surrogates."""
    text = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_ERROR_LENGTH else text[: MAX_ERROR_LENGTH - 1] + "…"
