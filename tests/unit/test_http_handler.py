"""The handler `http`: what it sends, what it reads, and how each bad answer ends in time."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks.webhooks import Webhook

from governance.authorities.executor.handlers.addresses import is_public
from governance.authorities.executor.handlers.http import make_http_handler
from governance.authorities.executor.handlers.step_documents import MAX_ANSWER_BYTES
from governance.authorities.executor.steps import StepHandler
from governance.domain.errors import InvalidRoutesError, UnusableSecretError
from tests.support.steps import UPDATE, handler_from, performed, step_for, write_secret
from tests.support.targets import Answering, answer, fake_target, silence, trickle

KEY = "whsec_" + b64encode(b"k" * 32).decode()
DONE = {"state_before": 20, "state_after": 50}
OK = "HTTP/1.1 200 OK\r\n"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    write_secret(tmp_path, "hook", KEY + "\n")
    return tmp_path


def handler_at(url: str, secrets: Path, **options: Any) -> StepHandler:
    options = {"allow_private": True, "secret": "secret://hook"} | options
    return handler_from(make_http_handler, secrets, url=url, **options)


# --- what is sent ---
def test_step__posted__is_signed_and_says_what_to_do(secrets: Path) -> None:
    with fake_target(answer("200 OK", DONE)) as target:
        performed(handler_at(target.url, secrets), step_for())
    [(headers, body)] = target.requests
    document = Webhook(KEY).verify(body, headers)
    assert document["type"] == "govsite.step"
    assert document["data"]["change"] == UPDATE
    assert (document["data"]["target"], document["data"]["step_index"]) == ("BILLING", 0)
    assert headers["webhook-id"] == "0197a0c2-0000-7000-8000-00000000000a.0"
    assert headers["host"] == f"127.0.0.1:{target.port}"


def test_secret_in_a_change__is_sent_and_never_reported(secrets: Path) -> None:
    write_secret(secrets, "db", "s3cret-value")
    change = UPDATE | {"key": "password", "new_value": "secret://db", "old_value": None}
    echo = {
        "did": f"set s3cret-value with {KEY}",
        "state_before": None,
        "state_after": "s3cret-value",
    }
    with fake_target(answer("200 OK", echo)) as target:
        performance = performed(handler_at(target.url, secrets), step_for(change))
    assert json.loads(target.requests[0][1])["data"]["change"]["new_value"] == "s3cret-value"
    output = performance.report.output
    assert output["state_after"] == "secret://db"
    assert output["did"] == "set secret://db with secret://hook"


def test_secret__without_its_file__fails_the_step_before_anything_is_sent(secrets: Path) -> None:
    change = UPDATE | {"key": "password", "new_value": "secret://absent"}
    with fake_target(answer("200 OK", DONE)) as target:
        performance = performed(handler_at(target.url, secrets), step_for(change))
    assert "secret://absent: cannot be read" in performance.report.error
    assert target.requests == []


# --- what is read ---
def test_answer__2xx__completes_the_step_with_its_states(secrets: Path) -> None:
    undo = {"type": "configuration_update"}
    with fake_target(answer("201 Created", DONE)) as target:
        performance = performed(handler_at(target.url, secrets), step_for(rollback_action=undo))
    assert performance.report.status == "COMPLETED"
    assert performance.report.output == {
        "did": "127.0.0.1 answered 201",
        "state_before": 20,
        "state_after": 50,
        "rollback_action": undo,
    }


def test_answer__4xx__refuses_the_step_with_its_words(secrets: Path) -> None:
    with fake_target(answer("409 Conflict", b"limit is\n locked")) as target:
        performance = performed(handler_at(target.url, secrets), step_for())
    assert performance.report.error == "127.0.0.1 refused the step with 409: limit is locked"
    assert not performance.is_fault


@pytest.mark.parametrize(
    ("answering", "words"),
    [
        (answer("500 Oops", b"no database"), "127.0.0.1 answered 500: no database"),
        (answer("302 Found", b"", "Location: http://example.com/"), "the redirect 302"),
        (answer("307 Again", b"", "Location: /steps"), "the redirect 307"),
        (answer("200 OK", b"fine"), "cannot be read. This is not JSON"),
        (answer("200 OK", []), "it is not a JSON object"),
        (answer("204 No Content"), "cannot be read"),
        (answer("200 OK", {"state_after": 1}), "it has no state_before"),
        (answer("200 OK", DONE | {"state": 1}), "unknown field 'state'"),
        (answer("200 OK", DONE | {"rollback_action": 1}), "rollback_action is not an object"),
        (answer("200 OK", b'{"state_before":1,"state_before":2}'), "cannot be read"),
        (answer("200 OK", b"[" * 100_000), "cannot be read"),
        (answer("200 OK", b" " * (MAX_ANSWER_BYTES + 1)), "larger than 1 MiB"),
        (lambda connection: None, "without sending a response"),
        (lambda connection: connection.sendall(b"SSH-2.0\r\n\r\n"), "illegal status line"),
        (
            lambda connection: connection.sendall(OK.encode() + b"Content-Length: 9\r\n\r\n{"),
            "peer",
        ),
    ],
)
def test_answer__unusable__is_a_fault_and_nothing_is_sent_again(
    secrets: Path, answering: Answering, words: str
) -> None:
    with fake_target(answering) as target:
        performance = performed(handler_at(target.url, secrets), step_for())
        time.sleep(0.1)
    assert words in performance.report.error
    assert performance.is_fault
    assert len(target.requests) == 1


@pytest.mark.parametrize(
    "answering",
    [
        silence(3),
        trickle(OK.encode(), b"X-More: 1\r\n", 5),
        trickle(f"{OK}Content-Length: 9999\r\n\r\n".encode(), b" ", 5),
        trickle(f"{OK}Transfer-Encoding: chunked\r\n\r\n".encode(), b"1\r\n \r\n", 5),
    ],
    ids=["silent", "headers without end", "slow body", "body without end"],
)
def test_answer__that_does_not_end__fails_the_step_in_time(
    secrets: Path, answering: Answering
) -> None:
    with fake_target(answering) as target:
        began = time.monotonic()
        performance = performed(handler_at(target.url, secrets), step_for(seconds=1))
        assert time.monotonic() - began < 2
        assert len(target.requests) == 1
    assert performance.report.status == "FAILED"
    assert performance.is_fault
    assert "Timed out" in performance.report.error or "in time" in performance.report.error


def test_handler__whose_target_never_ends__stops_by_itself_soon_after_the_deadline(
    secrets: Path,
) -> None:
    endless = trickle(f"{OK}Transfer-Encoding: chunked\r\n\r\n".encode(), b"1\r\n \r\n", 5)
    with fake_target(endless) as target:
        began = time.monotonic()
        with pytest.raises(Exception, match="did not answer in time"):
            handler_at(target.url, secrets).run_step(step_for(seconds=0.5))
        assert time.monotonic() - began < 2


# --- where it connects ---
def test_host__at_a_private_address__is_not_called(secrets: Path) -> None:
    handler = handler_at("https://localhost/steps", secrets, allow_private=False)
    performance = performed(handler, step_for())
    assert "a private address, which its route does not allow" in performance.report.error


def resolver(*answers: list[str]) -> tuple[list[str], Any]:
    """Return the names that were asked for, and a resolver that gives each answer once."""
    asked: list[str] = []
    left = list(answers)

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in left.pop(0)]

    return asked, resolve


def test_host__with_one_private_address_among_others__is_not_called(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, resolve = resolver(["8.8.8.8", "10.0.0.1"])
    handler = handler_at("https://platform.example/steps", secrets, allow_private=False)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert "platform.example is at 10.0.0.1" in performed(handler, step_for()).report.error
    assert asked == ["platform.example"]


def test_name__resolved_a_second_time__would_be_another_address_and_is_not_asked(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of the target is asked once; the connection goes to the address of that answer."""
    with fake_target(answer("200 OK", DONE)) as target:
        handler = handler_at(f"http://platform.example:{target.port}/steps", secrets)
        real = socket.getaddrinfo
        asked, first = resolver(["127.0.0.1"])

        def resolve(host: str, *args: Any, **kwargs: Any) -> Any:
            # Connecting to an address asks for the address itself, which resolves nothing.
            return (first if host == "platform.example" else real)(host, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        performance = performed(handler, step_for())
    assert performance.report.status == "COMPLETED", performance.report.error
    assert asked == ["platform.example"]
    assert target.requests[0][0]["host"] == f"platform.example:{target.port}"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.1.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%lo"),  # noqa: S104
        *("fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "::a00:1"),
    ],
)
def test_address__private_in_any_form__is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_address__of_the_internet__is_public(address: str) -> None:
    assert is_public(address)


