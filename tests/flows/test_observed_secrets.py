"""Secrets on an observed platform: compared by what they are, and never written down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from governance.authorities.audit.judgement import judge_evidence
from governance.domain.secrets import HIDDEN_SECRET
from governance.domain.values import AuditVerdict
from governance.flows.start_job import start_job
from governance.models import GovernanceJob, ObservedState, PlatformValue
from governance.services.registry.operations import register_capabilities
from tests.support.factories import Running, pending_job, reloaded
from tests.support.lying_platforms import Lie, http_platform
from tests.support.routing import routes_file
from tests.support.steps import write_secret
from tests.support.users import Users

OLD, NEW, OTHER = "0ld-content", "n3w-content", "0ther-content"
PASS, FAIL, INCONCLUSIVE = AuditVerdict.PASS, AuditVerdict.FAIL, AuditVerdict.INCONCLUSIVE
CHANGE = {
    "type": "configuration_update",
    "scope": "Billing",
    "key": "password",
    "old_value": "secret://old",
    "new_value": "secret://new",
}


@pytest.fixture
def site(users: Users, settings: Any, tmp_path: Path) -> Users:
    settings.GOVSITE_SECRETS_DIR = str(tmp_path)
    for name, content in (("old", OLD), ("new", NEW), ("key", "k" * 32)):
        write_secret(tmp_path, name, content)
    register_capabilities(
        documents=[
            {"name": "Billing", "configuration": {"password": "secret://old", "token": None}}
        ]
    )
    return users


def job_after(
    users: Users, folder: Path, *, password: str, token: tuple[str, str] = (OTHER, OTHER)
) -> GovernanceJob:
    """Return a job after which the platform has this password; the tokens are before and after."""
    before = {"Billing": {"password": OLD, "token": token[0]}}
    with http_platform(before, Lie(), folder) as platform:
        routes = platform.routes(handler="client") + 'hmac_key = "secret://key"\n'
        with routes_file(routes):
            job = pending_job(users, affected_capabilities=["Billing"], proposed_changes=[CHANGE])
            running = Running(*start_job(job.pk, executor=users.executor), users)
            running.complete_steps()
            platform.set_state({"Billing": {"password": password, "token": token[1]}})
            ended: GovernanceJob = reloaded(running.complete())
    return ended


def failed_checks(job: GovernanceJob) -> set[str]:
    judgement = judge_evidence(job.evidence.document)
    return {one.check_id for one in judgement.checks if one.outcome is not PASS}


def test_secret__that_was_set_as_planned__passes_and_is_nowhere_in_clear(
    site: Users, tmp_path: Path
) -> None:
    job = job_after(site, tmp_path, password=NEW)
    assert failed_checks(job) == set()
    text = json.dumps([job.evidence.document, list(ObservedState.objects.values_list("state"))])
    assert "secret://old" in text
    assert "secret://new" in text
    assert not [content for content in (OLD, NEW, OTHER) if content in text]
    # What observers hide is no value that a plan or a page could set.
    assert PlatformValue.objects.get(key="token").value is None
    assert PlatformValue.objects.drifting().filter(key="token").exists()


@pytest.mark.parametrize("password", [OLD, OTHER])
def test_secret__other_than_planned__fails_by_a_003(
    site: Users, tmp_path: Path, password: str
) -> None:
    assert failed_checks(job_after(site, tmp_path, password=password)) == {"A-003"}


def test_secret__changed_beside_the_job__fails_by_a_007(site: Users, tmp_path: Path) -> None:
    job = job_after(site, tmp_path, password=NEW, token=(OTHER, "changed"))
    assert failed_checks(job) == {"A-007"}
    assert "changed" not in json.dumps(job.evidence.document["observations"])
    assert HIDDEN_SECRET not in json.dumps(job.evidence.document["observations"])


def test_secret__that_this_machine_cannot_read__leaves_the_verdict_open(
    site: Users, tmp_path: Path
) -> None:
    (tmp_path / "new").unlink()
    job = job_after(site, tmp_path, password=NEW)
    judgement = judge_evidence(job.evidence.document)
    assert judgement.verdict is INCONCLUSIVE
    assert "secret://new: cannot be read" in judgement.reason
