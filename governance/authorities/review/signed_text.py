"""The signed text: the page that a founder signs, as plain text that can be read without the site.

The text depends only on the contract and the view. A text that a person or a machine wrote stays on
its own line or behind a margin, so that it cannot imitate another part of the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from governance.authorities.review.differences import ChangeRow, SettingKey, change_rows
from governance.authorities.review.view import ReviewView, fact_name
from governance.domain.changes import parse_changes
from governance.domain.values import SYSTEM_SCOPE
from governance.domain.wording import format_time, value_in_words
from governance.models import SystemContract

WIDTH = 24
MARGIN = "    | "


def render_signed_text(contract: SystemContract, view: ReviewView) -> str:
    """Render the page of `contract` with the values of `view`: changes, origin, verdicts, plan."""
    return "\n".join(_lines(contract, view)) + "\n"


def _lines(contract: SystemContract, view: ReviewView) -> Iterator[str]:
    rows = change_rows(
        parse_changes(contract.proposed_changes),
        plan=contract.plan,
        current_value=view.value_of,
        decided=False,
    )
    yield "What the founder saw of a contract"
    yield "=================================="
    yield _fact("Reference", contract.reference)
    yield _fact("Title", contract.title)
    yield _fact("Risk", str(contract.risk_level))
    yield from _heading("What will change, in this order")
    for row in rows:
        yield from _change(row)
    yield from _heading("Affected capabilities, as they stood")
    for name in contract.affected_capabilities:
        yield from _capability(name, view)
    yield _fact("System health", view.facts["System health"])
    yield from _heading("Origin")
    yield _fact("Source", contract.source)
    yield _fact("Requested by", contract.requested_by or "-")
    yield _fact("Proposed by", contract.proposed_by.get_username())
    yield _fact("Created", format_time(contract.created_at))
    yield from _prose(contract.description)
    yield from _heading("The validator's verdict (advice)")
    yield from _verdict(contract.validator_verdict)
    yield from _heading("The gate's verdict (eligibility)")
    yield from _verdict(contract.eligibility_verdict)
    yield from _heading("The plan; it stops at the first failure")
    for row in rows:
        yield _line(
            f"  {row.number + 1}. {row.target}, at most {row.timeout}. Rollback: {row.rollback}"
        )
    yield from _heading("All that could have moved behind the page's back, as it stood")
    for fact, value in sorted(view.facts.items()):
        yield _line(f"  {fact}: {value}")
    yield from _heading("Digests (SHA-256)")
    yield _fact("Content", view.content_digest)
    yield _fact("View", view.digest())


def _change(row: ChangeRow) -> Iterator[str]:
    yield _line(f"  {row.number + 1}. {row.words}")
    for diff in row.differences:
        yield _line(f"       {diff.name}: {diff.before} ({diff.before_is}) -> {diff.proposed}")
        if objection := diff.conflict or diff.doubt:
            yield _line(f"       ! {objection}")


def _capability(name: str, view: ReviewView) -> Iterator[str]:
    setting = SettingKey(name)
    lifecycle = fact_name(setting)
    named = lifecycle.removeprefix("Lifecycle of ")
    details = [view.facts[lifecycle], view.facts[f"Freeze of {named}"]]
    if name != SYSTEM_SCOPE:
        details.append(f"health {view.facts[f'Health of {named}']}")
    yield _line(f"  {name}: {', '.join(details)}")


def _verdict(verdict: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield a verdict's lines, one or more for each of its fields, known or not."""
    verdict = verdict or {}
    for part in sorted(verdict, key=lambda part: (part not in ("decision", "reason"), part)):
        details = verdict[part]
        name = part.replace("_", " ").capitalize()
        if isinstance(details, list) and details:
            yield _line(f"  {name}:")
            yield from (_line(f"    - {_words(one)}") for one in details)
        elif isinstance(details, dict) and details:
            yield _line(f"  {name}:")
            yield from (
                _line(f"    - {key}: {_words(one)}") for key, one in sorted(details.items())
            )
        else:
            yield _fact(name, _words(details))


def _words(value: Any) -> str:
    if value in (None, [], {}, ""):
        return "none"
    return value if isinstance(value, str) else value_in_words(value)


def _heading(words: str) -> Iterator[str]:
    yield ""
    yield words
    yield "-" * len(words)


def _fact(name: str, words: str) -> str:
    return _line(f"  {name + ':':{WIDTH}}{words}")


def _prose(text: str) -> Iterator[str]:
    """Yield the lines of a text that a person wrote, each behind the margin."""
    if text:
        yield ""
        yield from (MARGIN + _line(line) for line in text.splitlines())


def _line(text: str) -> str:
    """Return `text` as one line; unprintable and text-direction characters become `\\uXXXX`."""
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in text
    )
