"""The constraints of SystemContract: what its columns must agree on in each status."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES
from governance.domain.values import (
    MAX_WINDOW,
    ApprovalKind,
    AuditVerdict,
    ContractStatus,
    RiskLevel,
    Source,
)
from governance.models.constraints import closed_set, filled_only_when, filled_when, plain
from governance.models.contract_indexes import OPEN_STATUSES

_APPROVED_AND_LATER = plain(
    [
        ContractStatus.APPROVED,
        ContractStatus.ACTIVE,
        ContractStatus.COMPLETED,
        ContractStatus.FAILED,
    ]
)
_ELIGIBLE_AND_LATER = [ContractStatus.ELIGIBLE.value, *_APPROVED_AND_LATER]

CONTRACT_CONSTRAINTS: list[models.BaseConstraint] = [
    closed_set("status", ContractStatus, name="contract_status_known"),
    closed_set("risk_level", RiskLevel, name="contract_risk_level_known"),
    closed_set("risk_asked", RiskLevel, name="contract_risk_asked_known"),
    closed_set("source", Source, name="contract_source_known"),
    closed_set("approval_kind", ApprovalKind, name="contract_approval_kind_known"),
    models.UniqueConstraint(
        fields=["reference", "proposal_digest"],
        # The index then serves a search by the beginning of a reference in any collation.
        opclasses=["varchar_pattern_ops", "varchar_pattern_ops"],
        name="contract_proposed_once",
    ),
    models.UniqueConstraint(  # ROLLBACK
        fields=["rolls_back"],
        condition=Q(status__in=OPEN_STATUSES),
        name="contract_one_open_rollback",
    ),
    # ROLLBACK: only the approval of a rollback can be given before; approval_pre_authorised.sql
    # checks by whom.
    models.CheckConstraint(
        condition=Q(approval_kind=ApprovalKind.SIGNED.value, authorisation_sha256=None)
        | Q(
            approval_kind=ApprovalKind.PRE_AUTHORISED.value,
            authorisation_sha256__isnull=False,
            rolls_back__isnull=False,
            approved_at__isnull=False,
        ),
        name="contract_pre_authorised_is_rollback",
    ),
    filled_when(  # CONTRACT-002
        "status",
        _APPROVED_AND_LATER,
        [
            "approved_by",
            "approved_at",
            "approved_digest",
            "window_opens_at",
            "window_closes_at",
        ],
        name="contract_approved_has_approval",
    ),
    # Together with the previous constraint, approved_at is set exactly by the move to
    # APPROVED; change_freeze_active.sql and signature_in_turn.sql rely on that.
    models.CheckConstraint(
        condition=Q(status__in=_APPROVED_AND_LATER)
        | Q(approved_by__isnull=True, approved_at__isnull=True, window_opens_at=None),
        name="contract_approval_only_by_approving",
    ),
    models.CheckConstraint(  # four eyes; the constraints above check for a null approver
        condition=~Q(approved_by=F("proposed_by")), name="contract_four_eyes"
    ),
    models.CheckConstraint(
        condition=Q(approved_digest=None) | Q(approved_digest=F("content_digest")),
        name="contract_approves_its_content",
    ),
    models.CheckConstraint(
        condition=Q(window_opens_at=None)
        | Q(
            window_closes_at__gt=F("window_opens_at"),
            window_closes_at__lte=F("window_opens_at") + MAX_WINDOW,
        ),
        name="contract_window_in_bounds",
    ),
    models.CheckConstraint(  # CONTRACT-004
        condition=~Q(status=ContractStatus.COMPLETED.value)
        | Q(audit_verdict=AuditVerdict.PASS.value),
        name="contract_completed_has_pass",
    ),
    models.CheckConstraint(
        condition=Q(audit_verdict=AuditVerdict.PENDING.value)
        | Q(audit_verdict=AuditVerdict.PASS.value, status=ContractStatus.COMPLETED.value)
        | Q(audit_verdict=AuditVerdict.FAIL.value, status=ContractStatus.FAILED.value)
        | Q(
            audit_verdict=AuditVerdict.INCONCLUSIVE.value,
            status=ContractStatus.ACTIVE.value,
        ),
        name="contract_verdict_fits_status",
    ),
    models.CheckConstraint(  # CONTRACT-007; PostgreSQL sorts NaN above every number
        condition=Q(confidence_score=None) | Q(confidence_score__gte=0, confidence_score__lte=1),
        name="contract_confidence_in_bounds",
    ),
    models.CheckConstraint(  # MAY_NOT
        condition=~Q(status__in=_ELIGIBLE_AND_LATER)
        | Q(eligibility_decision__isnull=False, eligibility_decision="MAY"),
        name="contract_eligible_means_may",
    ),
    models.CheckConstraint(  # MAY_NOT: the column is no other decision than that of the verdict
        condition=~Q(status__in=_ELIGIBLE_AND_LATER)
        | Q(eligibility_verdict__isnull=False, eligibility_verdict__contains={"decision": "MAY"}),
        name="contract_eligible_verdict_says_may",
    ),
    filled_when(
        "status",
        _ELIGIBLE_AND_LATER,
        ["content_digest", "validator_verdict", "eligibility_verdict", "confidence_score"],
        name="contract_eligible_has_content",
    ),
    filled_only_when(
        "status",
        sorted(CONTRACT_TERMINAL_STATES),
        ["closed_at"],
        unset={"closed_by": None, "closed_reason": ""},
        name="contract_closed_means_terminal",
    ),
]
