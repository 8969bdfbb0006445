"""Health from Prometheus: the conditions of health rules, all asked at once within one time limit.

A question that fails or is late leaves the health of its scope unknown, and says why.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from governance.authorities.executor.handlers.http_target import send_request
from governance.authorities.executor.handlers.timed_connection import SecondsLeft
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import HandlerFault
from governance.authorities.health.rules import MAX_REASON_LENGTH, NEEDS, HealthRule, HealthRules
from governance.domain.errors import UnusableSecretError
from governance.domain.health import worst_of
from governance.domain.texts import cut_text
from governance.domain.values import HealthDecision

MAX_PARALLEL = 8
# A question that is late says so itself, unless it hangs in the look-up of a name.
GRACE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """What a rule says about its scope: a decision with its reason, or a trouble."""

    rule: HealthRule
    decision: HealthDecision | None
    reason: str = ""
    trouble: str = ""


class ConditionUnansweredError(Exception):
    """A condition that Prometheus did not answer, with the reason for people."""


def ask_rules(
    rules: HealthRules, asked: Sequence[HealthRule], *, seconds: float
) -> list[RuleAnswer]:
    """Ask Prometheus all conditions of the rules `asked`; each finding has its decision or trouble.

    Args:
        seconds: how long all questions may take; the file may set a shorter time.
    """
    if not asked:
        return []
    try:
        headers = _headers(rules)
    except UnusableSecretError as error:
        return [RuleAnswer(rule, None, trouble=str(error)) for rule in asked]
    ends_at = time.monotonic() + min(seconds, rules.timeout_seconds)

    def seconds_left() -> float:
        return ends_at - time.monotonic()

    threads = ThreadPoolExecutor(MAX_PARALLEL, thread_name_prefix="prometheus")
    try:
        answers = [
            {
                name: threads.submit(
                    _is_answered_by_series, rules.url, headers, query, seconds_left
                )
                for name, query in rule.conditions.items()
            }
            for rule in asked
        ]
        return [_finding(rule, its, seconds_left) for rule, its in zip(asked, answers, strict=True)]
    finally:
        # A name that is looked up for too long must not hold the caller.
        threads.shutdown(wait=False, cancel_futures=True)


def _headers(rules: HealthRules) -> dict[str, str]:
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "accept": "application/json",
        "user-agent": "govsite",
    }
    if rules.bearer_token:
        folder = settings.GOVSITE_SECRETS_DIR
        secret = SecretFiles(Path(folder) if folder else None).content(rules.bearer_token)
        headers["authorization"] = f"Bearer {secret}"
    return headers


def _is_answered_by_series(
    url: str, headers: Mapping[str, str], query: str, seconds_left: SecondsLeft
) -> bool:
    """Ask one query, and return whether its answer has a series.

    Raises:
        ConditionUnansweredError: with the reason.
    """
    form = {"query": query, "timeout": f"{max(1, int(seconds_left() * 1000))}ms"}
    try:
        answer = send_request(
            "POST",
            f"{url}/api/v1/query",
            headers=headers,
            content=urlencode(form).encode(),
            allow_private=True,
            seconds_left=seconds_left,
        )
    except HandlerFault as fault:
        raise ConditionUnansweredError(str(fault)) from None
    except Exception as error:  # noqa: BLE001 - whatever keeps an answer away
        raise ConditionUnansweredError(
            f"Prometheus cannot be reached: {type(error).__name__}."
        ) from None
    return _read_answer(answer.status, answer.body)


def _read_answer(status: int, body: bytes) -> bool:
    """Return whether an answer has a series; one with warnings may lack some, and is no answer."""
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        answer = {}
    if status != 200 or answer.get("status") != "success":
        error = answer.get("error")
        more = f": {error}" if isinstance(error, str) else "."
        raise ConditionUnansweredError(f"Prometheus answered {status}{more}")
    if answer.get("warnings"):
        raise ConditionUnansweredError(f"Prometheus warned: {answer['warnings']}")
    data = answer.get("data")
    if not isinstance(data, dict) or data.get("resultType") != "vector":
        raise ConditionUnansweredError("The answer of Prometheus is no vector.")
    series = data.get("result")
    if not isinstance(series, list):
        raise ConditionUnansweredError("The answer of Prometheus has no series.")
    return bool(series)


def _finding(
    rule: HealthRule, answers: Mapping[str, Future[bool]], seconds_left: SecondsLeft
) -> RuleAnswer:
    """Return the finding of a rule from the answers to its conditions."""
    holding = set()
    for name, answer in answers.items():
        try:
            holds = answer.result(timeout=max(0.0, seconds_left() + GRACE_SECONDS))
        except TimeoutError:
            return _trouble(rule, f"{name}: Prometheus did not answer in time.")
        except ConditionUnansweredError as error:
            return _trouble(rule, f"{name}: {error}")
        if holds:
            holding.add(name)
    if NEEDS in answers and NEEDS not in holding:
        return _trouble(rule, f"The rule needs this, which does not hold: {rule.conditions[NEEDS]}")
    decision = worst_of(holding - {NEEDS})
    return RuleAnswer(rule, decision, rule.reason_for(decision))


def _trouble(rule: HealthRule, trouble: str) -> RuleAnswer:
    return RuleAnswer(rule, None, trouble=cut_text(trouble, MAX_REASON_LENGTH))
