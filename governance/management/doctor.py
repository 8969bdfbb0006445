"""What `doctor` checks: a list of small functions, each of which finds one thing well or wrong.

To add a check, write a function that returns a `CheckResult`, and name it in `CHECKS`. A function
that raises counts as wrong, so a check need not expect every failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap

from django.db import InterfaceError, OperationalError

from governance.management.check_result import CheckResult
from governance.management.doctor_checks import (
    check_breakers,
    check_clock_body,
    check_database,
    check_disk,
    check_grants,
    check_guards,
    check_migrations,
    check_settings,
    check_workers,
)
from governance.management.health_checks import check_lifecycles, check_platform_health

Check = Callable[[], CheckResult]

# The checks in their order on the screen, by the name of what they check.
CHECKS: dict[str, Check] = {
    "database": check_database,
    "migrations": check_migrations,
    "guards": check_guards,
    "grants": check_grants,
    "clock": check_clock_body,
    "breakers": check_breakers,
    "health": check_platform_health,
    "lifecycles": check_lifecycles,
    "disk": check_disk,
    "settings": check_settings,
    "workers": check_workers,
}

WIDTH = 100  # of a terminal
NOT_CHECKED = "It could not be checked, because the database cannot be reached."
SEE_DATABASE = "manage.py doctor, once the database answers"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A check by its name, and what it found."""

    name: str
    finding: CheckResult


def diagnose(names: Iterable[str] = CHECKS) -> list[Diagnosis]:
    """Run the named checks, by default all, one after the other; a check that raises is wrong."""
    return [Diagnosis(name, _found(CHECKS[name])) for name in CHECKS if name in set(names)]


def table_of(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """Format what was found as a table for a terminal."""
    width = max(len(one.name) for one in diagnoses)
    lines = []
    for one in diagnoses:
        finding = one.finding
        begin = f"{one.name:<{width}}  {'ok   ' if finding.is_ok else 'WRONG'}  "
        texts = [finding.words, *([f"mend it: {finding.remedy}"] if finding.remedy else [])]
        for text in texts:
            lines += wrap(text, WIDTH, initial_indent=begin, subsequent_indent=" " * len(begin))
            begin = " " * len(begin)
    return lines


def _found(check: Check) -> CheckResult:
    try:
        return check()
    except (OperationalError, InterfaceError):
        # `check_database` itself says why.
        return CheckResult.wrong(NOT_CHECKED, remedy=SEE_DATABASE)
    except Exception as error:  # noqa: BLE001 - the others must still be checked
        first_line = next(iter(str(error).strip().splitlines()), "")
        words = f"The check itself failed: {type(error).__name__}: {first_line}"
        return CheckResult.wrong(words, remedy="mend what is wrong above, and run doctor again")
