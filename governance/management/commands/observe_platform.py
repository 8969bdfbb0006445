"""Observe what the platform really holds now, and show where it drifts: where that is not what the
registry has recorded. Without a SCOPE, all scopes are observed that an observer of a route reads
outside of the registry (docs/observers.md).

What was observed is stored, and pages show it beside what is recorded. Each scope that drifts gets
a health signal of the type `drift`, DEGRADED; it is HEALTHY again when the scope is seen to agree.
Nothing on the platform or in the registry is changed. A worker does the same every hour.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from governance.domain.canonical import timestamp
from governance.domain.observations import LIFECYCLE
from governance.domain.recorded_changes import LIFECYCLE_KEY
from governance.domain.roles import MachineAccount
from governance.flows.observe_platform import (
    Agreement,
    ComparedScope,
    observe_platform,
    scopes_outside,
)
from governance.management.base import REFUSED, GovernanceCommand, PartlyRefused
from governance.management.progress import with_progress
from governance.management.values import printable
from governance.services.access.accounts import machine_account

UNOBSERVED = 4


class NotAllObserved(PartlyRefused):
    """The outcome of an observation without drift, in which something could not be observed."""

    exit_code = UNOBSERVED


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples = ("observe_platform", "observe_platform Search SYSTEM --json")
    exit_codes = {
        0: "what was observed agrees with the registry, or a job was just changing it",
        REFUSED: "at least one scope drifts; or a scope or the routes file cannot be used",
        UNOBSERVED: "no drift was seen, but at least one scope could not be observed",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "scopes", nargs="*", metavar="SCOPE", help="The name of a capability, or SYSTEM."
        )

    def run(self, *, scopes: list[str]) -> None:
        """Observe, and print the scopes that do not agree.

        Raises:
            PartlyRefused: a scope drifts, or could not be observed.
        """
        wanted = scopes_outside(scopes)
        actor = machine_account(MachineAccount.SCHEDULER)
        compared = list(
            with_progress(observe_platform(wanted, actor=actor), unit="scopes", total=len(wanted))
        )
        numbers = {
            agreement.lower(): sum(one.agreement is agreement for one in compared)
            for agreement in Agreement
        }
        self.report(
            {"scopes": [_document(one) for one in compared], **numbers},
            *(line for one in compared for line in _lines(one)),
            ", ".join(f"{number} {name}" for name, number in numbers.items()),
        )
        if not wanted:
            self.note("No route names an observer that reads a platform outside of govsite.")
        if numbers["drifts"]:
            raise PartlyRefused
        if numbers["unobserved"]:
            raise NotAllObserved


def _document(one: ComparedScope) -> dict[str, Any]:
    return {
        "scope": one.scope,
        "agreement": one.agreement,
        "observations": [
            {
                "observer": seen.observer,
                "observed_at": timestamp(seen.observed_at),
                "trouble": seen.trouble,
            }
            for seen in one.observed
        ],
        "differences": [
            {
                "key": LIFECYCLE if difference.key == LIFECYCLE_KEY else difference.key,
                "is_lifecycle": difference.key == LIFECYCLE_KEY,
                "recorded": difference.recorded,
                "observed": difference.observed,
            }
            for difference in one.differences
        ],
    }


def _lines(one: ComparedScope) -> list[str]:
    """Return the lines about a scope, none if it agrees."""
    name = printable(one.scope)
    match one.agreement:
        case Agreement.DRIFTS:
            return [f"{name}: {printable(each.in_words())}" for each in one.differences]
        case Agreement.CHANGING:
            return [f"{name}: not compared, because a job was changing it"]
        case Agreement.UNOBSERVED:
            troubles = [f"{each.observer}: {each.trouble}" for each in one.observed if each.trouble]
            reason = "; ".join(troubles) or "no observer reads it"
            return [f"{name}: not observed: {printable(reason)}"]
    return []
