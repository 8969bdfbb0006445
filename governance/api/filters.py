"""What lists may be narrowed to; a value that is not known is refused, never ignored."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet

from governance.models import GovernanceJob, SystemContract
from governance.models.fields import choices_of
from governance.vocabulary.values import ContractStatus, JobStatus, RiskLevel, Source


class ContractFilters(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=choices_of(ContractStatus))
    risk_level = django_filters.ChoiceFilter(choices=choices_of(RiskLevel))
    source = django_filters.ChoiceFilter(choices=choices_of(Source))
    capability = django_filters.CharFilter(
        method="about",
        max_length=200,
        help_text="The exact name of a capability, or SYSTEM: contracts that affect it.",
    )

    class Meta:
        model = SystemContract
        fields: list[str] = []

    def about(
        self, contracts: QuerySet[SystemContract], name: str, capability: str
    ) -> QuerySet[SystemContract]:
        return contracts.filter(affected_capabilities__contains=[capability])


class JobFilters(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=choices_of(JobStatus))
    contract = django_filters.UUIDFilter(
        field_name="contract_id", help_text="The contract that the job belongs to."
    )

    class Meta:
        model = GovernanceJob
        fields: list[str] = []
