"""Every attack, in the order in which they run: importing a module enlists its attacks."""

from __future__ import annotations

from tests.torture import (  # noqa: F401
    activation,
    away,
    chains,
    edits,
    endings,
    histories,
    hostile,
    keyedkill,
    pauses,
    pgkill,
    retention,
    webkill,
)
from tests.torture.attack import ATTACKS

__all__ = ["ATTACKS"]
