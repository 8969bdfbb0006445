"""The admin's addresses, one line each: who sees what, and whose POST does something.

`DOORS` is compared with the admin's own resolver, so a new address fails the suite until it has
its line here. A new screen is a `Door`, a new model of the record one more word in `RECORD`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.urls import reverse
from knox.models import AuthToken

from governance.health.signals import record_signal
from governance.models import Capability, ConfigurationEntry, LineFreeze, SystemContract
from governance.registry.operations import register_capabilities
from governance.vocabulary.values import HealthDecision
from tests.support.admin import approval, typed
from tests.support.cast import Cast
from tests.support.line import HOUR, frozen
from tests.support.stories import eligible, judged_job, now

# Who comes to the door. The clerk is staff in no group; the outsider is no staff.
IN_A_GROUP = frozenset({"founder", "operator", "executor", "auditor", "viewer"})
ROOT = frozenset({"superuser"})
READERS = IN_A_GROUP | ROOT
STAFF = READERS | {"clerk"}
NOT_STAFF = frozenset({"outsider", "anonymous"})
EVERYBODY = STAFF | NOT_STAFF
FOUNDERS = frozenset({"founder", "superuser"})
NOBODY: frozenset[str] = frozenset()

PASSWORD = "correct-horse-7"
NEW_PASSWORD = "battery-staple-8"


class Scene:
    """One of each, made by the real operations when an address or a form first needs it."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        User.objects.create_user("clerk", is_staff=True)
        User.objects.create_superuser("superuser")

    @cached_property
    def contract(self) -> SystemContract:
        """It waits for a decision."""
        return eligible(self.cast)

    @cached_property
    def job(self) -> Any:
        """Judged, with sealed evidence."""
        return judged_job(self.cast)

    @cached_property
    def freeze(self) -> LineFreeze:
        return frozen(self.cast)

    @cached_property
    def capability(self) -> Capability:
        register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 20}}])
        return Capability.objects.get()

    @cached_property
    def entry(self) -> ConfigurationEntry:
        return ConfigurationEntry.objects.get(scope=self.capability.name)

    @cached_property
    def signal(self) -> Any:
        return record_signal(
            scope="Search",
            signal_type="probe",
            decision=HealthDecision.DEGRADED,
            reason="Slow.",
            actor=self.cast.operator,
            at=now(),
        )

    @cached_property
    def token(self) -> AuthToken:
        made, _ = AuthToken.objects.create(self.cast.executor)
        return made

    @property
    def user(self) -> User:
        return self.cast.outsider

    @property
    def group(self) -> Group:
        return Group.objects.get(name="Viewer")


Form = Callable[[Scene], dict[str, Any]]


@dataclass(frozen=True)
class Door:
    """One address of the admin, and what each person finds there.

    `name` is the address' name, or its route where it has none; `of` names what of the scene it
    is about; `at` is written out where no name leads there. Everybody in `shown` gets the status
    `answers` by GET and HEAD, other staff `hides`, everybody else is sent to sign in.

    A POST of `form` by one of `acts` changes the record. By anybody else it changes nothing: it is
    refused with 403, or 405 where nobody can do anything; a `deaf` door heeds no form and may show
    its page again.
    """

    name: str
    of: str = ""
    shown: frozenset[str] = READERS
    acts: frozenset[str] = NOBODY
    form: Form = field(default=lambda scene: {})
    answers: int = 200
    hides: int = 403
    deaf: bool = False
    at: str = ""

    def address(self, scene: Scene) -> str:
        thing = getattr(scene, self.of).pk if self.of else None
        if self.at:
            return reverse("admin:index") + self.at.format(thing)
        return reverse(f"admin:{self.name}", args=[] if thing is None else [thing])


def of_model(model: str, thing: str, shown: frozenset[str] = READERS) -> list[Door]:
    """The six addresses that every model's admin has; read-only, unless replaced below."""
    app, name = model.split("_")
    # Both only lead to the page, and the page looks who comes.
    leads = {"shown": STAFF, "answers": 302, "deaf": True}
    return [
        Door(f"{model}_changelist", shown=shown),
        Door(f"{model}_add", shown=NOBODY, form=an_edit),
        Door(f"{model}_change", thing, shown, form=an_edit),
        Door(f"{model}_delete", thing, shown=NOBODY, form=lambda scene: {"post": "yes"}),
        Door(f"{model}_history", thing, **leads),
        Door(f"{app}/{name}/<path:object_id>/", thing, at=f"{app}/{name}/{{}}/", **leads),
    ]


