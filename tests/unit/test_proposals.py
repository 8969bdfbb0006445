"""Proposals: which fields are read, what is refused, and when two have the same digest."""

from __future__ import annotations

from typing import Any

import pytest

from governance.authorities.contract.proposals import (
    MAX_CAPABILITIES,
    parse_proposal,
    proposal_digest,
)
from governance.domain.errors import InvalidInputError, TargetOutOfScopeError
from tests.support.factories import MAY, MAY_NOT, VALIDATOR_VERDICT, proposal_document

FAULTS: dict[str, tuple[str, Any, str]] = {
    "no reference": ("reference", None, "reference"),
    "empty reference": ("reference", "  ", "reference"),
    "long reference": ("reference", "r" * 257, "reference"),
    "no title": ("title", None, "title"),
    "title that is no text": ("title", 5, "title"),
    "long title": ("title", "t" * 201, "title"),
    "description that is no text": ("description", 5, "description"),
    "long description": ("description", "d" * 4001, "description"),
    "unknown source": ("source", "hearsay", "source"),
    "no source": ("source", None, "source"),
    "source that is no text": ("source", ["manual"], "source"),
    "unknown risk": ("risk_level", "HIGH", "risk_level"),
    "requested by nobody's name": ("requested_by", {"name": "x"}, "requested_by"),
    "no capabilities": ("affected_capabilities", None, "affected_capabilities"),
    "no capability at all": ("affected_capabilities", [], "affected_capabilities"),
    "capabilities in words": ("affected_capabilities", "Search", "affected_capabilities"),
    "capability without a name": ("affected_capabilities", [""], "affected_capabilities[0]"),
    "padded capability": ("affected_capabilities", ["Search", " a"], "affected_capabilities[1]"),
    "capability that is no text": ("affected_capabilities", [1], "affected_capabilities[0]"),
    "capability twice": ("affected_capabilities", ["a", "a"], "affected_capabilities"),
    "too many capabilities": (
        "affected_capabilities",
        [str(number) for number in range(MAX_CAPABILITIES + 1)],
        "affected_capabilities",
    ),
    "changes that are none": ("proposed_changes", "everything", "proposed_changes"),
    "NUL": ("title", "a\x00b", "title"),
}


@pytest.mark.parametrize(("field", "value", "path"), FAULTS.values(), ids=list(FAULTS))
def test_parse_proposal__with_a_wrong_field__refused_with_its_path(
    field: str, value: Any, path: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_proposal(proposal_document(**{field: value}))
    assert caught.value.errors[0]["path"] == path


def test_parse_proposal__target_outside_its_scope__refused() -> None:
    with pytest.raises(TargetOutOfScopeError) as caught:
        parse_proposal(proposal_document(affected_capabilities=["Billing"]))
    assert caught.value.errors[0]["path"] == "proposed_changes[0]"


def test_parse_proposal__white_space_around_the_description__taken_off() -> None:
    assert parse_proposal(proposal_document(description="\nWhy.\n")).description == "Why."


def test_parse_proposal__as_long_as_allowed__read() -> None:
    proposal = parse_proposal(proposal_document(title="t" * 200, description="d" * 4000))
    assert (len(proposal.title), len(proposal.description)) == (200, 4000)


def test_parse_proposal__without_what_may_be_missing__read() -> None:
    document = proposal_document()
    del document["description"], document["requested_by"]
    proposal = parse_proposal(document)
    assert (proposal.description, proposal.requested_by) == ("", "")


def digest_of(validator: Any = VALIDATOR_VERDICT, eligibility: Any = MAY, **changes: Any) -> str:
    document = proposal_document(**({"reference": "SAME"} | changes))
    return proposal_digest(parse_proposal(document), validator, eligibility)


def test_proposal_digest__the_same_in_another_shape__the_same() -> None:
    changes = proposal_document()["proposed_changes"]
    assert digest_of(proposed_changes={"changes": changes}) == digest_of()


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another title"},
        {"description": "Another reason."},
        {"requested_by": "sales"},
        {"affected_capabilities": ["Search", "Billing"]},
        {"risk_level": "high"},
        {"proposed_changes": proposal_document()["proposed_changes"][:1]},
        {"proposed_changes": proposal_document()["proposed_changes"][::-1]},
        {"validator": VALIDATOR_VERDICT | {"confidence_score": 0.9}},
        {"validator": None},
        {"eligibility": MAY_NOT},
    ],
)
def test_proposal_digest__anything_else_in_it__another(changes: dict[str, Any]) -> None:
    assert digest_of(**changes) != digest_of()
