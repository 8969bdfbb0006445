"""Generator of the schema's examples: the gift cards contract, from import to verdict.

`python -m tests.api.generate_examples` (`make examples`) makes the calls on a database of its
own and writes the requests and responses to governance/api/examples.json. A test generates them
again and compares.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

API = "/api/v1/"

Examples = dict[str, dict[str, Any]]


class ExampleRecorder:
    """Client that makes each call and records it as an example of its operation."""

    def __init__(self) -> None:
        from governance.domain.roles import Role
        from governance.models import Account
        from governance.services.access.accounts import open_account

        self.recorded: Examples = {}
        self.people: dict[str, Account] = {
            name: open_account(username=name, role=role)
            for name, role in (
                ("operator", Role.OPERATOR),
                ("founder", Role.FOUNDER),
                ("worker", Role.EXECUTOR),
                ("judge", Role.AUDITOR),
            )
        }

    def call(
        self,
        operation: str,
        who: str,
        method: str,
        address: str,
        body: Any = None,
        *,
        title: str,
        pk: Any = None,
    ) -> Any:
        """Make a call, record its request and response under `title`, and return the JSON."""
        from rest_framework.test import APIClient

        from tests.support.tokens import new_token

        client = APIClient(raise_request_exception=False)
        token = new_token(self.people[who])
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        answer = getattr(client, method)(API + address.format(id=pk), body)
        assert answer.status_code < 300, answer.content
        examples = self.recorded.setdefault(operation, {})
        if pk is not None:
            examples["id"] = str(pk)
        if body is not None:
            examples.setdefault("request", {})[title] = body
        if not answer.content:
            return None
        examples.setdefault(str(answer.status_code), {})[title] = answer.json()
        return answer.json()


def record_examples() -> Examples:
    """Return the recorded examples by operation id: path `id`, `request`, responses by status.

    The rows that the calls write stay in the database that Django is configured with.
    """
    recorder = ExampleRecorder()
    contract_id = _approved_contract(recorder)
    _record_freezes(recorder)
    job = _record_activation(recorder, contract_id)
    _record_execution(recorder, job)
    _record_verdict_calls(recorder, job["id"])
    _record_reads(recorder, contract_id, job["id"])
    return recorder.recorded


def _approved_contract(recorder: ExampleRecorder) -> Any:
    """Import and approve a contract; the API has no operation for either."""
    from governance.domain.values import ActivationWindow
    from governance.flows.review_contract import approve_contract
    from governance.models import SystemContract
    from tests.support.clock import as_of
    from tests.support.commands import ROOT, run
    from tests.support.signing import as_seen

    folder = ROOT / "docs/examples"
    registry = folder / "registry.json"
    imported = run(
        "import_contracts", folder / "changes.jsonl", "--registry", registry, "--as", "operator"
    )
    assert imported.code == 0, imported.err
    contract = SystemContract.objects.get()
    at = contract.created_at + timedelta(microseconds=1)
    as_of(
        at,
        approve_contract,
        contract_id=contract.pk,
        founder=recorder.people["founder"],
        window=ActivationWindow(at, at + timedelta(hours=24)),
        **as_seen(contract, note="The preview ran well."),
    )
    return contract.pk


def _record_freezes(recorder: ExampleRecorder) -> None:
    from django.utils import timezone

    from governance.services.freezes.operations import start_freeze
    from tests.support.clock import as_of

    recorder.call("get_health", "worker", "get", "health/?scope=Search", title="healthy")
    recorder.call("list_registry", "worker", "get", "registry/?page_size=2", title="registry")
    recorder.call("get_freeze_state", "worker", "get", "freezes/", title="no-freeze")
    with _rolled_back():
        now = timezone.now()
        as_of(
            now,
            start_freeze,
            reason="The payment provider is down.",
            ends_at=now + timedelta(hours=3),
            founder=recorder.people["founder"],
        )
        recorder.call("get_freeze_state", "worker", "get", "freezes/", title="frozen")


def _record_activation(recorder: ExampleRecorder, contract_id: Any) -> dict[str, Any]:
    address = "contracts/{id}/activate/"
    with _rolled_back():
        unknown_id = "01a20444-2107-75be-ae46-75a54fe02b97"
        many = {"contract_ids": [str(contract_id), unknown_id]}
        recorder.call(
            "activate_contracts", "operator", "post", "contracts/activate/", many, title="two"
        )
    with _rolled_back():
        recorder.call(
            "activate_contract", "operator", "post", address, {}, title="default", pk=contract_id
        )
    body = {"timeout_minutes": 90}
    activated = recorder.call(
        "activate_contract", "operator", "post", address, body, title="ninety-minutes",
        pk=contract_id,
    )  # fmt: skip
    job_id = activated["job"]["id"]
    with _rolled_back():
        recorder.call(
            "start_job", "worker", "post", "jobs/{id}/start/", {}, title="start", pk=job_id
        )
    job: dict[str, Any] = recorder.call(
        "claim_job", "worker", "post", "jobs/claim/", {}, title="claim"
    )
    return job


def _record_execution(recorder: ExampleRecorder, job: dict[str, Any]) -> None:
    job_id, token = job["id"], job["execution_token"]
    times = {"started_at": job["started_at"], "completed_at": job["started_at"]}

    def report(index: int, title: str, **fields: Any) -> None:
        body = {"execution_token": token, "step_index": index, "status": "COMPLETED"}
        body |= times | {"output": {"applied": True}} | fields
        recorder.call(
            "report_step", "worker", "post", "jobs/{id}/results/", body, title=title, pk=job_id
        )

    def progress(title: str) -> None:
        recorder.call(
            "get_progress", "worker", "get", "jobs/{id}/progress/", title=title, pk=job_id
        )

    _record_observations(job_id)
    recorder.recorded["follow_job"] = {"id": job_id}  # the response is an event stream, not JSON
    with _rolled_back():
        both = [times | {"step_index": n, "status": "COMPLETED"} for n in (0, 1)]
        body = {"execution_token": token, "results": both}
        recorder.call(
            "report_step", "worker", "post", "jobs/{id}/results/", body, title="both", pk=job_id
        )
    report(0, "completed")
    report(0, "completed")  # a repeated report returns 200, not 201
    recorder.call("list_steps", "worker", "get", "jobs/{id}/steps/", title="running", pk=job_id)
    address = "jobs/{id}/observations/"
    recorder.call("list_observations", "worker", "get", address, title="observed", pk=job_id)
    progress("running")
    with _rolled_back():
        fault = {"status": "FAILED", "error": "The shop answered 502.", "output": None}
        report(1, "failed", **fault)
    with _rolled_back():
        reason = {"reason": "The launch was postponed."}
        recorder.call(
            "cancel_job", "operator", "post", "jobs/{id}/cancel/", reason, title="cancel", pk=job_id
        )
    report(1, "last")
    body = {"execution_token": token}
    recorder.call(
        "complete_job", "worker", "post", "jobs/{id}/complete/", body, title="complete", pk=job_id
    )
    progress("ended")


def _record_observations(job_id: str) -> None:
    """Record what observers saw before the first step; the API has no operation for it."""
    from governance.authorities.orchestrator.observations import record_observations
    from governance.db.clock import database_now
    from governance.domain.observations import ObservationPhase, ObservedScope

    at, state = database_now(), {"lifecycle": "DISABLED", "configuration": {"limit": 20}}
    seen = [
        ObservedScope("GiftCards", "http", state, at),
        ObservedScope("SYSTEM", "http", None, at, "The address did not answer in 5 s."),
    ]
    record_observations(UUID(job_id), seen, phase=ObservationPhase.BEFORE)


def _record_verdict_calls(recorder: ExampleRecorder, job_id: str) -> None:
    evidence = recorder.recorded["complete_job"]["200"]["complete"]["evidence_sha256"]

    def verdict(title: str, word: str, reason: str, **fields: Any) -> None:
        body = {"verdict": word, "reason": reason, "evidence_sha256": evidence} | fields
        recorder.call(
            "record_verdict", "judge", "post", "jobs/{id}/verdict/", body, title=title, pk=job_id
        )

    recorder.call("get_evidence", "judge", "get", "jobs/{id}/evidence/", title="sealed", pk=job_id)
    with _rolled_back():
        verdict("doubtful", "INCONCLUSIVE", "Health was not read after the last step.")
    checks = [{"check": "A-003", "verdict": "PASS", "reason": "Every change was made."}]
    verdict("passed", "PASS", "Both steps did what was signed.", checks=checks)


def _record_reads(recorder: ExampleRecorder, contract_id: Any, job_id: str) -> None:
    for operation, address, pk in (
        ("list_contracts", "contracts/", None),
        ("get_contract", "contracts/{id}/", contract_id),
        ("list_ledger_entries", "contracts/{id}/ledger/", contract_id),
        ("list_jobs", "jobs/", None),
        ("get_job", "jobs/{id}/", job_id),
        ("get_audit", "jobs/{id}/audit/", job_id),
        ("list_audits", "audits/", None),
    ):
        recorder.call(operation, "operator", "get", address, title="ended", pk=pk)


@contextmanager
def _rolled_back() -> Iterator[None]:
    """Roll back what the block writes."""
    from django.db import transaction

    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.test.utils import override_settings

    from governance.api.openapi import EXAMPLES
    from tests.support.databases import cloned, ensure_template

    allowed = override_settings(SECURE_SSL_REDIRECT=False, ALLOWED_HOSTS=["testserver"])
    with allowed, cloned(ensure_template()):
        examples = record_examples()
    text = json.dumps(examples, indent=1, ensure_ascii=False, sort_keys=True)
    EXAMPLES.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
