"""The type of a report, from what speaks for each type.

Each indicator counts once, and so does each further sign, such as an error message. Where a report
names nothing that could be looked up, every type loses, but never so much that one strong
indicator would not be enough.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from governance.authorities.validator.capability_names import NamedCapability
from governance.authorities.validator.indicators import WEIGHTS, Strength
from governance.authorities.validator.reading import WordsRead

UNKNOWN: Final = "unknown"
# In the order in which a tie is decided.
TYPES = ("escalation", "capability_request", "bug_report", "configuration_change")
THRESHOLD = Decimal("0.30")
ESCALATION = TYPES[0]

_FOUND = Decimal("0.20")
_CLEAR = Decimal("0.10")
_NOTHING_NAMED = Decimal("-0.20")
_ZERO, _ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign that speaks for a type or against it: what it is, the words, and the weight."""

    what: str
    written: str
    weight: Decimal


@dataclass(frozen=True, slots=True)
class TypeConfidence:
    """How much speaks for a type, and what."""

    issue_type: str
    confidence: Decimal
    signs: tuple[Sign, ...]


def type_confidences(
    read: WordsRead, named: Sequence[NamedCapability]
) -> tuple[TypeConfidence, ...]:
    """Return how much speaks for each type, in the order of `TYPES`."""
    names_something = bool(named or read.known_key or read.error_message or read.given_value)
    further = {
        "capability_request": _signs_of_request(read, named),
        "bug_report": _signs_of_bug(read),
        "configuration_change": _signs_of_configuration(read),
    }
    return tuple(
        _type_confidence(read, issue_type, further.get(issue_type, []), names_something)
        for issue_type in TYPES
    )


def likeliest_type(found: Collection[TypeConfidence]) -> TypeConfidence:
    """Return the type of a report: an escalation if it is one, otherwise the likeliest type."""
    enough = [one for one in found if one.confidence >= THRESHOLD]
    for one in enough:
        if one.issue_type == ESCALATION:
            return one
    if not enough:
        return TypeConfidence(UNKNOWN, max(one.confidence for one in found), ())
    return max(enough, key=lambda one: (one.confidence, -TYPES.index(one.issue_type)))


def _type_confidence(
    read: WordsRead, issue_type: str, further: list[Sign], names_something: bool
) -> TypeConfidence:
    words = read.speaking_for(issue_type)
    signs = [Sign(one.strength.value, one.written, WEIGHTS[one.strength]) for one in words]
    signs += further
    total = sum((sign.weight for sign in signs), _ZERO)
    if signs and not names_something:
        signs.append(Sign("names nothing that can be looked up", "", _NOTHING_NAMED))
        is_strong = any(one.strength is Strength.STRONG for one in words)
        total = max(total + _NOTHING_NAMED, THRESHOLD if is_strong else _ZERO)
    return TypeConfidence(issue_type, min(total, _ONE), tuple(signs))


def _signs_of_request(read: WordsRead, named: Sequence[NamedCapability]) -> list[Sign]:
    actions = [one for one in read.speaking_for("capability_request") if one.indicator.is_action]
    signs = []
    sentences = {id(one.sentence) for one in actions}
    acted_on = next((one for one in named if id(one.sentence) in sentences), None)
    if acted_on is not None:
        signs.append(Sign("a capability that is acted on", acted_on.written, _FOUND))
    clear = next((one for one in actions if _is_clear(one.sentence.words, one.start)), None)
    if clear is not None:
        signs.append(Sign("a clear verb of action", clear.written, _CLEAR))
    return signs


def _is_clear(words: list[str], start: int) -> bool:
    return start == 0 or words[start - 1] in ("please", "to", "and", "request", "pls", "fix")


def _signs_of_bug(read: WordsRead) -> list[Sign]:
    signs = []
    if read.error_message:
        signs.append(Sign("an error message", read.error_message, _FOUND))
    if read.steps:
        signs.append(Sign("steps to reproduce, or what was expected", read.steps, _CLEAR))
    return signs


def _signs_of_configuration(read: WordsRead) -> list[Sign]:
    signs = []
    if read.known_key:
        signs.append(Sign("a known configuration key", read.known_key, _FOUND))
    if read.given_value:
        signs.append(Sign("a value that is given", read.given_value, _CLEAR))
    return signs
