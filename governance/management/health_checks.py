"""The checks of `doctor` about the health of the platform."""

from __future__ import annotations

from governance.authorities.health.failures import recent_health_failures
from governance.authorities.health.readings import read_health
from governance.authorities.health.rules import site_health_rules
from governance.domain.errors import InvalidInputError
from governance.domain.health import UnknownHealth, contradicts_health, in_words
from governance.domain.values import Lifecycle
from governance.domain.wording import plural
from governance.management.check_result import CheckResult
from governance.management.values import printable
from governance.services.registry.queries import launched_capabilities

MAX_NAMED = 3
REMEDY = "manage.py check_health_rules; then correct the rule, or mend what it asks"


def check_platform_health() -> CheckResult:
    """Check that the health of the system, and of each scope with a rule, can be read."""
    try:
        rules = site_health_rules()
    except InvalidInputError as error:
        return CheckResult.wrong(
            f"The health rules cannot be used: {error}",
            remedy="correct the file that GOVSITE_PROMETHEUS_FILE names: see docs/health.md",
        )
    scopes = [rule.scope for rule in rules.rules] if rules else []
    reading = read_health(scopes=scopes)
    if isinstance(reading, UnknownHealth):
        return CheckResult.wrong(
            f"Nobody can tell the health of the platform: {printable(in_words(reading.troubles))}",
            remedy=REMEDY,
        )
    asked = f"; {plural(len(scopes), 'health rule')} answered" if rules else ""
    failures = recent_health_failures().count()
    failed = f"; {plural(failures, 'failed reading')} in the last 24 hours" if failures else ""
    return CheckResult.well(f"The system is {reading.system}{asked}{failed}.")


def check_lifecycles() -> CheckResult:
    """Check that no capability is LAUNCHED while its health is BLOCKED; nothing is refused for it.

    What nobody can tell is found by `check_platform_health`.
    """
    launched = launched_capabilities()
    reading = read_health(scopes=launched)
    if isinstance(reading, UnknownHealth):
        return CheckResult.well("Nobody can tell whether lifecycles fit the platform's health.")
    blocked = [
        name
        for name in launched
        if contradicts_health(Lifecycle.LAUNCHED, reading.capabilities[name])
    ]
    if not blocked:
        return CheckResult.well("No capability is LAUNCHED while its health is BLOCKED.")
    named = ", ".join(map(printable, blocked[:MAX_NAMED]))
    more = len(blocked) - MAX_NAMED
    others = f" and {more} more" if more > 0 else ""
    return CheckResult.wrong(
        f"LAUNCHED while their health is BLOCKED: {named}{others}.",
        remedy="mend the capability, or disable it by a contract",
    )
