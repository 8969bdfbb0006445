"""The response serializer of the observations of a job."""

from __future__ import annotations

from rest_framework import serializers

from governance.api.sparse_fields import RowSerializer
from governance.domain.observations import ObservationPhase
from governance.models import Observation


class ObservationSerializer(RowSerializer[Observation]):
    """What an observer saw of a scope of a job, or why it saw nothing."""

    phase = serializers.ChoiceField(
        [str(phase) for phase in ObservationPhase],
        help_text="BEFORE: after the start and before the first result. STEP: after a step. "
        "AFTER: at the end of the job.",
    )
    step_index = serializers.IntegerField(
        allow_null=True, help_text="The step after which it was observed; null unless STEP."
    )
    state = serializers.DictField(
        allow_null=True,
        help_text="The `lifecycle` (not of SYSTEM) and the `configuration` that the scope held; "
        "null if the observer could not tell. A secret is a reference or an HMAC.",
    )
    trouble = serializers.CharField(help_text="Why the observer could not tell; empty if it could.")

    class Meta:
        model = Observation
        fields: tuple[str, ...] = (
            "phase",
            "step_index",
            "scope",
            "observer",
            "state",
            "trouble",
            "observed_at",
        )
