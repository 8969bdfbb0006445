"""Template filters that print what people and machines wrote, so that nothing hides in it.

Every page prints such a text through one of them. Marks (`domain/visible_text.py`) get a colour of
their own, and each text keeps its direction to itself. A long value is folded, with its size.
"""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from governance.authorities.review.comparison import Segment
from governance.domain.names import is_unseen
from governance.domain.sentences import PartKind, Sentence
from governance.domain.visible_text import (
    MARK,
    visible_json,
    visible_prose,
    visible_sentence,
    visible_text,
)
from governance.domain.wording import plural, pretty_json

MAX_INLINE = 160  # characters of a value inside a sentence or a row
MAX_PARTS = 40  # of a sentence, before the rest is folded
CONTEXT = 60  # characters of an unchanged text that stay beside a change

register = template.Library()


@register.filter
def visible(value: Any) -> SafeString:
    """Print a text on one line, a list of texts, or a sentence."""
    if isinstance(value, Sentence):
        return _sentence(value)
    if isinstance(value, list | tuple):
        return format_html_join(", ", "{}", ((visible(one),) for one in value))
    return _apart(visible_text(_text(value)))


@register.filter(name="visible_prose")
def prose(value: Any) -> SafeString:
    """Print a text of several lines; the stylesheet keeps its line breaks."""
    return _apart(visible_prose(_text(value)))


@register.filter(name="visible_json")
def json_value(value: Any) -> SafeString:
    """Print a JSON text, folded where it is long."""
    text = _text(value)
    return _folded(visible_json(text), visible_json(_indented(text)) if _is_long(text) else "")


@register.filter(name="visible_fact")
def fact(value: Any) -> SafeString:
    """Print a fact of a view: words or a JSON text, folded where it is long."""
    text = visible_text(_text(value))
    return _folded(text, text)


@register.filter(name="visible_signed")
def signed(value: Any) -> SafeString:
    """Print a signed text: its marks stay, and what an older text hides becomes one."""
    hides = (one != "\n" and is_unseen(one) for one in value)
    shown = (visible_text(one) if hidden else one for one, hidden in zip(value, hides, strict=True))
    return _marked("".join(shown))


@register.filter(name="visible_lines")
def json_lines(value: Any) -> SafeString:
    """Print a JSON text inside a `<pre>`, in full."""
    return _apart(visible_json(_text(value)))


@register.filter(name="visible_plain")
def plain_text(value: Any) -> str:
    """Return a text for an attribute or a title, where no element can be."""
    if isinstance(value, Sentence):
        parts = (
            (PartKind.WORDS, _size_in_words(text)) if _is_long(text, kind) else (kind, text)
            for kind, text in value.parts
        )
        return visible_sentence(Sentence(tuple(parts)))
    if isinstance(value, list | tuple):
        return ", ".join(map(plain_text, value))
    return visible_text(_text(value))


@register.filter(name="visible_brief")
def brief(value: Sentence) -> SafeString:
    """Print a sentence with long values by their size, where they are shown beside it."""
    return _sentence(value, is_brief=True)


@register.filter(name="visible_side")
def side(segments: tuple[Segment, ...], kind: str) -> SafeString:
    """Print one side of a compared text: what is on it, with what is only there marked.

    A long part that is the same on both sides is cut, and the number of its characters is said.
    """
    shown = [one for one in segments if one.kind in ("same", kind)]
    last = len(shown) - 1
    parts = [
        _segment(one, begins=number == 0, ends=number == last) for number, one in enumerate(shown)
    ]
    return format_html('<bdi class="gov-code">"{}"</bdi>', mark_safe("".join(parts)))  # noqa: S308 - escaped


def _segment(segment: Segment, *, begins: bool, ends: bool) -> SafeString:
    text = json.dumps(segment.text, ensure_ascii=False)[1:-1]
    if segment.kind != "same":
        tag = "del" if segment.kind == "removed" else "ins"
        is_space = segment.text.isspace()
        words = visible_text(text, begins=begins or is_space, ends=ends or is_space)
        return format_html("<{0}>{1}</{0}>", tag, _marked(words))
    cut = len(text) - (0 if begins else CONTEXT) - (0 if ends else CONTEXT)
    if cut <= CONTEXT:
        return _marked(visible_text(text, begins=begins, ends=ends))
    head, tail = text[: 0 if begins else CONTEXT], text[len(text) - (0 if ends else CONTEXT) :]
    return format_html(
        "{}<small>… {} …</small>{}",
        _marked(visible_text(head, begins=begins, ends=False)),
        plural(cut, "unchanged character"),
        _marked(visible_text(tail, begins=False, ends=ends)),
    )


def _sentence(sentence: Sentence, *, is_brief: bool = False) -> SafeString:
    parts = [_part(kind, text, is_brief=is_brief) for kind, text in sentence.parts]
    shown = format_html_join("", "{}", ((part,) for part in parts[:MAX_PARTS]))
    if len(parts) <= MAX_PARTS:
        return shown
    rest = format_html_join("", "{}", ((part,) for part in parts[MAX_PARTS:]))
    named = sum(kind is PartKind.NAME for kind, _ in sentence.parts[MAX_PARTS:])
    return format_html(
        '{}<details class="gov-fold"><summary>Show {}</summary>{}</details>',
        shown,
        plural(named, "more value"),
        rest,
    )


def _part(kind: PartKind, text: str, *, is_brief: bool) -> SafeString:
    if kind is PartKind.WORDS:
        return escape(text)
    if kind is PartKind.NAME:
        return format_html('<code class="gov-code">{}</code>', visible(text))
    if kind is PartKind.PROSE:
        return prose(text)
    return escape(_size_in_words(text)) if is_brief and _is_long(text, kind) else json_value(text)


def _folded(text: str, whole: str) -> SafeString:
    """Return a value as code; a long one by its kind and size, with the `whole` of it in a fold."""
    if not _is_long(text):
        return format_html('<code class="gov-code">{}</code>', _apart(text))
    return format_html(
        '<details class="gov-fold gov-fold-inline"><summary>{}: show all {}</summary>'
        '<pre tabindex="0">{}</pre></details>',
        _size_in_words(text),
        plural(len(text), "character"),
        _apart(whole),
    )


def _is_long(text: str, kind: PartKind = PartKind.VALUE) -> bool:
    return kind is PartKind.VALUE and len(text) > MAX_INLINE


def _size_in_words(text: str) -> str:
    value = _parsed(text)
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"a structure of {plural(len(value), 'part')}"
    return "a long text"


def _indented(text: str) -> str:
    value = _parsed(text)
    return pretty_json(value) if isinstance(value, list | dict) else text


def _parsed(text: str) -> Any:
    """Parse a JSON text; what is none, or is a text, is returned as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _apart(text: str) -> SafeString:
    return format_html("<bdi>{}</bdi>", _marked(text))


def _marked(text: str) -> SafeString:
    """Escape a visible text, and set its marks apart."""
    return mark_safe(  # noqa: S308 - escaped
        MARK.sub(r'<span class="gov-escape">\g<0></span>', escape(text))
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)
