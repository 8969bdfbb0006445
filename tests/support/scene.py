"""What stands behind the admin's doors in a test: one of each, and what is typed into each form."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from governance.health.signals import record_signal
from governance.models import (
    Account,
    ApiToken,
    Capability,
    ConfigurationEntry,
    LineFreeze,
    SystemContract,
)
from governance.models.fields import new_id
from governance.registry.operations import register_capabilities
from governance.vocabulary.canonical import digest
from governance.vocabulary.values import HealthDecision
from tests.support.admin import approval, typed
from tests.support.cast import Cast
from tests.support.line import HOUR, frozen
from tests.support.stories import approved, asked, eligible, judged_job, now
from tests.support.tokens import made_token

PASSWORD = "correct-horse-7"
NEW_PASSWORD = "battery-staple-8"


class Scene:
    """One of each, made by the real operations when an address or a form first needs it."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        Account.objects.create_user("clerk", is_staff=True)
        Account.objects.create_superuser("superuser")

    @cached_property
    def contract(self) -> SystemContract:
        """It waits for a decision."""
        return eligible(self.cast)

    @cached_property
    def questioned(self) -> SystemContract:
        """A founder's question about it is open."""
        return asked(self.cast)

    @cached_property
    def signed(self) -> SystemContract:
        """A founder signed it, and so it was approved."""
        return approved(self.cast)

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
    def token(self) -> ApiToken:
        return made_token(self.cast.executor)[0]

    @property
    def user(self) -> Account:
        return self.cast.outsider

    @property
    def group(self) -> Group:
        return Group.objects.get(name="Viewer")


Form = Callable[[Scene], dict[str, Any]]


# --- what is typed into the forms; all good, so that a refusal is about the person or the door ---
def an_edit(scene: Scene) -> dict[str, Any]:
    return {"name": "Mine", "title": "Mine", "status": "APPROVED", "_save": "Save"}


def says(field: str) -> Form:
    return lambda scene: {field: "Some words that are long enough."}


def an_approval(scene: Scene) -> dict[str, Any]:
    return approval(scene.contract)


def a_stop(scene: Scene) -> dict[str, Any]:
    return {"reason": "The sky is falling.", "ends_at": typed(now() + 2 * HOUR)}


def a_token(scene: Scene) -> dict[str, Any]:
    return {
        "username": "newcomer",
        "create": "on",
        "role": "Viewer",
        "days": "30",
        "token_id": str(new_id()),
    }


def an_overlap(scene: Scene) -> dict[str, Any]:
    return {"overlap_hours": "1"}


def two_passwords(scene: Scene) -> dict[str, Any]:
    return {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}


def another_password(scene: Scene) -> dict[str, Any]:
    Account.objects.filter(is_staff=True).update(password=make_password(PASSWORD))
    return {
        "old_password": PASSWORD,
        "new_password1": NEW_PASSWORD,
        "new_password2": NEW_PASSWORD,
    }


def a_smaller_scope(scene: Scene) -> dict[str, Any]:
    """All but the last change, sent as the preview showed it."""
    contract = scene.contract
    last = len(contract.proposed_changes) - 1
    return {
        "do": "modify",
        "removed": str(last),
        "reason": "A preview is enough for now.",
        "seen_digest": contract.content_digest,
        "previewed": digest(contract.proposed_changes[:last]),
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
