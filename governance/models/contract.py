"""SystemContract: a proposed change and its approval; the only source of execution intent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Coalesce
from django_fsm import transition

from governance.domain.canonical import digest, timestamp
from governance.domain.errors import ContractNotFoundError
from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES, ContractStateMachine
from governance.domain.values import (
    MAX_WINDOW,
    ActivationWindow,
    AuditVerdict,
    ContractStatus,
    RiskLevel,
    Source,
)
from governance.models.constraints import (
    ClosedSet,
    FilledIndex,
    FilledOnlyWhen,
    FilledWhen,
    LaterBy,
    plain,
)
from governance.models.fields import (
    IdField,
    KeptOneToOneField,
    NamesField,
    StatefulModel,
    StatusField,
    choice_field,
    digest_field,
    user_field,
)

_APPROVED_AND_LATER = plain(
    [
        ContractStatus.APPROVED,
        ContractStatus.ACTIVE,
        ContractStatus.COMPLETED,
        ContractStatus.FAILED,
    ]
)
_ELIGIBLE_AND_LATER = [ContractStatus.ELIGIBLE.value, *_APPROVED_AND_LATER]
_sources_of = ContractStateMachine.sources_of


class ContractWords(Func):
    """The words by which the review queue is searched, made by `contract_words.sql`."""

    function = "governance_contract_words"
    output_field = SearchVectorField()


class TitleWords(Func):
    """The words by which the list of all contracts is searched, made by `title_words.sql`."""

    function = "governance_title_words"
    output_field = SearchVectorField()


class QueueRank(Case):
    """The rank in the review queue: by risk, then paused reviews last; 0 is the most urgent."""

    def __init__(self) -> None:
        ranks = (
            When(
                risk_level=risk.value,
                review_ends_at__isnull=is_paused,
                then=Value(2 * n + is_paused),
            )
            for n, risk in enumerate(RiskLevel)
            for is_paused in (False, True)
        )
        last = Value(2 * len(RiskLevel))
        super().__init__(*ranks, default=last, output_field=models.IntegerField())


def queue_rank() -> QueueRank:
    """Make the rank expression of the queue's index; `queue_rank_of` computes it in Python."""
    return QueueRank()


def queue_rank_of(contract: SystemContract) -> int:
    risk = list(RiskLevel).index(RiskLevel(contract.risk_level))
    return 2 * risk + (contract.review_ends_at is None)


class ReviewEnd(Coalesce):
    """The end of a contract's review; while the review is paused, its end without questions."""

    def __init__(self) -> None:
        super().__init__("review_ends_at", "expires_at")


def review_end_expression() -> ReviewEnd:
    """Make the expression of the queue's index for the end of a review."""
    return ReviewEnd()


def within_token_scope(capabilities: Sequence[str] | None, of: str = "") -> Q:
    """Make the filter for contracts whose affected capabilities are all among `capabilities`.

    A contract without affected capabilities is outside every limited scope. Of the two conditions
    the overlap is the one that the index can serve.

    Args:
        capabilities: the token's capabilities; None is no limit.
        of: the lookup path to the contract, such as `contract__`.
    """
    if capabilities is None:
        return Q()
    column = f"{of}affected_capabilities"
    names = list(capabilities)
    return Q(**{f"{column}__overlap": names}) & Q(**{f"{column}__contained_by": names})


def contract_words() -> ContractWords:
    """Make the expression of a contract's words, the same as in the queue's index."""
    return ContractWords("title", "description", "affected_capabilities")


def title_words() -> TitleWords:
    """Make the expression of a title's words, the same as in the list's index."""
    return TitleWords("title")


