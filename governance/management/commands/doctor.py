"""Check this installation: what is well, what is wrong, and the command that mends it.

Each line is one check: the database, its migrations, its guards (triggers and functions), the
rights of the application's role, the clock, the circuit breakers of handlers, the health rules,
the lifecycles of capabilities against their health, the space on the disk, the settings, the
workers and their queue. A check that fails is wrong, and the others still run. The command changes
nothing.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import ClassVar

from governance.domain.wording import plural
from governance.management.base import REFUSED, GovernanceCommand, PartlyRefused
from governance.management.doctor import CHECKS, Diagnosis, diagnose, table_of


class Command(GovernanceCommand):
    help = __doc__
    has_json = True
    # The checks of the settings are among its own, and must not keep it from running.
    requires_system_checks = ()

    examples: ClassVar[tuple[str, ...]] = ("doctor", "doctor --only database --json")
    exit_codes: ClassVar[dict[int, str]] = {
        0: "everything is well",
        REFUSED: "something is wrong",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--only",
            metavar="CHECK",
            action="append",
            choices=sorted(CHECKS),
            help=f"Run only this check, of {', '.join(CHECKS)}; may be repeated.",
        )

    def run(self, *, only: list[str] | None) -> None:
        diagnoses = diagnose(only or CHECKS)
        wrong = [one for one in diagnoses if not one.finding.is_ok]
        summary = f"{plural(len(wrong), 'thing')} wrong." if wrong else "Everything is well."
        document = {"ok": not wrong, "checks": [_as_json(one) for one in diagnoses]}
        self.report(document, *table_of(diagnoses), "", summary)
        if wrong:
            raise PartlyRefused


def _as_json(one: Diagnosis) -> dict[str, object]:
    finding = one.finding
    return {
        "check": one.name,
        "ok": finding.is_ok,
        "words": finding.words,
        "remedy": finding.remedy or None,
    }
