"""The executor's machine: order, first failure, health, and one report for each step."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance.authorities.executor.machine import LeaseOver, PlanRun, obstacles_to, run_plan
from governance.authorities.executor.steps import Step, StepInPlan, StepOutcome, StepRefused
from governance.domain.errors import InvalidPlanError
from governance.domain.health import parse_decision
from governance.domain.values import (
    HealthDecision,
    HealthReading,
    JobStatus,
    StepReport,
    StepStatus,
)
from tests.support.cases import cases_of, needs_cases

BLOCKED, DEGRADED, HEALTHY = (
    HealthDecision.BLOCKED,
    HealthDecision.DEGRADED,
    HealthDecision.HEALTHY,
)
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
Work = Callable[[Step], Any]


def reading(system: HealthDecision = HEALTHY, **capabilities: HealthDecision) -> HealthReading:
    return HealthReading(observed_at=AT, system=system, capabilities=capabilities)


def planned(index: int, step_type: str = "known", **fields: Any) -> StepInPlan:
    return StepInPlan(
        **{
            "step_index": index,
            "step_type": step_type,
            "target": f"CAP_{index}",
            "change": {"key": index},
            "timeout_seconds": 60,
            "rollback_action": None,
        }
        | fields
    )


class FakeHandler:
    """A handler of given types; `work` decides what a step does."""

    def __init__(self, *step_types: str, work: Work = lambda step: StepOutcome(did="done")) -> None:
        self.step_types = step_types or ("known",)
        self.work = work
        self.steps: list[Step] = []

    def run_step(self, step: Step) -> StepOutcome:
        self.steps.append(step)
        outcome: StepOutcome = self.work(step)
        return outcome


class ListReporter:
    """A reporter into a list, whose lease has `left` seconds before each step."""

    def __init__(self, *left: float) -> None:
        self.left = list(left)
        self.reports: list[StepReport] = []
        self.refuses: Exception | None = None

    def now(self) -> datetime:
        return AT + timedelta(seconds=len(self.reports))

    def seconds_left(self) -> float:
        return self.left.pop(0) if self.left else 60.0

    def record(self, report: StepReport) -> StepReport:
        if self.refuses:
            raise self.refuses
        self.reports.append(report)
        return report


def run(
    plan: Sequence[StepInPlan],
    handler: FakeHandler,
    *,
    health: Callable[[str], HealthReading] = lambda target: reading(),
    reporter: ListReporter | None = None,
    **options: Any,
) -> PlanRun:
    return run_plan(
        plan,
        job_id="job",
        contract_id="contract",
        handler_for=lambda step: handler,
        ask_health=health,
        reporter=reporter or ListReporter(),
        **options,
    )


def statuses(run: PlanRun) -> list[str]:
    return [str(report.status) for report in run.reports]


def refusing(step: Step) -> StepOutcome:
    raise StepRefused(f"No, not {step.target}.")


def crashing(step: Step) -> StepOutcome:
    raise ValueError("no such flag")


def at_step(index: int, work: Work) -> Work:
    return lambda step: work(step) if step.step_index == index else StepOutcome(did="done")


def health_in_turn(*answers: HealthReading | Exception) -> Callable[[str], HealthReading]:
    """Answer the questions in turn; each step asks before it and, if it was begun, after it."""
    left = list(answers)

    def ask(target: str) -> HealthReading:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


class TestEXEC001StepsInOrder:
    def test_plan__of_three_steps__is_run_in_its_order(self) -> None:
        handler = FakeHandler()
        ended = run([planned(0), planned(1), planned(2)], handler)
        assert ended.status is JobStatus.COMPLETED
        assert [step.step_index for step in handler.steps] == [0, 1, 2]

    @pytest.mark.parametrize("indexes", [[1], [1, 0], [0, 2], [0, 0], [2, 0, 1], [0, 1, 1], [-1]])
    def test_plan__out_of_order__is_refused_before_its_first_step(self, indexes: list[int]) -> None:
        handler = FakeHandler()
        with pytest.raises(InvalidPlanError, match=r"0 to n-1"):
            run([planned(index) for index in indexes], handler)
        assert handler.steps == []

    def test_plan__without_steps__is_refused(self) -> None:
        with pytest.raises(InvalidPlanError, match="at least one step"):
            run([], FakeHandler())

    def test_step__given_to_the_handler__is_the_planned_one(self) -> None:
        handler = FakeHandler()
        rollback = {"type": "undo"}
        run([planned(0, rollback_action=rollback)], handler)
        [step] = handler.steps
        assert (step.job_id, step.contract_id, step.target) == ("job", "contract", "CAP_0")
        assert (step.change, step.rollback_action) == ({"key": 0}, rollback)


class TestEXEC002AResultForEachStep:
    def test_steps__each_done__has_a_report_before_the_next_begins(self) -> None:
        reporter = ListReporter()
        seen: list[int] = []

        def work(step: Step) -> StepOutcome:
            seen.append(len(reporter.reports))
            return StepOutcome(did="done")

        ended = run([planned(0), planned(1)], FakeHandler(work=work), reporter=reporter)
        assert seen == [0, 1]
        assert list(ended.reports) == reporter.reports

    def test_report__of_a_step__has_its_times_and_output(self) -> None:
        ended = run([planned(0)], FakeHandler())
        [report] = ended.reports
        assert report.started_at == AT <= report.completed_at
        assert (report.error, report.output["did"]) == ("", "done")

    def test_report__that_cannot_be_recorded__stops_the_machine(self) -> None:
        reporter, handler = ListReporter(), FakeHandler()
        reporter.refuses = RuntimeError("gone")
        with pytest.raises(RuntimeError, match="gone"):
            run([planned(0), planned(1)], handler, reporter=reporter)
        assert len(handler.steps) == 1

    def test_report__that_was_recorded_as_failed__ends_the_plan(self) -> None:
        class Narrow(ListReporter):
            def record(self, report: StepReport) -> StepReport:
                failed = StepReport(report.step_index, StepStatus.FAILED, AT, AT, error="too long")
                return super().record(failed)

        ended = run([planned(0), planned(1)], FakeHandler(), reporter=Narrow())
        assert (ended.status, statuses(ended)) == (JobStatus.FAILED, ["FAILED"])


class TestEXEC003FirstFailureEnds:
    @pytest.mark.parametrize("work", [refusing, crashing])
    def test_step__fails__no_later_one_begins(self, work: Work) -> None:
        handler = FakeHandler(work=at_step(1, work))
        ended = run([planned(0), planned(1), planned(2)], handler)
        assert (ended.status, statuses(ended)) == (JobStatus.FAILED, ["COMPLETED", "FAILED"])
        assert [step.step_index for step in handler.steps] == [0, 1]

    def test_reason__of_a_failed_plan__has_the_handlers_words(self) -> None:
        ended = run([planned(0)], FakeHandler(work=refusing))
        assert ended.reason == "Step 0 failed: No, not CAP_0."

    def test_step__of_a_type_without_a_handler__fails(self) -> None:
        handler = FakeHandler("other")
        ended = run([planned(0)], handler)
        assert (statuses(ended), handler.steps, ended.is_fault) == (["FAILED"], [], True)

    def test_step__whose_route_has_no_handler__fails(self) -> None:
        ended = run_plan(
            [planned(0)],
            job_id="job",
            contract_id="contract",
            handler_for=lambda step: None,
            ask_health=lambda target: reading(),
            reporter=ListReporter(),
        )
        assert "no handler for known" in ended.reports[0].error

    def test_step__that_outlives_its_timeout__fails(self) -> None:
        handler = FakeHandler(work=lambda step: step.timed_out.wait(30))
        began = time.monotonic()
        ended = run([planned(0, timeout_seconds=0.05)], handler)
        assert time.monotonic() - began < 5
        assert ended.reports[0].error == "Timed out after 0.1 s."
        assert ended.is_fault

    def test_step__gets_no_more_time_than_the_lease_leaves(self) -> None:
        handler = FakeHandler(work=lambda step: StepOutcome(did=step.seconds_left()))
        ended = run([planned(0)], handler, reporter=ListReporter(10.0))
        assert 8 < ended.reports[0].output["did"] <= 9


class TestEXEC004HealthIsAsked:
    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (reading(BLOCKED), "Health is BLOCKED for SYSTEM"),
            (reading(CAP_0=BLOCKED), "Health is BLOCKED for CAP_0"),
            (RuntimeError("no answer"), "Nobody can tell"),
        ],
    )
    def test_health__blocked_or_unknown__no_handler_is_called(
        self, answer: Any, words: str
    ) -> None:
        handler = FakeHandler()
        ended = run([planned(0)], handler, health=health_in_turn(answer))
        assert (handler.steps, ended.status, ended.is_fault) == ([], JobStatus.FAILED, False)
        assert words in ended.reports[0].error
        assert words in ended.reason

    @pytest.mark.parametrize(
        ("answer", "recorded"),
        [
            (reading(BLOCKED), {"system": "BLOCKED", "target": "HEALTHY"}),
            (reading(CAP_0=BLOCKED), {"system": "HEALTHY", "target": "BLOCKED"}),
            (RuntimeError("no answer"), {"absent": "RuntimeError: no answer"}),
        ],
    )
    def test_health__of_a_rollback__is_recorded_and_holds_no_step_back(
        self, answer: Any, recorded: dict[str, Any]
    ) -> None:
        health = health_in_turn(answer, answer)
        ended = run([planned(0)], FakeHandler(), health=health, is_rollback=True)
        assert ended.status is JobStatus.COMPLETED
        assert ended.reports[0].health_after == recorded

    @pytest.mark.parametrize("answer", [reading(DEGRADED), reading(CAP_0=DEGRADED), reading()])
    def test_health__degraded_or_silent_about_the_target__the_step_runs(
        self, answer: HealthReading
    ) -> None:
        ended = run([planned(0)], FakeHandler(), health=lambda target: answer)
        assert ended.status is JobStatus.COMPLETED
        assert ended.health_before is answer

    def test_health__of_another_capability_is_blocked__the_step_runs(self) -> None:
        ended = run([planned(0)], FakeHandler(), health=lambda target: reading(OTHER=BLOCKED))
        assert ended.status is JobStatus.COMPLETED

    def test_system_step__with_a_blocked_system__is_not_begun(self) -> None:
        handler = FakeHandler()
        run([planned(0, target="SYSTEM")], handler, health=lambda target: reading(BLOCKED))
        assert handler.steps == []

    def test_health__falls_between_two_steps__the_second_is_not_begun(self) -> None:
        handler = FakeHandler()
        health = health_in_turn(reading(), reading(), reading(BLOCKED))
        ended = run([planned(0), planned(1)], handler, health=health)
        assert statuses(ended) == ["COMPLETED", "FAILED"]
        assert len(handler.steps) == 1

    def test_reading__fails_after_a_step__the_step_stays_completed_and_says_so(self) -> None:
        health = health_in_turn(reading(), RuntimeError("lost"))
        ended = run([planned(0)], FakeHandler(), health=health)
        assert ended.status is JobStatus.COMPLETED
        assert ended.reports[0].health_after == {"absent": "RuntimeError: lost"}

    def test_reading__after_a_step__is_in_its_report(self) -> None:
        health = health_in_turn(reading(), reading(DEGRADED, CAP_0=BLOCKED))
        ended = run([planned(0)], FakeHandler(), health=health)
        assert ended.reports[0].health_after == {"system": "DEGRADED", "target": "BLOCKED"}


class TestEXEC005ContractsAreNotTouched:
    def test_machine__imported_alone__knows_no_contract_and_no_database(self) -> None:
        code = (
            "import sys, governance.authorities.executor.machine\n"
            "known = [n for n in sys.modules if n.startswith(('django', 'psycopg'))"
            " or n.startswith('governance.') and n.split('.')[1] in ('models', 'record', 'flows')"
            " or n.startswith(('governance.authorities.contract',"
            " 'governance.authorities.eligibility'))]\n"
            "sys.exit(', '.join(known) or 0)"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert (ran.returncode, ran.stderr) == (0, "")

    def test_change__given_to_a_handler_that_alters_it__stays_in_the_plan(self) -> None:
        def altering(step: Step) -> StepOutcome:
            return StepOutcome(did=dict(step.change) | {"key": 99})

        plan = [planned(0), planned(1)]
        ended = run(plan, FakeHandler(work=altering))
        assert ended.status is JobStatus.COMPLETED
        assert [dict(step.change) for step in plan] == [{"key": 0}, {"key": 1}]


class TestEXEC006NoStepTwice:
    def test_lease__over_before_a_step__nothing_more_begins(self) -> None:
        handler = FakeHandler()
        with pytest.raises(LeaseOver, match="before step 1"):
            run([planned(0), planned(1)], handler, reporter=ListReporter(60.0, 0.0))
        assert [step.step_index for step in handler.steps] == [0]

    @pytest.mark.parametrize("work", [refusing, crashing, lambda step: "no outcome"])
    def test_step__failed_in_any_way__is_called_once(self, work: Work) -> None:
        handler = FakeHandler(work=work)
        run([planned(0)], handler)
        assert len(handler.steps) == 1

    def test_refusal__by_the_target__is_no_fault_of_the_handler(self) -> None:
        assert not run([planned(0)], FakeHandler(work=refusing)).is_fault
        assert run([planned(0)], FakeHandler(work=crashing)).is_fault
        assert run([planned(0)], FakeHandler(work=lambda step: "no outcome")).is_fault


class TestObstacles:
    def handler_for(self, step: StepInPlan) -> FakeHandler | None:
        return FakeHandler() if step.step_type == "known" else None

    def test_plan__that_fits__has_none(self) -> None:
        plan = [planned(0), planned(1)]
        assert obstacles_to(plan, handler_for=self.handler_for, seconds_left=120) == []

    def test_plan__with_an_unserved_step__names_it_counted_from_one(self) -> None:
        plan = [planned(0), planned(1, "strange")]
        [found] = obstacles_to(plan, handler_for=self.handler_for, seconds_left=120)
        assert found == "No handler serves step 2, strange on CAP_1."

    def test_plan__longer_than_the_window__is_an_obstacle(self) -> None:
        plan = [planned(0), planned(1)]
        [found] = obstacles_to(plan, handler_for=self.handler_for, seconds_left=119.5)
        assert found == "Its steps may take 120 s, but its window closes in 119 s."


# --- the acceptance cases -----------------------------------------------------------------------
def case_work(words: str) -> Work:
    if words == "noop":
        return lambda step: StepOutcome(did="done")
    reason = words.removeprefix("fail:")

    def fail(step: Step) -> StepOutcome:
        raise StepRefused(reason, outcome=StepOutcome(did=None))

    return fail


def case_health(document: dict[str, Any] | str) -> HealthReading | Exception:
    if isinstance(document, str):
        return RuntimeError("no reading")
    system = document["system"]["status"]
    return HealthReading(
        observed_at=AT,
        system=parse_decision(system),
        capabilities={
            name: HealthDecision(one["state"]) for name, one in document["capabilities"].items()
        },
    )


def case_plan(steps: list[dict[str, Any]]) -> list[StepInPlan]:
    return [
        planned(
            step["step_index"],
            step["step_type"],
            target=step["target"],
            timeout_seconds=step["timeout_seconds"],
            change=step.get("parameters", {}),
        )
        for step in steps
    ]


def check_case(case: dict[str, Any], ended: PlanRun, handlers: dict[str, FakeHandler]) -> None:
    called = [step for handler in handlers.values() for step in handler.steps]
    for name, expected in case["expect"].items():
        match name:
            case "final_status":
                assert ended.status == expected
            case "steps_executed":
                assert len(ended.reports) == expected
            case "steps_succeeded" | "steps_failed":
                status = "COMPLETED" if name == "steps_succeeded" else "FAILED"
                assert statuses(ended).count(status) == expected
            case "timestamps_ok":
                assert all(one.started_at <= one.completed_at for one in ended.reports)
            case "order":
                assert [one.step_index for one in ended.reports] == expected
            case "final_reason":
                assert expected["contains"] in ended.reason
            case "handler_called":
                assert bool(called) is expected
            case "health_before":
                assert ended.health_before == case_health(expected)
            case "calls":
                assert [
                    {"step_index": step.step_index, "parameters": step.change} for step in called
                ] == expected
            case "step_results":
                for report, result in zip(ended.reports, expected, strict=True):
                    assert (report.step_index, report.status) == (
                        result["step_index"],
                        result["status"],
                    )
                    assert report.error == (result["error"] or "")
                    assert (report.output is not None) is result["has_output"]
            case _:
                raise AssertionError(f"The case expects {name}, which nobody checks.")


@needs_cases
@pytest.mark.parametrize("case", cases_of("executor"), ids=lambda case: str(case["id"]))
def test_case__of_the_executor__ends_as_it_says(case: dict[str, Any]) -> None:
    given = case["given"]
    steps = given["steps"]
    named = given["handlers"]
    if named == "default":
        named = dict.fromkeys((step["step_type"] for step in steps), "noop")
    handlers = {kind: FakeHandler(kind, work=case_work(words)) for kind, words in named.items()}
    answers = [case_health(one) for one in given.get("health_readings", [])]

    def ask(target: str) -> HealthReading:
        answer = answers[0] if answers else reading()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def play() -> PlanRun:
        return run_plan(
            case_plan(steps),
            job_id="job",
            contract_id="contract",
            handler_for=lambda step: handlers.get(step.step_type),
            ask_health=ask,
            reporter=ListReporter(),
        )

    if "refused" in case["expect"]:
        with pytest.raises(InvalidPlanError):
            play()
    else:
        check_case(case, play(), handlers)
