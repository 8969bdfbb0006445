"""docs/executors.md: what stands there to be copied is what runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from governance.vocabulary.values import JobStatus
from tests.client.conftest import Site
from tests.support.commands import ROOT, run
from tests.support.sites import new_token
from tests.support.stories import THREE_CHANGES, again, pending_job

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
    monkeypatch.setenv("GOVSITE_TOKEN", new_token(site.cast.executor))
    monkeypatch.setattr("docs.examples.handlers.FILE", platform)
    job = pending_job(site.cast, affected_capabilities=["GiftCards"], proposed_changes=GIFT_CARDS)
    arguments = ("--url", site.address, "--handler", "docs.examples.handlers:PlatformFile")
    ran = run("run_executor", *arguments, "--once")
    assert ran.code == 0, ran.err
    assert again(job).status == status
    after = {"lifecycle": "LAUNCHED", "daily_limit": 500 if limit == 50 else 70}
    assert json.loads(platform.read_text()) == {"GiftCards": after}
    results = again(job).evidence.document["step_results"]
    assert results[0]["output"]["state_before"] == {"lifecycle": "PREVIEW"}


def test_program__run__prints_the_job(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    job = pending_job(site.cast)
    token = new_token(site.cast.executor)
    program = PROGRAM.replace("http://127.0.0.1:8000", site.address)
    exec(program.replace("7dad40d2465d32b0…", token), {})  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    assert printed == f"{job.pk} COMPLETED {again(job).evidence.sha256}\n"


def test_worker__run__ends_the_job(site: Site, tmp_path: Path) -> None:
    job = pending_job(site.cast, proposed_changes=THREE_CHANGES)
    (tmp_path / "worker.py").write_text(WORKER)
    worker = subprocess.Popen(
        [sys.executable, "-u", "worker.py", site.address, new_token(site.cast.executor)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    with worker:
        assert worker.stdout is not None
        said = [worker.stdout.readline() for _ in range(4)]
        worker.kill()
    assert said[-1] == f"{job.pk} COMPLETED\n"
    assert again(job).status == JobStatus.COMPLETED
    assert again(job).results.count() == 3
