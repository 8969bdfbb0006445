"""The fields of the admin that a browser can write, found from the pages and the model admins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from django.contrib import admin
from django.contrib.admin.views import main as names
from django.contrib.auth.models import Group
from django.test import Client, RequestFactory
from django.urls import reverse

from governance.authorities.health.signals import record_signal
from governance.domain.roles import Role
from governance.domain.values import HealthDecision
from governance.models import Account, Capability
from governance.services.registry.operations import register_capabilities
from tests.support.admin import contract_url, job_url
from tests.support.breakers import opened
from tests.support.factories import asked, eligible, finished_job
from tests.support.freezes import frozen, lifted
from tests.support.hostile.api import in_header
from tests.support.hostile.attack import Field
from tests.support.hostile.payloads import Payload
from tests.support.tokens import made_token
from tests.support.users import Users

FORM = "application/x-www-form-urlencoded"
LISTS_OWN = {value for name, value in vars(names).items() if name.endswith("_VAR")}
LOOKUPS = ("", "__exact", "__gte", "__regex", "__isnull", "__in")
PASSWORD = "correct horse battery"


class _Inputs(HTMLParser):
    """A parser that collects the inputs of a page's forms, and the query names of its links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.asked: set[str] = set()
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "select":
            self._select = given.get("name", "")
        if tag in ("input", "select", "textarea") and given.get("name"):
            is_off = given.get("type") in ("checkbox", "radio") and "checked" not in given
            self.values.setdefault(given["name"], "" if is_off else given.get("value", ""))
        if tag == "option" and "selected" in given and self._select:
            self.values[self._select] = given.get("value", "")
        if tag == "a":
            self.asked |= {name for name, _ in parse_qsl(urlsplit(given.get("href", "")).query)}


