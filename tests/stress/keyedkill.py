"""The attack `keyedkill`: a web process is killed within a call that has an Idempotency-Key.

The call is then sent again, and must have one effect and one response.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any
from uuid import uuid4

import httpx

from governance.flows import run_job
from governance.models import GovernanceJob
from tests.stress.attack import Advance, AttackResult, attack, require
from tests.stress.proof import require_whole_record
from tests.stress.webkill import (
    AFTER_COMMIT,
    ApiCall,
    Move,
    crash,
    crashing_site,
    move_at,
    require_effects,
    seconds_until_let_go,
)
from tests.support.factories import now
from tests.support.users import Users


@attack(
    "keyedkill",
    "kill -9 of the web process in calls with an Idempotency-Key, each sent again",
    unit="kills",
    short=12,
    long=300,
)
def keyedkill(count: int, advance: Advance) -> AttackResult:
    calls: Counter[str] = Counter()
    retries, tokens = [], 0
    with crashing_site() as (users, clients, crashes):
        for number in range(count):
            point, move = move_at(number)
            call, client = move.prepare(users), clients[move.caller]
            key = {"Idempotency-Key": str(uuid4())}
            is_done = point in AFTER_COMMIT

            crash(client, call, point, key)
            killed_at = time.monotonic()
            seconds_until_let_go()
            require_effects(move, call, 1 if is_done else 0)

            answer = client.post(call.path, json=call.body, headers=key)
            retries.append(time.monotonic() - killed_at)
            require_keyed_answer(move, call, answer, is_replayed=is_done)
            third = client.post(call.path, json=call.body, headers=key)
            require_keyed_answer(move, call, third, is_replayed=True)
            require(third.content == answer.content, f"{call.path}: a different response")
            require_effects(move, call, 1)
            calls["replayed" if is_done else "carried out"] += 1
            tokens += finish(users, client, move, answer)
            advance(1)
        kinds = crashes(count)
        entries = require_whole_record()
    return AttackResult(
        f"{count} kills at {kinds} points, each call with one effect and one response: of the "
        f"repeated calls {calls['carried out']} were carried out and {calls['replayed']} got the "
        f"stored response, {tokens} with an execution token that still worked; answered after "
        f"{max(retries):.1f} s at most; {entries} entries verify",
        {"kills": count, "replayed": calls["replayed"], "tokens": tokens},
    )


def require_keyed_answer(
    move: Move, call: ApiCall, answer: httpx.Response, *, is_replayed: bool
) -> None:
    replayed = answer.headers.get("Idempotency-Replayed") == "true"
    found, expected = (answer.status_code, replayed), (move.succeeds, is_replayed)
    require(found == expected, f"{call.path}: {found}, not {expected}: {answer.text[:200]}")


def finish(users: Users, client: httpx.Client, move: Move, answer: httpx.Response) -> int:
    """Leave no pending job; if the response had an execution token, run the job with it.

    Returns:
        1 if the job was run with the token of the response, else 0.
    """
    document: dict[str, Any] = answer.json()
    if "job" in document:
        job_id = document["job"]["id"]
        run_job.cancel_job(job_id=job_id, reason="Enough.", actor=users.operator)
        return 0
    if "execution_token" not in document:
        return 0
    job, at = GovernanceJob.objects.get(pk=document["id"]), now().isoformat()
    token = {"execution_token": document["execution_token"]}
    times = {"started_at": at, "completed_at": at}
    for step_index in range(job.total_steps):
        report = token | times | {"step_index": step_index, "status": "COMPLETED"}
        kept = client.post(f"jobs/{job.pk}/results/", json=report)
        require(kept.status_code == 201, f"the execution token does not work: {kept.text}")
    ended = client.post(f"jobs/{job.pk}/complete/", json=token)
    require(ended.json().get("status") == "COMPLETED", f"the job did not end: {ended.text}")
    return 1
