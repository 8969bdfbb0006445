"""The sidebar, and the menu of the home page, which shows the same items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from governance.admin.drift import DRIFT, VIEW_CONFIGURATION
from governance.admin.notices import LIST as NOTICES
from governance.admin.notices import unread_notices
from governance.admin.queue import QUEUE
from governance.admin.workers import WORKERS
from governance.models import (
    Account,
    ApiToken,
    Capability,
    ChangeFreeze,
    ConfigurationEntry,
    GovernanceJob,
    GovernanceSignal,
    HandlerBreaker,
    SystemContract,
)
from governance.services.notices.queries import MAX_UNREAD_COUNTED

JOBS = "admin:governance_governancejob_changelist"
CAPABILITIES = "admin:governance_capability_changelist"
# The groups of the sidebar: for each model its title, its icon and what its list is for.
GROUPS: Sequence[tuple[str, Mapping[type[Model], tuple[str, str, str]]]] = (
    (
        "",
        {
            SystemContract: (
                "System contracts",
                "contract",
                "Every proposed change, from proposal to verdict.",
            ),
            GovernanceJob: (
                "Jobs",
                "conveyor_belt",
                "What is being carried out, and the sealed evidence of what was.",
            ),
            ChangeFreeze: (
                "Change freeze",
                "front_hand",
                "Whether changes are frozen; start a freeze, or lift one.",
            ),
            HandlerBreaker: (
                "Circuit breakers",
                "offline_bolt",
                "Which handlers get no jobs after their faults; close a breaker.",
            ),
        },
    ),
    (
        "The platform now",
        {
            Capability: (
                "Capabilities",
                "extension",
                "What the platform can do, and how far it is available.",
            ),
            ConfigurationEntry: (
                "Configuration",
                "tune",
                "The value of every key that is governed.",
            ),
            GovernanceSignal: (
                "Health signals",
                "monitor_heart",
                "What monitors report of each scope.",
            ),
        },
    ),
    (
        "Accounts",
        {
            Account: ("Users", "person", "Who may sign in."),
            Group: ("Groups", "group", "Who may do what."),
            ApiToken: ("API tokens", "key", "Who may call the API, and until when."),
        },
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return Unfold's navigation: groups of the lists that this person may see."""
    groups: list[dict[str, Any]] = [
        {"title": title, "items": _lists(request, models)} for title, models in GROUPS
    ]
    if request.user.has_perm("governance.view_systemcontract"):
        _add_queue(groups[0]["items"], request)
    if request.user.has_perm("governance.view_governancejob"):
        _add_workers(groups[0]["items"], request)
    if request.user.has_perm(VIEW_CONFIGURATION):
        _add_drift(groups[1]["items"], request)
    groups[0]["items"].append(_notices_item(request))
    return [group for group in groups if group["items"]]


def _lists(
    request: HttpRequest, models: Mapping[type[Model], tuple[str, str, str]]
) -> list[dict[str, Any]]:
    return [
        _menu_item(reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist"), *words)
        for model, words in models.items()
        if admin.site.get_model_admin(model).has_view_permission(request)
    ]


def _add_queue(items: list[dict[str, Any]], request: HttpRequest) -> None:
    """Put the queue first. Its address begins with that of the list of contracts."""
    queue = reverse(QUEUE)
    words = "Eligible contracts that a founder approves or rejects."
    items.insert(0, _menu_item(queue, "Waiting for a decision", "rule", words))
    is_queue = request.path == queue
    items[0]["active"] = is_queue
    items[1]["active"] = not is_queue and request.path.startswith(items[1]["link"])


def _add_workers(items: list[dict[str, Any]], request: HttpRequest) -> None:
    """Add the workers last. Their address begins with that of the list of jobs."""
    workers = reverse(WORKERS)
    words = "Which workers run, and what waits in their queue."
    is_workers = request.path == workers
    [jobs] = [item for item in items if item["link"] == reverse(JOBS)]
    jobs["active"] = not is_workers and request.path.startswith(jobs["link"])
    items.append(_menu_item(workers, "Workers", "engineering", words) | {"active": is_workers})


def _add_drift(items: list[dict[str, Any]], request: HttpRequest) -> None:
    """Add the drift last. Its address begins with that of the list of capabilities."""
    drift = reverse(DRIFT)
    words = "Where the platform does not hold what is recorded."
    is_drift = request.path == drift
    for item in items:
        if item["link"] == reverse(CAPABILITIES):
            item["active"] = not is_drift and request.path.startswith(item["link"])
    items.append(_menu_item(drift, "Drift", "difference", words) | {"active": is_drift})


def _notices_item(request: HttpRequest) -> dict[str, Any]:
    """Return the item of the person's own notices, with the number of the unread ones."""
    words = "What concerns you: questions, answers, and changes of yours that failed."
    item = _menu_item(reverse(NOTICES), "Notices", "notifications", words)
    unread = unread_notices(request)
    if not unread:
        return item
    return item | {"badge": unread if unread < MAX_UNREAD_COUNTED else "99+"}


def _menu_item(link: str, title: str, icon: str, purpose: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link, "purpose": purpose}


def stylesheet(request: HttpRequest) -> str:
    return static("governance/admin.css")


def desk_stylesheet(request: HttpRequest) -> str:
    return static("governance/desk.css")


def inspect_stylesheet(request: HttpRequest) -> str:
    return static("governance/inspect.css")
