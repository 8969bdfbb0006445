"""The main path as a program: `python -m tests.support.main_path` runs it and prints the result.

The environment decides which database, schema and roles it uses.
"""

from __future__ import annotations

import json
import sys
from typing import Any
from uuid import uuid4


def run_main_path() -> dict[str, Any]:
    """Take one contract from its proposal to the verdict, and return its id, status and counts."""
    from governance.authorities.orchestrator.facade import GovernanceOrchestrator
    from governance.domain.values import AuditVerdict
    from governance.flows.activate_contract import activate_contract
    from governance.flows.audit_job import record_verdict
    from governance.models import Account, LedgerEntry, SystemContract
    from tests.support.factories import Running, approved, reloaded
    from tests.support.users import Users, create_users, username_of

    if Account.objects.filter(machine=None).exists():
        names = Users.__dataclass_fields__
        users = Users(**{name: Account.objects.get(username=username_of(name)) for name in names})
    else:
        users = create_users()
    contract = approved(users, reference=f"PATH-{uuid4().hex}")
    activate_contract(contract_id=contract.pk, actor=users.operator)
    claimed = GovernanceOrchestrator.claim_job(executor=users.executor)
    assert claimed is not None
    running = Running(*claimed, users)
    running.complete_steps()
    job = running.complete()
    record_verdict(
        job_id=job.pk,
        verdict=AuditVerdict.PASS,
        reason="The evidence shows it.",
        evidence_sha256=job.evidence.sha256,
        author=users.auditor,
    )
    return {
        "contract": str(contract.pk),
        "status": str(reloaded(contract).status),
        "contracts": SystemContract.objects.count(),
        "entries": LedgerEntry.objects.filter(contract=contract).count(),
    }


if __name__ == "__main__":
    import django

    django.setup()
    sys.stdout.write(json.dumps(run_main_path()))
