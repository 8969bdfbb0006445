"""The fields of the API that a client can write, found from its OpenAPI schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from governance.models import Account
from tests.api.support import API, report_body
from tests.support.clients import PlainClient
from tests.support.events import let_go
from tests.support.factories import apart, approved, finished_job, pending_job, running_job
from tests.support.hostile.attack import Field
from tests.support.hostile.payloads import Payload
from tests.support.tokens import new_token
from tests.support.users import Users

HERE = "@@here@@"
MARK = json.dumps(HERE).encode()
REFUSALS = {
    *("invalid_input", "invalid_parameter", "invalid_json", "malformed_json", "number_not_exact"),
    *("reason_required", "invalid_verdict", "bad_request", "document_too_large"),
    "invalid_idempotency_key",
    "invalid_header",
}
# Fields whose valid value may conflict with another field, which the error then names.
DEPENDS_ON = {"started_at": "completed_at"}
HEADERS = {
    **dict.fromkeys(
        (
            *("Authorization", "Content-Type", "Accept", "Host", "Cookie", "Idempotency-Key"),
            *("If-Match", "If-None-Match", "Origin", "Range", "Referer", "User-Agent"),
            *("Accept-Language", "Accept-Encoding", "X-Forwarded-For", "X-Forwarded-Host"),
            *("Content-Encoding", "Transfer-Encoding", "X-HTTP-Method-Override"),
        ),
        "{}",
    ),
    "Authorization: Bearer": "Bearer {}",
    "Content-Type: boundary": "multipart/form-data; boundary={}",
    "Accept: quality": "application/json; q={}, */*",
    "Accept: strange": "application/json; x*=nope''{}",
    "Cookie: session": "sessionid={}",
    "Cookie: escaped session": 'sessionid="\\000{}"; csrftoken={}',
}
OF_A_BODY = {
    *("Content-Type", "Content-Type: boundary", "Content-Encoding", "Transfer-Encoding"),
    *("Idempotency-Key", "If-Match"),
}


@dataclass(frozen=True)
class Stage:
    """A request that would succeed: the caller, the contract or job, and the body.

    `shown` reads back the fields of an accepted body, by name. `instead` is a body of the second
    form, if the operation accepts two.
    """

    person: Account
    target: Any = None
    body: dict[str, Any] = field(default_factory=dict)
    instead: dict[str, Any] = field(default_factory=dict, kw_only=True)
    shown: Callable[[Client], Mapping[str, Any]] = lambda client: {}


def stage_for(operation_id: str, users: Users, reader: Account) -> Stage:
    """Return the stage of an operation; each operation that writes needs a case here."""
    match operation_id:
        case "activate_contract":
            return Stage(users.operator, approved(users).pk, {"timeout_minutes": 60})
        case "activate_contracts":
            ids = [str(approved(users).pk)]
            return Stage(users.operator, None, {"contract_ids": ids, "timeout_minutes": 60})
        case "claim_job":
            pending_job(users, **apart())
            return Stage(users.executor)
        case "start_job":
            return Stage(users.executor, pending_job(users, **apart()).pk)
        case "report_step":
            running = running_job(users, **apart())
            body = report_body(running.token, error="", health_after=None)
            one = {name: value for name, value in body.items() if name != "execution_token"}
            several = {"execution_token": running.token, "results": [one]}
            shown = partial(_result, running.job.pk)
            return Stage(users.executor, running.job.pk, body, shown, instead=several)
        case "complete_job":
            running = running_job(users, **apart())
            running.complete_steps()
            return Stage(users.executor, running.job.pk, {"execution_token": running.token})
        case "cancel_job":
            job = pending_job(users, **apart())
            return Stage(users.operator, job.pk, {"reason": "No."}, partial(_end_of, job.pk))
        case "record_verdict":
            job = finished_job(users)
            body = {
                "verdict": "INCONCLUSIVE",
                "reason": "Why.",
                "checks": [],
                "evidence_sha256": job.evidence.sha256,
            }
            return Stage(users.auditor, job.pk, body, partial(_verdict_on, job.pk))
    assert operation_id.startswith(("list_", "get_", "follow_")), f"No stage for {operation_id}."
    is_contract = operation_id in {"get_contract", "list_ledger_entries"}
    return Stage(reader, approved(users).pk if is_contract else finished_job(users).pk)


def api_fields(users: Users, reader: Account) -> Iterator[Field]:
    """Yield the path, query and body fields of every operation, and the headers of two of them.

    Each operation has a contract or job of its own.

    Args:
        reader: An account that may read everything.
    """
    schema = SchemaGenerator().get_schema(public=True)
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            stage = stage_for(operation["operationId"], users, reader)
            yield from _Operation(schema, path, method.upper(), operation, stage).fields()


class _Operation:
    """One valid request of the API, in which one value can be replaced."""

    def __init__(
        self, schema: Any, path: str, method: str, operation: Mapping[str, Any], stage: Stage
    ) -> None:
        self.schema, self.path, self.method, self.stage = schema, path, method, stage
        self.operation = operation
        self.name = f"{method} {path.removeprefix(API)}"
        token = new_token(stage.person)
        self.client = PlainClient(raise_request_exception=False)
        self.authorization = f"Bearer {token}"

    def fields(self) -> Iterator[Field]:
        for parameter in self.operation.get("parameters", ()):
            if parameter["in"] == "path":
                yield Field(f"{self.name} path {parameter['name']}", self._in_path, _problem)
            elif parameter["in"] == "header":
                send = partial(self._in_header, parameter["name"], "{}")
                yield Field(f"{self.name} header {parameter['name']}", send, _problem)
            else:
                assert parameter["in"] == "query", f"{self.name}: attack {parameter} as well."
                name = parameter["name"]
                send = partial(self._in_query, name)
                yield Field(f"{self.name} query {name}", send, partial(_judge_query, name))
                if parameter["schema"].get("type") == "array":
                    [first, *_] = parameter["schema"]["items"]["enum"]
                    send = partial(self._in_query, name, before=f"{first},")
                    yield Field(f"{self.name} query {name}[1]", send, partial(_judge_query, name))
        yield Field(f"{self.name} query name", self._as_query_name, _problem)
        if "requestBody" in self.operation:
            yield from self._body_fields()
        if self.operation["operationId"] in {"list_contracts", "report_step"}:
            writes = self.method == "POST"
            for header in (name for name in HEADERS if (name in OF_A_BODY) == writes):
                send = partial(self._in_header, header.split(":")[0], HEADERS[header])
                yield Field(f"{self.name} header {header}", send)
            yield Field(f"{self.name} method", self._as_method)

    def _body_fields(self) -> Iterator[Field]:
        form = self._resolved(
            self.operation["requestBody"]["content"]["application/json"]["schema"]
        )
        if "oneOf" not in form:
            yield from self._form_fields(form)
            return
        for one_of, body in zip(form["oneOf"], (self.stage.body, self.stage.instead), strict=True):
            shown = self.stage.shown if body is self.stage.body else lambda client: {}
            stage = replace(self.stage, body=body, shown=shown)
            one = _Operation(self.schema, self.path, self.method, self.operation, stage)
            yield from one._form_fields(self._resolved(one_of))

    def _form_fields(self, form: Any) -> Iterator[Field]:
        assert form.get("additionalProperties") is False, f"{self.name} accepts unknown fields."
        missing = set(form.get("required", ())) - set(self.stage.body)
        assert not missing, f"The stage of {self.name} lacks {missing}."
        yield self._body_field("", HERE, 0)
        yield self._key_field("", {HERE: 1})
        for name, schema in form.get("properties", {}).items():
            yield from self._inner_fields(
                name, name, self._resolved(schema), lambda value: value, 1
            )

    def _inner_fields(
        self, name: str, path: str, schema: Any, around: Callable[[Any], Any], above: int
    ) -> Iterator[Field]:
        """Yield the field itself, and those within it if it is a list, an object or free JSON."""

        def body(value: Any) -> dict[str, Any]:
            return self.stage.body | {name: around(value)}

        inside = schema.get("additionalProperties")
        is_free = not {"type", "enum", "oneOf", "allOf"} & set(schema)
        yield self._body_field(path, body(HERE), above, is_free=is_free)
        for inner, inner_schema in schema.get("properties", {}).items():
            assert path == f"{name}[0]", f"{self.name}: attack the fields of {path} as well."
            whole = self.stage.body[name][0]
            yield from self._inner_fields(
                name,
                f"{path}.{inner}",
                self._resolved(inner_schema),
                partial(lambda inner, whole, value: around(whole | {inner: value}), inner, whole),
                above + 1,
            )
        if schema.get("type") == "array":
            item = self._resolved(schema["items"])
            yield from self._inner_fields(
                name, f"{path}[0]", item, lambda value: around([value]), above + 1
            )
        if is_free:
            yield self._body_field(f"{path}[0]", body([HERE]), above + 1, is_free=True)
        if is_free or inside not in (None, False):
            yield self._body_field(f"{path}.a", body({"a": HERE}), above + 1, is_free=True)
            yield self._key_field(path, body({HERE: 1}))

    def _body_field(self, path: str, body: Any, above: int, *, is_free: bool = False) -> Field:
        template = json.dumps(body).encode()

        def send(payload: Payload) -> Any:
            return self._call(body=template.replace(MARK, payload.json))

        def judge(payload: Payload, answer: Any) -> str:
            fault = _judge_body(payload, answer, path, above=above, is_free=is_free)
            if fault or answer.status_code >= 300:
                return fault
            return self._judge_shown(template.replace(MARK, payload.json))

        return Field(f"{self.name} body {path or 'itself'}", send, judge)

    def _key_field(self, path: str, body: Any) -> Field:
        template = json.dumps(body).encode()

        def send(payload: Payload) -> Any:
            return self._call(body=template.replace(MARK, payload.as_key))

        def judge(payload: Payload, answer: Any) -> str:
            fault = _problem(payload, answer)
            if fault or answer.status_code >= 300:
                return fault
            return self._judge_shown(template.replace(MARK, payload.as_key))

        return Field(f"{self.name} body, a key of {path or 'itself'}", send, judge)

    def _judge_shown(self, body: bytes) -> str:
        """Check that accepted values are read back as sent, but for white space around reasons."""
        sent = json.loads(body) if body.strip() else {}
        shown = self.stage.shown(self.client)
        for name, value in shown.items():
            expected = sent.get(name, self.stage.body[name])
            if value != (expected.strip() if name == "reason" else expected):
                return f"{name} is shown as {value!r:.200}"
        return ""

    # --- the requests ---
    def _call(self, *, body: bytes | None = None, **extra: Any) -> Any:
        path = self.path.replace("{id}", str(self.stage.target))
        if body is None:
            body = json.dumps(self.stage.body).encode() if self.method == "POST" else b""
        extra = {"HTTP_AUTHORIZATION": self.authorization} | extra
        answer = self.client.generic(
            extra.pop("method", self.method), path, body, "application/json", secure=True, **extra
        )
        if answer.streaming:
            let_go(answer)
        return answer

    def _in_path(self, payload: Payload) -> Any:
        path = self.path.encode().replace(b"{id}", payload.raw)
        return self._call(PATH_INFO=path.decode("latin-1"))

    def _in_query(self, name: str, payload: Payload, before: str = "") -> Any:
        return self._call(QUERY_STRING=f"{name}={before}{quote(payload.raw, safe='')}")

    def _as_query_name(self, payload: Payload) -> Any:
        return self._call(QUERY_STRING=urlencode({payload.raw: "x"}))

    def _in_header(self, header: str, value: str, payload: Payload) -> Any:
        text = value.replace("{}", in_header(payload))
        name = header.upper().replace("-", "_")
        name = name if name == "CONTENT_TYPE" else f"HTTP_{name}"
        extra: dict[str, Any] = {name: text}
        return self._call(**extra)

    def _as_method(self, payload: Payload) -> Any:
        return self._call(method=in_header(payload)[:100])

    def _resolved(self, schema: Any) -> Any:
        """Resolve references, and an `allOf` that only adds a description to a reference."""
        while "$ref" in schema or len(schema.get("allOf", ())) == 1:
            reference = schema.get("$ref") or schema["allOf"][0]["$ref"]
            schema = self.schema["components"]["schemas"][reference.rsplit("/", 1)[1]]
        return schema


def in_header(payload: Payload) -> str:
    """Return the payload as a WSGI header value: Latin-1, in one line, at most 100 kB."""
    raw = payload.raw.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
    return raw[:100_000].decode("latin-1")


def _result(job_id: Any, client: Client) -> Mapping[str, Any]:
    result = _read(client, f"jobs/{job_id}/steps/")["results"][0]["result"]
    return {name: result[name] for name in ("output", "error", "health_after")}


def _end_of(job_id: Any, client: Client) -> Mapping[str, Any]:
    return {"reason": _read(client, f"jobs/{job_id}/")["end_reason"]}


def _verdict_on(job_id: Any, client: Client) -> Mapping[str, Any]:
    audit = _read(client, f"jobs/{job_id}/")["audit"]
    return {name: audit[name] for name in ("reason", "checks")}


def _read(client: Client, address: str) -> Any:
    person = Account.objects.filter(is_superuser=True).first()
    token = new_token(person)
    answer = client.get(API + address, secure=True, HTTP_AUTHORIZATION=f"Bearer {token}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def _problem(payload: Payload, answer: Any) -> str:
    """Check that an error is a problem document with an expected code, of at most 70 kB."""
    if answer.status_code < 400:
        return ""
    if answer["Content-Type"] != "application/problem+json":
        return f"{answer.status_code} as {answer['Content-Type']}"
    if len(answer.content) > 70_000:
        return f"a refusal of {len(answer.content)} bytes"
    document = answer.json()
    if answer.status_code == 400 and document["code"] not in REFUSALS:
        return f"400 {document['code']}"
    return ""


def _judge_query(name: str, payload: Payload, answer: Any) -> str:
    if fault := _problem(payload, answer):
        return fault
    if answer.status_code == 400 and answer.json()["errors"][0]["path"] != name:
        return f"path {answer.json()['errors'][0]['path']}"
    return ""


def _judge_body(payload: Payload, answer: Any, path: str, *, above: int, is_free: bool) -> str:
    if fault := _problem(payload, answer):
        return fault
    status = answer.status_code
    if not payload.json.strip() and (path.endswith("[0]") or not (path or payload.json)):
        return ""  # an empty list and a missing body are valid
    if not payload.is_acceptable(above=above):
        if status != 400:
            return f"{status}, although the value cannot be recorded"
    elif status not in ((200, 201, 204) if is_free else (200, 201, 204, 400, 409)):
        return f"{status} {answer.content[:300]!r}"
    if status == 400 and answer.json()["code"] not in ("malformed_json", "document_too_large"):
        reported = answer.json()["errors"][0]["path"]
        parent, dot, name = path.rpartition(".")
        if not reported.startswith((path, parent + dot + DEPENDS_ON.get(name, name))):
            return f"path {reported!r} instead of {path!r}"
    return ""
