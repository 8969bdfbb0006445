"""The capabilities that a report names: exactly, with typing errors, and not at all."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import DamerauLevenshtein

from governance.authorities.validator.name_index import NameIndex, compact
from governance.authorities.validator.report import Report
from governance.authorities.validator.similar_names import MAX_COMPARED
from governance.authorities.validator.verdict import validate_report
from tests.unit.validator.support import AT, analysed


def names_in(body: str, subject: str = "") -> list[str]:
    return analysed(subject, body).affected


class TestExactNames:
    @pytest.mark.parametrize(
        "body",
        [
            "Enable email_send",
            "enable EMAIL_SEND",
            "enable email send",
            "enable Email-Send",
            "enable emailsend",
            "enable EmailSend",
            "enable `email_send`",
            'enable "email_send"',
            "enable email_send, email_send and email send",
            "--features=email_send=true",
            "enable email-send-later",
            "```\nemail_send: true\n```",
            "see https://example.org/email_send/",
        ],
    )
    def test_name__however_it_is_written__is_found_once_as_registered(self, body: str) -> None:
        assert names_in(body) == ["email_send"]

    @pytest.mark.parametrize(
        "body",
        [
            "I send an email",
            "resend emails",
            "email",
            "none of it",
            "None",
            "NA",
            "",
            "re-email send",
        ],
    )
    def test_words__that_are_no_name__are_not_found(self, body: str) -> None:
        assert names_in(body) == []

    def test_name__that_is_an_ordinary_word__is_found_beside_a_word_of_naming(self) -> None:
        assert names_in("Turn off the feature None") == ["None"]
        assert names_in("Turn off the none gate") == ["None"]

    def test_name__in_plural__is_found(self) -> None:
        assert names_in("Image volumes are nice") == ["ImageVolume"]

    def test_words_like_a_name__beside_a_name__do_not_count(self) -> None:
        assert names_in("image volumes of email_send") == ["email_send"]

    def test_names_in_code__beside_a_name_in_prose__do_not_count(self) -> None:
        assert names_in("email_send\n```\nsms_send and data_export_all\n```") == ["email_send"]
        assert names_in("```\nsms_send and data_export_all\n```") == ["sms_send"]

    def test_name_in_a_link__beside_a_name_in_prose__does_not_count(self) -> None:
        assert names_in("email_send https://example.org/sms_send") == ["email_send"]

    def test_longest_name__of_several__is_meant(self) -> None:
        registry = NameIndex(["Node", "NodeSwap", "NodeSwapLimit"])
        found = validate_report(Report("manual", "node swap limit", ""), registry=registry, at=AT)
        assert found.affected_capabilities == ["NodeSwapLimit"]

    def test_names__that_overlap__are_the_first_alone(self) -> None:
        registry = NameIndex(["NodeSwap", "SwapLimit"])
        found = validate_report(Report("manual", "node swap limit", ""), registry=registry, at=AT)
        assert found.affected_capabilities == ["NodeSwap"]

    def test_plain_name__in_another_case__needs_a_word_of_naming(self) -> None:
        registry = NameIndex(["billing"])
        for body, expected in (
            ("Turn off billing", ["billing"]),
            ("Billing is slow", []),
            ("The Billing feature", ["billing"]),
        ):
            found = validate_report(Report("manual", body, ""), registry=registry, at=AT)
            assert found.affected_capabilities == expected

    def test_names_that_are_alike__written_otherwise__are_in_doubt(self) -> None:
        registry = NameIndex(["email_send", "EmailSend", "sms_send", "SmsSends"])
        assert registry.exact("email_send", "emailsend") == "email_send"
        assert registry.exact("email-send", "emailsend") is None
        assert registry.exact("Sms-Sends", "smssends") == "SmsSends"


class TestNamesWithErrors:
    @pytest.mark.parametrize(
        ("written", "name"),
        [
            ("email_sned", "email_send"),
            ("emial_send", "email_send"),
            ("email_snd", "email_send"),
            ("emaill_send", "email_send"),
            ("webhook_cal", "webhook_call"),
            ("ImageVolme", "ImageVolume"),
        ],
    )
    def test_name__with_one_error__is_found(self, written: str, name: str) -> None:
        assert names_in(f"Enable {written} {written}") == [name]

    @pytest.mark.parametrize("body", ["emial sned", "emialsend", "dataexprt", "email_sxxx"])
    def test_word__that_has_no_shape_of_a_name__is_not_compared(self, body: str) -> None:
        assert names_in(body) == []

    def test_word__beside_a_word_of_naming__is_compared(self) -> None:
        assert names_in("the dataexprt feature") == ["data_export"]

    def test_word__that_is_like_two_names__names_neither(self) -> None:
        registry = NameIndex(["email_send", "email_sent"])
        found = validate_report(Report("manual", "email_senx", ""), registry=registry, at=AT)
        assert found.affected_capabilities == []
        assert found.evidence["names_not_found"] == [
            {"written": "email_senx", "why": "may be email_send or email_sent"}
        ]

    def test_words__beyond_twenty__are_not_compared(self) -> None:
        body = " ".join(f"unknown_word_{number}" for number in range(20)) + " email_sned"
        found = analysed("", body)
        assert found.affected == []
        assert found.unmatched[-1].written == "email_sned"
        assert "first 20" in found.unmatched[-1].why

    def test_word_in_a_link_or_too_short__is_not_compared(self) -> None:
        assert not analysed(
            "", "https://example.org/emial_send a-b-c-d x_1 feature-gates"
        ).unmatched

    def test_errors_in_code__are_not_compared(self) -> None:
        assert names_in("```\nemial_send\n```") == []

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_index__of_many_names__finds_what_a_comparison_with_all_finds(
        self, data: st.DataObject
    ) -> None:
        rng = random.Random(data.draw(st.integers(0, 2**32)))
        parts = ("Node", "Pod", "Image", "Swap", "Limit", "Quota", "GPU", "Mesh9", "Cache")
        names = {"".join(rng.choices(parts, k=rng.randint(2, 5))) for _ in range(120)}
        word = mistyped(rng.choice(sorted(names)), rng)
        found, similarity = NameIndex(names).nearest(word)
        scores = {
            name: DamerauLevenshtein.normalized_similarity(compact(name), compact(word))
            for name in names
        }
        best = max(scores.values())
        expected = sorted(
            name for name in names if scores[name] > best - 1e-9 and best > 0.85 - 1e-9
        )
        assert found == expected
        assert similarity == pytest.approx(best if expected else 0)

    def test_names__that_share_nearly_all_letters__stay_fast_and_name_no_other(self) -> None:
        registry = NameIndex(f"capability_{number:06d}" for number in range(10 * MAX_COMPARED))
        assert registry.nearest("capbaility_000123") == (["capability_000123"], 15 / 16)

    def test_word__that_too_many_names_are_like__names_none(self) -> None:
        registry = NameIndex(f"{'ab' * 20}{number:03d}" for number in range(2 * MAX_COMPARED))
        assert registry.nearest("ab" * 20 + "xyz") == ([], 0.0)


def mistyped(name: str, rng: random.Random) -> str:
    """Return a name with one to three typing errors."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(1, len(name) - 1)
        kind = rng.choice(("lack", "double", "other", "swap"))
        middle = {
            "lack": "",
            "double": name[at] * 2,
            "other": "x",
            "swap": name[at + 1] + name[at],
        }[kind]
        name = name[:at] + middle + name[at + (2 if kind == "swap" else 1) :]
    return name
