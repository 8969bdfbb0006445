"""`/contracts/`: read contracts and their ledgers, activate the approved ones."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.bulk import Outcome, outcome_for_each
from governance.api.conditions import answer_unless_known
from governance.api.filters import CONTRACT_FILTERS
from governance.api.forms import Activation, Activations
from governance.api.idempotency import sent_again_in_parts, sent_again_safely
from governance.api.pagination import BySeq
from governance.api.serializers.jobs import ActivationOutcomesSerializer, ActivationSerializer
from governance.api.serializers.reading import (
    CONTRACT_IN_FULL,
    CONTRACT_IN_LIST,
    LEDGER_ENTRY,
    ContractInFullSerializer,
    ContractInListSerializer,
    LedgerEntryInListSerializer,
)
from governance.api.shown import shown
from governance.api.viewsets import GovernedViewSet
from governance.contract.queries import refuse_archived
from governance.flows.activate_contract import activate_contract
from governance.flows.callers import people_by_id
from governance.ledger.queries import entries_of
from governance.models import GovernanceJob, SystemContract
from governance.vocabulary.errors import ContractArchivedError, NotFoundError

_READ_ONE = frozenset({"retrieve", "ledger"})


def know_what_cannot_be(job: GovernanceJob) -> None:
    """Ask for the people's names at once, and not for what a job just made cannot have yet."""
    contract = job.contract
    for relation in ("evidence", "audit"):
        GovernanceJob._meta.get_field(relation).set_cached_value(job, None)
    SystemContract._meta.get_field("successor").set_cached_value(contract, None)
    wanted = {name: getattr(contract, f"{name}_id") for name in ("proposed_by", "approved_by")}
    people = people_by_id(wanted.values())
    for name, pk in wanted.items():
        setattr(contract, name, people[pk])


class ContractViewSet(GovernedViewSet):
    """Contracts are proposed by an import and approved by a person; neither happens here."""

    noun = "contract"
    action_permissions = {
        "list": "governance.view_systemcontract",
        "retrieve": "governance.view_systemcontract",
        "ledger": "governance.view_ledgerentry",
        "activate": "governance.activate_contract",
        "activate_many": "governance.activate_contract",
    }
    paged_actions = frozenset({"list", "ledger"})
    filters = CONTRACT_FILTERS
    shapes = {"list": CONTRACT_IN_LIST, "retrieve": CONTRACT_IN_FULL, "ledger": LEDGER_ENTRY}

    def handle_exception(self, exc: Exception) -> Response:
        """What is not there may have been archived; a token that is bound to capabilities does not
        hear so, for a tombstone does not say which its contract had."""
        if isinstance(exc, NotFoundError) and self.action in _READ_ONE and self.reach is None:
            try:
                refuse_archived(self.kwargs["pk"])
            except ContractArchivedError as archived:
                exc = archived
        return super().handle_exception(exc)

    def get_queryset(self) -> QuerySet[SystemContract, Any]:
        contracts = SystemContract.objects.all()
        is_shown = self.action in ("list", "retrieve")
        return self.selection.read(contracts) if is_shown else contracts

    @extend_schema(
        operation_id="list_contracts",
        summary="List contracts",
        parameters=CONTRACT_IN_LIST.parameters(),
        responses=ContractInListSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """The newest contracts first, without their long columns; filters narrow them down.

        To follow what changes: `ordering=updated_at&updated_after=` the last time seen, less a
        minute for what was being written just then.
        """
        return self.shown_page(self.filter_queryset(self.get_queryset()))

    @extend_schema(
        operation_id="get_contract",
        summary="Read a contract",
        parameters=CONTRACT_IN_FULL.parameters(),
        responses=ContractInFullSerializer,
    )
    def retrieve(self, request: Request, pk: UUID) -> HttpResponse:
        """One contract with its proposed changes, its plan, both verdicts and its approval.

        While a founder waits for an answer, `clarification` is their question and
        `review_ends_at` is null: the clock stands. One that came to rest long ago may have been
        archived and removed: 410 `contract_archived`, with the head of its chain and the SHA-256
        of the file that holds it.
        """
        return answer_unless_known(request, "contract", pk, lambda: Response(self.shown_object()))

    @extend_schema(
        operation_id="list_ledger_entries",
        summary="Read a contract's ledger",
        parameters=LEDGER_ENTRY.parameters(),
        responses=LedgerEntryInListSerializer(many=True),
    )
    @action(detail=True, methods=["get"], pagination_class=BySeq, filter_backends=[])
    def ledger(self, request: Request, pk: UUID) -> Response:
        """Every entry of the contract's hash chain in order of `seq`.

        Anyone can verify it with SHA-256 alone: each `hash` is that of the bytes of the `hash`
        before it, then `body` in UTF-8.
        """
        return self.shown_page(self.selection.read(entries_of(self.get_object().pk)))

    @extend_schema(
        operation_id="activate_contract",
        summary="Activate an approved contract",
        request=Activation,
        responses={201: ActivationSerializer},
    )
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    @sent_again_safely("contract")
    def activate(self, request: Request, pk: UUID) -> Response:
        """The contract becomes ACTIVE and one PENDING job with its steps is made.

        Refused with 409 and a `code` unless the contract is approved and unchanged
        (`contract_not_approved`, `content_changed`, `target_out_of_scope`), inside its window
        (`window_closed`), the platform's health is known and well (`health_unknown`,
        `health_blocked`), and the line runs (`line_frozen`, with `until` and `reason` in
        `details`).
        """
        fields: dict[str, Any] = self.read_body(Activation)
        job = activate_contract(contract_id=pk, actor=request.user, at=self.now(), **fields)
        know_what_cannot_be(job)
        return Response(
            shown(ActivationSerializer, {"contract": job.contract, "job": job}), status=201
        )

    @extend_schema(
        operation_id="activate_contracts",
        summary="Activate many approved contracts",
        request=Activations,
        responses=ActivationOutcomesSerializer,
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="activate",
        pagination_class=None,
        filter_backends=[],
    )
    @sent_again_in_parts
    def activate_many(self, request: Request) -> Response:
        """Up to 200 contracts, each activated, or refused, in a transaction of its own.

        The answer has an outcome for each id, in order: `status` is what activating it alone would
        have answered, `job_id` its job, `problem` why it was refused. What is refused keeps nobody
        else back. Sent again under its `Idempotency-Key` after it was cut, the call goes on where
        it ended: what it had done has the outcome that it had.
        """
        fields = self.read_body(Activations)
        at, ids = self.now(), fields.pop("contract_ids")
        told_apart = self.ids_within_reach(ids)

        def activate(contract_id: UUID) -> Outcome:
            if contract_id not in told_apart:
                raise self.not_found(contract_id)
            job = activate_contract(contract_id=contract_id, actor=request.user, at=at, **fields)
            return {"status": 201, "job_id": str(job.pk)}

        outcomes = [
            {"contract_id": contract_id, "job_id": None, "problem": None} | outcome
            for contract_id, outcome in zip(
                ids, outcome_for_each(self, request, ids, activate), strict=True
            )
        ]
        return Response(shown(ActivationOutcomesSerializer, {"results": outcomes}))
