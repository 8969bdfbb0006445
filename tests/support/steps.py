"""Steps for handlers, performed as the machine performs them, and the secrets they refer to."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from governance.authorities.executor.handlers.reported import reported
from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.performing import Performance, perform
from governance.authorities.executor.routed_handlers import HandlerFactory
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import Step, StepHandler

UPDATE = {
    "type": "configuration_update",
    "scope": "BILLING",
    "key": "limit",
    "old_value": 20,
    "new_value": 50,
}


def step_for(
    change: dict[str, Any] | None = None,
    *,
    seconds: float = 20,
    rollback_action: dict[str, Any] | None = None,
) -> Step:
    """Return a step of a change, whose deadline is in so many seconds."""
    change = change or UPDATE
    return Step(
        job_id="0197a0c2-0000-7000-8000-00000000000a",
        contract_id="0197a0c2-0000-7000-8000-00000000000b",
        step_index=0,
        step_type=change["type"],
        target=change.get("scope") or change["capability_name"],
        change=change,
        rollback_action=rollback_action,
        timeout_seconds=max(1, int(seconds)),
        deadline=datetime.now(UTC) + timedelta(seconds=seconds),
        timed_out=threading.Event(),
    )


def performed(handler: StepHandler, step: Step) -> Performance:
    """Perform a step as the machine does, within the time until its deadline."""
    return perform(handler, step, seconds=step.seconds_left(), started_at=datetime.now(UTC))


def handler_from(
    factory: HandlerFactory, secrets: Path | None = None, **options: Any
) -> StepHandler:
    """Make a handler as a worker does, from the options of a route and a folder of secrets."""
    table = OptionTable(options, "route[0].options")
    handler = reported(factory)(table, SecretFiles(secrets))
    table.require_no_more()
    return handler


def write_secret(folder: Path, name: str, content: str | bytes, mode: int = 0o600) -> None:
    """Write the file of a secret."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
