"""Names that look alike: pages show both, and forms refuse a new one."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from governance.domain.errors import InvalidInputError
from governance.domain.roles import Role
from governance.models import Account, Capability
from governance.services.access.accounts import open_account
from governance.services.registry.operations import register_capabilities
from tests.admin.conftest import Browser
from tests.support.admin import contract_url, words_of
from tests.support.factories import eligible
from tests.support.users import Users

NOTE = "not to be confused with ExclusiveCPUS"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def both(users: Users) -> None:
    configuration = {"Rate": 1, "rate": 2}
    register_capabilities(
        documents=[
            {"name": "ExclusiveCPUs", "configuration": configuration},
            {"name": "ExclusiveCPUS"},
        ]
    )


def test_pages__of_a_capability_that_resembles_another__show_the_other(
    both: None, users: Users, founder_browser: Client
) -> None:
    change = {"type": "capability_disable", "capability_name": "ExclusiveCPUs", "reason": "slow"}
    contract = eligible(users, affected_capabilities=["ExclusiveCPUs"], proposed_changes=[change])
    capability = Capability.objects.get(name="ExclusiveCPUs")
    for url in (
        contract_url(contract),
        reverse("admin:governance_systemcontract_approve", args=[contract.pk]),
        reverse("admin:governance_systemcontract_queue"),
        reverse("admin:governance_capability_change", args=[capability.pk]),
        reverse("admin:index"),
    ):
        page = words_of(founder_browser.get(url))
        assert page.count(NOTE) == 1, url
    own = reverse("admin:governance_capability_change", args=[capability.pk])
    page = words_of(founder_browser.get(own))
    assert "not to be confused with rate" in page
    assert "not to be confused with Rate" in page
    other = reverse(
        "admin:governance_capability_change", args=[Capability.objects.get(name="ExclusiveCPUS").pk]
    )
    assert "not to be confused with ExclusiveCPUs" in words_of(founder_browser.get(other))


def test_pages__of_other_capabilities__show_no_note(users: Users, founder_browser: Client) -> None:
    register_capabilities(documents=[{"name": "Search"}])
    for url in (contract_url(eligible(users)), reverse("admin:governance_systemcontract_queue")):
        assert "not to be confused" not in words_of(founder_browser.get(url))


@pytest.mark.parametrize("username", ["Viewer", "vieweŕ", "vlewer", "view er"])
def test_username__that_lies_or_resembles_another__refused_at_every_way_in(
    users: Users, signed_in: Browser, username: str
) -> None:
    admin = Account.objects.create_superuser("root", is_staff=True)
    typed = {"username": username, "password1": PASSWORD, "password2": PASSWORD}
    page = signed_in(admin).post(
        reverse("admin:governance_account_add"), typed | {"usable_password": "true"}
    )
    assert page.status_code == 200
    assert "username" in page.context["adminform"].form.errors
    with pytest.raises(InvalidInputError) as refusal:
        open_account(username=username, role=Role.VIEWER)
    assert refusal.value.errors[0]["path"] == "username"
    options: dict[str, Any] = {"username": username, "email": "", "interactive": False}
    with pytest.raises(CommandError):
        call_command("createsuperuser", verbosity=0, **options)
    assert not Account.objects.filter(username=username).exists()
