"""Where things have their pages, for links between them."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from governance.models import Capability, SystemContract


def capability_urls(names: Iterable[str]) -> dict[str, str]:
    """Where the page of each of these capabilities is, of those on record; one query."""
    known = Capability.objects.filter(name__in=list(names)).values_list("name", "pk")
    return {name: reverse("admin:governance_capability_change", args=[pk]) for name, pk in known}


def contract_url(contract: SystemContract) -> str:
    """Where the contract's page is."""
    return reverse("admin:governance_systemcontract_change", args=[contract.pk])


def scope_link(scope: str) -> SafeString | str:
    """The scope's name, leading to its page where it is a capability on record; one query."""
    url = capability_urls([scope]).get(scope)
    return format_html('<a class="gov-link" href="{}">{}</a>', url, scope) if url else scope
