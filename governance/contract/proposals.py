"""A proposal: what somebody wants changed, checked once on the way in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from governance.vocabulary.canonical import digest, require_plain_json
from governance.vocabulary.changes import Change, parse_changes, require_targets_in_scope
from governance.vocabulary.errors import InvalidInputError
from governance.vocabulary.values import RiskLevel, Source

Word = TypeVar("Word", bound=StrEnum)

LONGEST_TITLE = 200
LONGEST_DESCRIPTION = 4000
MOST_CAPABILITIES = 1000


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
    """The proposal in `document`, or InvalidInputError naming the field.

    Reads `reference`, `title`, `description`, `source`, `requested_by`, `affected_capabilities`,
    `proposed_changes` (any of its three shapes) and `risk_level`. Every change's target must be
    among the affected capabilities.
    """
    require_plain_json(dict(document))
    affected = _capabilities(document)
    changes = parse_changes(document.get("proposed_changes"))
    require_targets_in_scope([change.target for change in changes], affected)
    return Proposal(
        reference=_text(document, "reference", longest=256),
        title=_text(document, "title", longest=LONGEST_TITLE),
        description=_text(document, "description", longest=LONGEST_DESCRIPTION, shortest=0),
        source=_word(document, "source", Source),
        requested_by=_text(document, "requested_by", longest=200, shortest=0),
        affected_capabilities=affected,
        changes=changes,
        risk_level=_word(document, "risk_level", RiskLevel),
    )


def proposal_digest(
    proposal: Proposal,
    validator_verdict: Mapping[str, Any] | None,
    eligibility_verdict: Mapping[str, Any] | None,
) -> str:
    """What makes two arrivals the same: all that came, verdicts included, and nothing of ours.

    Raises InvalidInputError where a verdict is not plain JSON.
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


def _text(document: Mapping[str, Any], name: str, *, longest: int, shortest: int = 1) -> str:
    value = document.get(name, "" if not shortest else None)
    if not isinstance(value, str):
        raise InvalidInputError.at(name, "is required and must be text")
    value = value.strip()
    if not shortest <= len(value) <= longest:
        raise InvalidInputError.at(
            name, f"must have {shortest} to {longest} characters, not {len(value)}"
        )
    return value


def _word(document: Mapping[str, Any], name: str, words: type[Word]) -> Word:
    value = document.get(name)
    if not isinstance(value, str) or value not in {str(word) for word in words}:
        raise InvalidInputError.at(name, "must be one of " + ", ".join(words))
    return words(value)


def _capabilities(document: Mapping[str, Any]) -> tuple[str, ...]:
    value = document.get("affected_capabilities")
    if not isinstance(value, list | tuple) or not value:
        raise InvalidInputError.at("affected_capabilities", "must be a list of at least one name")
    if len(value) > MOST_CAPABILITIES:
        raise InvalidInputError.at(
            "affected_capabilities", f"at most {MOST_CAPABILITIES} names fit"
        )
    for index, name in enumerate(value):
        if not isinstance(name, str) or not 1 <= len(name) <= 200 or name != name.strip():
            raise InvalidInputError.at(
                f"affected_capabilities[{index}]",
                "must be a name of 1 to 200 characters without white space around it",
            )
    if len(set(value)) != len(value):
        raise InvalidInputError.at("affected_capabilities", "must not name a capability twice")
    return tuple(value)
