"""Routes files of tests, which say who runs a job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.test import override_settings

EVERYTHING_TO_REGISTRY = """
[[route]]
scopes = "*"
change_types = "*"
handler = "registry"
"""


@contextmanager
def routes_file(text: str = EVERYTHING_TO_REGISTRY) -> Iterator[Path]:
    """Let this process use a routes file with this text, by default with `registry` for all."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "routes.toml"
        path.write_text(text)
        path.chmod(0o644)
        with override_settings(GOVSITE_EXECUTION_FILE=str(path)):
            yield path
