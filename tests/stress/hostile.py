"""The attacks `hostile-…`: hostile payloads in every field that a client or a person can write."""

from __future__ import annotations

from functools import partial

from django.test import override_settings

from tests.stress.attack import Advance, AttackResult, attack, require
from tests.stress.proof import require_whole_record
from tests.support.databases import cloned, ensure_template
from tests.support.hostile import hostile_requests

TARGETS = {
    "api": "every field, parameter and header of the API",
    "admin": "every field of every form and list in the admin",
    "lines": "every field of the commands' files",
}


def hostile(part: str, count: int, advance: Advance) -> AttackResult:
    """Send `count` payloads into each field; they differ by field, so that all of them are used."""
    client = override_settings(ALLOWED_HOSTS=["testserver"], SECURE_SSL_REDIRECT=False)
    with cloned(ensure_template()), client:
        figure = hostile_requests(payloads=count, parts=(part,), advance=advance)
        entries = require_whole_record()
    require(figure["server_errors"] == 0, f"{figure['server_errors']} server errors")
    answers = ", ".join(
        f"{figure[kind]} {kind}" for kind in ("2xx", "3xx", "4xx") if kind in figure
    )
    return AttackResult(
        f"{figure['requests']} into {figure['fields']} fields: {answers or 'no traceback'}, "
        f"no 5xx; {entries} entries verify",
        figure,
    )


for _part, _targets in TARGETS.items():
    attack(
        f"hostile-{_part}",
        f"hostile payloads into {_targets}",
        unit="payloads",
        short=1,  # the suite has other tests that send every payload to some field
        long=300,
    )(partial(hostile, _part))
