"""The performance of one step: the handler works in a thread, and each outcome is a report."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from governance.authorities.executor.steps import (
    HandlerFault,
    Step,
    StepHandler,
    StepOutcome,
    StepRefused,
)
from governance.domain.canonical import timestamp
from governance.domain.errors import InvalidInputError
from governance.domain.strict_json import MAX_DOCUMENT_BYTES, require_plain_json
from governance.domain.texts import cut_text
from governance.domain.values import StepReport, StepStatus

MAX_ERROR_LENGTH = 10_000
# Room in the request body beside the report, for the execution token.
BODY_OVERHEAD_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Performance:
    """The report of a performed step, and whether the handler itself was at fault.

    A fault is an exception, a timeout, an unknown step type or an outcome that cannot be recorded;
    a refusal by the target is none.
    """

    report: StepReport
    is_fault: bool


@dataclass
class _Work:
    """The result of the handler's thread; a step without an `error` is done."""

    outcome: StepOutcome | None = None
    error: str = ""
    is_fault: bool = False
    duration: float = 0.0


def perform(
    handler: StepHandler | None, step: Step, *, seconds: float, started_at: datetime
) -> Performance:
    """Let `handler` perform `step` within `seconds`, and return the report.

    No exception of a handler leaves this function. The report is COMPLETED with the handler's
    outcome. It is FAILED if there is no handler, or if the handler refused the step, raised another
    exception, timed out, or returned an outcome that cannot be recorded.

    Args:
        started_at: the present time by the site's clock, because the site refuses a step that ran
            before its job or that ends in the future.
    """
    work, finished = _Work(), threading.Event()
    begun = time.monotonic()

    def do() -> None:
        _work_on(step, handler, work)
        work.duration = time.monotonic() - begun
        finished.set()

    # A daemon thread, so that a handler that does not stop cannot keep the process alive.
    threading.Thread(target=do, name=f"step {step.step_index}", daemon=True).start()
    ended = work
    if not finished.wait(seconds) or work.duration > seconds:
        step.timed_out.set()
        # Not `work`, which the handler may still fill; its late outcome is discarded.
        ended = _Work(
            error=f"Timed out after {seconds:.1f} s.",
            is_fault=True,
            duration=time.monotonic() - begun,
        )
    report = StepReport(
        step_index=step.step_index,
        status=StepStatus.FAILED if ended.error else StepStatus.COMPLETED,
        started_at=started_at,
        completed_at=started_at + timedelta(seconds=ended.duration),
        output=ended.outcome.output() if ended.outcome else None,
        error=storable_text(ended.error),
    )
    if obstacle := _obstacle_to_recording(report):
        earlier = f" ({report.error})" if report.error else ""
        error = f"The handler's outcome cannot be recorded: {obstacle}.{earlier}"
        return Performance(failed_report(report, error), is_fault=True)
    return Performance(report, ended.is_fault)


def failed_report(report: StepReport, error: str) -> StepReport:
    """Return a FAILED report of the same step, without its output."""
    return replace(report, status=StepStatus.FAILED, output=None, error=storable_text(error))


def report_document(report: StepReport) -> dict[str, Any]:
    """Convert a report into the API's request body, without the execution token."""
    return {
        "step_index": report.step_index,
        "status": str(report.status),
        "started_at": timestamp(report.started_at),
        "completed_at": timestamp(report.completed_at),
        "output": report.output,
        "error": report.error,
        "health_after": report.health_after,
    }


def storable_text(text: str) -> str:
    """Cut a text to the record's limit, and replace NUL and lone surrogates."""
    text = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return cut_text(text, MAX_ERROR_LENGTH)


def _work_on(step: Step, handler: StepHandler | None, work: _Work) -> None:
    """Let the handler perform the step, and write its outcome or its error into `work`."""
    try:
        if handler is None or step.step_type not in handler.step_types:
            work.error, work.is_fault = f"This executor has no handler for {step.step_type}.", True
            return
        outcome = handler.run_step(step)
    except StepRefused as refusal:
        reason = text_of(refusal)
        work.outcome = refusal.outcome
        work.error = reason if reason.strip() else "The handler gave no reason."
    except HandlerFault as fault:
        work.error, work.is_fault = text_of(fault) or "The handler gave no reason.", True
    except BaseException as error:  # noqa: BLE001 - any exception of a handler fails its step
        work.error, work.is_fault = f"{type(error).__name__}: {text_of(error)}", True
    else:
        if isinstance(outcome, StepOutcome):
            work.outcome = outcome
        else:
            kind = type(outcome).__name__
            work.error, work.is_fault = f"The handler returned {kind}, not a StepOutcome.", True


def _obstacle_to_recording(report: StepReport) -> str:
    document = report_document(report)
    try:
        require_plain_json(document)
    except InvalidInputError as invalid:
        return str(invalid).rstrip(".")
    size = len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
    return "it is larger than 1 MiB" if size > MAX_DOCUMENT_BYTES - BODY_OVERHEAD_BYTES else ""


def text_of(error: BaseException) -> str:
    """Return the message of an exception, whose own `__str__` may be broken."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a handler's exception may have a broken __str__
        return "its message cannot be read"
