"""Hostile input: a catalogue of payloads, and every place into which a client can put them.

`payloads.py` and `texts.py` are the catalogue. `api.py`, `admin.py` and `lines.py` find the places
from the schema, the pages' forms and the documents' forms, so that a new field is attacked without
being named here. `attack.py` sends one into the other and judges the answers.
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
from tests.support.users import Users, create_users

__all__ = ["HostileInputError", "hostile_requests"]

# The attack is on forms: not on the patience of whoever hashes passwords, nor on leases, which
# would lapse while the long version takes its time.
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
    """Send `payloads` hostile values (None: all) into each place that a client writes.

    Needs Django's test environment and a database; hires the cast where it is not there. Returns
    how many payloads there are and were sent, how many fields and requests there were, how they
    were answered by class of status, and `server_errors`, which is 0: at the first answer that is
    wrong it raises HostileInputError, an AssertionError that names field, payload and status.
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
    """Django logs each refused request with its whole address; here that is a novel."""
    was = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(was)


@contextmanager
def _one_stream_slot() -> Iterator[None]:
    """Without any, every stream would be refused as one too many."""
    STREAM_BROKER.set_capacity(1)
    try:
        yield
    finally:
        STREAM_BROKER.set_capacity(0)


def _people() -> tuple[Users, Account]:
    there = {person.username.replace("-", "_"): person for person in Account.objects.all()}
    names = Users.__dataclass_fields__
    users = Users(**{name: there[name] for name in names}) if set(names) <= set(there) else None
    root = Account.objects.filter(is_superuser=True).first()
    return users or create_users(), root or Account.objects.create_superuser("root")
