"""Names and one-line texts: what they may hold, and when two names look the same.

A name is that of a capability, a scope, a key, a parameter or a user, or a contract's reference. A
one-line text is a title or a requester. Names are compared exactly; `name_key` finds the other
name that a person could take for it. Which characters look alike, and which scripts may stand in
one word, is the data of Unicode's Technical Standard 39.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

import regex
from confusable_homoglyphs.categories import categories_data
from confusable_homoglyphs.confusables import confusables_data

from governance.domain.canonical import sha256_hex
from governance.domain.errors import InvalidNameError, SimilarNameError
from governance.domain.strict_json import require_plain_json

MAX_NAME_LENGTH = 200
MAX_REFERENCE_LENGTH = 256
MAX_KEY_LENGTH = 512  # a longer key becomes its digest, so that an index can hold it
MAX_MARKS = 4  # combining marks in a row

# Python calls these printable, but nothing of them is seen: default-ignorable characters, blank
# braille, the null notehead, the Khitan filler and the place of an embedded object.
_UNSEEN = regex.compile(r"[\p{Default_Ignorable_Code_Point}\u2800\uFFFC\U0001D159\U00016FE4]")
_MARKS = regex.compile(rf"[\p{{Mn}}\p{{Me}}]{{{MAX_MARKS + 1},}}|(\p{{Mn}})\1|(?:^| )\p{{M}}")
# The scripts that one word may have together ("highly restrictive").
_TOGETHER = (
    ("LATIN", "HAN", "HIRAGANA", "KATAKANA"),
    ("LATIN", "HAN", "BOPOMOFO"),
    ("LATIN", "HAN", "HANGUL"),
)
_EVERYWHERE = ("COMMON", "INHERITED")
_LEFT_TO_RIGHT_MARK = "\u200e"  # the data of the look-alikes has it around right-to-left letters


def is_unseen(character: str) -> bool:
    """Return whether a character shows nothing by itself, or is another space than the plain one.

    These are control, format, bidirectional, filler, tag and variation characters, unassigned and
    private code points, line breaks, and all spaces but U+0020.
    """
    return not character.isprintable() or bool(_UNSEEN.match(character))


def mixed_script_words(text: str) -> list[str]:
    """Return the words of a text whose letters come from scripts that do not belong together."""
    if text.isascii():
        return []
    return [word for word in text.split() if not _one_script().fullmatch(word)]


def require_line(
    value: Any, path: str, *, max_length: int = MAX_NAME_LENGTH, min_length: int = 1
) -> str:
    """Return a one-line text, refusing what a person who reads it would not see.

    Raises:
        InvalidNameError: for a value that is no text, or has another length, an unseen character,
            a space that is not a single one between two words, or a pile of combining marks.
    """
    if not isinstance(value, str):
        raise InvalidNameError.at(path, "is required and must be text")
    require_plain_json(value, path)
    length = len(value.strip())
    if not min_length <= length <= max_length:
        raise InvalidNameError.at(
            path, f"must have {min_length} to {max_length} characters, not {length}"
        )
    if unseen := next(filter(is_unseen, value), None):
        raise InvalidNameError.at(path, f"must not hold {_describe(unseen)}")
    if value != value.strip() or "  " in value:
        raise InvalidNameError.at(path, "must have no space but single ones between words")
    if not value.isascii() and _MARKS.search(unicodedata.normalize("NFD", value)):
        raise InvalidNameError.at(
            path, "must not pile up combining marks, nor begin a word with one"
        )
    return value


def require_name(value: Any, path: str, *, max_length: int = MAX_NAME_LENGTH) -> str:
    """Return a name, refusing also a word of mixed scripts.

    Raises:
        InvalidNameError: for what `require_line` refuses, and for mixed scripts.
    """
    name = require_line(value, path, max_length=max_length)
    if mixed := mixed_script_words(name):
        foreign = next(character for character in mixed[0] if not character.isascii())
        raise InvalidNameError.at(
            path, f"must not mix scripts in a word, as with {_describe(foreign)}"
        )
    return name


@lru_cache(maxsize=10_000)
def name_key(name: str) -> str:
    """Return what names have in common that differ only by case, width or look-alike characters.

    The key is the skeleton of Technical Standard 39 over NFKC and case folding. Capitals look
    like other letters than small ones do, so a name that looks Latin as it is written, or in
    capitals, has the skeleton of what is seen; `I`, `l` and `i` are then one letter, because `I`
    looks like `l` and is the capital of `i`.
    """
    text = unicodedata.normalize("NFKC", name)
    seen = next(filter(_is_latin, (_skeleton(text), _skeleton(text.upper()))), None)
    if seen is None:
        key = _skeleton(unicodedata.normalize("NFKC", text.casefold())).casefold()
    else:
        key = _skeleton(seen.casefold()).replace("i", "l")
    return key if len(key) <= MAX_KEY_LENGTH else sha256_hex(key)


def refuse_similar(names: Iterable[tuple[str, str]], known: Iterable[str] = ()) -> None:
    """Refuse a name that could be taken for another one of `names`, or for a `known` name.

    Args:
        names: pairs of a path and the name there; the same name may stand at several paths.
        known: names that exist; a name that is one of them is not compared with the others.

    Raises:
        SimilarNameError: with the path of the name and the other name.
    """
    exact = set(known)
    others = {name_key(name): name for name in sorted(exact)}
    for path, name in names:
        other = others.setdefault(name_key(name), name)
        if other != name and name not in exact:
            raise SimilarNameError.of(path, name, other)


def _describe(character: str) -> str:
    name = unicodedata.name(character, "a character without a name")
    return f"U+{ord(character):04X} ({name})"


def _is_latin(skeleton: str) -> bool:
    return all(c.isascii() or unicodedata.combining(c) for c in skeleton)


def _skeleton(text: str) -> str:
    parts = unicodedata.normalize("NFD", text).translate(_prototypes())
    return unicodedata.normalize("NFD", parts)


@cache
def _prototypes() -> dict[int, str]:
    """Map each character that looks like others to the one text that stands for all of them."""
    alike: dict[str, set[str]] = {}
    for text, others in confusables_data.items():
        found = alike.setdefault(text.strip(_LEFT_TO_RIGHT_MARK), set())
        found |= {other["c"].strip(_LEFT_TO_RIGHT_MARK) for other in others}
    prototypes = {}
    for text, others in alike.items():
        # A character has one prototype, and a prototype usually has many characters.
        if len(others) > 1 or len(text) > 1:
            continue
        [other] = others
        is_pair = len(alike[other]) == 1 and len(other) == 1
        prototypes[ord(text)] = min(text, other) if is_pair else other
    return prototypes


@cache
def _one_script() -> Any:
    """Compile the pattern of a word with letters of one script, or of those of `_TOGETHER`."""
    scripts = {*categories_data["iso_15924_aliases"]} - {*_EVERYWHERE}
    sets = [*_TOGETHER, *([script] for script in sorted(scripts))]
    words = ("".join(rf"\p{{scx={script}}}" for script in (*_EVERYWHERE, *one)) for one in sets)
    return regex.compile("|".join(f"[{characters}]+" for characters in words))