def admin_fields(users: Users, root: Account) -> Iterator[Field]:
    """Yield the inputs of every form, the parameters of every list, ids in URLs, and cookies."""
    register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 20}}])
    signal = {"scope": "Search", "signal_type": "probe", "reason": "Slow."}
    record_signal(**signal, decision=HealthDecision.DEGRADED, actor=users.operator)
    job, contract = finished_job(users), eligible(users, risk_level="critical")
    root.set_password(PASSWORD)
    root.save()
    superuser, founder = _browser(root), _browser(users.founder)
    group, page = Group.objects.get(name=Role.FOUNDER), "admin:governance_account_change"

    sure = {"confirmation": contract.reference}
    yield from _form_fields(founder, contract_url(contract, "approve"), **sure)
    yield from _form_fields(founder, contract_url(contract, "reject"), reason="Not this quarter.")
    modifying = {
        "do": "modify",
        "reason": "A preview is enough.",
        "rows": "1",
        "c1-new-typed": "30",
    }
    yield from _form_fields(founder, contract_url(contract, "modify"), **modifying)
    yield from _form_fields(
        founder, reverse("admin:governance_changefreeze_start"), reason="Enough."
    )
    freeze = frozen(users)
    address = reverse("admin:governance_changefreeze_lift", args=[freeze.pk])
    lifting = list(_form_fields(founder, address, reason="It is over."))
    lifted(users, freeze)  # an active freeze would refuse the requests of the other fields
    yield from lifting
    address = reverse("admin:governance_handlerbreaker_close", args=[opened().pk])
    yield from _form_fields(_browser(users.operator), address, reason="The handler was mended.")
    yield from _form_fields(founder, contract_url(contract, "clarify"), question="Why now?")
    yield from _form_fields(founder, contract_url(contract, "comment"), text="Hm.")
    answering, waiting = _browser(users.operator), asked(users)
    yield from _form_fields(answering, contract_url(waiting, "answer"), answer="The sale.")
    login = {"username": root.username, "password": PASSWORD, "next": "/admin/"}
    yield from _form_fields(_browser(None), reverse("admin:login"), **login)
    new = {"username": "new", "password1": "long and dull", "password2": "long and dull"}
    yield from _form_fields(superuser, reverse("admin:governance_account_add"), **new)
    yield from _form_fields(superuser, reverse(page, args=[users.viewer.pk]), username="viewer")
    address = reverse("admin:auth_user_password_change", args=[users.viewer.pk])
    yield from _form_fields(superuser, address, **new)
    twice = {"new_password1": "long and dull", "new_password2": "long and dull"}
    address = reverse("admin:password_change")
    yield from _form_fields(superuser, address, old_password=PASSWORD, **twice)
    yield from _form_fields(superuser, reverse("admin:auth_group_add"), name="some")
    address = reverse("admin:auth_group_change", args=[group.pk])
    yield from _form_fields(superuser, address, name=str(Role.FOUNDER))

    issuing = {"username": "worker", "create": "on", "role": "Executor", "verbs": "execute_job"}
    yield from _form_fields(superuser, reverse("admin:governance_apitoken_issue"), **issuing)
    token, _ = made_token(users.executor)
    for deed in ("rotate", "revoke"):
        address = reverse(f"admin:governance_apitoken_{deed}", args=[token.pk])
        yield from _form_fields(superuser, address)

    for model, screen in admin.site._registry.items():
        yield from _list_fields(superuser, model, screen)
    for kind, found in (("contract", contract_url(contract)), ("job", job_url(job))):
        for query in ("_to_field", "_popup", "_changelist_filters"):
            send = partial(_ask, superuser, found, query)
            yield Field(f"admin {kind} page, query {query}", send, _judge)
    for page, query in (("change", "from"), ("live", "from"), ("live", "seen")):
        send = partial(_ask, superuser, job_url(job, page), query)
        yield Field(f"admin job {page}, query {query}", send, _judge)
    ledger = contract_url(contract, "ledger")
    yield Field("admin ledger page, query from", partial(_ask, superuser, ledger, "from"), _judge)
    search = reverse("admin:governance_capability_change", args=[Capability.objects.get().pk])
    for query in ("older", "newer"):
        send = partial(_ask, superuser, search, query)
        yield Field(f"admin capability page, query {query}", send, _judge)
    queue = reverse("admin:governance_systemcontract_queue")
    for query in ("q", "risk", "source", "capability", "age", "after", "before", "unknown"):
        yield Field(f"admin queue, query {query}", partial(_ask, founder, queue, query), _judge)
    yield Field("admin queue, query name", partial(_ask_oddly, founder, queue), _judge)
    for query in ("term", "app_label", "model_name", "field_name"):
        send = partial(_ask, superuser, reverse("admin:autocomplete"), query)
        yield Field(f"admin autocomplete, query {query}", send, _judge)
    yield Field("admin address", partial(_visit, superuser, "/admin/{}"), _judge)
    yield Field("admin address, with a slash", partial(_visit, superuser, "/admin/{}/"), _judge)
    address = "/admin/r/{}/{}/"
    yield Field("admin address of an object elsewhere", partial(_visit, superuser, address), _judge)
    for header in ("Cookie: sessionid={}", 'Cookie: sessionid="\\000{}"', "Cookie: csrftoken={}"):
        yield Field(f"admin header {header}", partial(_with_header, founder, header))
    for header in ("Cookie: messages={}", "Referer: {}"):
        yield Field(f"admin header {header}", partial(_with_header, founder, header), _judge)


def _form_fields(browser: Client, address: str, **typed: str) -> Iterator[Field]:
    """Yield a field for each input of a form; the others keep the page's values or get `typed`."""
    answer = browser.get(address, secure=True)
    assert answer.status_code == 200, f"{address}: {answer.status_code}"
    inputs = _Inputs(answer.content.decode())
    assert set(typed) <= set(inputs.values) | {"next", "do"}, (
        f"{address} has {sorted(inputs.values)}"
    )
    valid = inputs.values | typed
    page = address.removeprefix("/admin/").split("/", 2)
    name = f"admin {page[0]} {address.rstrip('/').rsplit('/', 1)[1]}"
    for field in (*valid, "an unknown one"):
        yield Field(
            f"{name}, form {field}", partial(_submit, browser, address, valid, field), _judge
        )
    yield Field(f"{name}, whole body", partial(_post, browser, address), _judge)


