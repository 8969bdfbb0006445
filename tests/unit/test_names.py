"""What names and one-line texts may hold, and which names look like each other."""

from __future__ import annotations

import itertools
import unicodedata
from typing import Any

import pytest
from confusable_homoglyphs.confusables import confusables_data
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.domain.canonical import sha256_hex
from governance.domain.errors import InvalidInputError, InvalidNameError, SimilarNameError
from governance.domain.names import (
    MAX_KEY_LENGTH,
    is_unseen,
    mixed_script_words,
    name_key,
    refuse_similar,
    require_line,
    require_name,
)

DATA_SHA256 = "4cddf22b20c5a2d1114908bfff8c2a253d3bb167d922c5efc75bb50d0a56d6bf"
# Characters that show nothing, by what they are.
UNSEEN = {
    "control": "\x00\x07\x1b\x7f\x85\x9f",
    "line break": "\n\r\v\f\u2028\u2029",
    "space": "\t\u00a0\u1680\u2000\u2003\u2007\u2009\u200a\u202f\u205f\u3000",
    "zero width": "\u200b\u200c\u200d\u2060\ufeff\u180e",
    "soft hyphen and joiner": "\u00ad\u034f\u2064",
    "bidirectional": "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    "filler": "\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5\U00016fe4",
    "tag": "\U000e0001\U000e0020\U000e0041\U000e007f",
    "variation": "\ufe00\ufe0e\ufe0f\U000e0100\U000e01ef\u180b\u180f",
    "private or unassigned": "\ue000\U000f0000\U0010fffd\u0378\U000e0080\ufdd0\uffff",
    "embedded": "\ufffc\ufff9\ufffb\U0001d159\U0001d173",
}
LEGITIMATE = [
    "daily_limit",
    "KEP-24/alpha",
    "daily_limit of GiftCards from 50 to 51 and key x",
    "東京タワーのLimit設定",
    "ファイル名〆々",
    "한국Limit",
    "注音ㄅㄆLatin",
    "Grüße naïve Žižek",
    "Việt Nam",
    "Настройка дневного лимита",
    "Ρυθμίσεις",
    "עִבְרִית",
    "العربية",
    "हिन्दी",
    "မြွှေ့",
    "สวัสดีน้ำ",
    "timeout_µs",
    "🚀 launch",
    "ｄａｉｌｙ",
]
MIXED = [
    "da\u0456ly_limit",
    "GiftC\u0430rds",
    "K\u03b1t",
    "Δ-latency",
    "Ꭺpple",
    "daily\u0663",
    "カи",
]
ALIKE = {
    "case": [("GiftCards", "giftcards", "GIFTCARDS"), ("Вода", "ВОДА"), ("Straße", "STRASSE")],
    "width": [("daily_limit", "ｄａｉｌｙ＿ｌｉｍｉｔ"), ("カタ", "ｶﾀ")],
    "mathematical": [("daily", "𝐝𝐚𝐢𝐥𝐲", "𝒟𝒜ℐℒ𝒴", "ⓓⓐⓘⓛⓨ")],
    "composed": [("Café", "Cafe\u0301", "CAFÉ")],
    "whole script": [("scope", "ѕсоре"), ("KEP-1", "КЕР-1", "кер-1"), ("ABE", "ΑΒΕ")],
    "one letter": [("daily_limit", "daiIy_limit", "dai1y_limit"), ("v10", "vl0", "vIO")],
    "two letters": [("modern", "rnodern")],
    "ligature": [("offline", "oﬄine")],
    "accented": [("límite", "Iímite")],
}
UNLIKE = [
    "van",
    "nan",
    "b",
    "d",
    "daily_limit",
    "daily-limit",
    "dailylimit",
    "naïve",
    "naive",
    "東京",
    "东京",
    "Search",
    "Research",
]


