"""The health provider that combines signals with the health rules of Prometheus; the worst wins."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from governance.authorities.health.prometheus import ask_rules
from governance.authorities.health.readings import HealthUnreadableError, SignalHealthProvider
from governance.authorities.health.rules import site_health_rules
from governance.domain.canonical import timestamp
from governance.domain.errors import InvalidInputError
from governance.domain.health import HealthTrouble, worst_of
from governance.domain.values import SYSTEM_SCOPE, HealthDecision, HealthReading

# What stands as the type of a signal where a rule has decided.
RULE_SIGNAL = "prometheus rule"
# The rest of the time is for what is done with the answers.
SHARE_OF_QUESTIONS = 0.9


class PrometheusHealthProvider:
    """Health from active signals and from the rules in GOVSITE_PROMETHEUS_FILE.

    A scope whose rule Prometheus does not answer is unknown, whatever its signals say.
    """

    def capture(
        self, *, scopes: Collection[str], at: datetime, timeout_seconds: float
    ) -> HealthReading:
        """Return the combined health.

        Raises:
            HealthUnreadableError: the rules cannot be used, or one of them was not answered.
        """
        try:
            rules = site_health_rules()
        except InvalidInputError as error:
            raise HealthUnreadableError([HealthTrouble("", str(error))]) from None
        if rules is None:
            raise HealthUnreadableError([HealthTrouble("", "GOVSITE_PROMETHEUS_FILE is not set.")])
        reading = SignalHealthProvider().capture(
            scopes=scopes, at=at, timeout_seconds=timeout_seconds
        )
        asked = rules.of({SYSTEM_SCOPE, *scopes})
        findings = ask_rules(rules, asked, seconds=timeout_seconds * SHARE_OF_QUESTIONS)
        if troubles := [
            HealthTrouble(one.rule.scope, one.trouble) for one in findings if one.decision is None
        ]:
            raise HealthUnreadableError(troubles)
        decided = {one.rule.scope: (one.decision, one.reason) for one in findings if one.decision}
        return _combined(reading, decided)


def _combined(
    reading: HealthReading, decided: Mapping[str, tuple[HealthDecision, str]]
) -> HealthReading:
    """Return a reading in which each scope has the worst of its signals and its rule.

    Args:
        decided: what the rule of a scope says, with the reason.
    """
    rule_signals = [
        {
            "scope": scope,
            "signal_type": RULE_SIGNAL,
            "decision": str(decision),
            "reason": reason,
            "recorded_at": timestamp(reading.observed_at) or "",
        }
        for scope, (decision, reason) in decided.items()
    ]
    worst = {
        scope: worst_of([before, decided[scope][0]]) if scope in decided else before
        for scope, before in {SYSTEM_SCOPE: reading.system, **reading.capabilities}.items()
    }
    return replace(
        reading,
        system=worst.pop(SYSTEM_SCOPE),
        capabilities=worst,
        signals=tuple(
            sorted(
                [*reading.signals, *rule_signals],
                key=lambda one: (one["scope"], one["signal_type"]),
            )
        ),
    )
