"""Request bodies that are refused: hostile, of the wrong structure, or of the wrong type."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from governance.api.parsers import StrictJSONParser
from governance.domain.canonical import timestamp
from governance.domain.errors import InvalidInputError
from governance.models import StepResult
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, report_body
from tests.support.factories import approved, finished_job, now, pending_job, running_job
from tests.support.users import Users

JSON = "application/json"


def raw_report(token: str, output: bytes) -> bytes:
    at = timestamp(now()).encode()
    return (
        b'{"execution_token": "%s", "step_index": 0, "status": "COMPLETED",'
        b' "started_at": "%s", "completed_at": "%s", "output": %s}'
        % (token.encode(), at, at, output)
    )


TOO_DEEP = "output" + "[0]" * 31
HOSTILE = [
    pytest.param(rb'"a\u0000b"', "invalid_json", "output", id="NUL"),
    pytest.param(rb'{"a\u0000": 1}', "invalid_json", "output", id="NUL in a key"),
    pytest.param(rb'"\ud800"', "invalid_json", "output", id="half a surrogate pair"),
    pytest.param(rb'{"\udfff": 1}', "invalid_json", "output", id="half a pair in a key"),
    pytest.param(b"NaN", "invalid_json", "output", id="NaN"),
    pytest.param(b"-Infinity", "invalid_json", "output", id="Infinity"),
    pytest.param(b"1e999", "invalid_json", "output", id="1e999"),
    pytest.param(b"9007199254740992", "invalid_json", "output", id="beyond 2^53-1"),
    pytest.param(b"1e-400", "number_not_exact", "output", id="1e-400"),
    pytest.param(b"[1, 9007199254740991.4]", "number_not_exact", "output[1]", id="rounded"),
    pytest.param(b"9" * 5000, "malformed_json", None, id="5000 digits"),
    pytest.param(b'{"a": 1, "a": 2}', "invalid_json", "output.a", id="a key twice"),
    pytest.param(b"[" * 40 + b"]" * 40, "invalid_json", TOO_DEEP, id="40 deep"),
    pytest.param(b"[" * 100_000 + b"]" * 100_000, "invalid_json", TOO_DEEP, id="100 000 deep"),
    pytest.param(b"[" * 100_000, "invalid_json", TOO_DEEP, id="100 000 deep and open"),
    pytest.param(b'"\xff"', "malformed_json", None, id="not UTF-8"),
    pytest.param(b'"\xed\xa0\x80"', "malformed_json", None, id="a surrogate in UTF-8"),
    pytest.param(b"{", "malformed_json", None, id="cut off"),
    pytest.param(b"1} {", "malformed_json", None, id="two documents"),
]


@pytest.mark.parametrize(("output", "code", "path"), HOSTILE)
def test_report__with_hostile_json__400(
    users: Users, client_for: ClientFor, output: bytes, code: str, path: str | None
) -> None:
    running = running_job(users)
    answer = client_for(users.executor).post(
        f"{API}jobs/{running.job.pk}/results/",
        raw_report(running.token, output),
        content_type=JSON,
    )
    assert_problem(answer, 400, code, path)
    assert not StepResult.objects.filter(job=running.job).exists()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_report__in_another_encoding__400(
    users: Users, client_for: ClientFor, encoding: str
) -> None:
    running = running_job(users)
    body = raw_report(running.token, b"1").decode().encode(encoding)
    for content_type in (JSON, f"{JSON}; charset={encoding}"):
        answer = client_for(users.executor).generic(
            "POST", f"{API}jobs/{running.job.pk}/results/", body, content_type=content_type
        )
        assert_problem(answer, 400, "malformed_json")


def test_report__of_more_than_1_mib__400(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    body = raw_report(running.token, b'"' + b"a" * 1024 * 1024 + b'"')
    answer = client_for(users.executor).generic(
        "POST", f"{API}jobs/{running.job.pk}/results/", body, content_type=JSON
    )
    assert_problem(answer, 400, "document_too_large", path="")


def test_report__of_fewer_letters_but_more_bytes__400(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    body = raw_report(running.token, '"{}"'.format("é" * 700_000).encode())
    answer = client_for(users.executor).generic(
        "POST", f"{API}jobs/{running.job.pk}/results/", body, content_type=JSON
    )
    assert_problem(answer, 400, "document_too_large", path="")


def test_parser__of_a_huge_body__leaves_the_rest_unread() -> None:
    body = io.BytesIO(b'"' + b"a" * 8 * 1024 * 1024)
    with pytest.raises(InvalidInputError):
        StrictJSONParser().parse(body)
    assert body.tell() == 1024 * 1024 + 1


def test_report__of_almost_1_mib__201(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    body = raw_report(running.token, b'"' + b"a" * (1024 * 1024 - 400) + b'"')
    answer = client_for(users.executor).generic(
        "POST", f"{API}jobs/{running.job.pk}/results/", body, content_type=JSON
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/xml",
        "application/json5",
        "",
        "garbage",
    ],
)
def test_body__of_another_content_type__415(
    users: Users, client_for: ClientFor, content_type: str
) -> None:
    job = pending_job(users)
    executor = client_for(users.executor)
    answer = executor.generic(
        "POST", f"{API}jobs/{job.pk}/start/", b"{}", content_type=content_type
    )
    assert_problem(answer, 415, "unsupported_media_type")


def test_body__in_chunks_of_unknown_length__411(users: Users, client_for: ClientFor) -> None:
    contract = approved(users)
    answer = client_for(users.operator).post(
        f"{API}contracts/{contract.pk}/activate/", HTTP_TRANSFER_ENCODING="chunked"
    )
    assert_problem(answer, 411, "length_required")


@pytest.mark.parametrize("body", [[], "text", 1, None, True])
def test_body__that_is_no_object__400(users: Users, client_for: ClientFor, body: Any) -> None:
    running = running_job(users)
    for call in ("start", "results", "complete"):
        answer = client_for(users.executor).generic(
            "POST",
            f"{API}jobs/{running.job.pk}/{call}/",
            json.dumps(body).encode(),
            content_type=JSON,
        )
        assert_problem(answer, 400, "invalid_input", "")


NO = object()
FAULTS: list[tuple[str, Any]] = [
    ("execution_token", NO),
    ("execution_token", None),
    ("execution_token", 5),
    ("execution_token", ""),
    ("execution_token", "x" * 201),
    ("execution_token", ["x"]),
    ("step_index", NO),
    ("step_index", True),
    ("step_index", "0"),
    ("step_index", 0.5),
    ("step_index", -1),
    ("step_index", 2**31),
    ("step_index", None),
    ("step_index", [0]),
    ("status", NO),
    ("status", "RUNNING"),
    ("status", "completed"),
    ("status", True),
    ("status", {}),
    ("status", ["COMPLETED"]),
    ("started_at", NO),
    ("started_at", "2026-11-02T09:00:00"),
    ("started_at", "2026-11-02"),
    ("started_at", "2026-11-02 09:00:00Z"),
    ("started_at", "20261102T090000Z"),
    ("started_at", "2026-02-30T09:00:00Z"),
    ("started_at", "2026-11-02T24:00:00Z"),
    ("started_at", "2026-11-02T09:00:00+25:00"),
    ("started_at", "0001-01-01T00:00:00+01:00"),
    ("started_at", "9999-12-31T23:59:59-01:00"),
    ("started_at", "２０２６-11-02T09:00:00Z"),
    ("started_at", "2026-11-02T09:00:00Z\n"),
    ("started_at", 1793610000),
    ("completed_at", "2026-11-02T08:59:59Z"),
    ("completed_at", None),
    ("error", "But it was completed."),
    ("error", None),
    ("error", 1),
    ("error", "x" * 10_001),
    ("verdict", "PASS"),
    ("job_status", "COMPLETED"),
    ("non_field_errors", 1),
]


@pytest.mark.parametrize(("field", "value"), FAULTS)
def test_report__with_a_fault__400_naming_the_field(
    users: Users, client_for: ClientFor, field: str, value: Any
) -> None:
    running = running_job(users)
    body = report_body(running.token) | {field: value}
    if value is NO:
        del body[field]
    answer = client_for(users.executor).post(f"{API}jobs/{running.job.pk}/results/", body)
    problem = assert_problem(answer, 400, "invalid_input")
    assert [fault["path"] for fault in problem["errors"]] in ([field], [""])
    assert (problem["errors"][0]["path"] == "") is (field == "non_field_errors")
    assert not StepResult.objects.filter(job=running.job).exists()


def test_report__of_a_failure_without_words__400(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    answer = client_for(users.executor).post(
        f"{API}jobs/{running.job.pk}/results/", report_body(running.token, status="FAILED")
    )
    assert_problem(answer, 400, "invalid_input", "error")


def test_report__with_many_faults__names_them_all(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    answer = client_for(users.executor).post(f"{API}jobs/{running.job.pk}/results/", {"output": 1})
    problem = assert_problem(answer, 400, "invalid_input")
    assert {fault["path"] for fault in problem["errors"]} == {
        "execution_token",
        "step_index",
        "status",
        "started_at",
        "completed_at",
    }


def test_body__with_a_thousand_unknown_fields__echoes_few(
    users: Users, client_for: ClientFor
) -> None:
    job = pending_job(users)
    body = {f"{index:04}" + "x" * 900: 1 for index in range(1000)}
    answer = client_for(users.executor).post(f"{API}jobs/{job.pk}/start/", body)
    assert_problem(answer, 400, "invalid_input")
    assert len(answer.content) < 50_000


@pytest.mark.parametrize(
    "timeout_minutes", [0, 1441, -1, True, "60", 60.5, None, [60], 2**53 - 1, 1e4]
)
def test_activation__with_a_wrong_timeout__400(
    users: Users, client_for: ClientFor, timeout_minutes: Any
) -> None:
    contract = approved(users)
    body = {"timeout_minutes": timeout_minutes}
    answer = client_for(users.operator).post(f"{API}contracts/{contract.pk}/activate/", body)
    assert_problem(answer, 400, "invalid_input", "timeout_minutes")


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("contracts/{contract}/activate/", {}),
        ("jobs/claim/", {}),
        ("jobs/{job}/start/", {}),
        ("jobs/{job}/results/", report_body("x")),
        ("jobs/{job}/complete/", {"execution_token": "x"}),
        ("jobs/{job}/cancel/", {"reason": "Not now."}),
        ("jobs/{job}/verdict/", {"verdict": "FAIL", "reason": "x", "evidence_sha256": "0" * 64}),
    ],
)
def test_every_call__with_a_field_it_does_not_know__400_naming_it(
    users: Users, client_for: ClientFor, address: str, body: dict[str, Any]
) -> None:
    job = pending_job(users)
    users.outsider.is_superuser = True
    users.outsider.save()
    client = client_for(users.outsider)
    target = API + address.format(contract=job.contract_id, job=job.pk)
    assert_problem(client.post(target, body | {"actor": "founder"}), 400, "invalid_input", "actor")
    assert_problem(client.post(target + "?as=founder", body), 400, "invalid_parameter", "as")


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("verdict", "PENDING", "verdict"),
        ("verdict", "pass", "verdict"),
        ("verdict", True, "verdict"),
        ("reason", 1, "reason"),
        ("reason", "x" * 4001, "reason"),
        ("evidence_sha256", "0" * 63, "evidence_sha256"),
        ("evidence_sha256", "A" * 64, "evidence_sha256"),
        ("evidence_sha256", "0" * 64 + "\n", "evidence_sha256"),
        ("evidence_sha256", None, "evidence_sha256"),
        ("checks", {}, "checks"),
        ("checks", "PASS", "checks"),
        ("checks", [{}, "PASS"], "checks[1]"),
        ("checks", [[]], "checks[0]"),
        ("checks", [None], "checks[0]"),
        ("checks", [{}] * 1001, "checks"),
    ],
)
def test_verdict__invalid__400_with_the_path(
    users: Users, client_for: ClientFor, field: str, value: Any, path: str
) -> None:
    job = finished_job(users)
    body = {"verdict": "PASS", "reason": "x", "evidence_sha256": job.evidence.sha256}
    answer = client_for(users.auditor).post(f"{API}jobs/{job.pk}/verdict/", body | {field: value})
    assert_problem(answer, 400, "invalid_input", path)


def test_verdict__with_an_empty_reason__400(users: Users, client_for: ClientFor) -> None:
    job = finished_job(users)
    body = {"verdict": "PASS", "reason": "  ", "evidence_sha256": job.evidence.sha256}
    answer = client_for(users.auditor).post(f"{API}jobs/{job.pk}/verdict/", body)
    assert_problem(answer, 400, "invalid_verdict", "reason")


@pytest.mark.parametrize(("number", "minutes"), [(b"90", 90), (b"90.0", 90), (b"9e1", 90)])
def test_activation__for_a_whole_number_however_it_is_written__201(
    users: Users, client_for: ClientFor, number: bytes, minutes: int
) -> None:
    address = f"{API}contracts/{approved(users).pk}/activate/"
    answer = client_for(users.operator).post(
        address, b'{"timeout_minutes": %s}' % number, content_type=JSON
    )
    assert answer.status_code == 201, answer.content
    assert answer.json()["job"]["timeout_minutes"] == minutes
