"""The short version of every attack, a few of them daily; `make stress` runs the long versions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.stress.attack import Attack
from tests.stress.catalogue import ATTACKS, MODULES
from tests.support.kubernetes import needs_real_changes

# The attacks of the daily suite: races, forks of a chain, and edits of the record.
DAILY = {"chains", "concurrent-endings", "edits"}


def marks_of(name: str) -> list[pytest.MarkDecorator]:
    """Return when an attack runs, and what it needs."""
    marks = [] if name in DAILY else [pytest.mark.long]
    return [*marks, needs_real_changes] if name == "refusals" else marks


def test_catalogue__every_module_with_an_attack__is_in_it() -> None:
    """An attack in a module that the catalogue lacks would never run."""
    folder = Path(__file__).parent
    registering = {
        path.stem
        for path in folder.glob("*.py")
        if re.search(r"from tests\.stress\.attack import [^\n]*\battack\b", path.read_text())
        or re.search(r"from tests\.stress\.attack import \([^)]*\battack\b", path.read_text())
    }
    assert {module.__name__.rpartition(".")[2] for module in MODULES} == registering
    assert len(ATTACKS) >= len(MODULES)


@pytest.mark.parametrize(
    "chosen",
    [pytest.param(chosen, id=name, marks=marks_of(name)) for name, chosen in ATTACKS.items()],
)
def test_attack__short__withstood(
    chosen: Attack, django_db_setup: None, django_db_blocker: Any
) -> None:
    seen = []
    with django_db_blocker.unblock():
        figure = chosen.run(chosen.short, seen.append)
    assert figure.summary
    assert round(sum(seen)) >= chosen.short, "the attack made fewer attempts than requested"
