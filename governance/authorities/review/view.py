"""The view: everything on a founder's page that can change after the page was rendered.

A contract's content does not change from ELIGIBLE on. The view has that content's digest, and the
values that the changes touch, the affected capabilities, health, the end of the review, the other
open contracts on the capabilities, the number of questions, answers and comments, and the
signatures. Nothing in it changes with time alone. A founder signs the digest of the view on the
page, and is refused if the view has changed by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from governance.authorities.contract.queries import discussion_counts, signatures_of
from governance.authorities.contract.siblings import MAX_SIBLINGS, open_siblings
from governance.authorities.review.differences import (
    NO_RECORDED_VALUE,
    SettingKey,
    SettingValue,
    affected_settings,
    parse_value,
    values_in,
)
from governance.domain.canonical import canonical_text, sha256_hex
from governance.domain.changes import parse_changes
from governance.domain.errors import InvalidInputError, ViewChangedError
from governance.domain.strict_json import load_strict_json
from governance.domain.values import SYSTEM_SCOPE, HealthReading
from governance.domain.wording import format_time, plural, value_in_words
from governance.models import ApprovalSignature, SystemContract
from governance.services.registry.queries import capabilities_named, platform_state_of

# The longest view, form-encoded, that a form carries along to say what changed.
MAX_POSTED_LENGTH = 400_000
SIBLINGS, NO_SIBLINGS = "Other open contracts", "none"


@dataclass(frozen=True, slots=True)
class ReviewView:
    """The content digest, and facts in words: the name of each and its current value."""

    content_digest: str
    facts: Mapping[str, str]

    def as_record(self) -> dict[str, Any]:
        return {"content_digest": self.content_digest, "facts": dict(self.facts)}

    def text(self) -> str:
        """Serialize the view as canonical JSON."""
        return canonical_text(self.as_record())

    def digest(self) -> str:
        """Return the SHA-256 of the view's text."""
        return sha256_hex(self.text())

    def for_form(self) -> str:
        """Return the view's text for a hidden form field, or "" if it is too long for one."""
        text = self.text()
        return text if len(quote_plus(text)) <= MAX_POSTED_LENGTH else ""

    @property
    def has_siblings(self) -> bool:
        """Whether other contracts on the same capabilities are open."""
        return self.facts[SIBLINGS] != NO_SIBLINGS

    def value_of(self, setting: SettingKey) -> SettingValue:
        """Return the value of a setting that the contract's changes touch."""
        return parse_value(
            setting, self.facts.get(fact_name(setting), NO_RECORDED_VALUE.serialized)
        )


def review_view(contract: SystemContract, *, health: HealthReading | None) -> ReviewView:
    """Return the current view of a contract; six queries. `health` is what a flow read."""
    return ReviewView(contract.content_digest or "", dict(_facts(contract, health)))


def view_changes(seen: ReviewView, now: ReviewView) -> list[str]:
    """List the differences between two views in words, in the order of the page."""
    found = []
    for fact, value in now.facts.items():
        if fact not in seen.facts:
            found.append(f"added: {fact}: {value}")
        elif seen.facts[fact] != value:
            found.append(f"{fact}: was {seen.facts[fact]}, now {value}")
    gone = [fact for fact in seen.facts if fact not in now.facts]
    found += [f"gone: {fact}: was {seen.facts[fact]}" for fact in gone]
    if seen.content_digest != now.content_digest:
        found.append("the contract's content")
    return found


def require_same_view(now: ReviewView, *, seen_view: str, seen_text: str = "") -> None:
    """Refuse a signature if `seen_view` is not the digest of the current view.

    Args:
        seen_text: the view that the founder's form carried. It is used only to list what changed,
            and only if `seen_view` is its digest.

    Raises:
        ViewChangedError: `details["changed"]` lists the differences, if they are known.
    """
    if now.digest() == seen_view:
        return
    seen = _read(seen_text, digest=seen_view)
    details = {"changed": view_changes(seen, now) if seen else []}
    raise ViewChangedError(
        "This page has changed since you read it; read it again before you sign.", details=details
    )


def fact_name(setting: SettingKey) -> str:
    """Return the name of a setting in a view, which no other setting and no other fact has."""
    if setting.key is None:
        return f"Lifecycle of {_name(setting.scope)}"
    names = (setting.scope, setting.key)
    if any(_is_odd(name) for name in names):
        return " · ".join(canonical_text(name) for name in names)
    return " · ".join(names)


def _facts(contract: SystemContract, health: HealthReading | None) -> Iterator[tuple[str, str]]:
    yield "Status", str(contract.status)
    ends_at = contract.review_ends_at
    yield (
        "Review",
        f"ends {ends_at:%-d %b %Y, %H:%M:%S} UTC"
        if ends_at
        else "review paused: a question is open",
    )
    changes = parse_changes(contract.proposed_changes)
    scopes = {*contract.affected_capabilities, *(change.target for change in changes)}
    known = capabilities_named(scopes)
    current_value = values_in(platform_state_of(scopes, known))
    for change in changes:
        for setting, _, _ in affected_settings(change):
            if setting.key is not None:
                yield fact_name(setting), current_value(setting).serialized
    for name in contract.affected_capabilities:
        capability = known.get(name)
        setting = SettingKey(name)
        yield fact_name(setting), current_value(setting).serialized
        is_frozen = capability is not None and capability.frozen
        yield f"Freeze of {_name(name)}", "frozen" if is_frozen else "not frozen"
        if name != SYSTEM_SCOPE:
            decision = health.capabilities.get(name) if health else None
            yield f"Health of {_name(name)}", str(decision or "unknown")
    yield "System health", str(health.system if health else "unknown")
    yield SIBLINGS, _siblings(contract)
    questions, answers, comments = discussion_counts(contract)
    yield (
        "Comments",
        f"{plural(questions, 'question')}, {plural(answers, 'answer')},"
        f" {plural(comments, 'comment')}",
    )
    signed = [_signed(signature) for signature in signatures_of(contract)]
    yield "Signatures", "; ".join(signed) or "no signatures yet"


def _siblings(contract: SystemContract) -> str:
    found = open_siblings(contract)
    named = [value_in_words(one.reference) for one in found[:MAX_SIBLINGS]]
    more = " and older ones" if len(found) > MAX_SIBLINGS else ""
    return f"{', '.join(named)}{more}" if named else NO_SIBLINGS


def _signed(signature: ApprovalSignature) -> str:
    opens, closes = format_time(signature.window_opens_at), format_time(signature.window_closes_at)
    return f"{signature.founder.get_username()} for {opens} to {closes}"


def _name(name: str) -> str:
    return canonical_text(name) if _is_odd(name) else name


def _is_odd(name: str) -> bool:
    """Return whether a name holds a character that separates or quotes names in a view."""
    return "·" in name or '"' in name


def _read(text: str, *, digest: str) -> ReviewView | None:
    """Parse a view; None if `text` is not one or `digest` is not its digest."""
    try:
        if sha256_hex(text) != digest:
            return None
        found = load_strict_json(text)
    except (InvalidInputError, UnicodeEncodeError):
        return None
    match found:
        case {"content_digest": str(content_digest), "facts": dict(facts)} if all(
            isinstance(fact, str) for fact in facts.values()
        ):
            return ReviewView(content_digest, facts)
    return None
