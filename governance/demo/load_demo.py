"""Loading of the demo into an empty database, in one transaction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from governance.authorities.contract.queries import count_contracts
from governance.db.clock import adjustable_clock, database_now
from governance.demo.people import Login, create_people
from governance.demo.scenario import ScenarioWriter
from governance.domain.errors import NotEmptyError
from governance.models import Account

FOLDER = Path(__file__).parent


def is_empty() -> bool:
    """Return whether nobody has an account and no contract exists, so that a demo does no harm."""
    return not Account.objects.filter(machine=None).exists() and count_contracts() == 0


def load_demo() -> list[Login]:
    """Fill an empty database with the demo, and return the logins of its people.

    One transaction of the owner, who sets the clock back, so that the contracts are days old.

    Raises:
        NotEmptyError: there is an account or a contract.
    """
    if not is_empty():
        raise NotEmptyError("The database already has users or contracts.")
    with adjustable_clock():
        return _load()


def _load() -> list[Login]:
    people, logins = create_people()
    writer = ScenarioWriter(database_now(), people)
    proposals = _read("proposals.json")
    writer.register(_read("capabilities.json")["capabilities"])
    writer.record_health_signals()
    for proposal in proposals:
        getattr(writer, proposal["ends_as"])(proposal)
    return logins


def _read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))
