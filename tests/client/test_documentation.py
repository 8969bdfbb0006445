"""The code examples in docs/executors.md, executed as they are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from governance.domain.values import JobStatus
from tests.client.conftest import Site
from tests.support.commands import ROOT, run
from tests.support.factories import THREE_CHANGES, pending_job, reloaded
from tests.support.sites import new_token

PAGE = (ROOT / "docs" / "executors.md").read_text()
HANDLER, PROGRAM, WORKER = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
GIFT_CARDS = [
    {"type": "capability_enable", "capability_name": "GiftCards", "target_lifecycle": "LAUNCHED"},
    {
        "type": "configuration_update",
        "scope": "GiftCards",
        "key": "daily_limit",
        "old_value": 50,
        "new_value": 500,
    },
]


def test_handler__on_the_page__is_the_example() -> None:
    assert (ROOT / "docs" / "examples" / "handlers.py").read_text() == HANDLER


@pytest.mark.parametrize(("limit", "status"), [(50, "COMPLETED"), (70, "FAILED")])
def test_handler__run__changes_the_platform_unless_it_is_another_than_was_seen(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, status: str
) -> None:
    platform = tmp_path / "platform.json"
    before = {"GiftCards": {"lifecycle": "PREVIEW", "daily_limit": limit}}
    platform.write_text(json.dumps(before))
    monkeypatch.setenv("GOVSITE_TOKEN", new_token(site.users.executor))
    monkeypatch.setattr("docs.examples.handlers.FILE", platform)
    job = pending_job(site.users, affected_capabilities=["GiftCards"], proposed_changes=GIFT_CARDS)
    arguments = ("--url", site.address, "--handler", "docs.examples.handlers:PlatformFile")
    ran = run("run_executor", *arguments, "--once")
    assert ran.code == 0, ran.err
    assert reloaded(job).status == status
    after = {"lifecycle": "LAUNCHED", "daily_limit": 500 if limit == 50 else 70}
    assert json.loads(platform.read_text()) == {"GiftCards": after}
    results = reloaded(job).evidence.document["step_results"]
    assert results[0]["output"]["state_before"] == {"lifecycle": "PREVIEW"}


def test_program__run__prints_the_job(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    job = pending_job(site.users)
    token = new_token(site.users.executor)
    program = PROGRAM.replace("http://127.0.0.1:8000", site.address)
    exec(program.replace("7dad40d2465d32b0…", token), {})  # noqa: S102 - our own documentation
    printed = capsys.readouterr().out
    assert printed == f"{job.pk} COMPLETED {reloaded(job).evidence.sha256}\n"


def test_worker__run__ends_the_job(site: Site, tmp_path: Path) -> None:
    job = pending_job(site.users, proposed_changes=THREE_CHANGES)
    (tmp_path / "worker.py").write_text(WORKER)
    worker = subprocess.Popen(
        [sys.executable, "-u", "worker.py", site.address, new_token(site.users.executor)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    with worker:
        assert worker.stdout is not None
        lines = [worker.stdout.readline() for _ in range(4)]
        worker.kill()
    assert lines[-1] == f"{job.pk} COMPLETED\n"
    assert reloaded(job).status == JobStatus.COMPLETED
    assert reloaded(job).results.count() == 3
