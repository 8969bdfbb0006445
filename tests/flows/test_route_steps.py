"""The routes of the site: the file that is read, the file that is refused, and its handlers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import Step, StepHandler, StepInPlan, StepOutcome
from governance.domain.errors import InvalidRoutesError, UnreadableFileError
from governance.flows import installed_factories
from governance.flows.route_steps import site_handlers, site_routes
from tests.support.steps import step_for, write_secret

ROUTE = '[[route]]\nscopes = "*"\nchange_types = "*"\nhandler = "registry"\n'


class FixedHandler:
    step_types = ("parameter_change",)

    def run_step(self, step: Step) -> StepOutcome:
        return StepOutcome(did="done")


def fixed_handler(options: OptionTable, secrets: SecretFiles) -> StepHandler:
    return FixedHandler()


@pytest.fixture
def file(tmp_path: Path, settings: Any) -> Path:
    path = tmp_path / "routes.toml"
    path.write_text(ROUTE)
    path.chmod(0o644)
    settings.GOVSITE_EXECUTION_FILE = str(path)
    return path


def test_site__without_a_file__leaves_all_to_clients(settings: Any) -> None:
    settings.GOVSITE_EXECUTION_FILE = ""
    assert site_routes().routes == ()


def test_site__with_a_file__has_its_routes(file: Path) -> None:
    assert [route.handler for route in site_routes().routes] == ["registry"]


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o620])
def test_file__that_others_may_write__is_refused(file: Path, mode: int) -> None:
    site_routes()
    file.chmod(mode)
    with pytest.raises(InvalidRoutesError, match="may be written by its group or by others"):
        site_routes()


def test_file__absent__is_refused_with_its_name(file: Path) -> None:
    file.unlink()
    with pytest.raises(UnreadableFileError, match=r"routes\.toml: cannot be read: No such file"):
        site_routes()


def test_file__not_utf8__is_refused(file: Path) -> None:
    file.write_bytes(b"\xff")
    with pytest.raises(UnreadableFileError, match="not UTF-8"):
        site_routes()


def test_file__larger_than_1_mib__is_refused(file: Path) -> None:
    file.write_text("#" * (1024 * 1024 + 1))
    with pytest.raises(InvalidRoutesError, match="larger than 1 MiB"):
        site_routes()


def test_handlers__provided_by_the_caller__serve_their_routes(file: Path) -> None:
    step = StepInPlan(0, "parameter_change", "A", {}, 60, None)
    assert isinstance(site_handlers(provided={"registry": fixed_handler})(step), FixedHandler)
    lookup = site_handlers()
    assert lookup(step) is None
    assert [route.handler for route in lookup.missing] == ["registry"]


# --- handlers of other packages ---
class Entry:
    """An entry point, as an installed package would announce it."""

    def __init__(self, name: str, loaded: Any) -> None:
        self.name, self.value, self._loaded = name, f"package:{name}", loaded

    def load(self) -> Any:
        if isinstance(self._loaded, Exception):
            raise self._loaded
        return self._loaded


def announce(monkeypatch: pytest.MonkeyPatch, *entries: Entry) -> None:
    monkeypatch.setattr(
        installed_factories,
        "entry_points",
        lambda group: entries if group == installed_factories.HANDLERS else (),
    )


def test_handler__announced_by_a_package__serves_its_routes(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(monkeypatch, Entry("ansible", fixed_handler))
    file.write_text(ROUTE.replace("registry", "ansible"))
    step = StepInPlan(0, "parameter_change", "A", {}, 60, None)
    handler = site_handlers()(step)
    assert handler is not None
    assert handler.run_step(step_for()).did == "done"


def test_handler__built_in__serves_its_routes_with_the_secrets_of_the_site(
    file: Path, tmp_path: Path, settings: Any
) -> None:
    settings.GOVSITE_SECRETS_DIR = str(tmp_path)
    write_secret(tmp_path, "hook", "whsec_" + "a" * 40)
    options = "{url = 'https://platform.example/', secret = 'secret://hook'}"
    file.write_text(ROUTE.replace("registry", "http") + f"options = {options}")
    handler = site_handlers()(StepInPlan(0, "parameter_change", "A", {}, 60, None))
    assert handler is not None
    assert "parameter_change" in handler.step_types


def test_handler__announced_under_a_built_in_name__is_not_used(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(monkeypatch, Entry("registry", fixed_handler))
    assert [route.handler for route in site_handlers().missing] == ["registry"]


@pytest.mark.parametrize(
    ("loaded", "words"),
    [(ImportError("no such module"), "ImportError: no such module"), ("text", "is no factory")],
)
def test_handler__that_cannot_be_loaded__is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch, loaded: Any, words: str
) -> None:
    announce(monkeypatch, Entry("ansible", loaded))
    file.write_text(ROUTE.replace("registry", "ansible"))
    with pytest.raises(InvalidRoutesError, match=words):
        site_handlers()
