"""A site whose platform is a file in a git repository, which a person can change by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from governance.services.registry.operations import register_capabilities
from tests.support.repositories import FILE, BareRepository, bare_repository
from tests.support.routing import routes_file

# A change of the platform, which executors over HTTP carry out.
LIMIT_30 = {
    "type": "configuration_update",
    "scope": "Billing",
    "key": "limit",
    "old_value": 20,
    "new_value": 30,
}
DOCUMENT = {
    "Billing": {"lifecycle": "LAUNCHED", "limit": 20},
    "SYSTEM": {},
}


@contextmanager
def observed_platform(folder: Path) -> Iterator[BareRepository]:
    """Register Billing and Search; the observer `git` reads Billing and SYSTEM."""
    repository = bare_repository(folder, DOCUMENT)
    register_capabilities(
        documents=[
            {"name": "Billing", "lifecycle": "LAUNCHED", "configuration": {"limit": 20}},
            {"name": "Search"},
        ]
    )
    route = f"""
[[route]]
scopes = ["Billing", "SYSTEM"]
change_types = "*"
handler = "client"
observer = "git"
observer_options = {{repository = "{repository.path}", file = "{FILE}"}}

[[route]]
scopes = "*"
change_types = "*"
handler = "registry"
"""
    with routes_file(route):
        yield repository
