"""The sidebar, in the order in which people work; the home page shows the same places."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from governance.admin.accounts import is_superuser
from governance.admin.queue import QUEUE

CONTRACTS = "admin:governance_systemcontract_changelist"


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's navigation: groups of the places where this person may go."""
    contracts = reverse(CONTRACTS)
    queue = reverse(QUEUE)
    here = request.path.startswith(contracts)
    waiting = request.path == queue
    groups: list[dict[str, Any]] = [
        {
            "items": [
                _place(
                    "Waiting for a decision",
                    "rule",
                    queue,
                    "Eligible contracts that a founder approves or rejects.",
                    request.user.has_perm("governance.view_systemcontract"),
                    active=waiting,
                ),
                _place(
                    "System contracts",
                    "contract",
                    contracts,
                    "Every proposed change, from proposal to verdict.",
                    request.user.has_perm("governance.view_systemcontract"),
                    active=here and not waiting,
                ),
                _place(
                    "Jobs",
                    "conveyor_belt",
                    reverse("admin:governance_governancejob_changelist"),
                    "What is being carried out, and the sealed evidence of what was.",
                    request.user.has_perm("governance.view_governancejob"),
                ),
                _place(
                    "The line",
                    "front_hand",
                    reverse("admin:governance_linefreeze_changelist"),
                    "Whether changes move; stop everything, or let it run again.",
                    request.user.has_perm("governance.view_systemcontract"),
                ),
            ]
        },
        {
            "title": "The platform now",
            "items": [
                _place(
                    "Capabilities",
                    "extension",
                    reverse("admin:governance_capability_changelist"),
                    "What the platform can do, and how far it is available.",
                    request.user.has_perm("governance.view_capability"),
                ),
                _place(
                    "Configuration",
                    "tune",
                    reverse("admin:governance_configurationentry_changelist"),
                    "The value of every key that is governed.",
                    request.user.has_perm("governance.view_configurationentry"),
                ),
                _place(
                    "Health signals",
                    "monitor_heart",
                    reverse("admin:governance_governancesignal_changelist"),
                    "What monitors say of each scope.",
                    request.user.has_perm("governance.view_governancesignal"),
                ),
            ],
        },
        {
            "title": "Accounts",
            "items": [
                _place(
                    "Users",
                    "person",
                    reverse("admin:governance_account_changelist"),
                    "Who may sign in.",
                    is_superuser(request),
                ),
                _place(
                    "Groups",
                    "group",
                    reverse("admin:auth_group_changelist"),
                    "Who may do what.",
                    is_superuser(request),
                ),
                _place(
                    "API tokens",
                    "key",
                    reverse("admin:governance_apitoken_changelist"),
                    "Who may call the API, and until when.",
                    is_superuser(request),
                ),
            ],
        },
    ]
    for group in groups:
        group["items"] = [place for place in group["items"] if place["allowed"]]
    return [group for group in groups if group["items"]]


def stylesheet(request: HttpRequest) -> str:
    return static("governance/admin.css")


def desk_stylesheet(request: HttpRequest) -> str:
    return static("governance/desk.css")


def inspect_stylesheet(request: HttpRequest) -> str:
    return static("governance/inspect.css")


def _place(
    title: str,
    icon: str,
    link: str,
    purpose: str,
    allowed: bool,
    active: bool | None = None,
) -> dict[str, Any]:
    place = {
        "title": title,
        "icon": icon,
        "link": link,
        "purpose": purpose,
        "allowed": allowed,
    }
    return place if active is None else place | {"active": active}
