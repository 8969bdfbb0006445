"""Hostile payloads in every place that a client, a founder or an operator writes."""

from __future__ import annotations

from functools import partial

from django.test import override_settings

from tests.stress.attack import (
    Advance,
    AttackResult,
    attack,
    require,
)
from tests.stress.proof import require_whole_record
from tests.support.databases import cloned, ensure_template
from tests.support.hostile import hostile_requests

TARGETS = {
    "api": "every field, parameter and header of the API",
    "admin": "every field of every form and list in the admin",
    "lines": "every field of the commands' files",
}


def hostile(part: str, count: int, advance: Advance) -> AttackResult:
    """`count` payloads into each place; other ones for each, so that all of them are met."""
    client = override_settings(ALLOWED_HOSTS=["testserver"], SECURE_SSL_REDIRECT=False)
    with cloned(ensure_template()), client:
        figure = hostile_requests(payloads=count, parts=(part,), advance=advance)
        entries = require_whole_record()
    require(figure["server_errors"] == 0, f"{figure['server_errors']} server errors")
    answers = ", ".join(
        f"{figure[kind]} {kind}" for kind in ("2xx", "3xx", "4xx") if kind in figure
    )
    return AttackResult(
        f"{figure['requests']} into {figure['fields']} places: {answers or 'no traceback'}, "
        f"no 5xx; {entries} entries verify",
        figure,
    )


for _part, _targets in TARGETS.items():
    attack(
        f"hostile-{_part}",
        f"hostile payloads into {_targets}",
        unit="payloads",
        short=1,  # the suite's own tests of hostile input send every payload somewhere
        long=300,
    )(partial(hostile, _part))
