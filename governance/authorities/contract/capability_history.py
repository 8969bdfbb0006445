"""The contracts that affect one capability, newest first, in pages by keyset cursor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, Func, IntegerField, JSONField, Q, QuerySet, Value
from django.db.models.functions import Cast

from governance.domain.positions import time_from_digits, time_to_digits
from governance.models import SystemContract

PAGE_SIZE = 25
MAX_CHANGES_SHOWN = 3
LIST_COLUMNS = (
    *("id", "reference", "title", "status", "risk_level", "audit_verdict", "created_at"),
    *("job__id", "job__status", "job__current_step_index", "job__total_steps"),
)


@dataclass(frozen=True, slots=True)
class ContractCursor:
    """The position of a contract in the order of creation time, then id."""

    created_at: datetime
    pk: UUID

    @classmethod
    def of(cls, contract: SystemContract) -> ContractCursor:
        return cls(contract.created_at, contract.pk)

    @classmethod
    def read(cls, text: str) -> ContractCursor:
        """Parse the text that `str(cursor)` returns.

        Raises:
            ValueError: for any other text.
        """
        created_at, name = text.split("~")
        return cls(time_from_digits(created_at), UUID(name))

    def __str__(self) -> str:
        return f"{time_to_digits(self.created_at)}~{self.pk}"


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page, and whether there are newer and older rows than those on it."""

    rows: Sequence[SystemContract]
    has_newer: bool
    has_older: bool


class _ChangesOf(Func):
    """The changes of a contract with a target in the second argument, `{"names": […]}`.

    PostgreSQL selects them, so the other changes of a large contract are not transferred.
    """

    function = "jsonb_path_query_array"
    arg_joiner = ", '$[*] ? (@.scope == $names[*] || @.capability_name == $names[*])'::jsonpath, "
    output_field = JSONField()


class _FirstFew(Func):
    template = (
        f"jsonb_path_query_array(%(expressions)s, '$[0 to {MAX_CHANGES_SHOWN - 1}]'::jsonpath)"
    )
    output_field = JSONField()


class _Length(Func):
    function = "jsonb_array_length"
    output_field = IntegerField()


def contracts_affecting(name: str) -> QuerySet[SystemContract]:
    """Return the contracts that affect the capability `name`, unordered, with their jobs.

    Only the columns of a list are loaded, and what `changes_to` adds.
    """
    found = SystemContract.objects.filter(affected_capabilities__contains=[name])
    return changes_to([name], found.select_related("job").only(*LIST_COLUMNS))


def changes_to(
    names: Sequence[str], contracts: QuerySet[SystemContract]
) -> QuerySet[SystemContract]:
    """Add to each contract the first few of its changes to `names`, and the number of all of them.

    They are its `own_changes` and `own_total`.
    """
    named = Cast(Value(json.dumps({"names": list(names)})), JSONField())
    own = _ChangesOf(F("proposed_changes"), named)
    return contracts.annotate(own_changes=_FirstFew(own), own_total=_Length(own))


def capability_history_page(
    name: str,
    *,
    older_than: ContractCursor | None = None,
    newer_than: ContractCursor | None = None,
    size: int = PAGE_SIZE,
) -> HistoryPage:
    """Return the newest page, or the page beyond a cursor, newest first; one query.

    The contract of a cursor may no longer exist.
    """
    rows = contracts_affecting(name)
    if newer_than:
        at, pk = newer_than.created_at, newer_than.pk
        # The first condition bounds the index scan; the second orders contracts of the same time.
        beyond = rows.filter(created_at__gte=at).filter(Q(created_at__gt=at) | Q(id__gt=pk))
        found = list(beyond.order_by("created_at", "id")[: size + 1])
        return HistoryPage(found[:size][::-1], len(found) > size, True)
    if older_than:
        at, pk = older_than.created_at, older_than.pk
        rows = rows.filter(created_at__lte=at).filter(Q(created_at__lt=at) | Q(id__lt=pk))
    found = list(rows.order_by("-created_at", "-id")[: size + 1])
    return HistoryPage(found[:size], older_than is not None, len(found) > size)