def search_query(text: str) -> SearchQuery:
    """Make PostgreSQL's text query from what a person typed into the search field."""
    return SearchQuery(text, config="pg_catalog.english", search_type="websearch")


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

    id = IdField()
    reference = models.CharField(max_length=256)
    source = choice_field(Source)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    requested_by = models.CharField(max_length=200, blank=True)
    # Without an index of its own: the lists' indexes below serve the search by person, and a check
    # before the deletion of an account needs none, because accounts are never deleted.
    proposed_by = user_field(db_index=False)
    # The contract that this one replaces because a founder modified its scope. Without a database
    # constraint, because the parent may be archived and removed, and leaves only its tombstone.
    parent = KeptOneToOneField(
        "self",
        null=True,
        related_name="successor",
        editable=False,
        db_constraint=False,
    )
    proposed_changes = models.JSONField()
    affected_capabilities = NamesField()
    risk_level = choice_field(RiskLevel)
    validator_verdict = models.JSONField(null=True)
    eligibility_verdict = models.JSONField(null=True)
    confidence_score = models.FloatField(null=True)
    eligibility_decision = models.CharField(max_length=10, null=True)  # noqa: DJ001 - undecided
    plan = models.JSONField()
    proposal_digest = digest_field()
    content_digest = digest_field(null=True)

    status = StatusField(ContractStatus, default=ContractStatus.DRAFT)
    audit_verdict = choice_field(AuditVerdict, default=AuditVerdict.PENDING)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # expires_at plus the time for which questions paused the review; null while one is open.
    review_ends_at = models.DateTimeField(null=True)

    approved_by = user_field(null=True, db_index=False)
    approved_at = models.DateTimeField(null=True)
    approved_digest = digest_field(null=True)
    approval_note = models.TextField(blank=True)
    window_opens_at = models.DateTimeField(null=True)
    window_closes_at = models.DateTimeField(null=True)

    closed_by = user_field(null=True, db_index=False)
    closed_at = models.DateTimeField(null=True)
    closed_reason = models.TextField(blank=True)

    objects = ContractQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = ("view",)
        permissions = [
            ("import_contract", "Can propose contracts"),
            ("review_contract", "Can approve and reject contracts"),
            ("activate_contract", "Can activate approved contracts"),
        ]
        constraints = [
            ClosedSet("status", ContractStatus, name="contract_status_known"),
            ClosedSet("risk_level", RiskLevel, name="contract_risk_level_known"),
            ClosedSet("source", Source, name="contract_source_known"),
            models.UniqueConstraint(
                fields=["reference", "proposal_digest"],
                # The index then serves a search by the beginning of a reference in any collation.
                opclasses=["varchar_pattern_ops", "varchar_pattern_ops"],
                name="contract_proposed_once",
            ),
            models.UniqueConstraint(
                fields=["reference"],
                condition=Q(parent__isnull=False),
                name="contract_revision_named_once",
            ),
            FilledWhen(  # CONTRACT-002
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
                    window_closes_at__lte=LaterBy("window_opens_at", MAX_WINDOW),
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
                condition=Q(confidence_score=None)
                | Q(confidence_score__gte=0, confidence_score__lte=1),
                name="contract_confidence_in_bounds",
            ),
            models.CheckConstraint(  # MAY_NOT
                condition=~Q(status__in=_ELIGIBLE_AND_LATER)
                | Q(eligibility_decision__isnull=False, eligibility_decision="MAY"),
                name="contract_eligible_means_may",
            ),
            FilledWhen(
                "status",
                _ELIGIBLE_AND_LATER,
                ["content_digest", "validator_verdict", "eligibility_verdict", "confidence_score"],
                name="contract_eligible_has_content",
            ),
            FilledOnlyWhen(
                "status",
                sorted(CONTRACT_TERMINAL_STATES),
                ["closed_at"],
                unset={"closed_by": None, "closed_reason": ""},
                name="contract_closed_means_terminal",
            ),
        ]
        indexes = [
            # The two orders of lists. Each index has the other time too, for filters by range.
            models.Index(fields=["-created_at", "-id", "-updated_at"], name="contract_newest"),
            models.Index(fields=["updated_at", "id", "created_at"], name="contract_updated"),
            models.Index(fields=["status", "-created_at", "-id"], name="contract_by_status"),
            models.Index(fields=["status", "updated_at", "id"], name="contract_status_updated"),
            models.Index(fields=["risk_level", "created_at", "id"], name="contract_by_risk"),
            models.Index(fields=["source", "created_at", "id"], name="contract_by_source"),
            models.Index(
                fields=["review_ends_at"],
                condition=Q(status__in=["DRAFT", "VALIDATED", "ELIGIBLE"]),
                name="contract_expiring",
            ),
            models.Index(
                fields=["window_closes_at"],
                condition=Q(status=ContractStatus.APPROVED.value),
                name="contract_window_closing",
            ),
            GinIndex(fields=["affected_capabilities"], name="contract_capabilities"),
            # The review queue, of all sources and of one source.
            models.Index(
                queue_rank(),
                review_end_expression(),
                "id",
                condition=Q(status=ContractStatus.ELIGIBLE.value),
                name="contract_queue",
            ),
            models.Index(
                "source",
                queue_rank(),
                review_end_expression(),
                "id",
                condition=Q(status=ContractStatus.ELIGIBLE.value),
                name="contract_queue_by_source",
            ),
            GinIndex(
                contract_words(),
                condition=Q(status=ContractStatus.ELIGIBLE.value),
                name="contract_queue_words",
            ),
            # The search in the list of all contracts.
            GinIndex(title_words(), name="contract_title_words"),
            # The contracts that a person proposed, approved or closed, the newest first.
            models.Index(fields=["proposed_by", "-created_at", "-id"], name="contract_proposed_by"),
            FilledIndex(
                "approved_by",
                fields=["approved_by", "-created_at", "-id"],
                name="contract_approved_by",
            ),
            FilledIndex(
                "closed_by", fields=["closed_by", "-created_at", "-id"], name="contract_closed_by"
            ),
            # The contracts that wait for a verdict, or for the resolution of one.
            models.Index(
                fields=["audit_verdict", "-created_at", "-id"],
                condition=Q(status=ContractStatus.ACTIVE.value),
                name="contract_awaiting_verdict",
            ),
            # The home page counts contracts by the time of their approval and their end.
            FilledIndex("approved_at", fields=["approved_at"], name="contract_approved"),
            FilledIndex("closed_at", fields=["status", "closed_at"], name="contract_closed"),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.title}"

    # --- the moves; the database guard contract_moves has the same table ---
    @transition(
        field=status, source=_sources_of(ContractStatus.VALIDATED), target=ContractStatus.VALIDATED
    )
    def to_validated(self, *, validator_verdict: Mapping[str, Any]) -> None:
        self.validator_verdict = dict(validator_verdict)
        self.confidence_score = float(validator_verdict["confidence_score"])

    @transition(
        field=status, source=_sources_of(ContractStatus.ELIGIBLE), target=ContractStatus.ELIGIBLE
    )
    def to_eligible(self, *, eligibility_verdict: Mapping[str, Any]) -> None:
        self.eligibility_verdict = dict(eligibility_verdict)
        self.eligibility_decision = eligibility_verdict["decision"]
        self.content_digest = digest(self.content_record())

    @transition(
        field=status, source=_sources_of(ContractStatus.APPROVED), target=ContractStatus.APPROVED
    )
    def to_approved(
        self, *, founder: Any, at: datetime, window: ActivationWindow, note: str
    ) -> None:
        self.approved_by = founder
        self.approved_at = at
        self.approved_digest = self.content_digest
        self.approval_note = note
        self.window_opens_at = window.opens_at
        self.window_closes_at = window.closes_at

    @transition(
        field=status, source=_sources_of(ContractStatus.ACTIVE), target=ContractStatus.ACTIVE
    )
    def to_active(self) -> None: ...

    @transition(
        field=status, source=_sources_of(ContractStatus.COMPLETED), target=ContractStatus.COMPLETED
    )
    def to_completed(self, *, at: datetime, by: Any, reason: str) -> None:
        self.audit_verdict = AuditVerdict.PASS
        self._close(at=at, by=by, reason=reason)

    @transition(
        field=status, source=_sources_of(ContractStatus.FAILED), target=ContractStatus.FAILED
    )
    def to_failed(self, *, at: datetime, by: Any, reason: str) -> None:
        if self.status == ContractStatus.ACTIVE:
            self.audit_verdict = AuditVerdict.FAIL
        self._close(at=at, by=by, reason=reason)

    @transition(
        field=status, source=_sources_of(ContractStatus.REJECTED), target=ContractStatus.REJECTED
    )
    def to_rejected(self, *, at: datetime, by: Any, reason: str) -> None:
        self._close(at=at, by=by, reason=reason)

    @transition(
        field=status, source=_sources_of(ContractStatus.EXPIRED), target=ContractStatus.EXPIRED
    )
    def to_expired(self, *, at: datetime, by: Any, reason: str) -> None:
        self._close(at=at, by=by, reason=reason)

    def _close(self, *, at: datetime, by: Any, reason: str) -> None:
        self.closed_at = at
        self.closed_by = by
        self.closed_reason = reason

    # --- the records whose digests the ledger and the founders' signatures contain ---
    @property
    def window(self) -> ActivationWindow | None:
        if self.window_opens_at is None or self.window_closes_at is None:
            return None
        return ActivationWindow(self.window_opens_at, self.window_closes_at)

    def proposal_record(self) -> dict[str, Any]:
        """Return the proposal as it arrived: the same file gives the same record."""
        return {
            "reference": self.reference,
            "source": self.source,
            "title": self.title,
            "description": self.description,
            "requested_by": self.requested_by,
            "proposed_changes": self.proposed_changes,
            "affected_capabilities": self.affected_capabilities,
            "risk_level": self.risk_level,
            "proposal_digest": self.proposal_digest,
        }

    def draft_record(self) -> dict[str, Any]:
        """Return what the contract adds to the proposal: proposer, plan, times and parent."""
        return self._parent_record() | {
            "contract_id": str(self.pk),
            "proposed_by": self.proposed_by_id,
            "plan": self.plan,
            "created_at": timestamp(self.created_at),
            "expires_at": timestamp(self.expires_at),
        }

    def content_record(self) -> dict[str, Any]:
        """Return the content, which is frozen from ELIGIBLE on; founders sign its digest."""
        return (
            self.proposal_record()
            | self._parent_record()
            | {
                "contract_id": str(self.pk),
                "proposed_by": self.proposed_by_id,
                "validator_verdict": self.validator_verdict,
                "eligibility_verdict": self.eligibility_verdict,
                "eligibility_decision": self.eligibility_decision,
                "confidence_score": self.confidence_score,
                "plan": self.plan,
                "created_at": timestamp(self.created_at),
                "expires_at": timestamp(self.expires_at),
            }
        )

    def _parent_record(self) -> dict[str, Any]:
        """Return the parent, only if there is one: digests from before the field stay the same."""
        return {} if self.parent_id is None else {"parent": str(self.parent_id)}

    def approval_record(self) -> dict[str, Any]:
        return {
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
