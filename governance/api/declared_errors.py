"""The error codes that each operation can return: those of every call, and those of its own.

A new operation needs an entry in `OPERATION_CODES`; without one, generating the schema fails.
`error_codes.py` has the status and the meaning of each code.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured

from governance.api.error_codes import ERROR_CODES

CODES_OF_EVERY_CALL = (
    "bad_request",
    "invalid_parameter",
    "not_authenticated",
    "authentication_failed",
    "token_expired",
    "token_revoked",
    "user_inactive",
    "permission_denied",
    "not_acceptable",
    "length_required",
    "address_too_long",
    "unsupported_media_type",
    "throttled",
    "internal_error",
    "database_unavailable",
)
CODES_OF_EVERY_LIST = ("invalid_input",)
CODES_OF_EVERY_ID = ("not_found",)
CODES_OF_EVERY_POST = (
    "invalid_input",
    "malformed_json",
    "invalid_json",
    "document_too_large",
    "invalid_idempotency_key",
    "request_in_progress",
    "idempotency_key_reused",
    "answer_lost",
    "precondition_failed",
    "integrity_violation",
    "busy",
)

# Returned before a path and a method are matched to an operation, so no operation lists them.
UNROUTED_CODES = ("not_found", "method_not_allowed")

# The further codes of each operation, by its operation id.
OPERATION_CODES: dict[str, tuple[str, ...]] = {
    "list_contracts": (),
    "get_contract": ("contract_not_found", "contract_archived", "precondition_failed"),
    "list_ledger_entries": ("contract_not_found", "contract_archived"),
    "activate_contract": (
        "contract_not_found",
        "contract_not_approved",
        "change_freeze_active",
        "may_not",
        "approver_missing",
        "window_closed",
        "content_changed",
        "target_out_of_scope",
        "plan_mismatch",
        "health_unknown",
        "health_blocked",
    ),
    # The errors of single contracts are in their outcomes.
    "activate_contracts": (),
    "list_jobs": (),
    "get_job": ("job_not_found", "precondition_failed"),
    "list_steps": ("job_not_found",),
    "get_progress": ("job_not_found",),
    "get_evidence": ("job_not_found", "evidence_not_sealed"),
    "follow_job": ("job_not_found", "invalid_header", "too_many_streams"),
    "claim_job": ("change_freeze_active",),
    "start_job": (
        "job_not_found",
        "job_immutable",
        "invalid_job_transition",
        "change_freeze_active",
    ),
    "report_step": (
        "job_not_found",
        "job_immutable",
        "invalid_job_transition",
        "stale_execution",
        "lease_expired",
        "result_conflict",
        "step_out_of_order",
    ),
    "complete_job": (
        "job_not_found",
        "job_immutable",
        "invalid_job_transition",
        "stale_execution",
        "lease_expired",
        "steps_outstanding",
    ),
    "cancel_job": ("reason_required", "job_not_found", "job_immutable"),
    "record_verdict": (
        "invalid_verdict",
        "auditor_not_independent",
        "job_not_found",
        "evidence_not_sealed",
        "evidence_mismatch",
        "verdict_exists",
        "verdict_conflict",
    ),
    "get_freeze_state": (),
}


def declared_errors_of(
    operation_id: str, *, method: str, has_id: bool, is_list: bool
) -> dict[int, tuple[str, ...]]:
    """Return the operation's error codes by status, the lowest status first.

    Raises:
        ImproperlyConfigured: `OPERATION_CODES` lacks the operation, or `ERROR_CODES` a code.
    """
    if operation_id not in OPERATION_CODES:
        raise ImproperlyConfigured(
            f"The operation {operation_id} has no entry in governance/api/declared_errors.py: "
            "add it to OPERATION_CODES, with the codes that only it can return."
        )
    codes = (
        *common_codes(method=method, has_id=has_id, is_list=is_list),
        *OPERATION_CODES[operation_id],
    )
    return group_by_status(codes)


def common_codes(*, method: str, has_id: bool, is_list: bool) -> tuple[str, ...]:
    """Return the codes that every call of this kind can return."""
    is_post = method.upper() == "POST"
    return (
        *CODES_OF_EVERY_CALL,
        *(CODES_OF_EVERY_LIST if is_list else ()),
        *(CODES_OF_EVERY_ID if has_id else ()),
        *(CODES_OF_EVERY_POST if is_post else ()),
    )


def group_by_status(codes: Sequence[str]) -> dict[int, tuple[str, ...]]:
    """Group codes by status, the lowest status first and each code once.

    Raises:
        ImproperlyConfigured: `ERROR_CODES` does not have a code.
    """
    if unknown := [code for code in codes if code not in ERROR_CODES]:
        raise ImproperlyConfigured(
            f"governance/api/error_codes.py does not know {', '.join(unknown)}: "
            "add its status and its meaning."
        )
    groups: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        groups.setdefault(ERROR_CODES[code].status, []).append(code)
    return {status: tuple(groups[status]) for status in sorted(groups)}
