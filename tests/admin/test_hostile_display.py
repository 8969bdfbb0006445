"""No page of the admin holds a character that a reader would not see, whatever is on record."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import product
from typing import Any

import pytest
from django.db import connection

from governance.models import Account
from tests.admin.conftest import Browser
from tests.support.admin import contract_url
from tests.support.admin_fixtures import AdminFixtures
from tests.support.admin_permissions import ADMIN_PAGES
from tests.support.factories import eligible, judged_job
from tests.support.tampering import triggers_off
from tests.support.users import Users

UNSEEN = "\u202e\u2066\u200b\u00ad\u3164\u2800\ufe0f\ue000\u0378\x07\x9b\u2028\U000e0041"
LYING = f"a{UNSEEN}b"
# The texts on record that people and machines wrote, by table. An earlier version took each.
COLUMNS = {
    "systemcontract": ("title", "reference", "description", "requested_by", "approval_note"),
    "approvalsignature": ("note", "shown"),
    "clarificationrequest": ("question",),
    "contractcomment": ("text",),
    "capability": ("title", "owner"),
    "configurationentry": ("key",),
    "governancesignal": ("signal_type", "reason"),
    "governancejob": ("end_reason",),
    "stepresult": ("error",),
    "governanceaudit": ("reason",),
    "changefreeze": ("reason",),
    "handlerbreaker": ("handler", "last_fault"),
    "breakerevent": ("text",),
    "apitoken": ("name",),
    "ledgerentry": ("reason", "actor"),
}
TRIGGERS_OFF = (
    *("contractcomment", "governancesignal", "changefreeze", "apitoken"),
    *("handlerbreaker", "breakerevent"),
)
VALUES = {
    "configurationentry": ("value",),
    "capability": ("stages",),
    "stepresult": ("output", "health_after"),
    "governanceaudit": ("checks",),
}
CHANGES = [
    {"type": "configuration_update", "scope": "Search", "key": "page_size", "old_value": LYING}
    | {"new_value": {LYING: [LYING, " ", "a  b"]}},
    {"type": "capability_disable", "capability_name": "Search", "reason": LYING},
]


class _TextOf(HTMLParser):
    """The texts and attributes of a page, but for what form fields send back as it came."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("textarea", "script", "style"):
            self.inside.append(tag)
        self.found += [value or "" for name, value in attrs if name not in ("value", "href")]

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.found.append(data)


def unseen_on(page: str) -> list[str]:
    reader = _TextOf()
    reader.feed(page)
    return [text for text in reader.found if set(text) & set(UNSEEN)]


@pytest.fixture
def lying(users: Users) -> AdminFixtures:
    """Return objects for every page, with texts in which something hides."""
    fixtures = AdminFixtures(users)
    fixtures.contract = eligible(users, description=LYING, proposed_changes=CHANGES)
    fixtures.job = judged_job(users, proposed_changes=CHANGES)
    assert fixtures.overdue  # listed by the pages of what is past its time
    # Each address makes its object; a freeze comes last, because nothing is approved after it.
    for page in sorted(ADMIN_PAGES.values(), key=lambda page: page.subject == "freeze"):
        page.address(fixtures)
    with triggers_off(), connection.cursor() as cursor:
        for table in TRIGGERS_OFF:
            cursor.execute(f"ALTER TABLE governance_{table} DISABLE TRIGGER USER")
        for table, columns in COLUMNS.items():
            for column in columns:
                cursor.execute(
                    f"UPDATE governance_{table} SET {column} = %s || ctid::text", [LYING]
                )
        for table, columns in VALUES.items():
            for column in columns:
                set_to = f"SET {column} = jsonb_build_object(%s::text, %s::text)"
                cursor.execute(f"UPDATE governance_{table} {set_to}", [LYING, f" {LYING}  "])
    return fixtures


def test_every_page__of_a_record_in_which_something_hides__shows_it(
    lying: AdminFixtures, users: Users, signed_in: Browser
) -> None:
    found, shown = {}, 0
    readers = [signed_in(one) for one in (Account.objects.get(username="superuser"), users.founder)]
    for (name, page), reader in product(ADMIN_PAGES.items(), readers):
        answer: Any = reader.get(page.address(lying))
        if answer.status_code == 200 and "text/html" in answer["Content-Type"]:
            text = answer.content.decode()
            shown += "⟦U+202E⟧" in text
            found[name] = found.get(name, []) + unseen_on(text)
    assert {name: texts for name, texts in found.items() if texts} == {}
    assert shown > 50


def test_refusal__of_a_form__shows_what_hides_in_it(
    lying: AdminFixtures, users: Users, signed_in: Browser
) -> None:
    browser = signed_in(users.founder)
    for page, field in (("reject", "reason"), ("clarify", "question"), ("approve", "note")):
        answer = browser.post(contract_url(lying.contract, page), {field: LYING})
        assert unseen_on(answer.content.decode()) == []
    assert "⟦U+202E⟧" in answer.content.decode()
