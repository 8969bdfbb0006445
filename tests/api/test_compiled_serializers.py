"""Compiled serializers return the same data as the REST framework serializers."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework import serializers

from governance.api import compiled_serializers
from governance.api.freezes import FreezeStateSerializer
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
from tests.support.factories import approved, asked
from tests.support.users import Users

SERIALIZERS: set[Any] = {
    ActivationOutcomesSerializer,
    ActivationSerializer,
    ClarificationSerializer,
    JobSerializer,
    FreezeStateSerializer,
    ProgressSerializer,
    RecordedAuditSerializer,
    RecordedResultSerializer,
    RecordedResultsSerializer,
    SignatureSerializer,
}


@pytest.fixture
def used_serializers(monkeypatch: pytest.MonkeyPatch) -> set[Any]:
    """Compare each compiled result with REST framework's, and collect the classes compared."""
    used: set[Any] = set()
    make = compiled_serializers._compiled

    def checked_compiled(kind: Any) -> Callable[[Any], Any]:
        def convert(thing: Any) -> Any:
            value = make(kind)(thing)
            assert value == kind(thing).data
            used.add(kind)
            return value

        return convert

    monkeypatch.setattr(compiled_serializers, "_compiled", checked_compiled)
    return used


def test_compiled_serializer__of_every_class__returns_what_rest_framework_does(
    users: Users, client_for: ClientFor, used_serializers: set[Any]
) -> None:
    operator, executor, auditor = map(client_for, (users.operator, users.executor, users.auditor))
    first, second = approved(users), approved(users)
    activated = operator.post(f"{API}contracts/{first.pk}/activate/").json()
    operator.post(f"{API}contracts/activate/", {"contract_ids": [str(second.pk), str(first.pk)]})
    operator.get(f"{API}contracts/{asked(users).pk}/")
    operator.get(f"{API}freezes/")

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
    assert SERIALIZERS - used_serializers == set()


class Parts(serializers.Serializer[Any]):
    needed = serializers.CharField()
    perhaps = serializers.CharField(required=False)
    null = serializers.CharField(allow_null=True)
    seven = serializers.IntegerField(default=7)


@pytest.mark.parametrize("thing", [{"needed": "it"}, SimpleNamespace(needed="it")])
def test_compiled_serializer__missing_value__is_omitted_or_defaulted(thing: Any) -> None:
    value = {"needed": "it", "null": None, "seven": 7}
    assert compiled_serializers.serialize(Parts, thing) == value == Parts(thing).data


@pytest.mark.parametrize("thing", [{}, SimpleNamespace()])
def test_compiled_serializer__missing_required_value__is_an_error(thing: Any) -> None:
    with pytest.raises((AttributeError, KeyError)):
        compiled_serializers.serialize(Parts, thing)
