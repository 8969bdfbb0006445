"""SystemContract: the only source of execution intent."""

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
from governance.domain.errors import NotFoundError
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
    """What the review queue is searched by, as PostgreSQL's own function makes it."""

    function = "governance_contract_words"
    output_field = SearchVectorField()


class TitleWords(Func):
    """What the list of all contracts is searched by."""

    function = "governance_title_words"
    output_field = SearchVectorField()


class QueueRank(Case):
    """By risk, and within it those last whose review is paused: 0 is most pressing."""

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
    """The expression of the queue's index; `queue_rank_of` says the same of one contract."""
    return QueueRank()


def queue_rank_of(contract: SystemContract) -> int:
    risk = list(RiskLevel).index(RiskLevel(contract.risk_level))
    return 2 * risk + (contract.review_ends_at is None)


class ReviewEnd(Coalesce):
    """When a contract's review ends, or would have ended were it not paused."""

    def __init__(self) -> None:
        super().__init__("review_ends_at", "expires_at")


def review_end_expression() -> ReviewEnd:
    """When a contract's review ends, or would have ended if its clock did not stand."""
    return ReviewEnd()


def within_token_scope(capabilities: Sequence[str] | None, of: str = "") -> Q:
    """The contracts of which every affected capability is among `capabilities`; None is no limit.

    `of` is the path to the contract (`contract__`). A contract that affects nothing is in nobody's
    limited reach. The first condition alone narrows by the index.
    """
    if capabilities is None:
        return Q()
    column = f"{of}affected_capabilities"
    names = list(capabilities)
    return Q(**{f"{column}__overlap": names}) & Q(**{f"{column}__contained_by": names})


def contract_words() -> ContractWords:
    """The words of a contract: an expression, spelled as the queue's index has it."""
    return ContractWords("title", "description", "affected_capabilities")


def title_words() -> TitleWords:
    """The words of a title: an expression, spelled as the list's index has it."""
    return TitleWords("title")


def search_query(text: str) -> SearchQuery:
    """What somebody typed to find contracts by their words, as PostgreSQL asks for it."""
    return SearchQuery(text, config="pg_catalog.english", search_type="websearch")


def no_such_contract(contract_id: UUID | str) -> NotFoundError:
    """The refusal of a contract that is not there."""
    return NotFoundError(f"There is no contract {contract_id}.", code="contract_not_found")


class ContractQuerySet(models.QuerySet["SystemContract"]):
    def lock(self, contract_id: UUID | str) -> SystemContract:
        """The contract, locked until the transaction ends: the first lock of every story.

        It is also the lock of the contract's ledger chain. Raises NotFoundError.
        """
        found = self.select_for_update().filter(pk=contract_id).first()
        if found is None:
            raise no_such_contract(contract_id)
        return found


class SystemContract(StatefulModel):
    """One proposed change of the platform, from proposal to verdict.

    Only `authorities/contract/operations.py` calls the moves below; each sets the fields that
    belong to its state and leaves saving, guarding and the ledger to the operation.
    """

    id = IdField()
    reference = models.CharField(max_length=256)
    source = choice_field(Source)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    requested_by = models.CharField(max_length=200, blank=True)
    # Nobody who did something is deleted, so what finds it by person is the lists' indexes below.
    proposed_by = user_field(db_index=False)
    # The contract that this one replaces: a founder modified its scope. One successor at most.
    # It may be removed after it was archived; what vouches for it then is its tombstone.
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
    # expires_at plus the time for which questions stopped the clock; null while one is open.
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
                # So that a reference is found by how it begins, whatever the database's collation.
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
            # With the one before: by this do change_freeze_active.sql and signature_in_turn.sql
            # know a move.
            models.CheckConstraint(
                condition=Q(status__in=_APPROVED_AND_LATER)
                | Q(approved_by__isnull=True, approved_at__isnull=True, window_opens_at=None),
                name="contract_approval_only_by_approving",
            ),
            models.CheckConstraint(  # four eyes: null on either side is somebody else's matter
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
            models.CheckConstraint(  # CONTRACT-007; NaN is greater than every number there
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
            # The lists' two orders; each holds the other column too, for ranges of it.
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
            # The review queue: by risk, then by what ends first; all of it or of one source.
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
            # All contracts by the words of their titles.
            GinIndex(title_words(), name="contract_title_words"),
            # What somebody proposed, approved or closed, the newest first.
            models.Index(fields=["proposed_by", "-created_at", "-id"], name="contract_proposed_by"),
            FilledIndex(
                "approved_by",
                fields=["approved_by", "-created_at", "-id"],
                name="contract_approved_by",
            ),
            FilledIndex(
                "closed_by", fields=["closed_by", "-created_at", "-id"], name="contract_closed_by"
            ),
            # What waits for a verdict, or for a person to settle one.
            models.Index(
                fields=["audit_verdict", "-created_at", "-id"],
                condition=Q(status=ContractStatus.ACTIVE.value),
                name="contract_awaiting_verdict",
            ),
            # What was decided in a week, and how it ended.
            FilledIndex("approved_at", fields=["approved_at"], name="contract_approved"),
            FilledIndex("closed_at", fields=["status", "closed_at"], name="contract_closed"),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.title}"

    # --- the moves, as PostgreSQL's contract_moves law repeats them ---
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

    # --- what the ledger and the founder's signature bind ---
    @property
    def window(self) -> ActivationWindow | None:
        if self.window_opens_at is None or self.window_closes_at is None:
            return None
        return ActivationWindow(self.window_opens_at, self.window_closes_at)

    def proposal_record(self) -> dict[str, Any]:
        """What was proposed, without what others said of it: the same file, the same record."""
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
        """What we added to the proposal as it came: whose it is, its plan, and its times."""
        return self._parent_record() | {
            "contract_id": str(self.pk),
            "proposed_by": self.proposed_by_id,
            "plan": self.plan,
            "created_at": timestamp(self.created_at),
            "expires_at": timestamp(self.expires_at),
        }

    def content_record(self) -> dict[str, Any]:
        """Everything that is frozen from ELIGIBLE on; its digest is what a founder signs."""
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
        """Said only where there is one: chains that began before it was known stay as they are."""
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
