"""Other open contracts on the same capabilities: shown, part of the view, and a reason why."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.authorities.contract.siblings import MAX_SIBLINGS, open_siblings, with_siblings
from governance.authorities.review.view import SIBLINGS, review_view
from governance.domain.errors import SiblingNoteRequiredError, ViewChangedError
from governance.domain.values import ActivationWindow, ContractStatus
from governance.flows.review_contract import approve_contract
from governance.models import ApprovalSignature, LedgerEntry, SystemContract
from tests.support.admin import approval, contract_url, words_of
from tests.support.clock import as_of
from tests.support.factories import contract_in, eligible, now, reloaded
from tests.support.signing import as_seen
from tests.support.users import Users

ENABLE = {"type": "capability_enable", "capability_name": "GiftCards"}
DISABLE = {"type": "capability_disable", "capability_name": "GiftCards", "reason": "fraud"}


def about(users: Users, *capabilities: str, **changes: Any) -> SystemContract:
    change = DISABLE | {"capability_name": capabilities[0]}
    given = {"affected_capabilities": list(capabilities), "proposed_changes": [change]}
    return eligible(users, **(given | changes))


def approve(contract: SystemContract, users: Users, **changes: Any) -> SystemContract:
    at = now()
    arguments = as_seen(contract) | {"contract_id": contract.pk, "founder": users.founder}
    window = ActivationWindow(at, at + (contract.expires_at - contract.created_at) / 7)
    return as_of(at, approve_contract, **(arguments | {"window": window} | changes))


@pytest.fixture
def founder_browser(users: Users, settings: Any) -> Client:
    settings.SECURE_SSL_REDIRECT = False
    client = Client()
    client.force_login(users.founder)
    return client


def test_siblings__are_the_open_contracts_that_share_a_capability(users: Users) -> None:
    contract = about(users, "GiftCards", "Search")
    shares, other = about(users, "Search", "Billing"), about(users, "Billing")
    assert [one.pk for one in open_siblings(contract)] == [shares.pk]
    assert with_siblings([contract.pk, shares.pk, other.pk]) == {contract.pk, shares.pk, other.pk}
    assert with_siblings([about(users, "Alone").pk]) == set()


@pytest.mark.parametrize(
    "status", [one for one in ContractStatus if one is not ContractStatus.VALIDATED]
)
def test_siblings__of_each_status__count_until_they_end(
    users: Users, status: ContractStatus
) -> None:
    other = contract_in(users, status)
    contract = eligible(users)
    ended = status in ("COMPLETED", "FAILED", "REJECTED", "EXPIRED")
    assert [one.pk for one in open_siblings(contract)] == ([] if ended else [other.pk])


def test_sibling__shows_its_changes_to_what_is_shared(users: Users) -> None:
    contract = about(users, "GiftCards")
    changes = [ENABLE | {"target_lifecycle": "PREVIEW"}, DISABLE | {"capability_name": "Billing"}]
    about(users, "Billing", "GiftCards", proposed_changes=changes)
    [sibling] = open_siblings(contract)
    assert (sibling.own_changes, sibling.own_total) == ([changes[0]], 1)


def test_approval__beside_another__needs_a_word_of_why(users: Users) -> None:
    contract = about(users, "GiftCards")
    about(users, "GiftCards", proposed_changes=[ENABLE | {"target_lifecycle": "PREVIEW"}])
    for note in ("", "  \n"):
        with pytest.raises(SiblingNoteRequiredError) as refusal:
            approve(contract, users, note=note)
        assert (refusal.value.code, refusal.value.errors[0]["path"]) == (
            "sibling_note_required",
            "note",
        )
    assert not ApprovalSignature.objects.exists()
    approve(contract, users, note="It is enabled first, and disabled after the fair.")
    [signature] = ApprovalSignature.objects.all()
    assert signature.note == "It is enabled first, and disabled after the fair."
    entry = LedgerEntry.objects.get(contract=contract, event="contract.review.approved")
    assert entry.reason == signature.note


def test_approval__of_a_contract_alone__needs_no_note(users: Users) -> None:
    about(users, "Billing")
    assert approve(about(users, "GiftCards"), users, note="").status == "APPROVED"


def test_approval__after_another_one_appeared__is_of_a_changed_view(users: Users) -> None:
    contract = about(users, "GiftCards")
    seen = as_seen(contract)
    about(users, "GiftCards", reference="ORDER-2")
    with pytest.raises(ViewChangedError):
        approve(contract, users, **seen)
    facts = review_view(reloaded(contract), health=None).facts
    assert facts[SIBLINGS] == '"ORDER-2"'


def test_many_siblings__the_newest_are_shown_and_a_new_one_changes_the_view(users: Users) -> None:
    contract = about(users, "GiftCards")
    for _ in range(MAX_SIBLINGS + 1):
        about(users, "GiftCards")
    before = review_view(contract, health=None)
    assert before.facts[SIBLINGS].endswith('" and older ones')
    about(users, "GiftCards")
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert review_view(contract, health=None).digest() != before.digest()
    assert len(captured) == 6


def test_pages__name_the_others_link_them_and_ask_why(
    users: Users, founder_browser: Client
) -> None:
    contract = about(users, "GiftCards")
    enable = [ENABLE | {"target_lifecycle": "PREVIEW"}]
    other = about(users, "GiftCards", title="Open the shop", proposed_changes=enable)
    for page in ("change", "approve"):
        text = words_of(founder_browser.get(contract_url(contract, page)))
        assert "Other open contracts on these capabilities" in text
        assert f'href="{contract_url(other)}"' in text
        assert "Enable GiftCards as PREVIEW" in text
    assert "Why, beside the other open contracts" in text
    queue = founder_browser.get(reverse("admin:governance_systemcontract_queue"))
    assert words_of(queue).count("Other contracts on its capabilities are open") == 2

    form = approval(contract, note="")
    refused = founder_browser.post(contract_url(contract, "approve"), form)
    assert (refused.status_code, refused.context["refusal"].code) == (400, "sibling_note_required")
    assert "Why, beside the other open contracts" in words_of(refused)
    form["note"] = "First one, then the other."
    assert founder_browser.post(contract_url(contract, "approve"), form).status_code == 302


def test_page__of_a_contract_alone__says_nothing_of_others(
    users: Users, founder_browser: Client
) -> None:
    contract = about(users, "GiftCards")
    text = words_of(founder_browser.get(contract_url(contract, "approve")))
    assert "Other open contracts on these capabilities" not in text
    assert "Note (optional)" in text
