"""The tiers of the tests, and the table in docs/testing.md of which files test which room."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import OWN_PROCESSES

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
ROW = re.compile(r"^\| (?:`(g[\w/]+)`|the whole) \| (`.+`) \|$", re.MULTILINE)
# Folders of `governance/` whose own folders are the rooms.
GROUPS = ("authorities", "record", "services")


def rooms_in_docs() -> dict[str, list[str]]:
    """Read the table: the paths of the tests, by room."""
    text = (ROOT / "docs/testing.md").read_text()
    return {room: re.findall(r"`([\w./]+)`", tests) for room, tests in ROW.findall(text)}


def rooms_in_code() -> set[str]:
    governance = ROOT / "governance"
    packages = [path.parent for path in governance.glob("*/__init__.py")]
    packages += [
        path.parent for group in GROUPS for path in governance.glob(f"{group}/*/__init__.py")
    ]
    rooms = {str(path.relative_to(ROOT)) for path in packages}
    return rooms - {f"governance/{group}" for group in GROUPS} | {"govsite", ""}


def test_table_of_rooms__has_every_room() -> None:
    assert set(rooms_in_docs()) == rooms_in_code()


def test_table_of_rooms__names_every_test_file_and_no_other() -> None:
    named = {test for tests in rooms_in_docs().values() for test in tests}
    files = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    assert {test for test in named if not (TESTS / test).exists()} == set()
    assert {
        str(path) for path in files if not any(path.is_relative_to(one) for one in named)
    } == set()


def test_paths_with_processes_of_their_own__exist() -> None:
    assert [path for path in OWN_PROCESSES if not (TESTS / path).exists()] == []


def test_test__with_nothing_of_its_own__is_fast(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("fast")


def test_tests_of_this_run__are_not_fast_and_long_at_once(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        both = item.get_closest_marker("fast") and item.get_closest_marker("long")
        assert not both, item.nodeid
