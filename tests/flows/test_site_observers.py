"""The observers of the site: built in, of packages, and those that cannot be made."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from governance.domain.errors import UnreadableFileError
from governance.flows import installed_factories
from governance.flows.site_observers import site_observers
from tests.flows.test_route_steps import Entry
from tests.support.commands import ROOT
from tests.support.observing import BILLING, FixedObserver, factory_of, seen_by
from tests.support.steps import write_secret

ROUTE = '[[route]]\nscopes = "*"\nchange_types = "*"\nhandler = "client"\nobserver = "vault"\n'


@pytest.fixture
def file(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The routes file of a site with an installed observer `vault`."""
    vault = Entry("vault", factory_of(FixedObserver({"BILLING": BILLING})))
    announce(monkeypatch, vault)
    path = tmp_path / "routes.toml"
    path.write_text(ROUTE)
    settings.GOVSITE_EXECUTION_FILE = str(path)
    settings.GOVSITE_SECRETS_DIR = ""
    return path


def announce(monkeypatch: pytest.MonkeyPatch, *entries: Entry) -> None:
    monkeypatch.setattr(
        installed_factories,
        "entry_points",
        lambda group: entries if group == installed_factories.OBSERVERS else (),
    )


def observer_of_billing() -> Any:
    [(_, observer)] = site_observers().observers_of("BILLING")
    return observer


def test_site__without_a_file__observes_nothing(settings: Any) -> None:
    settings.GOVSITE_EXECUTION_FILE = ""
    assert site_observers().observers_of("BILLING") == []


def test_observer__announced_by_a_package__observes_its_scopes(file: Path) -> None:
    assert seen_by(observer_of_billing(), "BILLING") == BILLING
    assert observer_of_billing() is observer_of_billing()


def test_observers__of_a_changed_file__are_made_again(file: Path) -> None:
    first = observer_of_billing()
    file.write_text(ROUTE + "trust_reports = true\n")
    assert observer_of_billing() is not first
    file.unlink()
    with pytest.raises(UnreadableFileError):
        site_observers()


def test_observer__that_the_registry_has__is_the_default_of_its_handler(file: Path) -> None:
    file.write_text(ROUTE.replace("client", "registry").replace('observer = "vault"', ""))
    assert (observer_of_billing().name, observer_of_billing().obstacle) == ("registry", "")
    assert observer_of_billing().reads_own_database


def test_observer__whose_secret_comes_later__is_made_then(
    file: Path, tmp_path: Path, settings: Any
) -> None:
    settings.GOVSITE_SECRETS_DIR = str(tmp_path)
    file.write_text(ROUTE + "observer_options = {hmac_key = 'secret://key'}\n")
    assert "secret://key: cannot be read" in observer_of_billing().obstacle
    write_secret(tmp_path, "key", "k" * 32)
    assert observer_of_billing().obstacle == ""


@pytest.mark.parametrize(
    ("loaded", "words"),
    [(ImportError("no such module"), "ImportError: no such module"), ("text", "is no factory")],
)
def test_observer__that_cannot_be_loaded__has_an_obstacle(
    file: Path, monkeypatch: pytest.MonkeyPatch, loaded: Any, words: str
) -> None:
    announce(monkeypatch, Entry("vault", loaded))
    file.write_text(ROUTE + "observer_options = {}\n")
    assert words in observer_of_billing().obstacle
    assert "The observer vault" in observer_of_billing().obstacle


def test_observer__on_the_page__works_as_it_is(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "observers.md").read_text()
    [example] = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    module: dict[str, Any] = {}
    exec(example, module)  # noqa: S102 - the example of our own page
    announce(monkeypatch, Entry("vault", module["make_observer"]))
    platform = tmp_path / "platform.json"
    file.write_text(ROUTE + f"observer_options = {{file = '{platform}'}}\n")
    assert seen_by(observer_of_billing(), "BILLING") == "The platform has no file."
    platform.write_text(json.dumps({"BILLING": BILLING}))
    assert seen_by(observer_of_billing(), "BILLING", "OTHER") == {
        "BILLING": BILLING,
        "OTHER": "The answer leaves this scope out.",
    }
