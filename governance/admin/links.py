"""The addresses of capability, contract and job pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from governance.admin.visible_html import visible
from governance.models import GovernanceJob, SystemContract
from governance.services.registry.queries import capability_ids


def capability_urls(names: Iterable[str]) -> dict[str, str]:
    """Map the registered ones of these capabilities to their pages; one query."""
    known = capability_ids(names)
    return {
        name: reverse("admin:governance_capability_change", args=[pk]) for name, pk in known.items()
    }


def contract_url(contract: SystemContract) -> str:
    """Return the address of the contract's page."""
    return reverse("admin:governance_systemcontract_change", args=[contract.pk])


def job_url(job: GovernanceJob) -> str:
    """Return the address of the job's page."""
    return reverse("admin:governance_governancejob_change", args=[job.pk])


def list_url(name: str, **asked: Any) -> str:
    """Return the address of the list with that URL name, filtered by these parameters."""
    return f"{reverse(name)}?{urlencode(asked)}"


def scope_link(scope: str) -> SafeString:
    """Return the scope's name, as a link if it is a registered capability; one query."""
    url = capability_urls([scope]).get(scope)
    name = visible(scope)
    return format_html('<a class="gov-link" href="{}">{}</a>', url, name) if url else name
