"""The given proposals that were shown wrongly, as the pages and the signed text show them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client

from governance.authorities.review.signed_text import render_signed_text
from governance.flows.review_contract import view_contract
from governance.models import SystemContract
from tests.commands.test_desk_names import given
from tests.support.admin import contract_url, words_of
from tests.support.commands import run, write_lines
from tests.support.factories import eligible
from tests.support.users import Users

REGISTRY = {"name": "GiftCards", "configuration": {"daily_limit": 50, "greeting": "a b"}}
# What must be on the pages, and in the signed text, of each given proposal.
GIVEN = {
    "value-bidi": ("⟦U+202E⟧0001⟦U+202C⟧", '"⟦U+202E⟧0001⟦U+202C⟧"'),
    "value-spaces": ("⟦2 spaces⟧", '"a⟦2 spaces⟧b"'),
    "value-far-right": ("spaces⟧EVIL", "spaces⟧EVIL"),
    "no-change": ("Nothing changes here", "! Nothing changes here"),
    "one-of-many": ("allowed[211]", '"allowed"[211]: 211 -> '),
    "key-reads-as-sentence": (
        '<code class="gov-code">daily_limit of GiftCards from 50 to 51 and key x</code>',
        'Set "daily_limit of GiftCards from 50 to 51 and key x" of "GiftCards" from ',
    ),
}


def imported(tmp_path: Path, *cases: str) -> list[SystemContract]:
    registry = tmp_path / "registry.json"
    registry.write_text(json.dumps({"capabilities": [REGISTRY]}))
    file = write_lines(tmp_path / "lines", given(*cases))
    ran = run("import_contracts", file, "--as", "operator", "--registry", registry)
    assert ran.code == 0, ran.err
    return list(SystemContract.objects.order_by("reference"))


@pytest.mark.parametrize("case", GIVEN)
def test_given__value_or_key__is_shown_and_signed_as_it_is(
    users: Users, founder_browser: Client, tmp_path: Path, case: str
) -> None:
    [contract] = imported(tmp_path, case)
    on_page, signed = GIVEN[case]
    for page in ("change", "approve"):
        html = founder_browser.get(contract_url(contract, page)).content.decode()
        html = html.replace('<span class="gov-escape">', "").replace("⟧</span>", "⟧")
        for mark in ("<ins>", "<bdi>", "</bdi>"):
            html = html.replace(mark, "")
        assert on_page in html, page
    text = render_signed_text(contract, view_contract(contract_id=contract.pk))
    assert signed in text


def test_given__siblings__name_each_other(
    users: Users, founder_browser: Client, tmp_path: Path
) -> None:
    first, second = imported(tmp_path, "sibling-order")
    for one, other in ((first, second), (second, first)):
        text = words_of(founder_browser.get(contract_url(one, "approve")))
        assert f'href="{contract_url(other)}"' in text
        assert "Why, beside the other open contracts" in text


def test_page__of_a_value_of_half_a_mebibyte__is_shown_in_seconds(
    users: Users, founder_browser: Client
) -> None:
    changes = [
        {
            "type": "configuration_update",
            "scope": "Search",
            "key": "words",
            "old_value": "a b " * 60_000,
            "new_value": "b a c " * 40_000,
        }
    ]
    contract = eligible(users, proposed_changes=changes)
    answer = founder_browser.get(contract_url(contract, "approve"))
    assert answer.status_code == 200
    assert "shown as replaced" in answer.content.decode()
