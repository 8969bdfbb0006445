"""The client's response types match the API's schema."""

from __future__ import annotations

import subprocess
import sys
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest
from drf_spectacular.generators import SchemaGenerator

from governance.client import PrintSteps, responses
from governance.domain import changes
from tests.support.commands import ROOT

NAMES = {
    "HealthFailureData": "HealthFailure",
    "HealthTroubleData": "HealthTrouble",
    "StepResultData": "StepResult",
    "JobStepData": "Step",
    "JobSummary": "JobInList",
    "ContractSummary": "ContractInList",
    "LedgerEntryData": "LedgerEntryInList",
}
# Fields that only `expand=` adds, which the client does not use.
EXPANDED = {"JobSummary": {"contract"}, "ContractSummary": {"job"}}
TYPES = [
    kind
    for kind in vars(responses).values()
    if isinstance(kind, type) and issubclass(kind, dict) and kind.__module__ == responses.__name__
]


@pytest.fixture(scope="module")
def schemas() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)["components"]["schemas"]


def may_be_null(schema: dict[str, Any]) -> bool:
    if any(may_be_null(part) for part in schema.get("oneOf", ())):
        return True
    kinds = schema.get("type", ())
    # A schema without a type allows any value, null included.
    return "null" in ([kinds] if isinstance(kinds, str) else kinds)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_response_type__its_fields__are_those_of_the_schema(kind: type, schemas: Any) -> None:
    properties = dict(schemas[NAMES.get(kind.__name__, kind.__name__)]["properties"])
    for name in EXPANDED.get(kind.__name__, ()):
        del properties[name]
    hints = get_type_hints(kind)
    assert set(hints) == set(properties)
    nullable = {name for name, hint in hints.items() if NoneType in get_args(hint)}
    assert nullable == {name for name, schema in properties.items() if may_be_null(schema)}


def test_response_types__all__are_compared() -> None:
    assert len(TYPES) == 20


def test_print_steps__knows_every_type_of_change() -> None:
    kinds = [changes.CapabilityEnable, changes.CapabilityDisable]
    kinds += [changes.ConfigurationUpdate, changes.ParameterChange]
    assert list(PrintSteps.step_types) == [
        get_args(kind.model_fields["type"].annotation)[0] for kind in kinds
    ]


def test_client__imported__brings_neither_django_nor_the_site() -> None:
    script = (
        "import sys, governance.client; "
        "print(sorted({name.split('.')[0] for name in sys.modules} & "
        "{'django', 'rest_framework', 'psycopg', 'govsite', 'pydantic'}))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
