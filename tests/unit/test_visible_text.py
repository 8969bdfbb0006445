"""Texts written so that nothing hides in them, and no text that imitates a mark."""

from __future__ import annotations

import json
import logging

import pytest

from governance.admin.visible_html import plain_text, visible
from governance.domain.sentences import Sentence, named, valued
from governance.domain.visible_text import (
    visible_document,
    visible_json,
    visible_prose,
    visible_sentence,
    visible_text,
)
from govsite.logs import VisibleFormatter


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        (
            "to 5 µm, 東京, Größe, שלום, Київ",
            "to 5 µm, 東京, Größe, שלום, Київ",
        ),
        ("\u202e0001\u202c", "⟦U+202E⟧0001⟦U+202C⟧"),
        ("\\u202e0001", "\\u202e0001"),  # the six characters themselves
        ("⟦U+202E⟧", "⟦U+27E6⟧U+202E⟦U+27E7⟧"),  # what would imitate a mark
        ("a\u200bb\u00adc\u2066d", "a⟦U+200B⟧b⟦U+00AD⟧c⟦U+2066⟧d"),
        ("a\u3164b\uffa0c\u2800d\u115fe", "a⟦U+3164⟧b⟦U+FFA0⟧c⟦U+2800⟧d⟦U+115F⟧e"),
        ("a\U000e0041b\ufe0fc\ue000d\u0378", "a⟦U+E0041⟧b⟦U+FE0F⟧c⟦U+E000⟧d⟦U+0378⟧"),
        ("a\x00b\x1b[2J\x7f\x9b", "a⟦U+0000⟧b⟦U+001B⟧[2J⟦U+007F⟧⟦U+009B⟧"),
        ("a  b", "a⟦2 spaces⟧b"),
        ("line" + " " * 400 + "EVIL", "line⟦400 spaces⟧EVIL"),
        (" a b ", "⟦space⟧a b⟦space⟧"),
        ("a\u00a0b\u2003c\u3000d", "a⟦U+00A0⟧b⟦U+2003⟧c⟦U+3000⟧d"),
        ("a\tb\nc\rd\u2028e", "a⟦tab⟧b⟦line break⟧c⟦U+000D⟧d⟦U+2028⟧e"),
        ("GiftC\u0430rds limit", "GiftC\u0430rds⟦mixed scripts: U+0430⟧ limit"),
        ("e\u0301 ok, \u0301no", "e\u0301 ok, ⟦U+0301⟧no"),
        ("a" + "\u0301" * 9, "a" + "\u0301" * 4 + "⟦U+0301⟧" * 5),
    ],
)
def test_text__of_any_kind__shows_what_does_not_print(text: str, shown: str) -> None:
    assert visible_text(text) == shown


def test_texts__that_differ__never_appear_equal() -> None:
    texts = ["a b", "a  b", "a\u00a0b", "a\tb", "a⟦tab⟧b", "a⟦2 spaces⟧b", "a ⟦space⟧b", "ab"]
    texts += [" ab", "ab ", "a\u200bb", "a⟦U+200B⟧b", "a\\u200bb", "⟦⟦", "⟦U+27E6⟧"]
    assert len({visible_text(text) for text in texts}) == len(texts)
    assert len({visible(text) for text in texts}) == len(texts)


def test_edges__inside_a_longer_text__are_no_edges() -> None:
    assert visible_text(" a ", begins=False, ends=False) == " a "
    assert visible_text(" a ", begins=False) == " a⟦space⟧"
    assert visible_text("  ", begins=False, ends=False) == "⟦2 spaces⟧"


def test_prose__keeps_its_line_breaks_and_nothing_else() -> None:
    assert visible_prose("One.\n  Two.\r\n") == "One.\n⟦2 spaces⟧Two.⟦U+000D⟧\n"


def test_json__changes_inside_its_strings_alone() -> None:
    text = json.dumps({" k": ["a  b", "\u202e", '"\\', 1]}, ensure_ascii=False, indent=2)
    shown = text.replace('" k"', '"⟦space⟧k"').replace("a  b", "a⟦2 spaces⟧b")
    assert visible_json(text) == shown.replace("\u202e", "⟦U+202E⟧")


def test_sentence__sets_names_apart_from_its_words() -> None:
    lying = Sentence.of("Set ", named('x of Y from 1 to 2 and "z"'), " of ", named("S"), " to ")
    sentence = Sentence((*lying.parts, valued(" 2\u200b")))
    assert visible_sentence(sentence) == (
        r'Set "x of Y from 1 to 2 and \"z\"" of "S" to "⟦space⟧2⟦U+200B⟧"'
    )
    page = visible(sentence)
    assert '<code class="gov-code"><bdi>x of Y from 1 to 2 and &quot;z&quot;</bdi></code>' in page
    assert '<span class="gov-escape">⟦U+200B⟧</span>' in page


def test_sentence__with_a_long_value__says_its_size_and_folds_all_of_it() -> None:
    sentence = Sentence.of("to ", valued(list(range(300))))
    assert plain_text(sentence) == "to a list of 300"
    assert "<summary>a list of 300: show all 1390 characters</summary>" in visible(sentence)
    many = Sentence.of(*(part for n in range(50) for part in (named(f"k{n}"), " = ")))
    assert "<summary>Show 30 more values</summary>" in visible(many)
    assert "k49" in visible(many)


def test_document__escapes_by_json_itself__so_that_the_data_is_the_same() -> None:
    document = {"a\u202e": "b\U000e0041\u00a0 ⟦ é"}
    shown = visible_document(document)
    assert json.loads(shown) == document
    assert shown == r'{"a\u202e": "b\udb40\udc41\u00a0 ⟦ é"}'
    assert visible_document([1]) == "[1]"


def test_log__holds_each_message_on_one_line() -> None:
    formatter = VisibleFormatter("{levelname} {message}", style="{")
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", ("a\u202eb\nERROR no",), None)
    assert formatter.format(record) == "INFO a⟦U+202E⟧b⟦line break⟧ERROR no"
    try:
        raise ValueError("x\u202ey")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    record.exc_text = None
    assert formatter.format(record).endswith("ValueError: x⟦U+202E⟧y")