def _list_fields(browser: Client, model: Any, screen: Any) -> Iterator[Field]:
    """Yield a field for each parameter that a changelist knows or might take for a lookup."""
    label = model._meta.model_name
    base = f"admin:{model._meta.app_label}_{label}"
    address = reverse(f"{base}_changelist")
    answer = browser.get(address, secure=True)
    assert answer.status_code == 200, f"{address}: {answer.status_code}"
    request = RequestFactory().get(address)
    request.user = Account.objects.get(is_superuser=True)
    known = LISTS_OWN | _Inputs(answer.content.decode()).asked
    for spec in screen.get_changelist_instance(request).filter_specs:
        known |= {str(name) for name in spec.expected_parameters() if name}
    columns = [column.name for column in model._meta.concrete_fields]
    known |= {column + lookup for column, lookup in zip(columns, LOOKUPS, strict=False)}
    for query in sorted(known):
        yield Field(
            f"admin {label} list, query {query}", partial(_ask, browser, address, query), _judge
        )
    yield Field(f"admin {label} list, query name", partial(_ask_oddly, browser, address), _judge)
    for page in ("change", "history", "delete"):
        template = reverse(f"{base}_{page}", args=["0"]).replace("/0/", "/{}/")
        yield Field(f"admin {label} {page}, id", partial(_visit, browser, template), _judge)


# --- the requests ---
def _browser(person: Account | None) -> Client:
    """Return a client with a fixed session cookie, which a rolled back logout does not remove."""
    if person is None:
        return Client(raise_request_exception=False, HTTP_COOKIE="")
    usher = Client()
    usher.force_login(person)
    session = f"sessionid={usher.cookies['sessionid'].value}"
    return Client(raise_request_exception=False, HTTP_COOKIE=session)


def _submit(
    browser: Client, address: str, valid: Mapping[str, str], field: str, payload: Payload
) -> Any:
    rest = urlencode({name: value for name, value in valid.items() if name != field})
    body = f"{rest}&{quote(field)}={quote(payload.raw, safe='')}"
    return browser.generic("POST", address, body, FORM, secure=True)


def _post(browser: Client, address: str, payload: Payload) -> Any:
    return browser.generic("POST", address, payload.raw, FORM, secure=True)


def _ask(browser: Client, address: str, name: str, payload: Payload) -> Any:
    query = f"{name}={quote(payload.raw, safe='')}"
    return browser.generic("GET", address, secure=True, QUERY_STRING=query)


def _ask_oddly(browser: Client, address: str, payload: Payload) -> Any:
    query = urlencode({payload.raw: "x"})
    return browser.generic("GET", address, secure=True, QUERY_STRING=query)


def _visit(browser: Client, template: str, payload: Payload) -> Any:
    path = template.encode().replace(b"{}", payload.raw).decode("latin-1")
    return browser.generic("GET", "/", secure=True, PATH_INFO=path)


def _with_header(browser: Client, header: str, payload: Payload) -> Any:
    name, value = header.split(": ", 1)
    text = value.replace("{}", in_header(payload))
    if name == "Cookie" and "sessionid" not in value:
        text = f"{browser.defaults['HTTP_COOKIE']}; {text}"
    address = reverse("admin:governance_systemcontract_changelist")
    extra: dict[str, Any] = {f"HTTP_{name.upper()}": text}
    return browser.generic("GET", address, secure=True, **extra)


def _judge(payload: Payload, answer: Any) -> str:
    """Report a page that returns markup unescaped, and a request that ended at the login page."""
    if answer.status_code == 302 and answer["Location"].startswith(reverse("admin:login")):
        return "redirected to the login page"
    is_markup = b"<" in payload.raw and b"alert(1)" in payload.raw
    is_page = answer.get("Content-Type", "").startswith("text/html")
    if is_markup and is_page and payload.raw in answer.content:
        return "the page contains the markup unescaped"
    return ""
