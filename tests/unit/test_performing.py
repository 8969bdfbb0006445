"""Execution of one step: whatever the handler does, the report is valid for the site."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance.authorities.executor.performing import MAX_ERROR_LENGTH, perform, report_document
from governance.authorities.executor.steps import (
    HandlerFault,
    Step,
    StepHandler,
    StepOutcome,
    StepRefused,
)
from governance.authorities.orchestrator.step_reports import (
    MAX_ERROR_LENGTH as SERVER_MAX_ERROR_LENGTH,
)
from governance.authorities.orchestrator.step_reports import require_report
from governance.domain.values import StepReport, StepStatus

AMPLE_SECONDS = 60.0
STARTED_AT = datetime(2026, 11, 2, 9, tzinfo=UTC)  # as the site's clock has it


class FixedHandler:
    """A handler of one step type that calls `work`."""

    step_types = ("capability_enable",)

    def __init__(self, work: Any) -> None:
        self.work = work
        self.runs = 0

    def run_step(self, step: Step) -> StepOutcome:
        self.runs += 1
        return self.work(step) if callable(self.work) else self.work


def a_step(**fields: Any) -> Step:
    return Step(
        **{
            "job_id": "j",
            "contract_id": "c",
            "step_index": 3,
            "step_type": "capability_enable",
            "target": "Search",
            "change": {},
            "rollback_action": {"type": "capability_disable"},
            "timeout_seconds": 60,
            "deadline": datetime.now(UTC) + timedelta(seconds=60),
        }
        | fields
    )


def run(handler: StepHandler, step: Step, *, seconds: float = AMPLE_SECONDS) -> StepReport:
    return perform(handler, step, seconds=seconds, started_at=STARTED_AT).report


def report_of(work: Any, step: Step | None = None, *, seconds: float = AMPLE_SECONDS) -> StepReport:
    report = run(FixedHandler(work), step or a_step(), seconds=seconds)
    require_report(report)  # raises if the site would refuse the report
    return report


def raising(error: BaseException) -> Any:
    def work(step: Step) -> StepOutcome:
        raise error

    return work


def test_step__done__is_reported_with_what_was_done() -> None:
    step = a_step()
    outcome = StepOutcome(
        did={"calls": 1},
        state_before="off",
        state_after="on",
        rollback_action=step.rollback_action,
    )
    report = report_of(outcome, step)
    assert (report.step_index, report.status, report.error) == (3, StepStatus.COMPLETED, "")
    assert report.output == {
        "did": {"calls": 1},
        "state_before": "off",
        "state_after": "on",
        "rollback_action": {"type": "capability_disable"},
    }
    assert STARTED_AT == report.started_at <= report.completed_at
    assert not step.timed_out.is_set()


def test_step__of_a_type_without_a_handler__fails_without_being_run() -> None:
    handler = FixedHandler(StepOutcome(did=1))
    report = run(handler, a_step(step_type="parameter_change"))
    assert (report.status, handler.runs) == (StepStatus.FAILED, 0)
    assert report.error == "This executor has no handler for parameter_change."


def test_step__failed_as_foreseen__says_why_and_what_was_done() -> None:
    failure = StepRefused("The flag is locked.", outcome=StepOutcome(did="looked"))
    report = report_of(raising(failure))
    assert (report.status, report.error) == (StepStatus.FAILED, "The flag is locked.")
    assert report.output["did"] == "looked"


@pytest.mark.parametrize(
    ("words", "error"),
    [("The site answered 500.", "The site answered 500."), ("", "The handler gave no reason.")],
)
def test_step__failed_by_a_fault_in_words__says_them_and_is_a_fault(words: str, error: str) -> None:
    performance = perform(
        FixedHandler(raising(HandlerFault(words))),
        a_step(),
        seconds=AMPLE_SECONDS,
        started_at=STARTED_AT,
    )
    assert (performance.report.error, performance.is_fault) == (error, True)


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no such flag"), "ValueError: no such flag"),
        (KeyError("x"), "KeyError: 'x'"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (UnprintableError(), "UnprintableError: its message cannot be read"),
        (ValueError("nul \x00, half \ud800"), "ValueError: nul \ufffd, half ?"),
        (StepRefused(""), "The handler gave no reason."),
        (StepRefused("  "), "The handler gave no reason."),
    ],
)
def test_step__whatever_its_handler_raises__is_reported_as_failed(
    error: BaseException, message: str
) -> None:
    report = report_of(raising(error))
    assert (report.status, report.error) == (StepStatus.FAILED, message)


def test_step__a_handler_that_breaks_before_it_begins__fails_it() -> None:
    class Broken(FixedHandler):
        @property
        def step_types(self) -> Any:  # type: ignore[override]
            raise OSError("no list of types")

    report = run(Broken(None), a_step())
    assert (report.status, report.error) == (StepStatus.FAILED, "OSError: no list of types")


def test_step__failed_with_what_is_no_outcome__is_reported_as_failed() -> None:
    def work(step: Step) -> StepOutcome:
        raise StepRefused("Broken.", outcome={"done": 1})  # type: ignore[arg-type]

    assert report_of(work).error == "TypeError: outcome must be a StepOutcome"


def test_step__an_error_without_end__is_cut() -> None:
    report = report_of(raising(ValueError("x" * 100_000)))
    assert len(report.error) == MAX_ERROR_LENGTH == SERVER_MAX_ERROR_LENGTH
    assert report.error.endswith("x…")


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    ("did", "why"),
    [
        (float("nan"), "output.did: a number must be finite"),
        (2**60, "output.did: a number must lie within"),
        (nested(40), "nested deeper than 32 levels"),
        (nested(30), "nested deeper than 32 levels"),  # the report and its `output` add two levels
        (CIRCLE, "nested deeper than 32 levels"),
        ({1: 2}, "an object's keys must be text"),
        (object(), "output.did: object is not a JSON value"),
        ("nul \x00", "output.did: text must not contain the NUL character"),
        ("\udc00", "output.did: text must not contain half of a surrogate pair"),
        ("x" * 2**20, "it is larger than 1 MiB"),
    ],
    ids=lambda value: str(value)[:20].encode("ascii", "replace").decode(),
)
@pytest.mark.parametrize("fails", [False, True])
def test_step__an_outcome_that_cannot_be_kept__fails_it(did: Any, why: str, fails: bool) -> None:
    outcome = StepOutcome(did=did)
    report = report_of(raising(StepRefused("Broken.", outcome=outcome)) if fails else outcome)
    assert (report.status, report.output) == (StepStatus.FAILED, None)
    assert report.error.startswith("The handler's outcome cannot be recorded: ")
    assert why in report.error
    assert report.error.endswith(" (Broken.)") is fails


def test_step__an_outcome_as_deep_as_a_record_takes__is_kept() -> None:
    report = report_of(StepOutcome(did=nested(29)))
    assert report.status is StepStatus.COMPLETED
    assert report_document(report)["output"]["did"] == nested(29)


@pytest.mark.parametrize("answer", [None, {"done": True}, "done"])
def test_step__an_answer_that_is_no_outcome__fails_it(answer: Any) -> None:
    report = report_of(answer)
    assert report.status is StepStatus.FAILED
    assert f"returned {type(answer).__name__}, not a StepOutcome" in report.error


def test_step__timed_out__fails_and_its_handler_is_signalled() -> None:
    signalled, late = threading.Event(), threading.Event()

    def work(step: Step) -> StepOutcome:
        if step.timed_out.wait(30):
            signalled.set()
        late.wait(30)
        return StepOutcome(did="too late")

    report = report_of(work, seconds=0.01)
    assert signalled.wait(30)
    late.set()
    assert (report.status, report.output) == (StepStatus.FAILED, None)
    assert report.error == "Timed out after 0.0 s."


def test_step__a_handler_that_ends_as_its_time_does__is_late_all_the_same() -> None:
    """Time out even if the handler's result exists when a paused process checks it."""
    begun = threading.Event()

    def work(step: Step) -> StepOutcome:
        begun.wait(0.05)
        return StepOutcome(did="late")

    class WaitsTooLong(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("governance.authorities.executor.performing.threading.Event", WaitsTooLong)
        report = report_of(work, seconds=0.001)
    assert report.status is StepStatus.FAILED


def test_step__how_long_it_may_take__is_known_to_its_handler() -> None:
    seconds_left = []
    report_of(lambda step: seconds_left.append(step.seconds_left()) or StepOutcome(did=1))
    gone = a_step(deadline=datetime.now(UTC) - timedelta(seconds=1))
    assert 0 < seconds_left[0] <= 60
    assert gone.seconds_left() == 0


def test_step__its_thread__holds_no_process_back() -> None:
    daemons = []
    report_of(lambda step: daemons.append(threading.current_thread().daemon) or StepOutcome(did=1))
    assert daemons == [True]
