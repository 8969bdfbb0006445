"""Words that count, and words that are negated, quoted, asked about, in code, a log or a URL."""

from __future__ import annotations

import pytest

from governance.authorities.validator.words import MAX_WORD_CHARACTERS, sentences_of
from tests.unit.validator.support import analysed


def why_not(body: str, speaks_for: str, subject: str = "") -> str:
    """Return why the one word that speaks for a type or severity does not count; "" if it does."""
    read = analysed(subject, body).read
    if read.speaking_for(speaks_for):
        return ""
    [word] = [one for one in read.uncounted if one.indicator.speaks_for == speaks_for]
    return word.why.value


class TestNegation:
    @pytest.mark.parametrize(
        "body",
        [
            "This is not urgent.",
            "This isn't urgent.",
            "This isn’t really urgent.",
            "It is no urgent matter.",
            "I don't think that this is in any way urgent.",
            "Never urgent.",
            "Urgent: no",
            "It is neither new nor urgent",
        ],
    )
    def test_indicator__that_is_negated__counts_for_nothing(self, body: str) -> None:
        assert why_not(body, "escalation") == "negated"

    @pytest.mark.parametrize(
        "body",
        [
            "It is not only slow, it is urgent.",
            "Not only urgent.",
            "No, this is urgent.",
            "It does not answer and is urgent.",
            "Not working, please urgently look.",
            "We do not know when he will come back so urgent.",
            "Urgent: now",
            "It was not seen by any of us, urgent",
        ],
    )
    def test_indicator__outside_the_negation__counts(self, body: str) -> None:
        assert why_not(body, "escalation") == ""

    def test_negation__inside_an_indicator__is_part_of_it(self) -> None:
        assert why_not("It does not work.", "bug_report") == ""
        assert why_not("It is no longer broken.", "bug_report") == "negated"


class TestQuotationCodeAndLinks:
    @pytest.mark.parametrize(
        ("body", "why"),
        [
            ('They wrote "urgent" to me.', "quoted"),
            ("They wrote “urgent” to me.", "quoted"),
            ("They wrote «urgent» to me.", "quoted"),
            ("They wrote 'very urgent' to me.", "quoted"),
            ("> urgent", "quoted"),
            ("See `urgent` here.", "in code"),
            ("```\nurgent\n```", "in code"),
            ("~~~\nurgent", "in code"),
            ("An example:\n\n    urgent = yes", "in code"),
            ("See https://example.org/urgent", "in a URL"),
            ("See www.example.org/urgent", "in a URL"),
            ("2026-11-02 09:00:00 urgent", "in a log line"),
            ("Nov  2 09:00:00 host app: urgent", "in a log line"),
            ("I1102 09:00:00.1 1 main.go:5] urgent", "in a log line"),
            ("```\nERROR: urgent\n```", "in a log line"),
            ("pod-1   12s   urgent", "in a log line"),
            ("/label urgent", "in a label"),
            ("- [ ] urgent", "in a box that is not ticked"),
            ("If it gets urgent we call.", "under a condition"),
            ("Please describe what is urgent", "a form's own words"),
        ],
    )
    def test_indicator__that_nobody_means__counts_for_nothing(self, body: str, why: str) -> None:
        assert why_not(body, "escalation") == why

    @pytest.mark.parametrize(
        "body",
        [
            "- [x] urgent",
            'The screen is 24" wide and this is urgent',
            "don't wait, it's urgent",
            "```inline``` urgent",
            "```\ncode\n```\nurgent",
            "- item\n    - urgent",
            "_urgent_ and **urgent**",
            "URGENT",
            "ｕｒｇｅｎｔ",
            "a -- urgent",
            "<!-- form --> urgent",
        ],
    )
    def test_indicator__that_is_meant__counts(self, body: str) -> None:
        assert why_not(body, "escalation") == ""

    def test_comment__in_a_body__is_not_read(self) -> None:
        assert not analysed("", "<!-- urgent\nurgent -->").read.uncounted
        assert not analysed("", "<!-- urgent").read.counted

    def test_heading__of_a_form__counts_only_where_the_table_says_so(self) -> None:
        assert not analysed("", "### Urgent").read.counted
        assert not analysed("", "**Urgent:**").read.counted

    @pytest.mark.parametrize(
        ("below", "counts"),
        [("It is white.", True), ("Please describe it", False), ("- [ ] box", False), ("", False)],
    )
    def test_heading__of_a_form__counts_only_above_an_answer(
        self, below: str, counts: bool
    ) -> None:
        body = f"### What happened\n{below}\n### Other\nThanks"
        assert bool(analysed("", body).read.speaking_for("bug_report")) is counts

    @pytest.mark.parametrize("word", ["exchange", "debugging", "critical-urgent", "unbroken"])
    def test_indicator__inside_a_longer_word__is_not_found(self, word: str) -> None:
        assert not analysed(word, word).read.counted


class TestWishes:
    @pytest.mark.parametrize(
        ("body", "why"),
        [
            ("How do I enable it?", "asked about"),
            ("I do not see how to enable it", "asked about"),
            ("What does enable mean?", "asked about"),
            ("When we enable it the page is white.", "under a condition"),
            ("The page is white after we enable it.", "under a condition"),
            ("Please document that you enable it", "to be documented"),
            ("### Steps to reproduce\n1. Enable it", "a step to reproduce"),
        ],
    )
    def test_verb__that_asks_for_nothing__counts_for_nothing(self, body: str, why: str) -> None:
        assert why_not(body, "capability_request") == why

    @pytest.mark.parametrize(
        "body",
        [
            "Could you enable it?",
            "When you can, enable it.",
            "Please enable it when you can",
            "### Steps\n1. x\n### Wish\nEnable it",
        ],
    )
    def test_verb__that_asks_for_something__counts(self, body: str) -> None:
        assert why_not(body, "capability_request") == ""

    def test_question__about_a_failure__still_reports_it(self) -> None:
        assert why_not("Why does it crash?", "bug_report") == ""


class TestSentences:
    def test_word__that_is_longer_than_a_name__is_left_out(self) -> None:
        long = "x" * (MAX_WORD_CHARACTERS + 1)
        body = f"{long} `{long}` https://{long}"
        words = [word for one in sentences_of(subject="", body=body) for word in one.words]
        assert words == ["https"] or long not in words

    def test_sentences__of_a_report__keep_their_order_and_part(self) -> None:
        found = list(sentences_of(subject="One. Two", body="### Three\nFour! ...\n___\n\n"))
        assert [one.words for one in found] == [["one"], ["two"], ["three"], ["four"]]
        assert [one.part.value for one in found] == ["subject", "subject", "heading", "body"]
