"""Every error `code` of the API: its status, its meaning, and what a client should do.

docs/errors.md and the error examples in the schema are generated from this table.
`declared_errors.py` lists which operation returns which code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Advice(StrEnum):
    """What a client should do about an error."""

    FIX_REQUEST = "correct the request: the same request is refused again"
    AUTHENTICATE = "use a valid token, or ask an administrator for the permission"
    RETRY = "wait `Retry-After` seconds, then retry; a POST with the same `Idempotency-Key`"
    WAIT = "try later, a POST with a new `Idempotency-Key`: something else has to change first"
    READ_AGAIN = "read the current state, then decide again"
    REPORT = "tell the operators; one retry with the same `Idempotency-Key` is safe"
    REPORT_REFUSED_WRITE = "report it to the operators; nothing was written"
    STOP = "stop: a retry cannot succeed"


@dataclass(frozen=True)
class ErrorCode:
    """An error code; the reference shows `meaning`, the example `detail`, `details` and `path`."""

    status: int
    advice: Advice
    meaning: str
    detail: str
    details: Mapping[str, Any] = field(default_factory=dict)
    path: str | None = None  # the invalid field, if the error names fields


_JOB = "01a2044a-26c5-7727-8a95-147c6583c740"
_CONTRACT = "01a20444-2107-75be-ae46-75a54fe02b96"
_FREEZE = {"until": "2026-11-22T20:00:00.000000Z", "reason": "The payment provider is down."}

ERROR_CODES: dict[str, ErrorCode] = {
    # --- the request is invalid -----------------------------------------------------------------
    "bad_request": ErrorCode(
        400,
        Advice.FIX_REQUEST,
        "The request cannot be parsed.",
        "The request could not be read.",
    ),
    "invalid_parameter": ErrorCode(
        400,
        Advice.FIX_REQUEST,
        "A query parameter is unknown, repeated, empty, or names an unknown value.",
        "colour: is not a known parameter.",
        path="colour",
    ),
    "invalid_input": ErrorCode(
        400,
        Advice.FIX_REQUEST,
        "A parameter or a field of the body is invalid; `errors` names each.",
        "timeout_minutes: must be at most 1440.",
        path="timeout_minutes",
    ),
    "malformed_json": ErrorCode(
        400,
        Advice.FIX_REQUEST,
        "The body is not valid JSON in UTF-8.",
        "This is not JSON: Expecting value: line 1 column 1 (char 0).",
        path="",
    ),
    "invalid_json": ErrorCode(
        400,
        Advice.FIX_REQUEST,
        "The JSON cannot be stored without loss: a repeated key, a NUL character, a number "
        "beyond ±(2^53 − 1), or more than 32 levels.",
        "output.total: a number must lie within ±(2^53 − 1).",
        path="output.total",
    ),
    "document_too_large": ErrorCode(
        400,
        Advice.FIX_REQUEST,
        "The body is larger than 1 MiB.",
        "The document is larger than 1 MiB.",
        path="",
    ),
    "reason_required": ErrorCode(
        400,
        Advice.FIX_REQUEST,
        "The reason is empty, or longer than 4 000 characters.",
        "reason: must be text of 1 to 4 000 characters.",
        path="reason",
    ),
    "invalid_verdict": ErrorCode(
        400,
        Advice.FIX_REQUEST,
        "The verdict is invalid; usually the reason is missing.",
        "reason: must be text of 1 to 4000 characters.",
        path="reason",
    ),
    "invalid_idempotency_key": ErrorCode(
        400,
        Advice.FIX_REQUEST,
        "`Idempotency-Key` is not 1 to 255 visible ASCII characters.",
        "Idempotency-Key: must be 1 to 255 visible ASCII characters.",
        path="Idempotency-Key",
    ),
    "invalid_header": ErrorCode(
        400,
        Advice.FIX_REQUEST,
        "`Last-Event-ID` is not an id that this stream has sent.",
        "Last-Event-ID: must be a whole number from 0 on, or be left out.",
        path="Last-Event-ID",
    ),
    "idempotency_key_reused": ErrorCode(
        422,
        Advice.FIX_REQUEST,
        "This `Idempotency-Key` was used for a different request: each request needs its own key.",
        "Idempotency-Key: was used for a different request; use a new key for each request.",
        path="Idempotency-Key",
    ),
    "not_acceptable": ErrorCode(
        406,
        Advice.FIX_REQUEST,
        "`Accept` names no media type that the call returns.",
        "Could not satisfy the request Accept header.",
    ),
    "length_required": ErrorCode(
        411,
        Advice.FIX_REQUEST,
        "The body is chunked and has no `Content-Length`.",
        "Send the body with a Content-Length; chunked bodies are not read.",
    ),
    "address_too_long": ErrorCode(
        414,
        Advice.FIX_REQUEST,
        "The path or the query is longer than 4 096 bytes.",
        "The path or the query is too long.",
    ),
    "unsupported_media_type": ErrorCode(
        415,
        Advice.FIX_REQUEST,
        "The body is not `application/json` in UTF-8.",
        'Unsupported media type "text/plain" in request.',
    ),
    "method_not_allowed": ErrorCode(
        405,
        Advice.FIX_REQUEST,
        "The path does not support this method; `Allow` lists those that it supports.",
        'Method "DELETE" not allowed.',
    ),
    # --- who calls ------------------------------------------------------------------------------
    "not_authenticated": ErrorCode(
        401,
        Advice.AUTHENTICATE,
        "The request has no bearer token.",
        "Authentication credentials were not provided.",
    ),
    "authentication_failed": ErrorCode(
        401,
        Advice.AUTHENTICATE,
        "The site does not know this token.",
        "This site does not know this token.",
    ),
    "token_expired": ErrorCode(
        401, Advice.AUTHENTICATE, "The token has expired.", "This token has expired."
    ),
    "token_revoked": ErrorCode(
        401, Advice.AUTHENTICATE, "The token was revoked.", "This token was revoked."
    ),
    "user_inactive": ErrorCode(
        401,
        Advice.AUTHENTICATE,
        "The token's account is deactivated.",
        "This account is not active.",
    ),
    "permission_denied": ErrorCode(
        403,
        Advice.AUTHENTICATE,
        "The token or its account lacks the permission that `detail` names.",
        "This needs the permission governance.execute_job.",
    ),
    "auditor_not_independent": ErrorCode(
        403,
        Advice.STOP,
        "The caller took part in the contract or its job, and so cannot audit the job.",
        "worker started the job, and so cannot audit it.",
    ),
    # --- not found ------------------------------------------------------------------------------
    "not_found": ErrorCode(
        404,
        Advice.STOP,
        "No such path. Paths end with a slash, and ids are UUIDs.",
        "There is nothing at this path; paths end with a slash.",
    ),
    "contract_not_found": ErrorCode(
        404,
        Advice.STOP,
        "No such contract, or it is outside the token's capabilities.",
        f"There is no contract {_CONTRACT}.",
    ),
    "contract_archived": ErrorCode(
        410,
        Advice.STOP,
        "The contract ended, was archived and removed; `details` identify its archive file.",
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
    "job_not_found": ErrorCode(
        404,
        Advice.STOP,
        "No such job, or it is outside the token's capabilities, or another account started it.",
        f"There is no job {_JOB}.",
    ),
    "evidence_not_sealed": ErrorCode(
        404,
        Advice.WAIT,
        "The job has not ended, so its evidence is not sealed yet.",
        "This job has no sealed evidence yet: it has not ended.",
    ),
    # --- wrong state ----------------------------------------------------------------------------
    "contract_not_approved": ErrorCode(
        409,
        Advice.READ_AGAIN,
        "The contract is not APPROVED; `details.status` is its status.",
        "Only an approved contract is activated; this one is ACTIVE.",
        {"status": "ACTIVE"},
    ),
    "may_not": ErrorCode(
        409,
        Advice.STOP,
        "The contract's eligibility decision is not MAY.",
        "Eligibility did not say MAY.",
    ),
    "approver_missing": ErrorCode(
        409,
        Advice.STOP,
        "The contract has no recorded approver.",
        "No approver is recorded for this contract.",
    ),
    "window_closed": ErrorCode(
        409,
        Advice.WAIT,
        "The current time is outside the activation window.",
        "The activation window runs from 2026-11-22 17:00 to 2026-11-23 17:00 UTC; "
        "it is 2026-11-22 16:40 now.",
    ),
    "content_changed": ErrorCode(
        409,
        Advice.STOP,
        "The content differs from the content that was approved.",
        "The content is not what the founder signed.",
    ),
    "target_out_of_scope": ErrorCode(
        409,
        Advice.STOP,
        "A change has a target outside the contract's affected capabilities.",
        "proposed_changes[0]: Search is outside the scope (GiftCards).",
    ),
    "plan_mismatch": ErrorCode(
        409,
        Advice.STOP,
        "The plan differs from the proposed changes.",
        "The plan differs from the proposed changes.",
    ),
    "health_unknown": ErrorCode(
        409,
        Advice.WAIT,
        "The platform's health could not be read.",
        "The platform's health is unknown.",
    ),
    "health_blocked": ErrorCode(
        409,
        Advice.WAIT,
        "The platform's health blocks the change; `details.blocking` names the scopes.",
        "Health is BLOCKED for GiftCards.",
        {"blocking": ["GiftCards"]},
    ),
    "change_freeze_active": ErrorCode(
        409,
        Advice.WAIT,
        "A founder has frozen all changes; `details` hold the end (`until`) and the `reason`.",
        "founder froze changes until 2026-11-22 20:00 UTC: The payment provider is down.",
        _FREEZE,
    ),
    "invalid_job_transition": ErrorCode(
        409,
        Advice.READ_AGAIN,
        "The job's status does not allow this call; `details` name its status.",
        "This job is PENDING; it must be started first.",
        {"status": "PENDING"},
    ),
    "job_immutable": ErrorCode(
        409,
        Advice.STOP,
        "The job has ended and can no longer change.",
        "This job is COMPLETED and can no longer change.",
        {"status": "COMPLETED"},
    ),
    "stale_execution": ErrorCode(
        409,
        Advice.STOP,
        "The execution token is not the job's current one.",
        "This execution token is not the job's current one.",
    ),
    "lease_expired": ErrorCode(
        409,
        Advice.STOP,
        "The lease has expired and the executor counts as lost: drop the job.",
        "The lease expired at 2026-11-22T17:31:30.000000Z; the executor counts as lost.",
        {"lease_expires_at": "2026-11-22T17:31:30.000000Z"},
    ),
    "step_out_of_order": ErrorCode(
        409,
        Advice.READ_AGAIN,
        "The step is not due: `details.current_step` is due, or no step is, because all are "
        "reported or one failed.",
        "Step 0 is due, not step 1.",
        {"step_index": 1, "current_step": 0},
    ),
    "result_conflict": ErrorCode(
        409,
        Advice.STOP,
        "The step already has a different recorded result.",
        "A different result of step 0 is already recorded.",
        {"step_index": 0},
    ),
    "steps_outstanding": ErrorCode(
        409,
        Advice.READ_AGAIN,
        "Not every step is reported, and none has failed.",
        "1 of 2 steps are not reported yet.",
        {"current_step": 1},
    ),
    "evidence_mismatch": ErrorCode(
        409,
        Advice.READ_AGAIN,
        "`evidence_sha256` is not the digest of the sealed evidence.",
        "The verdict is on other evidence than the sealed evidence.",
    ),
    "verdict_exists": ErrorCode(
        409,
        Advice.STOP,
        "The job already has its verdict, which is final.",
        "This job already has a verdict.",
    ),
    "verdict_conflict": ErrorCode(
        409,
        Advice.FIX_REQUEST,
        "The job did not complete, so only FAIL is accepted.",
        "A job that is CANCELLED accepts only FAIL.",
    ),
    "request_in_progress": ErrorCode(
        409,
        Advice.RETRY,
        "A request with this `Idempotency-Key` is still running.",
        "A request with this key is still running; retry later.",
    ),
    "integrity_violation": ErrorCode(
        409,
        Advice.REPORT_REFUSED_WRITE,
        "PostgreSQL refused the write, and nothing was written; `details.constraint` names the "
        "database guard.",
        "The contract is ACTIVE, but the ledger says APPROVED.",
        {"constraint": "ledger_covers_status"},
    ),
    "answer_lost": ErrorCode(
        409,
        Advice.READ_AGAIN,
        "This request was carried out, but its stored response cannot be decrypted, because the "
        "site's secret has changed since.",
        "The stored response cannot be decrypted, because the site's secret has changed; "
        "read the current state.",
    ),
    "precondition_failed": ErrorCode(
        412,
        Advice.READ_AGAIN,
        "`If-Match` names no current version; after a POST `details.version` is the current one.",
        "The contract has changed since it was read; read it again.",
        {"version": "7d3c9a4be0f2415c8a6e1b93d05f7c28"},
    ),
    # --- temporary ------------------------------------------------------------------------------
    "throttled": ErrorCode(
        429,
        Advice.RETRY,
        "Too many requests with this token in this minute.",
        "Request was throttled. Expected available in 12 seconds.",
    ),
    "internal_error": ErrorCode(
        500,
        Advice.REPORT,
        "An unexpected error in the server, which has been logged.",
        "An unexpected error occurred and has been logged.",
    ),
    "database_unavailable": ErrorCode(
        503,
        Advice.RETRY,
        "The database does not answer. It is unknown whether the write happened.",
        "The database does not answer; retry later.",
    ),
    "busy": ErrorCode(
        503,
        Advice.RETRY,
        "PostgreSQL rolled the write back, and nothing was written; `details.undone_by` says why.",
        "Another transaction was in the way, and nothing was written; retry.",
        {"undone_by": "lock_timeout"},
    ),
    "too_many_streams": ErrorCode(
        503,
        Advice.RETRY,
        "The web process has no free event stream.",
        "This web process has no free event stream; retry later.",
    ),
}
