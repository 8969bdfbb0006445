"""Write a text so that nothing hides in it, for pages, signed texts, commands and logs.

A mark in the brackets ⟦ ⟧ stands for what a reader would not see: `⟦U+202E⟧` for a character that
shows nothing, `⟦3 spaces⟧` for a run of spaces, `⟦mixed scripts: U+0456⟧` after a word whose
letters come from several scripts. A bracket that the text itself holds is written as `⟦U+27E6⟧`, so
no text can imitate a mark.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from governance.domain.names import MAX_MARKS, is_unseen, mixed_script_words
from governance.domain.sentences import Sentence

OPENS, CLOSES = "⟦", "⟧"
MARK = re.compile(rf"{OPENS}[^{CLOSES}]*{CLOSES}")

# What ordinary text is made of: visible ASCII characters, with single spaces between them.
_ORDINARY = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_SPACES = re.compile(r"(\s+)")
_JSON_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NAMED = {"\t": "tab", "\n": "line break"}


def visible_text(text: str, *, begins: bool = True, ends: bool = True) -> str:
    """Return a text on one line; line breaks and tabs become marks too.

    Args:
        begins: whether the text begins here, so that a single space before it becomes a mark.
        ends: whether the text ends here, so that a single space after it becomes a mark.
    """
    if not text or _ORDINARY.fullmatch(text):
        return text
    first, *others = _SPACES.split(text)
    written = [_visible_word(first)]
    for spaces, word in zip(others[::2], others[1::2], strict=True):
        at_edge = (begins and not first and len(written) == 1) or (ends and not word)
        written += [_visible_spaces(spaces, at_edge=at_edge), _visible_word(word)]
    return "".join(written)


def visible_prose(text: str) -> str:
    """Return a text of several lines; only its line breaks stay as they are."""
    return "\n".join(map(visible_text, text.split("\n")))


def visible_json(text: str) -> str:
    """Return a JSON text; only its strings change, and not the spaces between its parts."""
    return _JSON_STRING.sub(lambda found: f'"{visible_text(found[1])}"', text)


def visible_sentence(sentence: Sentence) -> str:
    """Return a sentence as plain text, its names and prose in quotes."""
    return visible_json(str(sentence))


def visible_document(document: Any, **options: Any) -> str:
    """Serialize as JSON, an unseen character as an escape of JSON, so that the data is the same."""
    text = json.dumps(document, ensure_ascii=False, **options)
    if text.isascii():
        return text
    return "".join(json.dumps(one)[1:-1] if _is_hidden(one) else one for one in text)


def _visible_spaces(spaces: str, *, at_edge: bool) -> str:
    if spaces == " ":
        return _mark("space") if at_edge else spaces
    runs = re.findall(r" +|[^ ]", spaces)
    return "".join(
        _mark(f"{len(run)} spaces" if len(run) > 1 else "space")
        if run[0] == " "
        else _mark(_NAMED.get(run) or _code_point(run))
        for run in runs
    )


def _visible_word(word: str) -> str:
    if word.isascii() and word.isprintable():
        return word
    written, seen, marks = [], "", MAX_MARKS  # a combining mark needs a letter before it
    for character in word:
        marks = marks + 1 if unicodedata.category(character)[0] == "M" else 0
        if is_unseen(character) or character in (OPENS, CLOSES) or marks > MAX_MARKS:
            written.append(_mark(_code_point(character)))
            marks = MAX_MARKS
        else:
            written.append(character)
            seen += character
    if mixed_script_words(seen):
        foreign = next(character for character in seen if not character.isascii())
        written.append(_mark(f"mixed scripts: {_code_point(foreign)}"))
    return "".join(written)


def _is_hidden(character: str) -> bool:
    return not character.isascii() and is_unseen(character)


def _mark(words: str) -> str:
    return f"{OPENS}{words}{CLOSES}"


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"
