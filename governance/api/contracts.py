"""`/contracts/`: read contracts and their ledgers; activate approved contracts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.bulk import OutcomeDocument, outcomes_of
from governance.api.conditions import conditional_response
from governance.api.declared_errors import can_return
from governance.api.filters import CONTRACT_FILTERS
from governance.api.idempotency import idempotent, idempotent_in_parts
from governance.api.pagination import SeqPagination
from governance.api.request_bodies import ActivationOptionsSerializer, BulkActivationSerializer
from governance.api.serializers.jobs import ActivationOutcomesSerializer, ActivationSerializer
from governance.api.serializers.selectable import (
    ContractInFullSerializer,
    ContractInListSerializer,
    LedgerEntryInListSerializer,
)
from governance.api.sparse_fields import selectable_fields, serialize
from governance.api.viewsets import GovernedViewSet
from governance.authorities.contract.queries import refuse_archived
from governance.domain import errors
from governance.flows.activate_contract import activate_contract
from governance.models import SystemContract
from governance.record.ledger.queries import entries_of

_READ_ONE = frozenset({"retrieve", "ledger"})


class ContractViewSet(GovernedViewSet):
    """Read and activate contracts; proposing and approving have no call in the API."""

    not_found_error = errors.ContractNotFoundError
    queryset = SystemContract.objects.all()
    job_lookup = "contract"
    action_permissions = {
        "list": "governance.view_systemcontract",
        "retrieve": "governance.view_systemcontract",
        "ledger": "governance.view_ledgerentry",
        "activate": "governance.activate_contract",
        "activate_many": "governance.activate_contract",
    }
    paged_actions = frozenset({"list", "ledger"})
    filters = CONTRACT_FILTERS

    def handle_exception(self, exc: Exception) -> Response:
        """Return 410 `contract_archived` instead of 404 for a contract that was removed.

        A token that is restricted to capabilities gets 404, because a tombstone does not say which
        capabilities its contract affected.
        """
        if (
            isinstance(exc, errors.NotFoundError)
            and self.action in _READ_ONE
            and self.token_scope is None
        ):
            try:
                refuse_archived(self.kwargs["pk"])
            except errors.ContractArchivedError as archived:
                exc = archived
        return super().handle_exception(exc)

    @selectable_fields("list_contracts", "List contracts", ContractInListSerializer, many=True)
    def list(self, request: Request) -> Response:
        """Return contracts, newest first, without their long fields; filters narrow the list.

        To keep a copy up to date, use `ordering=updated_at` with `updated_after` one minute before
        the last `updated_at` that you have seen, because changes become visible when they commit.
        """
        rows = self.filter_queryset(self.get_queryset())
        return self.page_response(rows, "created_at", "updated_at")

    @selectable_fields("get_contract", "Read a contract", ContractInFullSerializer)
    @can_return(errors.ContractArchivedError, errors.VersionMismatchError)
    def retrieve(self, request: Request, pk: UUID) -> HttpResponse:
        """Return one contract: its proposed changes, plan, verdicts, signatures and approval.

        While a founder's question is open, `clarification` holds the question and
        `review_ends_at` is null, because the review is paused. A contract that ended may have been
        archived and removed: then the response is 410 `contract_archived`, with the last hash of
        its ledger and the SHA-256 of its archive file.
        """
        return conditional_response(request, "contract", pk, self.object_response)

    @selectable_fields(
        "list_ledger_entries", "Read a contract's ledger", LedgerEntryInListSerializer, many=True
    )
    @can_return(errors.ContractArchivedError)
    @action(detail=True, methods=["get"], pagination_class=SeqPagination, filter_backends=[])
    def ledger(self, request: Request, pk: UUID) -> Response:
        """Return every entry of the contract's hash chain, ordered by `seq`.

        Anyone can verify the chain with SHA-256 alone: `hash` is the SHA-256 of the bytes of
        `prev_hash` followed by `body` in UTF-8.
        """
        return self.page_response(entries_of(self.get_object().pk), "seq")

    @extend_schema(
        operation_id="activate_contract",
        summary="Activate an approved contract",
        request=ActivationOptionsSerializer,
        responses={201: ActivationSerializer},
    )
    @can_return(
        errors.ContractNotApprovedError,
        errors.ChangeFreezeActiveError,
        errors.MayNotVerdictError,
        errors.ApproverMissingError,
        errors.WindowClosedError,
        errors.ContentChangedError,
        errors.SignerNotActiveError,
        errors.ApprovedTargetOutOfScopeError,
        errors.PlanMismatchError,
        errors.NoLongerEligibleError,
        errors.PlatformChangedError,
        errors.RoutesUnusableError,
        errors.HealthUnknownError,
        errors.HealthBlocksError,
    )
    @action(detail=True, methods=["post"])
    @idempotent("contract")
    def activate(self, request: Request, pk: UUID) -> Response:
        """Make the contract ACTIVE and create its one job, PENDING, with its steps.

        The response is 409 unless all of this holds: the contract is approved and unchanged
        (`contract_not_approved`, `content_changed`, `target_out_of_scope`), each place that it
        touches is as the founders saw it (`platform_changed`), the contract passes the rules of
        eligibility if they changed since its verdict (`no_longer_eligible`), the time is within the
        activation window (`window_closed`), the platform's health is known and does not block
        (`health_unknown`, `health_blocked`), and no change freeze is active
        (`change_freeze_active`, with `until` and `reason` in `details`).
        """
        fields: dict[str, Any] = self.read_body(ActivationOptionsSerializer)
        job = activate_contract(contract_id=pk, actor=self.caller, **fields)
        return Response(
            serialize(ActivationSerializer, {"contract": job.contract, "job": job}), status=201
        )

    @extend_schema(
        operation_id="activate_contracts",
        summary="Activate many approved contracts",
        request=BulkActivationSerializer,
        responses=ActivationOutcomesSerializer,
    )
    @action(detail=False, methods=["post"], url_path="activate")
    @idempotent_in_parts
    def activate_many(self, request: Request) -> Response:
        """Activate up to 200 contracts, each in a transaction of its own.

        The response holds one outcome for each id, in order: `status` is what the single call
        would have returned, `job_id` is the new job, and `problem` says why an activation was
        refused. A refused activation does not stop the others. A call that was interrupted and is
        repeated with its `Idempotency-Key` continues where it stopped; finished activations are
        not repeated and keep their outcome.
        """
        fields = self.read_body(BulkActivationSerializer)
        ids = fields.pop("contract_ids")
        visible_ids = self.ids_within_token_scope(ids)

        def activate(contract_id: UUID) -> OutcomeDocument:
            if contract_id not in visible_ids:
                raise self.not_found(contract_id)
            job = activate_contract(contract_id=contract_id, actor=self.caller, **fields)
            return {"status": 201, "job_id": str(job.pk)}

        outcomes = [
            {"contract_id": contract_id, "job_id": None, "problem": None} | outcome
            for contract_id, outcome in zip(ids, outcomes_of(request, ids, activate), strict=True)
        ]
        return Response(serialize(ActivationOutcomesSerializer, {"results": outcomes}))
