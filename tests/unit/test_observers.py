"""The observers `http`, `git` and `command`: what they ask, what they read, and each bad answer."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from governance.authorities.executor.handlers.git_source import GitSource
from governance.authorities.executor.handlers.step_documents import MAX_ANSWER_BYTES
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.health.observers.command import make_command_observer
from governance.authorities.health.observers.git import GitObserver, make_git_observer
from governance.authorities.health.observers.http import make_http_observer
from governance.authorities.health.observers.routed_observers import RoutedObserver
from tests.support.observing import BILLING, SEARCH, routed_observer, seen_by
from tests.support.repositories import FILE, BareRepository, bare_repository, served_repository
from tests.support.steps import write_secret
from tests.support.targets import Answering, FakeTarget, answer, fake_target, silence

USER: dict[str, Any] = {"user": "nobody"} if os.geteuid() == 0 else {"max_processes": 4096}
OK = "HTTP/1.1 200 OK\r\n"


# --- http ---
def http_observer(url: str, secrets: Path | None = None, **options: Any) -> RoutedObserver:
    options = {"allow_private": True} | options
    return routed_observer(make_http_observer, secrets, url=url, **options)


def test_http__one_address_for_all_scopes__is_asked_once() -> None:
    with fake_target(answer("200 OK", {"BILLING": BILLING, "SEARCH": SEARCH})) as target:
        seen = seen_by(http_observer(target.url), "BILLING", "SEARCH")
    assert seen == {"BILLING": BILLING, "SEARCH": SEARCH}
    [(headers, body)] = target.requests
    assert (headers["accept"], body) == ("application/json", b"")
    assert "authorization" not in headers


def test_http__address_with_a_scope__is_asked_for_each_scope_in_quotes() -> None:
    with fake_target(answer("200 OK", BILLING)) as target:
        url = f"http://127.0.0.1:{target.port}/state/{{scope}}?scope={{scope}}"
        seen = seen_by(http_observer(url), "BILLING", "A/b c?")
    assert seen == {"BILLING": BILLING, "A/b c?": BILLING}
    # The scopes are asked at the same time, so their order is open.
    assert sorted(target.paths) == [
        "/state/A%2Fb%20c%3F?scope=A%2Fb%20c%3F",
        "/state/BILLING?scope=BILLING",
    ]


def test_http__scope_that_is_answered_badly__leaves_the_others_as_they_are() -> None:
    served: list[FakeTarget] = []

    def answering(connection: socket.socket) -> None:
        is_good = served[0].paths[-1] == "/BILLING"
        (answer("200 OK", BILLING) if is_good else answer("500 Oops", b"no database"))(connection)

    with fake_target(answering) as target:
        served.append(target)
        url = f"http://127.0.0.1:{target.port}/{{scope}}"
        seen = seen_by(http_observer(url), "SEARCH", "BILLING")
    assert seen == {"SEARCH": "127.0.0.1 answered 500: no database", "BILLING": BILLING}


def test_http__scopes_by_themselves__are_asked_at_the_same_time() -> None:
    together = threading.Barrier(8)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            together.wait(10)
            body = json.dumps(BILLING).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        names = [f"SCOPE{number}" for number in range(16)]
        url = f"http://127.0.0.1:{server.server_port}/{{scope}}"
        assert seen_by(http_observer(url), *names, seconds=20) == dict.fromkeys(names, BILLING)
        server.shutdown()
        thread.join()


def test_http__token__is_sent_and_never_shown(tmp_path: Path) -> None:
    write_secret(tmp_path, "reader", "t0ken-of-the-reader\n")
    with fake_target(answer("403 Forbidden", b"bad t0ken-of-the-reader")) as target:
        seen = seen_by(http_observer(target.url, tmp_path, token="secret://reader"), "BILLING")
    assert target.requests[0][0]["authorization"] == "Bearer t0ken-of-the-reader"
    assert seen == "127.0.0.1 answered 403: bad secret://reader"


@pytest.mark.parametrize(
    ("answering", "words"),
    [
        (answer("204 No Content"), "127.0.0.1 answered 204"),
        (answer("302 Found", b"", "Location: http://example.com/"), "127.0.0.1 answered 302"),
        (answer("404 Not Found", b"no such page"), "127.0.0.1 answered 404: no such page"),
        (answer("200 OK", b"fine"), "The answer cannot be read. This is not JSON"),
        (answer("200 OK", []), "it is not a JSON object"),
        (answer("200 OK", {}), "The answer leaves this scope out."),
        (answer("200 OK", {"BILLING": []}), "The answer for this scope is not an object."),
        (answer("200 OK", b'{"BILLING": {}, "BILLING": {}}'), "The answer cannot be read."),
        (answer("200 OK", b" " * (MAX_ANSWER_BYTES + 1)), "larger than 1 MiB"),
        (lambda connection: None, "without sending a response"),
        (lambda connection: connection.sendall(f"{OK}Content-Length: 9\r\n\r\n{{".encode()), ""),
    ],
)
def test_http__answer_that_cannot_be_used__is_trouble(answering: Answering, words: str) -> None:
    with fake_target(answering) as target:
        seen = seen_by(http_observer(target.url), "BILLING")
    assert isinstance(seen, str)
    assert words in seen


def test_http__target_that_is_silent__is_given_up_in_time() -> None:
    with fake_target(silence(3)) as target:
        began = time.monotonic()
        seen = seen_by(http_observer(target.url), "BILLING", seconds=0.5)
        assert time.monotonic() - began < 2
    assert seen == "127.0.0.1 did not answer in time."


def test_http__host_at_a_private_address__is_not_called() -> None:
    seen = seen_by(http_observer("https://localhost/state", allow_private=False), "BILLING")
    assert "a private address, which its route does not allow" in seen


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "http://platform.example/"}, "route[0].observer_options.url: must begin"),
        ({"url": "https://u:p@platform.example/"}, "url: must not have a user"),
        ({"url": "https://{scope}.example/"}, "url: must not have {scope} in its host"),
        ({"token": "secret://absent"}, "secret://absent: cannot be read"),
        ({"token": "secret://spaced"}, "token: must be a secret of printable ASCII"),
        ({"allow_private": 1}, "allow_private: must be true or false"),
        ({"secret": "x"}, "observer_options.secret: is not a known field"),
        ({"hmac_key": "secret://absent"}, "secret://absent: cannot be read"),
    ],
)
def test_http__wrong_option__is_an_obstacle_with_its_path(
    tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    write_secret(tmp_path, "spaced", "two words")
    good = {"url": "https://platform.example/", "allow_private": False}
    observer = http_observer(**{"secrets": tmp_path} | good | options)
    assert words in observer.obstacle
    assert seen_by(observer, "BILLING") == observer.obstacle


# --- git ---
@pytest.fixture
def repository(tmp_path: Path) -> BareRepository:
    return bare_repository(
        tmp_path,
        {
            "BILLING": {"limit": 20, "lifecycle": "LAUNCHED", "gone": None},
            "SEARCH": {"lifecycle": "LAUCHED"},
            "SYSTEM": {"region": "eu"},
        },
    )


def git_observer(repository: BareRepository, **options: Any) -> RoutedObserver:
    options = {"repository": str(repository.path), "file": FILE} | options
    return routed_observer(make_git_observer, **options)


def test_git__file_at_the_tip__has_the_states_of_all_scopes(repository: BareRepository) -> None:
    seen = seen_by(git_observer(repository), "BILLING", "SEARCH", "SYSTEM", "ABSENT")
    assert seen == {
        "BILLING": BILLING,
        "SEARCH": "Its lifecycle is not one of DISABLED, PREVIEW, LAUNCHED, DEPRECATED.",
        "SYSTEM": {"configuration": {"region": "eu"}},
        "ABSENT": {"lifecycle": "DISABLED", "configuration": {}},
    }


def test_git__commit_of_a_person__is_seen_at_once(repository: BareRepository) -> None:
    observer = git_observer(repository)
    seen_by(observer, "BILLING")
    repository.person_sets("BILLING", "limit", 30)
    assert seen_by(observer, "BILLING")["configuration"] == {"limit": 30}


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("{", {}, f"{FILE} cannot be read."),
        ('{"BILLING": 1}', {}, "is not of the form {scope: {key: value}}."),
        ("{}", {"branch": "other"}, "The repository has no branch other."),
    ],
)
def test_git__file_that_cannot_be_used__is_trouble(
    repository: BareRepository, content: str, options: dict[str, Any], words: str
) -> None:
    repository.person_writes(content)
    assert words in seen_by(git_observer(repository, **options), "BILLING")


def test_git__absent_file__has_nothing_set(repository: BareRepository) -> None:
    seen = seen_by(git_observer(repository, file="other.json"), "BILLING")
    assert seen == {"lifecycle": "DISABLED", "configuration": {}}


def test_git__over_http__is_read_by_its_credentials(
    repository: BareRepository, tmp_path: Path
) -> None:
    write_secret(tmp_path, "git", "govsite:right-password")
    with served_repository(repository.path, "right-password") as address:
        source = GitSource(address, "main", FILE, "secret://git", SecretFiles(tmp_path))
        observer = routed_observer(lambda options, secrets: GitObserver(source), tmp_path)
        assert seen_by(observer, "BILLING") == BILLING


def test_git__wrong_option__is_an_obstacle_with_its_path(repository: BareRepository) -> None:
    observer = git_observer(repository, file="../etc/passwd")
    assert observer.obstacle.startswith("route[0].observer_options.file: must be a path")


# --- command ---
def command_observer(script: str) -> RoutedObserver:
    return routed_observer(make_command_observer, argv=["/bin/sh", "-c", script], **USER)


def test_command__answer__has_the_states_of_the_scopes_on_its_input() -> None:
    state = json.dumps({"BILLING": BILLING})
    script = f'read -r asked; test "$asked" = \'{{"scopes": ["BILLING"]}}\' && echo \'{state}\''
    assert seen_by(command_observer(script), "BILLING") == BILLING


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo no database >&2; exit 77", "no database"),
        ("exit 77", "sh ended with exit code 77."),
        ("echo oops >&2; exit 3", "sh ended with exit code 3. It wrote: oops"),
        ("echo hello", "The answer cannot be read. This is not JSON"),
        ("head -c 2000000 /dev/zero", "It wrote more than 1 MiB, and was killed."),
    ],
)
def test_command__answer_that_cannot_be_used__is_trouble(script: str, words: str) -> None:
    assert words in seen_by(command_observer(script), "BILLING")


def test_command__that_does_not_end__is_killed_in_time() -> None:
    began = time.monotonic()
    seen = seen_by(command_observer("sleep 20"), "BILLING", seconds=0.5)
    assert time.monotonic() - began < 5
    assert seen == "sh: It did not end in time, and was killed."


def test_command__wrong_option__is_an_obstacle_with_its_path() -> None:
    observer = routed_observer(make_command_observer, argv=["/absent"], **USER)
    assert observer.obstacle.startswith("route[0].observer_options.argv[0]: must be")
