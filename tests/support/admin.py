"""Addresses of admin pages, and the form data of an approval."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from governance.flows.review_contract import view_contract
from governance.models import GovernanceJob, SystemContract
from tests.support.clock import as_of
from tests.support.factories import now


def contract_url(contract: SystemContract, page: str = "change") -> str:
    return reverse(f"admin:governance_systemcontract_{page}", args=[contract.pk])


def job_url(job: GovernanceJob, page: str = "change") -> str:
    return reverse(f"admin:governance_governancejob_{page}", args=[job.pk])


def typed(at: datetime) -> str:
    """Return a time as a browser sends the value of a `datetime-local` input."""
    return f"{at:%Y-%m-%dT%H:%M}"


def words_of(page: Any) -> str:
    """Return a page's HTML without the elements that only set a text apart, as one line."""
    bare = re.sub(r"</?(?:bdi|code)\b[^>]*>", "", page.content.decode())
    return " ".join(bare.split())


def approval(contract: SystemContract, **fields: Any) -> dict[str, Any]:
    """Return the data of a valid approve form; `fields` replaces values."""
    at = now()
    view = as_of(at, view_contract, contract_id=contract.pk)
    return {
        "window_opens_at": typed(at),
        "window_closes_at": typed(at + timedelta(hours=24)),
        "note": "The others are meant too." if view.has_siblings else "",
        "confirmation": contract.reference,
        "seen_digest": view.content_digest,
        "seen_view": view.digest(),
        "seen_text": view.text(),
    } | fields
