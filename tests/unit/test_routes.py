"""The routes file: which route a step takes, and what is refused with the path of its field."""

from __future__ import annotations

import pytest

from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.routed_handlers import RoutedHandlers
from governance.authorities.executor.routes import CLIENT_ROUTE, Routes, read_routes
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import Step, StepInPlan, StepOutcome
from governance.domain.errors import InvalidRoutesError

FILE = """
[[route]]
scopes = ["BILLING", "SYSTEM"]
change_types = ["configuration_update"]
handler = "http"
observer = "http"

[route.options]
url = "https://billing.example/steps"

[route.observer_options]
url = "https://billing.example/state"

[[route]]
scopes = ["BILLING"]
change_types = "*"
handler = "client"

[[route]]
scopes = "*"
change_types = "*"
handler = "registry"
trust_reports = true
"""
NO_SECRETS = SecretFiles(None)


def planned(index: int, target: str, step_type: str = "configuration_update") -> StepInPlan:
    return StepInPlan(index, step_type, target, {}, 60, None)


@pytest.mark.parametrize(
    ("scope", "step_type", "handler"),
    [
        ("BILLING", "configuration_update", "http"),
        ("SYSTEM", "configuration_update", "http"),
        ("BILLING", "parameter_change", "client"),
        ("SYSTEM", "parameter_change", "registry"),
        ("billing", "configuration_update", "registry"),
    ],
)
def test_step__of_several_routes__takes_the_first_that_matches(
    scope: str, step_type: str, handler: str
) -> None:
    assert read_routes(FILE).route_of(scope, step_type).handler == handler


@pytest.mark.parametrize("text", ["", '[[route]]\nscopes=["A"]\nchange_types="*"\nhandler="git"'])
def test_step__without_a_route__is_left_to_clients(text: str) -> None:
    assert read_routes(text).route_of("BILLING", "parameter_change") == CLIENT_ROUTE


def test_route__as_written__has_its_fields() -> None:
    [first, _, last] = read_routes(FILE).routes
    assert (first.observer, first.trust_reports, first.path) == ("http", False, "route[0]")
    assert first.options == {"url": "https://billing.example/steps"}
    assert first.observer_options == {"url": "https://billing.example/state"}
    assert (last.observer, last.trust_reports, last.options) == ("registry", True, {})


def test_plan__with_one_step_for_clients__does_not_run_here() -> None:
    routes = read_routes(FILE)
    here = [planned(0, "BILLING"), planned(1, "OTHER")]
    assert routes.runs_here(here)
    assert not routes.runs_here([*here, planned(2, "BILLING", "parameter_change")])
    assert not Routes().runs_here(here)
    assert not routes.runs_here([])


ROUTE = 'scopes = "*"\nchange_types = "*"\nhandler = "http"\n'


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("[[route]]\nhandler = 'http", "", "not valid TOML"),
        ("routes = 1", "routes", "is not a known field; known here are route"),
        ("route = 1", "route", "must be tables"),
        ("route = [1]", "route", "must be tables"),
        ("[[route]]\n" + ROUTE + "hander = 1", "route[0].hander", "is not a known field"),
        ("[[route]]\n" + ROUTE.replace("http", "htpp"), "route[0].handler", "not a known handler"),
        ("[[route]]\nscopes = '*'\nchange_types = '*'", "route[0].handler", "is required"),
        ("[[route]]\nhandler = 'git'\nchange_types = '*'", "route[0].scopes", "is required"),
        ("[[route]]\nhandler = 'git'\nscopes = '*'", "route[0].change_types", "is required"),
        (f"[[route]]\n{ROUTE}[[route]]\nhandler = 1", "route[1].handler", "must be a text"),
        ("[[route]]\n" + ROUTE.replace('"*"', '"A"', 1), "route[0].scopes", "must be a list"),
        ("[[route]]\n" + ROUTE.replace('"*"', "[]", 1), "route[0].scopes", "at least one"),
        ("[[route]]\n" + ROUTE.replace('"*"', "[1]", 1), "route[0].scopes[0]", "must be a text"),
        ("[[route]]\n" + ROUTE.replace('"*"', '["*"]', 1), "route[0].scopes[0]", "for all"),
        (
            "[[route]]\nhandler='git'\nscopes='*'\nchange_types=['config']",
            "route[0].change_types[0]",
            "is not one of capability_enable",
        ),
        ("[[route]]\n" + ROUTE + "trust_reports = 1", "route[0].trust_reports", "true or false"),
        ("[[route]]\n" + ROUTE + "observer = 1", "route[0].observer", "must be a text"),
        ("[[route]]\n" + ROUTE + "observer = 'htpp'", "route[0].observer", "registry, http, git"),
        (
            "[[route]]\n" + ROUTE + "observer = 'registry'",
            "route[0].observer",
            "only where the handler is registry",
        ),
        (
            "[[route]]\n" + ROUTE + "observer_options = {url = 'x'}",
            "route[0].observer_options.url",
            "is not a known field",
        ),
        ("[[route]]\n" + ROUTE + "options = 1", "route[0].options", "must be a table"),
        (
            "[[route]]\n" + ROUTE.replace("http", "client") + "options = {url = 'x'}",
            "route[0].options.url",
            "is not a known field",
        ),
    ],
)
def test_file__with_a_wrong_field__is_refused_with_its_path(
    text: str, path: str, words: str
) -> None:
    with pytest.raises(InvalidRoutesError) as refused:
        read_routes(text)
    [error] = refused.value.errors
    assert error["path"] == path
    assert words in error["message"]


