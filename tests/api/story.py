"""The story that the schema's examples tell: docs/examples' gift cards, from list to verdict.

`python -m tests.api.story` (`make examples`) plays it on a database of its own and writes what was
asked and answered into governance/api/examples.json. A test plays it again, and compares.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

REPORTED = {"started_at": "2026-11-22T17:25:30Z", "completed_at": "2026-11-22T17:25:31Z"}
API = "/api/v1/"

Examples = dict[str, dict[str, Any]]


class Teller:
    """Makes each call and keeps it as an example of its operation."""

    def __init__(self) -> None:
        from governance.flows.accounts import open_account
        from governance.models import Account
        from governance.vocabulary.roles import Role

        self.told: Examples = {}
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
        """The answer as JSON; kept, with its request, under `title`."""
        from rest_framework.test import APIClient

        from tests.support.tokens import new_token

        client = APIClient(raise_request_exception=False)
        token = new_token(self.people[who])
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        answer = getattr(client, method)(API + address.format(id=pk), body)
        assert answer.status_code < 300, answer.content
        examples = self.told.setdefault(operation, {})
        if pk is not None:
            examples["id"] = str(pk)
        if body is not None:
            examples.setdefault("request", {})[title] = body
        if not answer.content:
            return None
        examples.setdefault(str(answer.status_code), {})[title] = answer.json()
        return answer.json()


def tell_story() -> Examples:
    """operation id → `id` of its address, `request`, and each status it answered, by title.

    Leaves everything that it did in the database that Django is pointed at.
    """
    teller = Teller()
    contract_id = _approved(teller)
    _tell_line(teller)
    job_id, token = _tell_activation(teller, contract_id)
    _tell_execution(teller, job_id, token)
    _tell_verdict(teller, job_id)
    _tell_reading(teller, contract_id, job_id)
    return teller.told


def _approved(teller: Teller) -> Any:
    """Import and approve, which no call of the API does."""
    from governance.flows.review_contract import approve_contract
    from governance.models import SystemContract
    from governance.vocabulary.values import ActivationWindow
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
    approve_contract(
        contract_id=contract.pk,
        founder=teller.people["founder"],
        window=ActivationWindow(at, at + timedelta(hours=24)),
        note="The preview ran well.",
        **as_seen(contract),
        at=at,
    )
    return contract.pk


def _tell_line(teller: Teller) -> None:
    from django.utils import timezone

    from governance.flows.freeze_line import freeze_line

    teller.call("get_line", "worker", "get", "line/", title="running")
    with _another_ending():
        now = timezone.now()
        freeze_line(
            reason="The payment provider is down.",
            ends_at=now + timedelta(hours=3),
            founder=teller.people["founder"],
            at=now,
        )
        teller.call("get_line", "worker", "get", "line/", title="frozen")


def _tell_activation(teller: Teller, contract_id: Any) -> tuple[str, str]:
    address = "contracts/{id}/activate/"
    with _another_ending():
        nobodys = "01a20444-2107-75be-ae46-75a54fe02b97"
        many = {"contract_ids": [str(contract_id), nobodys]}
        teller.call(
            "activate_contracts", "operator", "post", "contracts/activate/", many, title="two"
        )
    with _another_ending():
        teller.call(
            "activate_contract", "operator", "post", address, {}, title="default", pk=contract_id
        )
    body = {"timeout_minutes": 90}
    activated = teller.call(
        "activate_contract", "operator", "post", address, body, title="ninety-minutes",
        pk=contract_id,
    )  # fmt: skip
    job_id = activated["job"]["id"]
    with _another_ending():
        teller.call("start_job", "worker", "post", "jobs/{id}/start/", {}, title="start", pk=job_id)
    claimed = teller.call("claim_job", "worker", "post", "jobs/claim/", {}, title="claim")
    return job_id, claimed["execution_token"]


def _tell_execution(teller: Teller, job_id: str, token: str) -> None:
    def report(index: int, title: str, **fields: Any) -> None:
        body = {"execution_token": token, "step_index": index, "status": "COMPLETED"}
        body |= REPORTED | {"output": {"applied": True}} | fields
        teller.call(
            "report_step", "worker", "post", "jobs/{id}/results/", body, title=title, pk=job_id
        )

    def progress(title: str) -> None:
        teller.call("get_progress", "worker", "get", "jobs/{id}/progress/", title=title, pk=job_id)

    teller.told["follow_job"] = {"id": job_id}  # what it tells is no JSON document
    with _another_ending():
        both = [REPORTED | {"step_index": n, "status": "COMPLETED"} for n in (0, 1)]
        body = {"execution_token": token, "results": both}
        teller.call(
            "report_step", "worker", "post", "jobs/{id}/results/", body, title="both", pk=job_id
        )
    report(0, "completed")
    report(0, "completed")  # the same report again is answered 200
    teller.call("list_steps", "worker", "get", "jobs/{id}/steps/", title="running", pk=job_id)
    progress("running")
    with _another_ending():
        fault = {"status": "FAILED", "error": "The shop answered 502.", "output": None}
        report(1, "failed", **fault)
    with _another_ending():
        reason = {"reason": "The launch was postponed."}
        teller.call(
            "cancel_job", "operator", "post", "jobs/{id}/cancel/", reason, title="cancel", pk=job_id
        )
    report(1, "last")
    body = {"execution_token": token}
    teller.call(
        "complete_job", "worker", "post", "jobs/{id}/complete/", body, title="complete", pk=job_id
    )
    progress("ended")


def _tell_verdict(teller: Teller, job_id: str) -> None:
    evidence = teller.told["complete_job"]["200"]["complete"]["evidence_sha256"]

    def verdict(title: str, word: str, reason: str, **fields: Any) -> None:
        body = {"verdict": word, "reason": reason, "evidence_sha256": evidence} | fields
        teller.call(
            "record_verdict", "judge", "post", "jobs/{id}/verdict/", body, title=title, pk=job_id
        )

    teller.call("get_evidence", "judge", "get", "jobs/{id}/evidence/", title="sealed", pk=job_id)
    with _another_ending():
        verdict("doubtful", "INCONCLUSIVE", "Health was not read after the last step.")
    checks = [{"check": "A-003", "verdict": "PASS", "reason": "Every change was made."}]
    verdict("passed", "PASS", "Both steps did what was signed.", checks=checks)


def _tell_reading(teller: Teller, contract_id: Any, job_id: str) -> None:
    for operation, address, pk in (
        ("list_contracts", "contracts/", None),
        ("get_contract", "contracts/{id}/", contract_id),
        ("list_ledger_entries", "contracts/{id}/ledger/", contract_id),
        ("list_jobs", "jobs/", None),
        ("get_job", "jobs/{id}/", job_id),
    ):
        teller.call(operation, "operator", "get", address, title="ended", pk=pk)


@contextmanager
def _another_ending() -> Iterator[None]:
    """What is told inside did not happen."""
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
        examples = tell_story()
    text = json.dumps(examples, indent=1, ensure_ascii=False, sort_keys=True)
    EXAMPLES.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
