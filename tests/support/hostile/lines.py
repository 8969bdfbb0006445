"""The fields of the files that commands read: lines of JSON, and the registry."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.management import call_command
from django.db import transaction

from governance.domain.errors import GovernanceError
from governance.management.base import PartlyRefused
from governance.models import LedgerEntry, SystemContract
from governance.record.ledger.verification import verify_ledger
from tests.support.attacks import check_deferred_triggers
from tests.support.factories import MAY, THREE_CHANGES, VALIDATOR_VERDICT, draft, finished_job
from tests.support.hostile.attack import Advance, HostileInputError, Tally
from tests.support.hostile.payloads import Payload, some_payloads
from tests.support.users import Users

HERE = "@@here@@"
MARK = json.dumps(HERE).encode()
MAX_COMPLAINT_LENGTH = 3000

CAPABILITY: dict[str, Any] = {
    "name": "New",
    "lifecycle": "PREVIEW",
    "frozen": False,
    "title": "New",
    "owner": "somebody",
    "components": ["one"],
    "proposal": "1",
    "stages": {"alpha": "1.2"},
    "configuration": {"page_size": 20},
}


def whole_proposal() -> dict[str, Any]:
    """Return a valid line for import_contracts with every known field."""
    disable = {"type": "capability_disable", "capability_name": "Search", "reason": "Unused."}
    return {
        "reference": "HOSTILE",
        "release": "v1",
        "title": "Bring search to preview",
        "body": "Support asked for it.",
        "source": "manual",
        "requested_by": "support",
        "group": "discovery",
        "affected_capabilities": ["Search"],
        "proposed_changes": [*THREE_CHANGES, disable],
        "risk_level": "medium",
        "validator_verdict": VALIDATOR_VERDICT | {"evidence": {"words": ["enable"]}},
        "eligibility_verdict": MAY | {"rule_results": [{"rule": "E-001"}]},
    }


def verdict_line(job_id: str, evidence_sha256: str) -> dict[str, Any]:
    """Return a valid line for import_audit_verdicts."""
    return {
        "job_id": job_id,
        "verdict": "PASS",
        "reason": "As proposed.",
        "checks": [{"id": "A-001", "result": "PASS"}],
        "evidence_sha256": evidence_sha256,
    }


def draft_verdict_line(contract_id: str) -> dict[str, Any]:
    """Return a valid line for import_review_verdicts."""
    line = whole_proposal()
    return {
        "contract_id": contract_id,
        "validator_verdict": line["validator_verdict"],
        "eligibility_verdict": line["eligibility_verdict"],
    }


def templates_of(document: Any) -> Iterator[tuple[str, bytes]]:
    """Yield (path, document with a mark at that path) for every value and a key of every object."""
    yield from ((path, json.dumps(marked).encode()) for path, marked in _marked(document, ""))


def _marked(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path or "itself", HERE
    if isinstance(value, dict):
        yield f"{path}, a key", {**value, HERE: 1}
        for name, inner in value.items():
            for location, marked in _marked(inner, f"{path}.{name}" if path else name):
                yield location, value | {name: marked}
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            for location, marked in _marked(inner, f"{path}[{index}]"):
                yield location, [*value[:index], marked, *value[index + 1 :]]


def attack_lines(
    users: Users,
    everything: Sequence[Payload],
    *,
    payloads: int | None,
    tally: Tally,
    advance: Advance = lambda count: None,
) -> None:
    """Import a file for each path, with a line for each payload.

    In a file of proposals the last line is valid and must be imported.

    Args:
        payloads: How many payloads each path gets; None means all.
        advance: Called after each path; a payload that went into every path counts 1.
    """
    job = finished_job(users)
    verdict = verdict_line(str(job.pk), job.evidence.sha256)
    good = whole_proposal() | {"reference": "GOOD"}
    import_contracts = partial(_import, "import_contracts", users.operator, "created")
    import_audit_verdicts = partial(_import, "import_audit_verdicts", users.auditor, "recorded")
    import_drafts = partial(_import, "import_review_verdicts", users.operator, "eligible")
    of_draft = draft_verdict_line(str(draft(users).pk))
    kinds = (
        ("import_review_verdicts", of_draft, None, import_drafts),
        ("import_contracts", whole_proposal(), good, import_contracts),
        ("import_audit_verdicts", verdict, None, import_audit_verdicts),
    )
    registry = list(templates_of({"capabilities": [CAPABILITY]}))
    location_count = sum(len(list(templates_of(kind[1]))) for kind in kinds) + len(registry)

    def choose() -> list[Payload]:
        chosen = some_payloads(everything, payloads, tally.fields)
        tally.fields += 1
        tally.sent |= {payload.name for payload in chosen}
        tally.answers["lines"] += len(chosen)
        return chosen

    for command, document, last, import_lines in kinds:
        for location, template in templates_of(document):
            chosen = choose()
            lines = [_line(template, payload) for payload in chosen]
            # A job and a draft take one verdict, so the first accepted line would block the others.
            files = [[line] for line in lines] if last is None else [lines]
            for file in files:
                import_lines(f"{command}, {location}", file, last)
            advance(len(chosen) / location_count)
    for location, template in registry:
        chosen = choose()
        for payload in chosen:
            _register(f"registry, {location}, {payload.name}", users, _line(template, payload))
        advance(len(chosen) / location_count)


def _line(template: bytes, payload: Payload) -> bytes:
    as_key = MARK + b": 1" in template
    serialized = template.replace(MARK, payload.as_key if as_key else payload.json)
    return serialized.replace(b"\n", b" ").replace(
        b"HOSTILE", payload.name[:60].encode().hex().encode()
    )


def _import(
    command: str, person: Any, done: str, where: str, lines: Sequence[bytes], last: Any
) -> None:
    everything = [*lines, json.dumps(last).encode()] if last else list(lines)
    with transaction.atomic(), _written(b"\n".join(everything)) as file:
        outcome = _run(where, command, file, "--json", person=person)
        counted = outcome[done] + outcome["already_there"] + outcome.get("refused_may_not", 0)
        counted += outcome.get("rejected_may_not", 0)
        blank = sum(not line.strip() for line in lines)
        if counted + len(outcome["bad_lines"]) + blank != len(everything):
            raise HostileInputError(f"{where}: {outcome} of {len(everything)} lines")
        if last and not SystemContract.objects.filter(reference="GOOD").exists():
            raise HostileInputError(f"{where}: the valid last line was not imported")
        _check(where)
        transaction.set_rollback(True)


def _register(where: str, users: Users, registry: bytes) -> None:
    with transaction.atomic(), _written(registry) as file:
        arguments = ("/dev/null", "--registry", file, "--json")
        _run(where, "import_contracts", *arguments, person=users.operator)
        transaction.set_rollback(True)


def _check(where: str) -> None:
    try:
        check_deferred_triggers()
        findings = [found.finding for found in verify_ledger() if found.finding]
    except Exception as error:
        raise HostileInputError(f"{where}: {error!r}") from error
    if findings:
        raise HostileInputError(f"{where}: {findings[0]}")
    assert LedgerEntry.objects.exists()


def _run(where: str, command: str, *arguments: str, person: Any) -> dict[str, Any]:
    """Run a command and return its JSON output; an exception other than a refusal is a fault."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(
            command, *arguments, actor=person.username, stdout=out, stderr=err, no_color=True
        )
    except PartlyRefused:
        pass
    except GovernanceError:  # `run_from_argv` would print it; call_command does not call that
        return {"created": 0, "recorded": 0, "eligible": 0, "already_there": 0, "bad_lines": []}
    except Exception as error:
        raise HostileInputError(f"{where}: {error!r:.500}") from error
    outcome: dict[str, Any] = json.loads(out.getvalue())
    # An input that was made already changes nothing any more, which is a warning.
    lines = err.getvalue().split("\n")
    complaints = [line for line in lines if not line.startswith("warning: ")]
    if len(complaints) - 1 != len(outcome["bad_lines"]):
        raise HostileInputError(f"{where}: {len(complaints)} lines of error messages")
    for complaint in complaints:
        _require_short(where, complaint)
        if not complaint.isprintable():
            raise HostileInputError(f"{where}: an error message with control characters")
    return outcome


def _require_short(where: str, complaint: str) -> None:
    if len(complaint) > MAX_COMPLAINT_LENGTH:
        raise HostileInputError(f"{where}: an error message of {len(complaint)} characters")


@contextmanager
def _written(content: bytes) -> Iterator[str]:
    with tempfile.NamedTemporaryFile(prefix="hostile-") as file:
        file.write(content)
        file.flush()
        yield file.name