def test_file__with_more_routes_than_allowed__is_refused() -> None:
    with pytest.raises(InvalidRoutesError, match="more than 1000 routes"):
        read_routes(f"[[route]]\n{ROUTE}" * 1001)


def test_handler__of_a_package__is_known_where_it_is_installed() -> None:
    text = "[[route]]\n" + ROUTE.replace("http", "ansible")
    assert read_routes(text, more_handlers=["ansible"]).routes[0].handler == "ansible"
    with pytest.raises(InvalidRoutesError, match="not a known handler"):
        read_routes(text)


def test_observer__of_a_package__is_known_where_it_is_installed() -> None:
    text = "[[route]]\n" + ROUTE + "observer = 'vault'"
    assert read_routes(text, more_observers=["vault"]).routes[0].observer == "vault"


def observed_route(scopes: str, types: str, url: str) -> str:
    return (
        f"[[route]]\nscopes = {scopes}\nchange_types = {types}\nhandler = 'client'\n"
        f"observer = 'http'\nobserver_options = {{url = '{url}'}}\n"
    )


@pytest.mark.parametrize(
    ("scopes", "words"), [("['A', 'B']", "that serves B"), ("'*'", "that serves another scope")]
)
def test_scope__with_two_observers_of_one_name__is_refused(scopes: str, words: str) -> None:
    text = observed_route(scopes, "['capability_enable']", "https://one.example/")
    text += observed_route("['B', 'C']" if "A" in scopes else "'*'", "'*'", "https://two.example/")
    with pytest.raises(InvalidRoutesError, match=words) as refused:
        read_routes(text)
    assert refused.value.errors[0]["path"] == "route[1].observer_options"


@pytest.mark.parametrize(
    "second",
    [
        observed_route("['C']", "'*'", "https://two.example/"),
        observed_route("['A']", "'*'", "https://one.example/"),
        observed_route("['A']", "['capability_enable']", "https://two.example/"),
    ],
    ids=["another scope", "the same options", "never reached"],
)
def test_scope__with_one_observer_of_a_name__is_taken(second: str) -> None:
    first = observed_route("['A']", "['capability_enable']", "https://one.example/")
    assert len(read_routes(first + second).routes) == 2


# --- handlers ---
class NamedHandler:
    """A handler that has read one option, and refuses every further one."""

    step_types = ("configuration_update",)

    def __init__(self, options: OptionTable, secrets: SecretFiles) -> None:
        self.url = options.text("url")

    def run_step(self, step: Step) -> StepOutcome:
        return StepOutcome(did=self.url)


def test_lookup__of_a_step__is_the_handler_of_its_route() -> None:
    lookup = RoutedHandlers(read_routes(FILE), {"http": NamedHandler}, NO_SECRETS)
    handler = lookup(planned(0, "BILLING"))
    assert isinstance(handler, NamedHandler)
    assert handler.url == "https://billing.example/steps"
    assert lookup(planned(0, "BILLING", "parameter_change")) is None


def test_lookup__of_a_route_without_a_handler_here__is_none_and_the_route_is_missing() -> None:
    lookup = RoutedHandlers(read_routes(FILE), {"http": NamedHandler}, NO_SECRETS)
    assert lookup(planned(0, "OTHER")) is None
    assert [route.handler for route in lookup.missing] == ["registry"]


@pytest.mark.parametrize(
    ("options", "path"),
    [("{}", "route[0].options.url"), ("{url = 'x', urls = 'y'}", "route[0].options.urls")],
)
def test_options__wrong_for_their_handler__are_refused_with_their_path(
    options: str, path: str
) -> None:
    routes = read_routes(f"[[route]]\n{ROUTE}options = {options}")
    with pytest.raises(InvalidRoutesError) as refused:
        RoutedHandlers(routes, {"http": NamedHandler}, NO_SECRETS)
    assert refused.value.errors[0]["path"] == path


@pytest.mark.parametrize("value", [0, 65, True, "8", 1.5])
def test_number__outside_its_range_or_no_number__is_refused(value: object) -> None:
    with pytest.raises(InvalidRoutesError, match="whole number from 1 to 64"):
        OptionTable({"n": value}).number("n", 8, range(1, 65))


def test_options__absent__have_their_defaults() -> None:
    table = OptionTable({})
    assert (table.number("n", 8, range(1, 65)), table.flag("f"), table.texts("t", ())) == (
        8,
        False,
        (),
    )
