"""A secret in clear is refused at every way in, and no refusal repeats it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from governance.domain.errors import GovernanceError, SecretInClearError
from governance.domain.secrets import HIDDEN_SECRET
from governance.flows.modify_scope import modify_scope, preview_scope
from governance.flows.propose_contract import draft_contract, propose_contract
from governance.models import SystemContract
from governance.services.registry.operations import register_capabilities
from governance.services.registry.queries import configuration_of
from tests.support.attacks import nothing_written
from tests.support.commands import proposal_line, run, write_lines
from tests.support.factories import MAY, VALIDATOR_VERDICT, eligible, proposal_document
from tests.support.registry import registered, set_value
from tests.support.users import Users

CLEAR = "hunter2-clear"
UPDATE = {"type": "configuration_update", "scope": "Search", "key": "smtp_password"}
REPLACED = UPDATE | {"old_value": "secret://OLD", "new_value": "secret://NEW"}
IN_CLEAR: dict[str, tuple[dict[str, Any], str]] = {
    "new": (REPLACED | {"new_value": CLEAR}, "new_value"),
    "old": (REPLACED | {"old_value": CLEAR}, "old_value"),
    "nested": (REPLACED | {"key": "smtp", "new_value": {"apiKey": CLEAR}}, "new_value.apiKey"),
    "parameter": (
        {"type": "parameter_change", "scope": "Search", "parameters": {"access-token": CLEAR}},
        "parameters.access-token",
    ),
    "registered": (REPLACED | {"key": "pepper", "new_value": CLEAR}, "new_value"),
}


@pytest.fixture
def search(users: Users) -> None:
    register_capabilities(documents=[{"name": "Search", "secret_keys": ["pepper"]}])


def propose(users: Users, change: Any) -> SystemContract:
    return propose_contract(
        document=proposal_document(proposed_changes=[change]),
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=MAY,
        proposer=users.operator,
    )[0]


@pytest.mark.usefixtures("search")
@pytest.mark.parametrize(("change", "path"), IN_CLEAR.values(), ids=list(IN_CLEAR))
def test_change__with_a_secret_in_clear__refused_everywhere(
    users: Users, change: Any, path: str
) -> None:
    document = proposal_document(proposed_changes=[change])
    contract = eligible(users)
    ways: list[Any] = [
        lambda: propose(users, change),
        lambda: draft_contract(document=document, proposer=users.operator),
        lambda: preview_scope(contract, [change]),
        lambda: modify_scope(
            contract_id=contract.pk,
            founder=users.founder,
            changes=[change],
            reason="A smaller change.",
            seen_digest=contract.content_digest or "",
        ),
    ]
    for way in ways:
        with nothing_written(), pytest.raises(SecretInClearError) as refusal:
            way()
        assert [fault["path"] for fault in refusal.value.errors] == [f"proposed_changes[0].{path}"]
        assert CLEAR not in repr(refusal.value.details) + str(refusal.value)


@pytest.mark.usefixtures("search")
@pytest.mark.parametrize(
    "change", [REPLACED, REPLACED | {"new_value": None}, REPLACED | {"old_value": None}]
)
def test_change__with_references_or_no_value__taken(users: Users, change: Any) -> None:
    assert propose(users, change).proposed_changes == [change]


def test_registry__with_a_secret_in_clear__refused_without_repeating_it(users: Users) -> None:
    documents = [
        {"name": "Mail", "configuration": {"smtp": [{"password": CLEAR}]}},
        {"name": "Mail", "configuration": {"pepper": CLEAR}, "secret_keys": ["pepper"]},
    ]
    paths = ["configuration.smtp[0].password", "configuration.pepper"]
    for document, path in zip(documents, paths, strict=True):
        with nothing_written(), pytest.raises(SecretInClearError) as refusal:
            register_capabilities(documents=[document])
        assert refusal.value.errors[0]["path"] == f"capabilities[0].{path}"
        assert CLEAR not in str(refusal.value)


@pytest.mark.parametrize("names", ["pepper", [1], [""], ["x" * 201]])
def test_registry__whose_secret_keys_are_no_names__refused(users: Users, names: Any) -> None:
    with pytest.raises(GovernanceError, match="secret_keys"):
        register_capabilities(documents=[{"name": "Mail", "secret_keys": names}])


@pytest.mark.usefixtures("search")
def test_setting__names_other_words__those_count(users: Users, settings: Any) -> None:
    settings.GOVSITE = settings.GOVSITE | {"SECRET_KEYS": ["pass phrase"]}
    assert propose(users, REPLACED | {"new_value": "plain"}).pk
    with pytest.raises(SecretInClearError):
        propose(users, REPLACED | {"key": "gpgPassPhrase", "new_value": CLEAR})


def test_secret__that_an_earlier_version_recorded__is_never_shown_or_copied(
    users: Users,
) -> None:
    browser = Client()
    browser.force_login(users.founder)
    capability = registered("Search")
    entry = set_value("Search", "smtp_password", CLEAR)
    assert configuration_of(["Search"]) == {("Search", "smtp_password"): HIDDEN_SECRET}
    bare = {name: value for name, value in REPLACED.items() if name != "old_value"}
    with pytest.raises(SecretInClearError):  # the recorded value would be copied
        propose(users, bare)
    contract = propose(users, REPLACED | {"old_value": None})
    assert contract.plan[0]["rollback_action"] is None
    for path in (
        f"governance/capability/{capability.pk}/change/",
        f"governance/configurationentry/{entry.pk}/change/",
        "governance/configurationentry/",
        f"governance/systemcontract/{contract.pk}/change/",
        f"governance/systemcontract/{contract.pk}/approve/",
    ):
        page = browser.get(f"/admin/{path}", follow=True)
        assert page.status_code == 200
        assert CLEAR not in page.content.decode()


def test_import__of_a_secret_in_clear__names_the_field_and_not_the_value(
    users: Users, tmp_path: Path
) -> None:
    line = proposal_line("S-1", proposed_changes=[IN_CLEAR["new"][0]])
    result = run("import_contracts", write_lines(tmp_path / "a.jsonl", [line]), "--as", "operator")
    assert result.code == 1
    assert "proposed_changes[0].new_value" in result.err + result.out
    assert CLEAR not in result.err + result.out
