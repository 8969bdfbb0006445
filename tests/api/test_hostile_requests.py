"""Malformed HTTP requests, sent through a raw socket to the site under gunicorn."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from tests.support.sites import client_of, running_site
from tests.support.tokens import new_token
from tests.support.users import Users

CLAIM = b"POST /api/v1/jobs/claim/ HTTP/1.1\r\n"
JOBS = b"GET /api/v1/jobs/ HTTP/1.1\r\n"
LOGIN = b"GET /admin/login/?q=5c75%64 HTTP/1.1\r\n"

LENGTHS = (b"abc", b"-5", b"1e3", b"0x10", b"9" * 30, b"9" * 5000, b"+2", b"2, 2", b"\xb2", b"")
CHARSETS = (
    *(b"charset=hex", b"charset=undefined", b"charset=unicode_escape", b"charset=utf-16"),
    *(b"charset=idna", b"charset=zlib", b"x*=nope''y", b"charset=\xff", b"charset=", b"charset"),
)
REQUESTS: dict[str, bytes] = {
    **{f"length {length!r:.20}": CLAIM + b"Content-Length: " + length for length in LENGTHS},
    **{
        f"charset: {charset!r}": LOGIN + b"Content-Type: text/plain; " + charset
        for charset in CHARSETS
    },
    "charset of a call": JOBS.replace(b"/ ", b"/?a=b ") + b"Content-Type: a/b; charset=hex",
    "two lengths": CLAIM + b"Content-Length: 2\r\nContent-Length: 5",
    "chunks": CLAIM + b"Transfer-Encoding: chunked",
    "chunks and a length": CLAIM + b"Transfer-Encoding: chunked\r\nContent-Length: 2",
    "odd coding": CLAIM + b"Transfer-Encoding: \x0bchunked",
    "a coding nobody knows": CLAIM + b"Transfer-Encoding: brew",
    "NUL in a header": JOBS + b"Accept: a\x00b",
    "bytes in a header": JOBS + b"Accept: \xff\xfe\x80",
    "a header in no charset": JOBS + b"Accept: a/b; x*=nope''y",
    "bytes in a token": JOBS + b"Authorization: Bearer \xff\xfe",
    "bytes in a host": JOBS + b"Host: \xff\xfe",
    "a folded header": JOBS + b"Accept: a\r\n b",
    "no colon": JOBS + b"Accept",
    "a long header": JOBS + b"Accept: " + b"x" * 70_000,
    "many headers": JOBS + b"X-A: 1\r\n" * 500 + b"X-A: 2",
    "a long line": b"GET /api/v1/jobs/?status=" + b"x" * 20_000 + b" HTTP/1.1",
    "bytes in the address": b"GET /api/v1/\xff\xfe\x00/?\xff=\x80 HTTP/1.1",
    "NUL in the address": b"GET /admin/%00/?q=%00 HTTP/1.1",
    "NUL in a cookie": b'GET /admin/ HTTP/1.1\r\nCookie: sessionid="\\000aaaaaaaaaaaa"',
    "no version": b"GET /api/v1/jobs/",
    "odd version": b"GET /api/v1/jobs/ HTTP/9.9",
    "another method": b"BREW /api/v1/jobs/ HTTP/1.1",
    "no method": b" /api/v1/jobs/ HTTP/1.1",
    "whole address": b"GET http://[/api/v1/jobs/ HTTP/1.1",
    "star": b"OPTIONS * HTTP/1.1",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}
# gunicorn's statuses for an unsupported HTTP version or transfer coding are not server errors.
NOT_KNOWN = {b"501", b"505"}


def test_requests__that_no_library_would_send__never_a_server_error(committed: Users) -> None:
    token = new_token(committed.executor).encode()
    with running_site({"SECURE_SSL_REDIRECT": "0"}) as address:
        answers = {name: send(address, head, token) for name, head in REQUESTS.items()}
        with client_of(address, committed.viewer) as client:
            assert client.get("jobs/").status_code == 200  # the site still responds
    statuses = {name: answer.split(b" ", 2)[1] for name, answer in answers.items() if answer}
    wrong = {
        name: answers[name][:300]
        for name, status in statuses.items()
        if status[:1] not in b"234" and status not in NOT_KNOWN
    }
    assert wrong == {}
    assert len(statuses) > 30, "It mostly hung up."
    for name in REQUESTS:
        if name.startswith("charset") and name != "charset: b'charset'":
            assert statuses[name] == b"415", name
    assert statuses["NUL in a cookie"] == statuses["NUL in the address"] == b"400"
    assert statuses["chunks"] == b"411"
    assert b"application/problem+json" in answers["charset of a call"]


def send(address: str, head: bytes, token: bytes) -> bytes:
    """Return the response to `head` and a short body; empty on a disconnect or a timeout."""
    site = urlsplit(address)
    rest = b"" if b"Host:" in head else b"Host: localhost\r\n"
    rest += b"" if b"Authorization" in head else b"Authorization: Bearer %s\r\n" % token
    with socket.create_connection(
        (site.hostname or "", site.port or 0), timeout=1
    ) as client_socket:
        try:
            client_socket.sendall(
                head + b"\r\n" + rest + b"Connection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
            )
            return client_socket.recv(2000)
        except (TimeoutError, ConnectionError):
            return b""