# --- what is typed into the forms; all good, so that a refusal is about the person or the door ---
def an_edit(scene: Scene) -> dict[str, Any]:
    return {"name": "Mine", "title": "Mine", "status": "APPROVED", "_save": "Save"}


def a_reason(scene: Scene) -> dict[str, Any]:
    return {"reason": "A reason that is long enough."}


def an_approval(scene: Scene) -> dict[str, Any]:
    return approval(scene.contract)


def a_stop(scene: Scene) -> dict[str, Any]:
    return a_reason(scene) | {"ends_at": typed(now() + 2 * HOUR)}


def two_passwords(scene: Scene) -> dict[str, Any]:
    return {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}


def another_password(scene: Scene) -> dict[str, Any]:
    User.objects.filter(is_staff=True).update(password=make_password(PASSWORD))
    return {
        "old_password": PASSWORD,
        "new_password1": NEW_PASSWORD,
        "new_password2": NEW_PASSWORD,
    }


def a_newcomer(scene: Scene) -> dict[str, Any]:
    return two_passwords(scene) | {"username": "newcomer"}


def an_account(scene: Scene) -> dict[str, Any]:
    return {
        "username": scene.user.username,
        "is_active": "on",
        "is_superuser": "on",
        "date_joined_0": "2026-11-01",
        "date_joined_1": "10:00:00",
    }


# Whatever else is registered in the admin, by model: what of the scene is one of it.
RECORD = {
    "governance_systemcontract": "contract",
    "governance_governancejob": "job",
    "governance_linefreeze": "freeze",
    "governance_capability": "capability",
    "governance_configurationentry": "entry",
    "governance_governancesignal": "signal",
}
ACCOUNTS = {"auth_user": "user", "auth_group": "group", "knox_authtoken": "token"}

_OURS = [
    Door("governance_systemcontract_queue"),
    Door("governance_systemcontract_approve", "contract", FOUNDERS, FOUNDERS, an_approval),
    Door("governance_systemcontract_reject", "contract", FOUNDERS, FOUNDERS, a_reason),
    Door("governance_governancejob_running"),
    Door("governance_governancejob_evidence", "job"),
    Door("governance_linefreeze_stop", "", FOUNDERS, FOUNDERS, a_stop),
    Door("governance_linefreeze_thaw", "freeze", FOUNDERS, FOUNDERS, a_reason),
]
_ACCOUNTS = [
    Door("auth_user_changelist", shown=ROOT, deaf=True),
    Door("auth_user_add", "", ROOT, ROOT, a_newcomer),
    Door("auth_user_change", "user", ROOT, ROOT, an_account),
    Door("auth_user_password_change", "user", ROOT, ROOT, two_passwords),
    Door("auth_user_history", "user", ROOT, deaf=True),
    Door("auth_group_changelist", shown=ROOT, deaf=True),
    Door("auth_group_add", "", ROOT, ROOT, lambda scene: {"name": "Newcomers"}),
    Door("auth_group_change", "group", ROOT, ROOT, lambda scene: {"name": "Onlookers"}),
    Door("auth_group_history", "group", ROOT, deaf=True),
]
_SITE = [
    Door("index", shown=STAFF, deaf=True),
    Door("search", shown=STAFF, deaf=True),
    Door("password_change", "", STAFF, STAFF, another_password),
    Door("password_change_done", shown=STAFF),
    Door("autocomplete", shown=NOBODY),
    Door("jsi18n", shown=STAFF),
    Door("view_on_site", shown=STAFF, answers=404, deaf=True, at="r/1/1/"),
    Door("app_list", hides=404, deaf=True, at="governance/"),
    Door("(?P<url>.*)$", shown=STAFF, answers=404, deaf=True, at="nowhere/"),
]
# Open to everybody, whom they let in and out: test_every_url.py looks at them one by one.
IN_AND_OUT = ("login", "logout")

DOORS: dict[str, Door] = {
    door.name: door
    for door in [
        *(door for model, thing in RECORD.items() for door in of_model(model, thing)),
        *(door for model, thing in ACCOUNTS.items() for door in of_model(model, thing, ROOT)),
        *_OURS,
        *_ACCOUNTS,
        *_SITE,
    ]
}
