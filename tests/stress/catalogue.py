"""All attacks, in the order in which they run."""

from __future__ import annotations

from tests.stress import (
    activation,
    auditkill,
    chains,
    concurrent_endings,
    database_outage,
    edits,
    histories,
    hostile,
    keyedkill,
    pauses,
    pgkill,
    refusals,
    retention,
    webkill,
    workerkill,
    workerpgkill,
)
from tests.stress.attack import ATTACKS

# A module registers its attacks when it is imported.
MODULES = (
    activation,
    auditkill,
    database_outage,
    chains,
    edits,
    concurrent_endings,
    histories,
    hostile,
    keyedkill,
    pauses,
    pgkill,
    refusals,
    retention,
    webkill,
    workerkill,
    workerpgkill,
)

__all__ = ["ATTACKS", "MODULES"]