@pytest.mark.parametrize("character", [*"".join(UNSEEN.values())])
@pytest.mark.parametrize("around", ["a{}b", "{}ab", "ab{}"])
def test_name_or_line__with_what_is_not_seen__refused(character: str, around: str) -> None:
    assert is_unseen(character)
    text = around.format(character)
    for require in (require_name, require_line):
        with pytest.raises(InvalidInputError) as refusal:
            require(text, "the.path")
        assert refusal.value.errors[0]["path"] == "the.path"
        # JSON with NUL cannot be stored at all, and is refused before.
        assert character == "\x00" or f"U+{ord(character):04X}" in str(refusal.value)


@pytest.mark.parametrize("text", [" a", "a ", "a  b", "  "])
def test_name_or_line__with_spaces_that_separate_no_words__refused(text: str) -> None:
    for require in (require_name, require_line):
        with pytest.raises(InvalidNameError):
            require(text, "title")


@pytest.mark.parametrize(
    "text", ["e\u0301\u0301", "\u0301a", "a \u0301b", "e" + "\u0323\u0302\u0301\u0300\u0306"]
)
def test_name_or_line__with_a_pile_of_marks__refused(text: str) -> None:
    for require in (require_name, require_line):
        with pytest.raises(InvalidNameError, match="combining marks"):
            require(text, "title")


@pytest.mark.parametrize("value", [None, 7, ["a"], "", "x" * 201])
def test_name_or_line__of_another_kind_or_length__refused(value: Any) -> None:
    for require in (require_name, require_line):
        with pytest.raises(InvalidNameError):
            require(value, "title")


@pytest.mark.parametrize("text", LEGITIMATE)
def test_name__that_people_write__passes(text: str) -> None:
    assert require_name(text, "key") == text
    assert mixed_script_words(text) == []


@pytest.mark.parametrize("text", MIXED)
def test_mixed_scripts__refused_in_a_name_and_found_in_a_line(text: str) -> None:
    with pytest.raises(InvalidNameError, match="mix scripts"):
        require_name(text, "key")
    assert require_line(f"{text} is new", "title") == f"{text} is new"
    assert mixed_script_words(f"{text} is new") == [text]


@pytest.mark.parametrize("names", [*itertools.chain(*ALIKE.values())])
def test_name_key__of_names_that_are_alike__is_one(names: tuple[str, ...]) -> None:
    assert len({name_key(name) for name in names}) == 1


def test_name_key__of_names_that_seem_different__differs() -> None:
    assert len({name_key(name) for name in UNLIKE}) == len(UNLIKE)


def test_name_key__longer_than_an_index_holds__is_a_digest() -> None:
    long, longer = "\ufdfa" * 200, "\ufdfa" * 201
    assert len(name_key(long)) == len(sha256_hex("")) <= MAX_KEY_LENGTH
    assert name_key(long) != name_key(longer)


def test_data_of_alike_characters__is_the_one_behind_the_stored_keys() -> None:
    """If this fails, a migration has to compute every stored key again (docs/dependencies.md)."""
    pairs = sorted(
        (text, other["c"]) for text, others in confusables_data.items() for other in others
    )
    assert sha256_hex(repr(pairs)) == DATA_SHA256


@given(st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_name_key__of_any_text__is_stable_under_case_and_normalization(text: str) -> None:
    assert name_key(text) == name_key(unicodedata.normalize("NFKC", text))
    if text.isascii():
        assert name_key(text) == name_key(text.upper()) == name_key(text.lower())


# --- names beside each other ---
def test_refuse_similar__two_at_once__names_the_second_and_the_first() -> None:
    with pytest.raises(SimilarNameError) as refusal:
        refuse_similar([("a[0]", "GiftCards"), ("a[1]", "giftcards")])
    assert refusal.value.errors[0]["path"] == "a[1]"
    assert refusal.value.details["similar_to"] == "GiftCards"


def test_refuse_similar__one_that_only_resembles_a_known_one__refused() -> None:
    with pytest.raises(SimilarNameError) as refusal:
        refuse_similar([("key", "daiIy_limit")], ["daily_limit"])
    assert refusal.value.details["similar_to"] == "daily_limit"


def test_refuse_similar__known_names_and_repeated_ones__pass() -> None:
    refuse_similar([("a", "CPUs"), ("b", "CPUS"), ("c", "new"), ("d", "new")], ["CPUS", "CPUs"])