def test_proxy__in_the_environment__is_not_used(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with fake_target(answer("200 OK", DONE)) as target:
        performance = performed(handler_at(target.url, secrets), step_for())
    assert performance.report.status == "COMPLETED"


def test_certificate__that_nobody_vouches_for__is_a_fault(secrets: Path, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))

    def greet(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection, pytest.raises(OSError):
                greet(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"https://localhost:{server.getsockname()[1]}/steps"
        performance = performed(handler_at(url, secrets), step_for())
        thread.join(10)
    assert "CERTIFICATE_VERIFY_FAILED" in performance.report.error
    assert performance.is_fault


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


# --- the options of the route ---
@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"url": "ftp://platform.example/"}, "url"),
        ({"url": "http://platform.example/"}, "url"),
        ({"url": "https:///steps"}, "url"),
        ({"url": "https://user:word@platform.example/"}, "url"),
        ({"url": "https://platform.example/#part"}, "url"),
        ({"url": "https://platform.example:x/"}, "url"),
        ({"url": "https://plätform.example/"}, "url"),
        ({"hosts": ["other.example"]}, "hosts"),
        ({"secret": "secret://weak"}, "secret"),
        ({"secret": "secret://text"}, "secret"),
        ({"allow_private": 1}, "allow_private"),
        ({"timeout": 5}, "timeout"),
    ],
)
def test_options__wrong__are_refused_with_their_path(
    secrets: Path, options: dict[str, Any], path: str
) -> None:
    write_secret(secrets, "weak", "whsec_" + b64encode(b"short").decode())
    write_secret(secrets, "text", "a long text that is no key, and not base64")
    good = {"url": "https://platform.example/", "secret": "secret://hook"}
    with pytest.raises(InvalidRoutesError) as refused:
        handler_from(make_http_handler, secrets, **(good | options))
    assert refused.value.errors[0]["path"] == f"route[0].options.{path}"


def test_secret__of_a_route__is_needed_when_the_worker_starts(secrets: Path) -> None:
    with pytest.raises(UnusableSecretError, match="secret://absent"):
        handler_at("https://platform.example/", secrets, secret="secret://absent")
