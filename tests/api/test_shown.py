"""What is shown is what the serializers say, as rest_framework itself reads them."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework import serializers

from governance.api import shown as showing
from governance.api.line import LineSerializer
from governance.api.serializers.contracts import ClarificationSerializer, SignatureSerializer
from governance.api.serializers.jobs import (
    ActivationOutcomesSerializer,
    ActivationSerializer,
    JobSerializer,
    ProgressSerializer,
    RecordedAuditSerializer,
    RecordedResultSerializer,
    RecordedResultsSerializer,
)
from tests.api.conftest import ClientFor
from tests.api.support import API, report_body
from tests.support.cast import Cast
from tests.support.stories import approved, asked

KINDS: set[Any] = {
    ActivationOutcomesSerializer,
    ActivationSerializer,
    ClarificationSerializer,
    JobSerializer,
    LineSerializer,
    ProgressSerializer,
    RecordedAuditSerializer,
    RecordedResultSerializer,
    RecordedResultsSerializer,
    SignatureSerializer,
}


@pytest.fixture
def shown_kinds(monkeypatch: pytest.MonkeyPatch) -> set[Any]:
    """The kinds that answers showed, each of which said what rest_framework says of it."""
    kinds: set[Any] = set()
    make = showing._teller_of

    def teller_of(kind: Any) -> Callable[[Any], Any]:
        def tell(thing: Any) -> Any:
            told = make(kind)(thing)
            assert told == kind(thing).data
            kinds.add(kind)
            return told

        return tell

    monkeypatch.setattr(showing, "_teller_of", teller_of)
    return kinds


def test_shown__of_every_kind__is_what_rest_framework_says(
    cast: Cast, client_for: ClientFor, shown_kinds: set[Any]
) -> None:
    operator, executor, auditor = map(client_for, (cast.operator, cast.executor, cast.auditor))
    first, second = approved(cast), approved(cast)
    activated = operator.post(f"{API}contracts/{first.pk}/activate/").json()
    operator.post(f"{API}contracts/activate/", {"contract_ids": [str(second.pk), str(first.pk)]})
    operator.get(f"{API}contracts/{asked(cast).pk}/")
    operator.get(f"{API}line/")

    token = executor.post(f"{API}jobs/claim/").json()["execution_token"]
    address = f"{API}jobs/{activated['job']['id']}/"
    executor.post(f"{address}results/", report_body(token, 0))
    reports = [report_body(token, step) for step in (1, 2)]
    for report in reports:
        del report["execution_token"]
    executor.post(f"{address}results/", {"execution_token": token, "results": reports})
    operator.get(f"{address}progress/")
    done = executor.post(f"{address}complete/", {"execution_token": token}).json()
    digest = done["evidence_sha256"]
    auditor.post(
        f"{address}verdict/",
        {"verdict": "PASS", "reason": "As proposed.", "evidence_sha256": digest},
    )
    assert KINDS - shown_kinds == set()


class Parts(serializers.Serializer[Any]):
    needed = serializers.CharField()
    perhaps = serializers.CharField(required=False)
    null = serializers.CharField(allow_null=True)
    seven = serializers.IntegerField(default=7)


@pytest.mark.parametrize("thing", [{"needed": "it"}, SimpleNamespace(needed="it")])
def test_shown__what_is_missing__is_left_out_or_replaced(thing: Any) -> None:
    told = {"needed": "it", "null": None, "seven": 7}
    assert showing.shown(Parts, thing) == told == Parts(thing).data


@pytest.mark.parametrize("thing", [{}, SimpleNamespace()])
def test_shown__what_is_needed_is_missing__is_an_error(thing: Any) -> None:
    with pytest.raises((AttributeError, KeyError)):
        showing.shown(Parts, thing)
