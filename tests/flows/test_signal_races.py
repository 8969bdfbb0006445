"""Races of health signals: signals that are recorded at the same time are all stored."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from governance.authorities.health.signals import record_signal
from governance.domain.errors import GovernanceError
from governance.domain.values import HealthDecision
from governance.models import GovernanceSignal
from tests.support.threads import at_once, overtaking
from tests.support.users import Users


def signal(users: Users, decision: HealthDecision, signal_type: str = "errors") -> GovernanceSignal:
    return record_signal(
        scope="Search",
        signal_type=signal_type,
        decision=decision,
        reason="A monitor said so.",
        actor=users.operator,
    )


class TestSignalRaces:
    @pytest.mark.parametrize("spoken_before", [False, True])
    def test_two_signals__of_one_kind_at_once__both_kept_and_the_later_counts(
        self, committed: Users, spoken_before: bool
    ) -> None:
        if spoken_before:
            signal(committed, HealthDecision.HEALTHY)
        earlier, later = overtaking(
            lambda: signal(committed, HealthDecision.DEGRADED),
            lambda: signal(committed, HealthDecision.BLOCKED),
        )
        assert GovernanceSignal.objects.get(superseded_at=None) == later
        assert GovernanceSignal.objects.get(pk=earlier.pk).superseded_at is not None

    def test_many_monitors__report_at_once__none_is_refused(self, committed: Users) -> None:
        def speak(wait: Any) -> GovernanceSignal:
            wait()
            return signal(committed, HealthDecision.BLOCKED)

        outcomes = at_once(*[speak] * 8)
        assert [each for each in outcomes if isinstance(each, GovernanceError)] == []
        assert GovernanceSignal.objects.count() == 8
        assert GovernanceSignal.objects.filter(superseded_at=None).count() == 1

    def test_signal__of_another_kind__does_not_wait(self, committed: Users) -> None:
        with transaction.atomic():
            signal(committed, HealthDecision.DEGRADED)
            [other] = at_once(lambda wait: signal(committed, HealthDecision.BLOCKED, "latency"))
        assert GovernanceSignal.objects.filter(superseded_at=None).count() == 2
        assert other.signal_type == "latency"
