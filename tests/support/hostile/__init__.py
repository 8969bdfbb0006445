"""Hostile input: a catalogue of payloads, and every field that a client can write.

`payloads.py` and `texts.py` are the catalogue. `api.py`, `admin.py` and `lines.py` find the fields
from the schema, from the forms of the pages and from sample documents, so that a new field is
attacked without being named here. `attack.py` sends payloads into fields and checks the responses.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test import override_settings

from governance.api.stream_broker import STREAM_BROKER
from governance.models import Account
from tests.support.hostile.admin import admin_fields
from tests.support.hostile.api import api_fields
from tests.support.hostile.attack import HostileInputError, Tally, attack_fields
from tests.support.hostile.lines import attack_lines
from tests.support.hostile.payloads import payloads as all_payloads
from tests.support.users import Users, create_users, username_of

__all__ = ["HostileInputError", "hostile_requests"]

# Slow password hashing would dominate the run, and in the long version leases would expire.
QUICK = override_settings(
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    GOVSITE=settings.GOVSITE | {"LEASE_GRACE_SECONDS": 86_400},
)


def hostile_requests(
    *,
    payloads: int | None,
    advance: Callable[[float], Any] = lambda count: None,
    parts: tuple[str, ...] = ("api", "admin", "lines"),
) -> dict[str, int]:
    """Send hostile values into each field that a client can write.

    Needs Django's test environment and a database; creates the users if they are missing.

    Args:
        payloads: How many values each field gets; None means all.
        advance: Called with a fraction as the attack proceeds; a value that was sent to every field
            of a part counts 1.
        parts: Which inputs are attacked.

    Returns:
        The number of payloads, of those sent, of fields and of requests, the responses by class of
        status, and `server_errors`, which is always 0.

    Raises:
        HostileInputError: A response is wrong; the message names field, payload and status.
    """
    users, root = _people()
    everything, tally = all_payloads(), Tally()
    with QUICK, _silence(), _one_stream_slot():
        for part, fields in (("api", api_fields), ("admin", admin_fields)):
            if part in parts:
                attack_fields(
                    list(fields(users, root)),
                    everything,
                    payloads=payloads,
                    tally=tally,
                    advance=advance,
                )
        if "lines" in parts:
            attack_lines(users, everything, payloads=payloads, tally=tally, advance=advance)
    return {
        "payloads": len(everything),
        "sent": len(tally.sent),
        "fields": tally.fields,
        "requests": tally.answers.total(),
        **dict(sorted(tally.answers.items())),
        "server_errors": tally.answers["5xx"],
    }


@contextmanager
def _silence() -> Iterator[None]:
    """Disable Django's log of refused requests, which would contain every hostile URL."""
    was = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(was)


@contextmanager
def _one_stream_slot() -> Iterator[None]:
    """Reserve one place for a stream; without one, every request for a stream is refused."""
    STREAM_BROKER.set_capacity(1)
    try:
        yield
    finally:
        STREAM_BROKER.set_capacity(0)


def _people() -> tuple[Users, Account]:
    there = {person.username: person for person in Account.objects.all()}
    names = {name: username_of(name) for name in Users.__dataclass_fields__}
    has_all = set(names.values()) <= set(there)
    users = Users(**{name: there[one] for name, one in names.items()}) if has_all else None
    root = Account.objects.filter(is_superuser=True).first()
    return users or create_users(), root or Account.objects.create_superuser("root")
