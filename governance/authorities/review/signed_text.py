"""The signed text: the page that a founder signs, as plain text that can be read without the site.

The text depends only on the contract and the view. A text that a person or a machine wrote stays on
its own line or behind a margin, so that it cannot imitate another part of the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from governance.authorities.review.comparison import Comparison
from governance.authorities.review.differences import Difference, SettingKey, change_rows
from governance.authorities.review.view import ReviewView, fact_name
from governance.domain.changes import parse_changes
from governance.domain.values import SYSTEM_SCOPE
from governance.domain.visible_text import (
    visible_json,
    visible_prose,
    visible_sentence,
    visible_text,
)
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
        yield f"  {row.number + 1}. {visible_sentence(row.words)}"
        for difference in row.differences:
            yield from _difference(difference)
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
        target, rollback = visible_text(row.target), visible_sentence(row.rollback)
        yield f"  {row.number + 1}. {target}, at most {row.timeout}. Rollback: {rollback}"
    yield from _heading("All that could have moved behind the page's back, as it stood")
    for fact, value in sorted(view.facts.items()):
        yield f"  {visible_text(fact)}: {visible_text(value)}"
    yield from _heading("Digests (SHA-256)")
    yield _fact("Content", view.content_digest)
    yield _fact("View", view.digest())


def _difference(found: Difference) -> Iterator[str]:
    key = found.setting.key
    name = "lifecycle" if key is None else visible_json(value_in_words(key))
    before, proposed = visible_json(found.before.words), visible_json(found.proposed.words)
    yield f"       {name}: {before} ({found.before_is}) -> {proposed}"
    if found.comparison.is_structure or found.comparison.segments:
        yield from _changed_parts(name, found.comparison)
    for remark in (found.conflict, found.doubt):
        if remark:
            yield f"       ! {visible_sentence(remark)}"
    if found.expected and found.expected.changed:
        yield "       From the expected value to the proposed one:"
        yield from _changed_parts(name, found.expected)
    if not found.is_exact:
        yield "       ! Too many differences to compare; the middle is written as replaced."
    if found.unchanged:
        yield f"       ! {found.unchanged}"


def _changed_parts(name: str, comparison: Comparison) -> Iterator[str]:
    for part in comparison.changed:
        at = name + visible_text(part.path)
        for segment in part.segments:
            if segment.kind != "same":
                yield f"         {at}: {segment.kind} {visible_json(value_in_words(segment.text))}"
        if part.is_inserted or part.is_removed:
            kind = "inserted" if part.is_inserted else "removed"
            words = part.after_words if part.is_inserted else part.before_words
            yield f"         {at}: {kind} {visible_json(words)}"
        elif not part.segments:
            before, after = visible_json(part.before_words), visible_json(part.after_words)
            yield f"         {at}: {before} -> {after}"
    if comparison.is_structure:
        yield f"         {comparison.unchanged} of {comparison.total} parts stay as they are"


def _capability(name: str, view: ReviewView) -> Iterator[str]:
    setting = SettingKey(name)
    lifecycle = fact_name(setting)
    named = lifecycle.removeprefix("Lifecycle of ")
    details = [view.facts[lifecycle], view.facts[f"Freeze of {named}"]]
    if name != SYSTEM_SCOPE:
        details.append(f"health {view.facts[f'Health of {named}']}")
    yield f"  {visible_text(name)}: {', '.join(details)}"


def _verdict(verdict: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield a verdict's lines, one or more for each of its fields, known or not."""
    verdict = verdict or {}
    for part in sorted(verdict, key=lambda part: (part not in ("decision", "reason"), part)):
        details = verdict[part]
        name = part.replace("_", " ").capitalize()
        if isinstance(details, list) and details:
            yield f"  {visible_text(name)}:"
            yield from (f"    - {visible_text(_words(one))}" for one in details)
        elif isinstance(details, dict) and details:
            yield f"  {visible_text(name)}:"
            for key, one in sorted(details.items()):
                yield f"    - {visible_text(key)}: {visible_text(_words(one))}"
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
    return f"  {visible_text(name) + ':':{WIDTH}}{visible_text(words)}"


def _prose(text: str) -> Iterator[str]:
    """Yield the lines of a text that a person wrote, each behind the margin."""
    if text:
        yield ""
        yield from (MARGIN + line for line in visible_prose(text).split("\n"))
