"""Health rules: the conditions in Prometheus under which a scope is BLOCKED or DEGRADED.

The file that GOVSITE_PROMETHEUS_FILE names is TOML, with the address of Prometheus and one table
`[[rule]]` for each scope. docs/health.md describes it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from governance.authorities.executor.options import OptionTable
from governance.domain.errors import InvalidHealthRulesError, InvalidNameError
from governance.domain.names import require_name
from governance.domain.texts import MAX_TEXT_LENGTH
from governance.domain.values import HealthDecision
from governance.record.files import file_version, read_protected_file

MAX_RULES = 1000
MAX_REASON_LENGTH = 300
DEFAULT_TIMEOUT_SECONDS = 3
DECISIONS = (HealthDecision.BLOCKED, HealthDecision.DEGRADED)
# What a rule needs is asked like a condition, and must hold.
NEEDS = "needs"


@dataclass(frozen=True, slots=True)
class HealthRule:
    """The rule of one scope; a condition holds if its query returns at least one series.

    `conditions` maps BLOCKED, DEGRADED and `needs` to a query; the last must hold, or nobody can
    tell the health of the scope.
    """

    scope: str
    conditions: Mapping[str, str] = field(hash=False)
    reason: str = ""

    def reason_for(self, decision: HealthDecision) -> str:
        """Return the reason of a decision, for people."""
        if decision is HealthDecision.HEALTHY:
            return "No condition of the rule holds."
        return self.reason or f"This holds: {self.conditions[decision]}"[:MAX_REASON_LENGTH]


@dataclass(frozen=True, slots=True)
class HealthRules:
    """The rules of a site, and the Prometheus that they are asked of.

    `bearer_token` is a reference `secret://NAME`, or empty.
    """

    url: str
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
    bearer_token: str = ""
    rules: tuple[HealthRule, ...] = ()

    def of(self, scopes: Collection[str]) -> list[HealthRule]:
        """Return the rules of these scopes."""
        return [rule for rule in self.rules if rule.scope in scopes]


def site_health_rules() -> HealthRules | None:
    """Return the rules in GOVSITE_PROMETHEUS_FILE, or None if it names no file.

    A file that has not changed is read once.

    Raises:
        UnreadableFileError: the file cannot be read.
        InvalidHealthRulesError: other accounts may write the file, or a field of it is wrong.
    """
    if not settings.GOVSITE_PROMETHEUS_FILE:
        return None
    path = Path(settings.GOVSITE_PROMETHEUS_FILE)
    return _read_file(path, file_version(path))


def read_health_rules(text: str) -> HealthRules:
    """Read the text of a file of health rules.

    Raises:
        InvalidHealthRulesError: with the path of the field that is wrong.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidHealthRulesError.whole(
            f"The health rules are not valid TOML: {error}."
        ) from None
    table = OptionTable(document, invalid=InvalidHealthRulesError)
    tables = table.tables("rule")
    if len(tables) > MAX_RULES:
        raise table.error("rule", f"has more than {MAX_RULES} rules")
    rules = HealthRules(
        url=_read_url(table),
        timeout_seconds=table.number("timeout_seconds", DEFAULT_TIMEOUT_SECONDS, range(1, 61)),
        bearer_token=table.text("bearer_token", default=""),
        rules=tuple(_read_rules(tables)),
    )
    table.require_no_more()
    return rules


@lru_cache(maxsize=8)
def _read_file(path: Path, version: tuple[int, ...]) -> HealthRules:
    """Read a file of health rules; `version` is what changes with the file."""
    return read_health_rules(read_protected_file(path, invalid=InvalidHealthRulesError))


def _read_rules(tables: Collection[OptionTable]) -> Iterator[HealthRule]:
    scopes: set[str] = set()
    for table in tables:
        scope = table.text("scope")
        try:
            require_name(scope, "scope")
        except InvalidNameError as error:
            raise table.error("scope", error.errors[0]["message"]) from None
        if scope in scopes:
            raise table.error("scope", "has another rule already")
        scopes.add(scope)
        queries = {name: table.text(name, default="") for name in (*DECISIONS, NEEDS)}
        if not any(queries[decision] for decision in DECISIONS):
            raise table.error("BLOCKED", "is required, unless the rule has DEGRADED")
        for name, query in queries.items():
            if len(query) > MAX_TEXT_LENGTH:
                raise table.error(name, f"has more than {MAX_TEXT_LENGTH} characters")
        reason = table.text("reason", default="")
        if len(reason) > MAX_REASON_LENGTH:
            raise table.error("reason", f"has more than {MAX_REASON_LENGTH} characters")
        table.require_no_more()
        yield HealthRule(
            scope, {str(name): query for name, query in queries.items() if query}, reason
        )


def _read_url(table: OptionTable) -> str:
    """Return the address of Prometheus, without a slash at its end."""
    url = table.text("url")
    try:
        parts = urlsplit(url)
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if (
        not is_address
        or parts.scheme not in ("http", "https")
        or "@" in parts.netloc
        or parts.query
        or parts.fragment
        or not url.isascii()
        or any(character.isspace() for character in url)
    ):
        raise table.error("url", "must be an address, as in http://prometheus.example:9090")
    return url.rstrip("/")
