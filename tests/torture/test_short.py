"""The short version of every attack; `make torture` runs the long ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.torture.attack import Attack
from tests.torture.catalogue import ATTACKS


@pytest.mark.parametrize("chosen", ATTACKS.values(), ids=ATTACKS)
def test_attack__short__withstood(
    chosen: Attack, django_db_setup: None, django_db_blocker: Any
) -> None:
    seen = []
    with django_db_blocker.unblock():
        figure = chosen.run(chosen.short, seen.append)
    assert figure.said
    assert round(sum(seen)) >= chosen.short, "it was not carried out as often as asked"
