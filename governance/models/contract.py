"""SystemContract: a proposed change and its approval; the only source of execution intent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models

from governance.domain.canonical import digest, timestamp
from governance.domain.errors import ContractNotFoundError
from governance.domain.lifecycles import ContractStateMachine
from governance.domain.risk import risk_reasons
from governance.domain.values import (
    ActivationWindow,
    ApprovalKind,
    AuditVerdict,
    ContractStatus,
    RiskLevel,
    Source,
)
from governance.models.account import Account
from governance.models.contract_constraints import CONTRACT_CONSTRAINTS
from governance.models.contract_indexes import CONTRACT_INDEXES
from governance.models.fields import (
    ChoiceField,
    StatefulModel,
    StatusField,
    account_key,
    digest_field,
    id_field,
    moves_to,
    names_field,
    one_to_one_field,
)

if TYPE_CHECKING:
    from governance.models.signature import ApprovalSignature

_moves_to = partial(moves_to, ContractStateMachine.sources_of)


class ContractQuerySet(models.QuerySet["SystemContract"]):
    def lock(self, contract_id: UUID | str) -> SystemContract:
        """Lock a contract until the transaction ends, and return it.

        Every transaction locks the contract first. The row is also the lock of the contract's
        ledger chain.

        Raises:
            ContractNotFoundError: there is no such contract.
        """
        found = self.select_for_update().filter(pk=contract_id).first()
        if found is None:
            raise ContractNotFoundError(contract_id)
        return found


class SystemContract(StatefulModel):
    """A change of the platform, from its proposal to the verdict on it.

    Only `authorities/contract/operations.py` calls the moves below. A move sets the fields of its
    status; the operation checks the guards, saves, and appends the ledger entry.
    """

    id = id_field()
    reference = models.CharField(max_length=256)
    source = ChoiceField(Source)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    requested_by = models.CharField(max_length=200, blank=True)
    # Without an index of its own: the lists' indexes below serve the search by person, and a check
    # before the deletion of an account needs none, because accounts are never deleted.
    proposed_by = account_key(db_index=False)
    # The contract that this one replaces because a founder modified its scope. Without a database
    # constraint, because the parent may be archived and removed, and leaves only its tombstone.
    parent = one_to_one_field(
        "self",
        null=True,
        related_name="successor",
        editable=False,
        db_constraint=False,
    )
    # The ended contract that this one proposes again; like `parent` without a database constraint.
    repeats = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        related_name="repetitions",
        editable=False,
        db_index=False,
        db_constraint=False,
    )
    # The FAILED contract whose completed steps this one undoes; like `parent` without a database
    # constraint.
    rolls_back = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        related_name="rollbacks",
        editable=False,
        db_index=False,
        db_constraint=False,
    )
    proposed_changes = models.JSONField()
    affected_capabilities = names_field()
    risk_level = ChoiceField(RiskLevel)
    # What the proposer asked for, where the derived risk is higher (`domain/risk.py`).
    risk_asked = ChoiceField(RiskLevel, null=True, editable=False)
    validator_verdict = models.JSONField(null=True)
    eligibility_verdict = models.JSONField(null=True)
    confidence_score = models.FloatField(null=True)
    eligibility_decision = models.CharField(max_length=10, null=True)  # noqa: DJ001 - undecided
    plan = models.JSONField()
    proposal_digest = digest_field()
    content_digest = digest_field(null=True)

    status = StatusField(ContractStatus, default=ContractStatus.DRAFT)
    audit_verdict = ChoiceField(AuditVerdict, default=AuditVerdict.PENDING)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # expires_at plus the time for which questions paused the review; null while one is open.
    review_ends_at = models.DateTimeField(null=True)

    # How it was approved, or will be; `rollback_authorisations.py` makes the second kind.
    approval_kind = ChoiceField(
        ApprovalKind, default=ApprovalKind.SIGNED, db_default=ApprovalKind.SIGNED.value
    )
    # The digest that names the RollbackAuthorisation in place of signatures.
    authorisation_sha256 = digest_field(null=True)
    approved_by = account_key(null=True, db_index=False)
    approved_at = models.DateTimeField(null=True)
    approved_digest = digest_field(null=True)
    approval_note = models.TextField(blank=True)
    window_opens_at = models.DateTimeField(null=True)
    window_closes_at = models.DateTimeField(null=True)

    closed_by = account_key(null=True, db_index=False)
    closed_at = models.DateTimeField(null=True)
    closed_reason = models.TextField(blank=True)

    # The signatures, if a query has read them too (orchestrator/job_state.py).
    known_signatures: Sequence[ApprovalSignature] | None = None

    objects = ContractQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = ("view",)
        permissions = [
            ("import_contract", "Can propose contracts"),
            ("activate_contract", "Can activate approved contracts"),
        ]
        constraints = CONTRACT_CONSTRAINTS
        indexes = CONTRACT_INDEXES

    def __str__(self) -> str:
        return f"{self.reference}: {self.title}"

    # --- the moves; the database guard contract_moves has the same table ---
    @_moves_to(ContractStatus.VALIDATED)
    def to_validated(self, *, validator_verdict: Mapping[str, Any]) -> None:
        self.validator_verdict = dict(validator_verdict)
        self.confidence_score = float(validator_verdict["confidence_score"])
        self.raise_risk()

    @_moves_to(ContractStatus.ELIGIBLE)
    def to_eligible(self, *, eligibility_verdict: Mapping[str, Any]) -> None:
        self.eligibility_verdict = dict(eligibility_verdict)
        self.eligibility_decision = eligibility_verdict["decision"]
        self.content_digest = digest(self.content_record())

    @_moves_to(ContractStatus.APPROVED)
    def to_approved(
        self,
        *,
        founder: Account,
        at: datetime,
        window: ActivationWindow,
        note: str,
        authorisation_sha256: str | None = None,
    ) -> None:
        if authorisation_sha256 is not None:
            self.approval_kind = ApprovalKind.PRE_AUTHORISED
        self.authorisation_sha256 = authorisation_sha256
        self.approved_by = founder
        self.approved_at = at
        self.approved_digest = self.content_digest
        self.approval_note = note
        self.window_opens_at = window.opens_at
        self.window_closes_at = window.closes_at

    @_moves_to(ContractStatus.ACTIVE)
    def to_active(self) -> None: ...

    @_moves_to(ContractStatus.COMPLETED)
    def to_completed(self, *, at: datetime, by: Account, reason: str) -> None:
        self.audit_verdict = AuditVerdict.PASS
        self._close(at=at, by=by, reason=reason)

    @_moves_to(ContractStatus.FAILED)
    def to_failed(self, *, at: datetime, by: Account, reason: str) -> None:
        if self.status == ContractStatus.ACTIVE:
            self.audit_verdict = AuditVerdict.FAIL
        self._close(at=at, by=by, reason=reason)

    @_moves_to(ContractStatus.REJECTED)
    def to_rejected(self, *, at: datetime, by: Account, reason: str) -> None:
        self._close(at=at, by=by, reason=reason)

    @_moves_to(ContractStatus.EXPIRED)
    def to_expired(self, *, at: datetime, by: Account, reason: str) -> None:
        self._close(at=at, by=by, reason=reason)

    def _close(self, *, at: datetime, by: Account, reason: str) -> None:
        self.closed_at = at
        self.closed_by = by
        self.closed_reason = reason

    @property
    def is_rollback(self) -> bool:
        return self.rolls_back_id is not None

    def raise_risk(self) -> None:
        """Raise the risk level to that of its highest reason, before the contract is ELIGIBLE."""
        derived = risk_reasons(self)[0].level
        if derived != self.risk_level:
            self.risk_asked = self.risk_asked or self.risk_level
            self.risk_level = derived

    # --- the records whose digests the ledger and the founders' signatures contain ---
    @property
    def window(self) -> ActivationWindow | None:
        if self.window_opens_at is None or self.window_closes_at is None:
            return None
        return ActivationWindow(self.window_opens_at, self.window_closes_at)

    def proposal_record(self) -> dict[str, Any]:
        """Return the proposal; its digest is of what arrived, so the same file gives the same."""
        return {
            "reference": self.reference,
            "source": self.source,
            "title": self.title,
            "description": self.description,
            "requested_by": self.requested_by,
            "proposed_changes": self.proposed_changes,
            "affected_capabilities": self.affected_capabilities,
            "risk_level": self.risk_asked or self.risk_level,
            "proposal_digest": self.proposal_digest,
        }

    def draft_record(self) -> dict[str, Any]:
        """Return what the contract adds to the proposal: proposer, plan, times and origin."""
        record = {
            "contract_id": str(self.pk),
            "proposed_by": self.proposed_by_id,
            "plan": self.plan,
            "created_at": timestamp(self.created_at),
            "expires_at": timestamp(self.expires_at),
        }
        # Only where there is one: digests from before these fields stay the same.
        origin = {
            "parent": self.parent_id,
            "repeats": self.repeats_id,
            "rolls_back": self.rolls_back_id,
        }
        return record | {name: str(one) for name, one in origin.items() if one is not None}

    def content_record(self) -> dict[str, Any]:
        """Return the content, which is frozen from ELIGIBLE on; founders sign its digest."""
        # Only where the risk was raised: digests from before the field stay the same.
        risk = {"risk_asked": self.risk_asked} if self.risk_asked else {}
        return (
            self.proposal_record()
            | self.draft_record()
            | risk
            | {
                "risk_level": self.risk_level,
                "validator_verdict": self.validator_verdict,
                "eligibility_verdict": self.eligibility_verdict,
                "eligibility_decision": self.eligibility_decision,
                "confidence_score": self.confidence_score,
            }
        )

    def approval_record(self) -> dict[str, Any]:
        # Only where it is not signed: digests from before the fields stay the same.
        kind = (
            {
                "approval_kind": str(self.approval_kind),
                "authorisation_sha256": self.authorisation_sha256,
            }
            if self.authorisation_sha256 or self.approval_kind != ApprovalKind.SIGNED
            else {}
        )
        return kind | {
            "approved_by": self.approved_by_id,
            "approved_at": timestamp(self.approved_at),
            "approved_digest": self.approved_digest,
            "approval_note": self.approval_note,
            "window_opens_at": timestamp(self.window_opens_at),
            "window_closes_at": timestamp(self.window_closes_at),
        }

    def closing_record(self) -> dict[str, Any]:
        return {
            "status": str(self.status),
            "audit_verdict": str(self.audit_verdict),
            "closed_by": self.closed_by_id,
            "closed_at": timestamp(self.closed_at),
            "closed_reason": self.closed_reason,
        }
