"""The run of one step: the handler works in its own thread, and every outcome is a report."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

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
    """The result of the handler's thread; a step without an `error` is done."""

    outcome: StepOutcome | None = None
    error: str = ""
    duration: float = 0.0


def run_step(
    handler: StepHandler, step: Step, *, seconds: float, started_at: datetime
) -> StepReport:
    """Run `handler` on `step` for at most `seconds`, and return a report that the site can record.

    The report is COMPLETED with the handler's outcome, or FAILED if the handler raised an
    exception, timed out, or returned an outcome that cannot be recorded. No exception of a handler
    leaves this function.

    Args:
        started_at: the present time by the site's clock, because the site refuses a step that ran
            before its job or that ends in the future.
    """
    work, finished = _Work(), threading.Event()
    begun = time.monotonic()

    def do() -> None:
        work.outcome, work.error = _outcome_and_error(handler, step)
        work.duration = time.monotonic() - begun
        finished.set()

    # A daemon thread, so that a handler that does not stop cannot keep the process alive.
    threading.Thread(target=do, name=f"step {step.step_index}", daemon=True).start()
    ended = work
    if not finished.wait(seconds) or work.duration > seconds:
        step.timed_out.set()
        # Not `work`, which the handler may still fill; its late outcome is discarded.
        ended = _Work(error=f"Timed out after {seconds:.1f} s.", duration=time.monotonic() - begun)
    return _recordable(
        StepReport(
            step_index=step.step_index,
            status=StepStatus.FAILED if ended.error else StepStatus.COMPLETED,
            started_at=started_at,
            completed_at=started_at + timedelta(seconds=ended.duration),
            output=ended.outcome.output() if ended.outcome else None,
            error=_storable_text(ended.error),
            health_after=ended.outcome.health_after if ended.outcome else None,
        )
    )


def _outcome_and_error(handler: StepHandler, step: Step) -> tuple[StepOutcome | None, str]:
    """Let the handler perform the step; return its outcome, and an error if the step failed."""
    try:
        if step.step_type not in handler.step_types:
            return None, f"This executor has no handler for {step.step_type}."
        outcome = handler.run_step(step)
    except StepFailed as failure:
        reason = _text_of(failure)
        return failure.outcome, reason if reason.strip() else "The handler gave no reason."
    except BaseException as error:  # noqa: BLE001 - any exception of a handler fails its step
        return None, f"{type(error).__name__}: {_text_of(error)}"
    if not isinstance(outcome, StepOutcome):
        return None, f"The handler returned {type(outcome).__name__}, not a StepOutcome."
    return outcome, ""


def failed_report(report: StepReport, error: str) -> StepReport:
    """Return a FAILED report of the same step, without its output and its health."""
    return replace(
        report,
        status=StepStatus.FAILED,
        output=None,
        health_after=None,
        error=_storable_text(error),
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
