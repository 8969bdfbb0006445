"""The admin is read-only: no page of any model adds, changes or deletes a row."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from governance import models
from governance.admin.readonly import ReadOnlyAdmin
from governance.authorities.health.signals import record_signal
from governance.domain.values import HealthDecision
from governance.models import Account
from governance.services.registry.operations import register_capabilities
from tests.admin.conftest import Browser
from tests.support.breakers import opened
from tests.support.factories import judged_job
from tests.support.freezes import frozen
from tests.support.tokens import made_token
from tests.support.users import Users

RECORD = [
    models.Capability,
    models.ConfigurationEntry,
    models.GovernanceJob,
    models.GovernanceSignal,
    models.ChangeFreeze,
    models.HandlerBreaker,
    models.SystemContract,
    models.ApiToken,
]


@pytest.fixture
def one_of_each(users: Users) -> None:
    register_capabilities(
        documents=[{"name": "Search", "configuration": {"page_size": {"x": "y" * 200}}}]
    )
    record_signal(
        scope="Search",
        signal_type="probe",
        decision=HealthDecision.DEGRADED,
        reason="Slow.",
        actor=users.operator,
    )
    judged_job(users)
    frozen(users)
    opened()
    made_token(users.executor)


def test_registered_models__are_these_and_the_accounts() -> None:
    registered = {m for m in admin.site._registry if m._meta.app_label == "governance"}
    # The page of notices is a person's own: test_notices.py.
    assert registered == {*RECORD, Account, models.Notice}
    assert all(isinstance(admin.site._registry[model], ReadOnlyAdmin) for model in RECORD)


@pytest.mark.parametrize("model", RECORD, ids=lambda model: model.__name__)
def test_list_and_page__for_superuser__show_without_a_way_to_edit(
    one_of_each: None, superuser: Account, signed_in: Browser, model: Any
) -> None:
    browser, row = signed_in(superuser), model._default_manager.first()
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    for url in (reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])):
        page = browser.get(url)
        assert page.status_code == 200
        html = page.content.decode()
        assert 'name="_save"' not in html
        assert "delete_selected" not in html
        assert "/add/" not in html


@pytest.mark.parametrize("model", RECORD, ids=lambda model: model.__name__)
def test_page_of_nothing__404_or_back_home_never_an_error(
    one_of_each: None, superuser: Account, signed_in: Browser, model: Any
) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    for wrong in ("0", "no-such", "01900000-0000-7000-8000-000000000000", "%00"):
        answer = signed_in(superuser).get(reverse(name, args=[wrong]))
        assert answer.status_code in (302, 404)


def test_history__leads_to_the_page_that_knows_it(
    users: Users, superuser: Account, signed_in: Browser
) -> None:
    contract = judged_job(users).contract
    url = reverse("admin:governance_systemcontract_history", args=[contract.pk])
    answer = signed_in(superuser).get(url)
    assert answer["Location"] == reverse(
        "admin:governance_systemcontract_change", args=[contract.pk]
    )


@pytest.mark.parametrize("who", ["founder", "operator", "executor", "auditor", "viewer"])
def test_accounts__for_staff_who_is_no_superuser__403(
    users: Users, signed_in: Browser, who: str
) -> None:
    person = getattr(users, who)
    person.user_permissions.add(*permissions_over_accounts())
    browser = signed_in(person)
    for model in (Account, Group, models.ApiToken):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert browser.get(reverse(f"{name}_changelist")).status_code == 403
        assert browser.post(reverse(f"{name}_add"), {}).status_code == 403
    own = reverse("admin:governance_account_change", args=[person.pk])
    assert browser.post(own, {"is_superuser": "on"}).status_code == 403
    assert not Account.objects.get(pk=person.pk).is_superuser


def permissions_over_accounts() -> Any:
    from django.contrib.auth.models import Permission
    from django.db.models import Q

    of_accounts = Q(content_type__app_label="governance", content_type__model="account")
    return Permission.objects.filter(of_accounts | Q(content_type__app_label="auth"))


def test_superuser__makes_an_account_and_puts_it_into_a_group(
    users: Users, superuser: Account, signed_in: Browser
) -> None:
    browser = signed_in(superuser)
    made = browser.post(
        reverse("admin:governance_account_add"),
        {
            "username": "newcomer",
            "usable_password": "true",
            "password1": "quite-a-long-one-7",
            "password2": "quite-a-long-one-7",
        },
    )
    newcomer = Account.objects.get(username="newcomer")
    assert made["Location"] == reverse("admin:governance_account_change", args=[newcomer.pk])
    group = Group.objects.get(name="Founder")
    page = browser.get(made["Location"])
    assert page.status_code == 200
    browser.post(
        made["Location"],
        {
            "username": "newcomer",
            "is_active": "on",
            "is_staff": "on",
            "groups": [group.pk],
            "date_joined_0": "2026-11-01",
            "date_joined_1": "10:00:00",
        },
    )
    assert list(newcomer.groups.all()) == [group]


def test_tokens__shown_without_digest_or_token(
    one_of_each: None, superuser: Account, signed_in: Browser
) -> None:
    token = models.ApiToken.objects.get()
    page = signed_in(superuser).get(reverse("admin:governance_apitoken_changelist"))
    html = page.content.decode()
    assert "executor" in html
    assert token.digest not in html
    assert token.token_key not in html
