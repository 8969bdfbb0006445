"""Every `code` that an answer of the API can carry: its status, its meaning, and what to do.

docs/errors.md and the examples in the schema are made of this table. `refusals.py` says which call
answers which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Advice(StrEnum):
    """What a client does when it is refused."""

    MEND = "mend the request: the same one is refused again"
    ENTER = "get another token, or ask an administrator"
    RETRY = "retry after `Retry-After` seconds; a POST with the same `Idempotency-Key`"
    WAIT = "try later: somebody or something else has to move first"
    READ = "read it again, then decide anew"
    REPORT = "try once more, with the same `Idempotency-Key`; then tell the operators"
    STOP = "stop: it is over, or it was never there"


@dataclass(frozen=True)
class Refusal:
    """`meaning` is for the reference; `detail`, `details` and `path` make the example."""

    status: int
    advice: Advice
    meaning: str
    detail: str
    details: Mapping[str, Any] = field(default_factory=dict)
    path: str | None = None  # the fault's place, where the refusal names places


_JOB = "01a2044a-26c5-7727-8a95-147c6583c740"
_CONTRACT = "01a20444-2107-75be-ae46-75a54fe02b96"
_FREEZE = {"until": "2026-11-22T20:00:00.000000Z", "reason": "The payment provider is down."}

CODES: dict[str, Refusal] = {
    # --- the request does not fit ---------------------------------------------------------------
    "bad_request": Refusal(
        400, Advice.MEND, "The request cannot be read at all.", "The request could not be read."
    ),
    "invalid_parameter": Refusal(
        400,
        Advice.MEND,
        "A query parameter that the call does not know, twice, or empty.",
        "colour: is not a known parameter.",
        path="colour",
    ),
    "invalid_input": Refusal(
        400,
        Advice.MEND,
        "A parameter's value, or a field of the body, does not fit; `errors` names each.",
        "timeout_minutes: must be at most 1440.",
        path="timeout_minutes",
    ),
    "malformed_json": Refusal(
        400,
        Advice.MEND,
        "The body is not JSON in UTF-8.",
        "This is not JSON: Expecting value: line 1 column 1 (char 0).",
        path="",
    ),
    "unusable_json": Refusal(
        400,
        Advice.MEND,
        "JSON that a record could not keep: a key that stands twice, NUL, numbers beyond "
        "±(2^53 − 1), more than 32 levels.",
        "output.total: a number must lie within ±(2^53 − 1).",
        path="output.total",
    ),
    "document_too_large": Refusal(
        400,
        Advice.MEND,
        "The body is larger than 1 MiB.",
        "The document is larger than 1 MiB.",
        path="",
    ),
    "reason_required": Refusal(
        400,
        Advice.MEND,
        "The reason says nothing.",
        "reason: must be text of 1 to 4 000 characters.",
        path="reason",
    ),
    "invalid_verdict": Refusal(
        400,
        Advice.MEND,
        "The verdict does not have its form: above all, no reason.",
        "reason: must be text of 1 to 4000 characters.",
        path="reason",
    ),
    "invalid_idempotency_key": Refusal(
        400,
        Advice.MEND,
        "`Idempotency-Key` is not 1 to 255 visible ASCII characters.",
        "Idempotency-Key must be 1 to 255 visible ASCII characters.",
    ),
    "invalid_header": Refusal(
        400,
        Advice.MEND,
        "`Last-Event-ID` is not one that the stream gave out.",
        "Last-Event-ID: is not one that this stream gave out.",
        path="Last-Event-ID",
    ),
    "idempotency_key_reused": Refusal(
        422,
        Advice.MEND,
        "This `Idempotency-Key` was used for another request.",
        "This key was used for another request.",
    ),
    "not_acceptable": Refusal(
        406,
        Advice.MEND,
        "`Accept` wants something that the call does not answer.",
        "Could not satisfy the request Accept header.",
    ),
    "length_required": Refusal(
        411,
        Advice.MEND,
        "A chunked body: its length was not announced.",
        "Send the body with a Content-Length; chunked bodies are not read.",
    ),
    "address_too_long": Refusal(
        414,
        Advice.MEND,
        "Path or query is longer than 4 096 bytes.",
        "This address is too long to be one of ours.",
    ),
    "unsupported_media_type": Refusal(
        415,
        Advice.MEND,
        "The body is not `application/json`, or not in UTF-8.",
        'Unsupported media type "text/plain" in request.',
    ),
    "method_not_allowed": Refusal(
        405,
        Advice.MEND,
        "The address knows no such method; `Allow` says which it knows.",
        'Method "DELETE" not allowed.',
    ),
    # --- who asks -------------------------------------------------------------------------------
    "not_authenticated": Refusal(
        401,
        Advice.ENTER,
        "No token came along.",
        "Authentication credentials were not provided.",
    ),
    "authentication_failed": Refusal(
        401, Advice.ENTER, "The token is not one of ours.", "This token is not one of ours."
    ),
    "token_expired": Refusal(
        401, Advice.ENTER, "The token's time is over.", "This token has expired."
    ),
    "token_revoked": Refusal(
        401, Advice.ENTER, "The token was revoked.", "This token has been revoked."
    ),
    "user_inactive": Refusal(
        401, Advice.ENTER, "The token's user is not active.", "This user is not active."
    ),
    "permission_denied": Refusal(
        403,
        Advice.ENTER,
        "The token's user, or the token, may not do this.",
        "This needs the permission governance.execute_job.",
    ),
    "auditor_not_independent": Refusal(
        403,
        Advice.STOP,
        "Who proposed, signed, ran or ended it does not judge it.",
        "worker started it.",
    ),
    # --- it is not there ------------------------------------------------------------------------
    "not_found": Refusal(
        404,
        Advice.STOP,
        "The address leads nowhere; addresses end in a slash, and ids are UUIDs.",
        "There is nothing at this address; addresses end in a slash.",
    ),
    "contract_not_found": Refusal(
        404, Advice.STOP, "There is no such contract.", f"There is no contract {_CONTRACT}."
    ),
    "contract_archived": Refusal(
        410,
        Advice.STOP,
        "The contract came to rest, was archived and removed; `details` name its file.",
        "The contract SHOP-101 was archived, and removed on 2027-01-04.",
        details={
            "reference": "SHOP-101",
            "status": "COMPLETED",
            "entries": 12,
            "head_sha256": "4d967a30111bf29f0eba01c448b375c1629b2fed01cdfcc3aed91f1b57d5dd5e",
            "file_sha256": "760d1adc08bfc205db1841f40e87d131a0f1324b243b60e1ad9a732b065c8850",
            "archived_at": "2027-01-04T09:00:00.000000Z",
            "removed_at": "2027-01-04T09:30:00.000000Z",
        },
    ),
    "job_not_found": Refusal(404, Advice.STOP, "There is no such job.", f"There is no job {_JOB}."),
    "evidence_not_sealed": Refusal(
        404,
        Advice.WAIT,
        "The job has not ended: there is no evidence yet.",
        "This job has no sealed evidence yet: it has not ended.",
    ),
    # --- not in this state ----------------------------------------------------------------------
    "contract_not_approved": Refusal(
        409,
        Advice.READ,
        "Only an APPROVED contract is activated; `details.status` says what it is.",
        "Only an approved contract is activated; this one is ACTIVE.",
        {"status": "ACTIVE"},
    ),
    "may_not": Refusal(
        409, Advice.STOP, "Eligibility did not say MAY.", "Eligibility did not say MAY."
    ),
    "approver_missing": Refusal(
        409,
        Advice.STOP,
        "The record names no approver.",
        "Nobody is on record as having approved this.",
    ),
    "window_closed": Refusal(
        409,
        Advice.WAIT,
        "Outside the activation window: wait for it, or it is over for good.",
        "The activation window runs from 2026-11-22 17:00 to 2026-11-23 17:00 UTC; "
        "it is 2026-11-22 16:40 now.",
    ),
    "content_changed": Refusal(
        409,
        Advice.STOP,
        "The content is not what the founder signed.",
        "The content is not what the founder signed.",
    ),
    "target_out_of_scope": Refusal(
        409,
        Advice.STOP,
        "A change aims outside the contract's capabilities.",
        "proposed_changes[0]: the target Search is not among the affected capabilities.",
    ),
    "plan_differs": Refusal(
        409,
        Advice.STOP,
        "The plan does not do what was proposed.",
        "The plan does not do what was proposed.",
    ),
    "health_unknown": Refusal(
        409,
        Advice.WAIT,
        "Nobody can tell how the platform is.",
        "Nobody can tell how the platform is.",
    ),
    "health_blocked": Refusal(
        409,
        Advice.WAIT,
        "The platform is not well enough; `details.blocking` names the scopes.",
        "Health blocks: GiftCards.",
        {"blocking": ["GiftCards"]},
    ),
    "line_frozen": Refusal(
        409,
        Advice.WAIT,
        "A founder stopped the line; `details` say `until` when and for what `reason`.",
        "founder stopped the line until 2026-11-22 20:00 UTC: The payment provider is down.",
        _FREEZE,
    ),
    "invalid_job_transition": Refusal(
        409,
        Advice.READ,
        "The job may not move that way, or was not started.",
        "This job is PENDING; it must be started first.",
        {"status": "PENDING"},
    ),
    "job_immutable": Refusal(
        409,
        Advice.STOP,
        "The job has ended, and nothing of it changes any more.",
        "This job is COMPLETED for good.",
        {"status": "COMPLETED"},
    ),
    "stale_execution": Refusal(
        409,
        Advice.STOP,
        "The execution token is not the job's current one: the work is somebody else's.",
        "This execution token is not the job's current one.",
    ),
    "lease_lapsed": Refusal(
        409,
        Advice.STOP,
        "Silent for longer than the lease: drop the work, the job counts as lost.",
        "The lease lapsed at 2026-11-22T17:31:30.000000Z; the executor counts as lost.",
        {"lease_expires_at": "2026-11-22T17:31:30.000000Z"},
    ),
    "step_out_of_order": Refusal(
        409,
        Advice.READ,
        "Another step is due, or none; `details.current_step` says which.",
        "Step 0 is due, not step 1.",
        {"step_index": 1, "current_step": 0},
    ),
    "result_conflict": Refusal(
        409,
        Advice.STOP,
        "The step has another result on record already.",
        "Step 0 has another result on record already.",
        {"step_index": 0},
    ),
    "steps_outstanding": Refusal(
        409,
        Advice.READ,
        "Steps are not reported yet, and none has failed.",
        "1 of 2 steps are not reported yet.",
        {"current_step": 1},
    ),
    "evidence_mismatch": Refusal(
        409,
        Advice.READ,
        "The verdict names other evidence than what was sealed.",
        "The verdict is on other evidence than what was sealed.",
    ),
    "verdict_given": Refusal(
        409,
        Advice.STOP,
        "The job has its verdict, and it is final.",
        "This job has its verdict already.",
    ),
    "verdict_conflict": Refusal(
        409,
        Advice.MEND,
        "A job that did not complete accepts only FAIL.",
        "A job that is CANCELLED accepts only FAIL.",
    ),
    "request_in_progress": Refusal(
        409,
        Advice.RETRY,
        "A request with this `Idempotency-Key` is being answered just now.",
        "A request with this key is in progress.",
    ),
    "record_protected": Refusal(
        409,
        Advice.REPORT,
        "PostgreSQL refused to let the record be written so; `details.law` names its law. Nothing "
        "was written.",
        "Status moved to ACTIVE without an entry in the ledger.",
        {"law": "ledger_tells_status"},
    ),
    "answer_lost": Refusal(
        409,
        Advice.READ,
        "This `Idempotency-Key` was answered, but the site's secret has changed since, and nobody "
        "can read the answer any more.",
        "This call was answered, but the site's secret has changed since: read what came of it.",
    ),
    "precondition_failed": Refusal(
        412,
        Advice.READ,
        "`If-Match` names a version that is no longer what stands there.",
        "This is no longer the version that If-Match names; read it again.",
    ),
    # --- not just now ---------------------------------------------------------------------------
    "throttled": Refusal(
        429,
        Advice.RETRY,
        "Too many requests with this token.",
        "Request was throttled. Expected available in 12 seconds.",
    ),
    "internal_error": Refusal(
        500,
        Advice.REPORT,
        "A fault of ours; it has been logged.",
        "Something unexpected went wrong; it has been logged.",
    ),
    "database_unavailable": Refusal(
        503,
        Advice.RETRY,
        "The database does not answer. A write may have happened or not.",
        "The database does not answer now; ask again later.",
    ),
    "busy": Refusal(
        503,
        Advice.RETRY,
        "Others are at it; nothing was written. `details.undone_by` says why.",
        "Others are at it just now, and nothing was written; ask again.",
        {"undone_by": "lock_timeout"},
    ),
    "too_many_streams": Refusal(
        503,
        Advice.RETRY,
        "As many event streams are open as the site allows.",
        "Too many streams are open; ask again later.",
    ),
}
