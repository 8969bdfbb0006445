"""Ask Prometheus each condition of the health rules (GOVSITE_PROMETHEUS_FILE) once, and show what
each rule says about its scope now. Nothing is changed.

Run it on the machine of the site or the worker, because each asks Prometheus by itself.
docs/health.md describes the file.
"""

from __future__ import annotations

from django.conf import settings

from governance.authorities.health.prometheus import ask_rules
from governance.authorities.health.rules import site_health_rules
from governance.domain.values import SYSTEM_SCOPE
from governance.management.base import REFUSED, GovernanceCommand, PartlyRefused
from governance.management.values import printable
from governance.services.registry.queries import capability_ids

UNKNOWN = "unknown"


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples = ("check_health_rules", "check_health_rules --json")
    exit_codes = {
        0: "Prometheus answered every condition",
        REFUSED: "the file cannot be used, or nobody can tell what a rule says",
    }

    def run(self) -> None:
        rules = site_health_rules()
        if rules is None:
            self.report({"url": None, "rules": []})
            self.note("GOVSITE_PROMETHEUS_FILE is not set: health is that of the signals alone.")
            return
        seconds = settings.GOVSITE["HEALTH_TIMEOUT_SECONDS"]
        findings = ask_rules(rules, rules.rules, seconds=seconds)
        self.report(
            {
                "url": rules.url,
                "rules": [
                    {
                        "scope": one.rule.scope,
                        "decision": one.decision,
                        "reason": one.reason or None,
                        "trouble": one.trouble or None,
                    }
                    for one in findings
                ],
            },
            *(
                printable(
                    f"{one.rule.scope}: {one.decision or UNKNOWN}. {one.reason or one.trouble}"
                )
                for one in findings
            ),
        )
        scopes = [rule.scope for rule in rules.rules]
        known = {SYSTEM_SCOPE, *capability_ids(scopes)}
        for scope in scopes:
            if scope not in known:
                self.note(f"A rule is about {printable(scope)}, which is not registered.")
        if any(one.decision is None for one in findings):
            raise PartlyRefused
