"""The indexes of SystemContract, and the expressions of the queries that they serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import models
from django.db.models import Case, Func, Q, Value, When
from django.db.models.functions import Coalesce

from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES
from governance.domain.values import ContractStatus, RiskLevel
from governance.models.constraints import filled_index

if TYPE_CHECKING:
    from governance.models.contract import SystemContract


# The statuses of a contract that has not ended, as in the index `contract_open_capabilities`.
OPEN_STATUSES = [one.value for one in ContractStatus if one not in CONTRACT_TERMINAL_STATES]


class ContractWords(Func):
    """The words by which the review queue is searched, made by `contract_words.sql`."""

    function = "governance_contract_words"
    output_field = SearchVectorField()

    def __init__(self) -> None:
        super().__init__("title", "description", "affected_capabilities")


class TitleWords(Func):
    """The words by which the list of all contracts is searched, made by `title_words.sql`."""

    function = "governance_title_words"
    output_field = SearchVectorField()

    def __init__(self) -> None:
        super().__init__("title")


class QueueRank(Case):
    """The rank by risk, then paused reviews last; 0 is the most urgent."""

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


class ReviewRank(Case):
    """The rank in the review queue: rollbacks by risk, then the others by `QueueRank`."""

    def __init__(self) -> None:
        rollbacks = (
            When(rolls_back__isnull=False, risk_level=risk.value, then=Value(rank))
            for rank, risk in enumerate(RiskLevel)
        )
        others = QueueRank() + Value(len(RiskLevel))
        super().__init__(*rollbacks, default=others, output_field=models.IntegerField())


def review_rank_of(contract: SystemContract) -> int:
    """Compute the rank of one contract in Python, as ReviewRank does in SQL."""
    of_rollback, unpaused, paused = review_ranks_of(RiskLevel(contract.risk_level))
    if contract.rolls_back_id is not None:
        return of_rollback
    return paused if contract.review_ends_at is None else unpaused


def review_ranks_of(risk: RiskLevel) -> tuple[int, int, int]:
    """Return the ranks of a risk: of rollbacks, of others, and of others that are paused."""
    number = list(RiskLevel).index(risk)
    unpaused = len(RiskLevel) + 2 * number
    return number, unpaused, unpaused + 1


class ReviewEnd(Coalesce):
    """The end of a contract's review; while the review is paused, its end without questions."""

    def __init__(self) -> None:
        super().__init__("review_ends_at", "expires_at")


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


def search_query(text: str) -> SearchQuery:
    """Make PostgreSQL's text query from what a person typed into the search field."""
    return SearchQuery(text, config="pg_catalog.english", search_type="websearch")


CONTRACT_INDEXES: list[models.Index] = [
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
    # The other open contracts on the capabilities of one.
    GinIndex(
        fields=["affected_capabilities"],
        condition=Q(status__in=OPEN_STATUSES),
        name="contract_open_capabilities",
    ),
    # The review queue, of all sources and of one source.
    models.Index(
        ReviewRank(),
        ReviewEnd(),
        "id",
        condition=Q(status=ContractStatus.ELIGIBLE.value),
        name="contract_review_queue",
    ),
    models.Index(
        "source",
        ReviewRank(),
        ReviewEnd(),
        "id",
        condition=Q(status=ContractStatus.ELIGIBLE.value),
        name="contract_review_by_source",
    ),
    GinIndex(
        ContractWords(),
        condition=Q(status=ContractStatus.ELIGIBLE.value),
        name="contract_queue_words",
    ),
    # The search in the list of all contracts.
    GinIndex(TitleWords(), name="contract_title_words"),
    # The contracts that a person proposed, approved or closed, the newest first.
    models.Index(fields=["proposed_by", "-created_at", "-id"], name="contract_proposed_by"),
    filled_index(
        "approved_by",
        fields=["approved_by", "-created_at", "-id"],
        name="contract_approved_by",
    ),
    filled_index(
        "closed_by", fields=["closed_by", "-created_at", "-id"], name="contract_closed_by"
    ),
    filled_index("repeats", fields=["repeats", "id"], name="contract_repetitions"),
    filled_index("rolls_back", fields=["rolls_back", "id"], name="contract_rollbacks"),
    filled_index("rolls_back", fields=["-created_at", "-id"], name="contract_rollbacks_newest"),
    # The contracts that wait for a verdict, or for the resolution of one.
    models.Index(
        fields=["audit_verdict", "-created_at", "-id"],
        condition=Q(status=ContractStatus.ACTIVE.value),
        name="contract_awaiting_verdict",
    ),
    # The home page counts contracts by the time of their approval and their end.
    filled_index("approved_at", fields=["approved_at"], name="contract_approved"),
    filled_index("closed_at", fields=["status", "closed_at"], name="contract_closed"),
]
