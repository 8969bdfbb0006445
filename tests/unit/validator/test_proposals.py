"""The changes that a report proposes: without doubt, or none at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.validator.support import documents, proposal

OFF = {"type": "capability_disable", "capability_name": "ImageVolume"}


def enabled(name: str, lifecycle: str) -> dict[str, Any]:
    return {"type": "capability_enable", "capability_name": name, "target_lifecycle": lifecycle}


def value(scope: str, key: str, new: Any, **old: Any) -> dict[str, Any]:
    return {"type": "configuration_update", "scope": scope, "key": key, "new_value": new, **old}


def without_reason(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: one[key] for key in one if key != "reason"} for one in found]


class TestExplicitChanges:
    @pytest.mark.parametrize(
        ("subject", "expected"),
        [
            ("Turn off ImageVolume", [OFF]),
            ("Please turn off the ImageVolume feature gate.", [OFF]),
            ("Turn ImageVolume off", [OFF]),
            ("fix: disable `ImageVolume` by default", [OFF]),
            ("Could you deactivate ImageVolume?", [OFF]),
            ("Turn ImageVolume on by default", [enabled("ImageVolume", "LAUNCHED")]),
            ("Enable email_send for everyone", [enabled("email_send", "LAUNCHED")]),
            ("[EKS] [request]: turn off ImageVolume", [OFF]),
            ("kubelet: promote ImageVolume to beta", [enabled("ImageVolume", "LAUNCHED")]),
            ("Graduate ImageVolume to stable / GA", [enabled("ImageVolume", "LAUNCHED")]),
            ("Enable email_send as a preview", [enabled("email_send", "PREVIEW")]),
            ("Deprecate email_send", [enabled("email_send", "DEPRECATED")]),
            (
                "Disable email_send and the sms_send feature",
                [
                    {"type": "capability_disable", "capability_name": "email_send"},
                    {"type": "capability_disable", "capability_name": "sms_send"},
                ],
            ),
            ("Set max_pods of Kubelet to 250", [value("Kubelet", "max_pods", 250)]),
            ("Please set `max_pods` for `Kubelet` to 2.5.", [value("Kubelet", "max_pods", 2.5)]),
            ("Change limit of email_send to true", [value("email_send", "limit", True)]),
            (
                "Raise limit of email_send from 1 to 2",
                [value("email_send", "limit", 2, old_value=1)],
            ),
            ('Set mode_x of SYSTEM to "strict"', [value("SYSTEM", "mode_x", "strict")]),
            ("Set max_pods to 5", [value("Kubelet", "max_pods", 5)]),
            ("Set the limit of email_send to 5 MB", [value("email_send", "limit", "5 MB")]),
        ],
    )
    def test_sentence__without_doubt__is_proposed(
        self, subject: str, expected: list[dict[str, Any]]
    ) -> None:
        assert without_reason(documents(proposal(subject))) == expected

    def test_sentence__that_is_repeated_in_the_body__is_proposed_once(self) -> None:
        found = proposal("Turn off ImageVolume", "Please disable ImageVolume.")
        assert without_reason(documents(found)) == [OFF]

    def test_reason__of_a_disable__is_the_sentence(self) -> None:
        assert documents(proposal("Turn off ImageVolume"))[0]["reason"] == "Turn off ImageVolume"

    def test_structured_changes__that_are_valid__are_the_proposal(self) -> None:
        changes = [OFF | {"reason": "too slow"}]
        assert documents(proposal("Bug", changes=changes)) == changes


class TestDoubt:
    @pytest.mark.parametrize(
        "subject",
        [
            "How do I turn off ImageVolume?",
            "Turn off ImageVolume?",
            "Re: Turn off ImageVolume",
            "docs: turn off ImageVolume",
            "If it is slow, disable ImageVolume",
            "To test this, disable ImageVolume",
            "One could of course, disable ImageVolume",
            "Is ImageVolume turned off?",
            "When we turn off ImageVolume, enable it",
            "Enable the docs: ImageVolume is turned off",
            "Turn off UnknownThing",
            "Turn off ImageVolme",
            "Turn off ImageVolumes",
            "Turn off ImageVolume for one customer",
            "Promote ImageVolume to production",
            "Turn up ImageVolume and disable",
            "Turn ImageVolume",
            'Revert "Turn off ImageVolume"',
            "`turn off` ImageVolume, enable",
            "Set speed of Kubelet to 5",
            "Set max_pods of Nothing to 5",
            "Set max_pods of Kubelet to more",
            "Set max_pods of Kubelet from this to 5",
            "Set max_pods of Kubelet to 99999999999999999999",
            "Set max_pods of Kubelet to 5 or 6",
            "Set other_key to 5",
            "Please enable",
            "please",
            "The ImageVolume crashes, please disable",
        ],
    )
    def test_sentence__with_any_doubt__is_not_proposed(self, subject: str) -> None:
        found = proposal(subject)
        assert documents(found) == []
        assert found.reason

    def test_enable__without_a_stage__has_two_readings(self) -> None:
        found = proposal("Enable email_send")
        assert found.changes == ()
        assert [change.document() for change in found.readings] == [
            enabled("email_send", "PREVIEW"),
            enabled("email_send", "LAUNCHED"),
        ]
        assert "PREVIEW or as LAUNCHED" in found.reason

    def test_key__of_two_scopes__has_two_readings(self) -> None:
        found = proposal("Set retries to 5")
        assert found.changes == ()
        assert [change.target for change in found.readings] == ["email_send", "sms_send"]

    @pytest.mark.parametrize(
        ("subject", "body"),
        [
            ("Turn off ImageVolume", "Please enable ImageVolume by default."),
            ("Set max_pods of Kubelet to 5", "Set max_pods of Kubelet to 6."),
        ],
    )
    def test_sentences__that_contradict_each_other__are_not_proposed(
        self, subject: str, body: str
    ) -> None:
        found = proposal(subject, body)
        assert found.changes == ()
        assert found.reason == "Two sentences say different things."
        assert len(found.readings) == 2

    def test_sentence__beside_its_negation__is_not_proposed(self) -> None:
        found = proposal("Turn off ImageVolume", "Do not disable ImageVolume yet.")
        assert found.changes == ()
        assert "says not to" in found.reason

    @pytest.mark.parametrize(
        ("subject", "body"),
        [
            ("Bug: crash, broken", "Turn off ImageVolume."),
            ("Urgent", "Turn off ImageVolume."),
            ("Feature", "```\nTurn off ImageVolume\n```\nEnable more"),
            ("Enable", "### Turn off ImageVolume"),
            ("Enable", "## Steps to reproduce\nTurn off ImageVolume"),
            ("Change it", "## Steps to reproduce\nSet max_pods of Kubelet to 5"),
            ("Change it", "> Set max_pods of Kubelet to 5"),
        ],
    )
    def test_sentence__of_a_report_that_asks_for_no_change__is_not_proposed(
        self, subject: str, body: str
    ) -> None:
        assert proposal(subject, body).changes == ()

    def test_structured_changes__that_are_invalid__are_no_proposal(self) -> None:
        found = proposal("Turn off ImageVolume", changes={"type": "nonsense"})
        assert found.changes == ()
        assert found.reason.startswith("The changes that came are invalid")
