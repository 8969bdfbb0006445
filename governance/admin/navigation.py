"""The sidebar, and the menu of the home page, which shows the same items."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from governance.admin.accounts import is_superuser
from governance.admin.queue import QUEUE

CONTRACTS = "admin:governance_systemcontract_changelist"


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return Unfold's navigation: groups of the pages that this person may see."""
    contracts = reverse(CONTRACTS)
    queue = reverse(QUEUE)
    here = request.path.startswith(contracts)
    waiting = request.path == queue
    groups: list[dict[str, Any]] = [
        {
            "items": [
                _menu_item(
                    "Waiting for a decision",
                    "rule",
                    queue,
                    "Eligible contracts that a founder approves or rejects.",
                    request.user.has_perm("governance.view_systemcontract"),
                    active=waiting,
                ),
                _menu_item(
                    "System contracts",
                    "contract",
                    contracts,
                    "Every proposed change, from proposal to verdict.",
                    request.user.has_perm("governance.view_systemcontract"),
                    active=here and not waiting,
                ),
                _menu_item(
                    "Jobs",
                    "conveyor_belt",
                    reverse("admin:governance_governancejob_changelist"),
                    "What is being carried out, and the sealed evidence of what was.",
                    request.user.has_perm("governance.view_governancejob"),
                ),
                _menu_item(
                    "Change freeze",
                    "front_hand",
                    reverse("admin:governance_changefreeze_changelist"),
                    "Whether changes are frozen; start a freeze, or lift one.",
                    request.user.has_perm("governance.view_systemcontract"),
                ),
            ]
        },
        {
            "title": "The platform now",
            "items": [
                _menu_item(
                    "Capabilities",
                    "extension",
                    reverse("admin:governance_capability_changelist"),
                    "What the platform can do, and how far it is available.",
                    request.user.has_perm("governance.view_capability"),
                ),
                _menu_item(
                    "Configuration",
                    "tune",
                    reverse("admin:governance_configurationentry_changelist"),
                    "The value of every key that is governed.",
                    request.user.has_perm("governance.view_configurationentry"),
                ),
                _menu_item(
                    "Health signals",
                    "monitor_heart",
                    reverse("admin:governance_governancesignal_changelist"),
                    "What monitors report of each scope.",
                    request.user.has_perm("governance.view_governancesignal"),
                ),
            ],
        },
        {
            "title": "Accounts",
            "items": [
                _menu_item(
                    "Users",
                    "person",
                    reverse("admin:governance_account_changelist"),
                    "Who may sign in.",
                    is_superuser(request),
                ),
                _menu_item(
                    "Groups",
                    "group",
                    reverse("admin:auth_group_changelist"),
                    "Who may do what.",
                    is_superuser(request),
                ),
                _menu_item(
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
        group["items"] = [item for item in group["items"] if item["allowed"]]
    return [group for group in groups if group["items"]]


def stylesheet(request: HttpRequest) -> str:
    return static("governance/admin.css")


def desk_stylesheet(request: HttpRequest) -> str:
    return static("governance/desk.css")


def inspect_stylesheet(request: HttpRequest) -> str:
    return static("governance/inspect.css")


def _menu_item(
    title: str,
    icon: str,
    link: str,
    purpose: str,
    allowed: bool,
    active: bool | None = None,
) -> dict[str, Any]:
    item = {
        "title": title,
        "icon": icon,
        "link": link,
        "purpose": purpose,
        "allowed": allowed,
    }
    return item if active is None else item | {"active": active}
