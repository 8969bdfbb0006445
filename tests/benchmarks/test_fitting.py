"""The fitting of the validator's table: what no training report has, does not count."""

from __future__ import annotations

from governance.authorities.validator.analysis import analyse_report
from governance.authorities.validator.indicators import indicator_table
from tests.benchmarks.validator.fitting import Example, Level, fitted_levels
from tests.unit.validator.support import REGISTRY
from tests.unit.validator.test_evaluation import labelled

STUCK = ("bug_report", "stuck")


def example(subject: str, issue_type: str) -> Example:
    one = labelled("R", subject, issue_type)
    return Example(one, analyse_report(one.report, registry=REGISTRY))


def test_indicator__that_no_training_report_has__is_dropped() -> None:
    levels = fitted_levels([example("Hello", "unknown")], indicator_table())
    assert levels[STUCK] is Level.DROPPED
    assert example("It is stuck", "bug_report").finding(levels)[0] == "unknown"


def test_indicator__that_speaks_for_the_label__is_kept() -> None:
    training = [example("It is stuck", "bug_report"), example("Hello", "unknown")]
    levels = fitted_levels(training, indicator_table())
    assert levels[STUCK] is Level.KEPT
    assert example("It is stuck", "bug_report").finding(levels)[0] == "bug_report"


def test_indicator__that_misleads__is_dropped_or_weakened() -> None:
    training = [example("It is stuck", "unknown"), example("Crash", "bug_report")]
    assert fitted_levels(training, indicator_table())[STUCK] is not Level.KEPT


def test_words_of_a_rule__are_not_fitted() -> None:
    levels = fitted_levels([example("A crash", "unknown")], indicator_table())
    assert ("bug_report", "crash/crashes/crashed/crashing") not in levels
