"""Proposals: the form of a proposed change, checked once when it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from governance.domain.canonical import digest
from governance.domain.changes import Change, change_paths, parse_changes, require_clear_names
from governance.domain.errors import InvalidInputError
from governance.domain.names import MAX_REFERENCE_LENGTH, refuse_similar, require_line, require_name
from governance.domain.recorded_changes import require_targets_in_scope
from governance.domain.strict_json import require_plain_json
from governance.domain.values import RiskLevel, Source

Choice = TypeVar("Choice", bound=StrEnum)

MAX_TITLE_LENGTH = 200
MAX_DESCRIPTION_LENGTH = 4000
MAX_CAPABILITIES = 1000


@dataclass(frozen=True, slots=True)
class Proposal:
    """A well-formed proposal; `parse_proposal` makes one from a JSON object."""

    reference: str
    title: str
    description: str
    source: Source
    requested_by: str
    affected_capabilities: tuple[str, ...]
    changes: tuple[Change, ...]
    risk_level: RiskLevel


def parse_proposal(document: Mapping[str, Any]) -> Proposal:
    """Parse a proposal from a JSON object; other fields of the object are ignored.

    Args:
        document: has `reference`, `title`, `description`, `source`, `requested_by`,
            `affected_capabilities`, `proposed_changes` (in any of its three shapes) and
            `risk_level`.

    Raises:
        InvalidInputError: with the path of the invalid field (InvalidChangesError for the changes,
            InvalidNameError and SimilarNameError for names and one-line texts).
        TargetOutOfScopeError: a change has a target that is not an affected capability.
    """
    require_plain_json(dict(document))
    affected = _capabilities(document)
    changes = parse_changes(document.get("proposed_changes"))
    require_clear_names(changes, change_paths(document["proposed_changes"]))
    require_targets_in_scope([change.target for change in changes], affected)
    return Proposal(
        reference=require_name(
            document.get("reference"), "reference", max_length=MAX_REFERENCE_LENGTH
        ),
        title=require_line(document.get("title"), "title", max_length=MAX_TITLE_LENGTH),
        description=_description(document),
        source=_choice(document, "source", Source),
        requested_by=require_line(document.get("requested_by", ""), "requested_by", min_length=0),
        affected_capabilities=affected,
        changes=changes,
        risk_level=_choice(document, "risk_level", RiskLevel),
    )


def proposal_digest(
    proposal: Proposal,
    validator_verdict: Mapping[str, Any] | None,
    eligibility_verdict: Mapping[str, Any] | None,
) -> str:
    """Return the digest by which the same proposal is recognised when it arrives again.

    It covers all that arrived, verdicts included, except `source` and the `reference`, which is
    compared separately.

    Raises:
        InvalidInputError: a verdict is not plain JSON.
    """
    require_plain_json(validator_verdict, "validator_verdict")
    require_plain_json(eligibility_verdict, "eligibility_verdict")
    return digest(
        {
            "title": proposal.title,
            "description": proposal.description,
            "requested_by": proposal.requested_by,
            "affected_capabilities": list(proposal.affected_capabilities),
            "proposed_changes": [change.document() for change in proposal.changes],
            "risk_level": proposal.risk_level,
            "validator_verdict": validator_verdict,
            "eligibility_verdict": eligibility_verdict,
        }
    )


def _description(document: Mapping[str, Any]) -> str:
    value = document.get("description", "")
    if not isinstance(value, str):
        raise InvalidInputError.at("description", "must be text")
    value = value.strip()
    if len(value) > MAX_DESCRIPTION_LENGTH:
        raise InvalidInputError.at(
            "description", f"must have 0 to {MAX_DESCRIPTION_LENGTH} characters, not {len(value)}"
        )
    return value


def _choice(document: Mapping[str, Any], name: str, choices: type[Choice]) -> Choice:
    value = document.get(name)
    if not isinstance(value, str) or value not in {str(choice) for choice in choices}:
        raise InvalidInputError.at(name, "must be one of " + ", ".join(choices))
    return choices(value)


def _capabilities(document: Mapping[str, Any]) -> tuple[str, ...]:
    value = document.get("affected_capabilities")
    if not isinstance(value, list | tuple) or not value:
        raise InvalidInputError.at("affected_capabilities", "must be a list of at least one name")
    if len(value) > MAX_CAPABILITIES:
        raise InvalidInputError.at(
            "affected_capabilities", f"must have at most {MAX_CAPABILITIES} names"
        )
    named = [(f"affected_capabilities[{index}]", name) for index, name in enumerate(value)]
    for path, name in named:
        require_name(name, path)
    refuse_similar(named)
    if len(set(value)) != len(value):
        raise InvalidInputError.at("affected_capabilities", "must not name a capability twice")
    return tuple(value)
