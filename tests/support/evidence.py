"""Evidence documents of jobs that were never run, for the checks of the auditor."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from governance.authorities.audit.judgement import Judgement, judge_evidence
from governance.domain.recorded_changes import LIFECYCLE_KEY, targets_of, values_set_by

OPENS_AT = "2026-11-02T09:00:00.000000Z"
STARTED_AT = "2026-11-02T10:00:00.000000Z"
ENDED_AT = "2026-11-02T10:05:00.000000Z"
CLOSES_AT = "2026-11-03T09:00:00.000000Z"

SEARCH_BEFORE = {
    "lifecycle": "DISABLED",
    "configuration": {"page_size": 20, "timeout_seconds": 1.5, "theme": "dark"},
}
SEARCH_CHANGES: list[dict[str, Any]] = [
    {"type": "capability_enable", "capability_name": "Search", "target_lifecycle": "PREVIEW"},
    {
        "type": "configuration_update",
        "scope": "Search",
        "key": "page_size",
        "old_value": 20,
        "new_value": 50,
    },
    {"type": "parameter_change", "scope": "Search", "parameters": {"timeout_seconds": 2.5}},
]


def changed_state(state: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return an observed state after a change."""
    after = copy.deepcopy(dict(state))
    for key, value in values_set_by(change).items():
        if key == LIFECYCLE_KEY:
            after["lifecycle"] = value
        elif value is None:
            after["configuration"].pop(key, None)
        else:
            after["configuration"][key] = value
    return after


def observation(scope: str, state: Any, **fields: Any) -> dict[str, Any]:
    return {
        "scope": scope,
        "observer": "http",
        "state": state,
        "observed_at": ENDED_AT,
        "trouble": "" if state is not None else "The platform did not answer.",
    } | fields


def health(system: str = "HEALTHY", **capabilities: str) -> dict[str, Any]:
    return {
        "observed_at": ENDED_AT,
        "system": system,
        "capabilities": capabilities or {"Search": "HEALTHY"},
        "signals": [],
    }


def signal(scope: str, decision: str) -> dict[str, Any]:
    return {
        "scope": scope,
        "signal_type": "errors",
        "decision": decision,
        "reason": "A monitor saw it.",
        "recorded_at": STARTED_AT,
    }


def result(index: int, **fields: Any) -> dict[str, Any]:
    return {
        "job_id": "job",
        "step_index": index,
        "status": "COMPLETED",
        "started_at": STARTED_AT,
        "completed_at": ENDED_AT,
        "output": {"did": "done", "state_before": None, "state_after": None},
        "error": "",
        "health_after": None,
        "recorded_at": ENDED_AT,
        "recorded_by": 5,
    } | fields


def evidence_of(
    changes: Sequence[Mapping[str, Any]] = SEARCH_CHANGES,
    *,
    before: Mapping[str, Any] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return the evidence of a job that did exactly what was planned; `fields` replaces fields.

    Args:
        before: the observed state of each scope before the job, by default that of Search.
    """
    states = dict(before or {"Search": SEARCH_BEFORE})
    held = copy.deepcopy(states)
    targets = targets_of(changes)
    for change, target in zip(changes, targets, strict=True):
        states[target] = changed_state(states[target], change)
    return {
        "evidence_version": "1.2.0",
        "job_id": "job",
        "contract_id": "contract",
        "job_status": "COMPLETED",
        "end_reason": "Every step completed.",
        "affected_capabilities": sorted(held),
        "steps": [
            {
                "step_index": index,
                "step_type": change["type"],
                "target": target,
                "change": dict(change),
                "timeout_seconds": 300,
                "rollback_action": {"type": change["type"], "undo": True},
                "status": "COMPLETED",
            }
            for index, (change, target) in enumerate(zip(changes, targets, strict=True))
        ],
        "step_results": [result(index) for index in range(len(changes))],
        "health_before": health(**dict.fromkeys(held, "HEALTHY")),
        "health_after": health(**dict.fromkeys(held, "HEALTHY")),
        "execution_duration_seconds": 300.0,
        "started_at": STARTED_AT,
        "ended_at": ENDED_AT,
        "approval": {"window_opens_at": OPENS_AT, "window_closes_at": CLOSES_AT},
        "observations": {
            "before": [observation(scope, state) for scope, state in held.items()],
            "steps": [],
            "after": [observation(scope, state) for scope, state in states.items()],
        },
        "routes": [
            {
                "step_index": index,
                "handler": "http",
                "observer": "http",
                "trust_reports": False,
                "shares_database": False,
            }
            for index in range(len(changes))
        ],
        "signals": [],
        "rollout": None,
    } | fields


def routes_of(document: Mapping[str, Any], **fields: Any) -> list[dict[str, Any]]:
    """Return the routes of a document with other fields."""
    return [route | fields for route in document["routes"]]


def outcome_of(check_id: str, document: Mapping[str, Any], **options: Any) -> tuple[str, str]:
    """Judge a document and return the outcome and the reason of one check."""
    [found] = [
        one for one in judge_evidence(document, **options).checks if one.check_id == check_id
    ]
    return str(found.outcome), found.reason


def outcomes_of(judgement: Judgement) -> dict[str, str]:
    return {check.check_id: str(check.outcome) for check in judgement.checks}
