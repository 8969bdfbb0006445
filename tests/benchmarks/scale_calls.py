"""The pages of the admin and the GETs of the API that are timed at every size."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any
from urllib.parse import quote, urlencode

from django.urls import reverse
from django.utils import timezone

from governance.authorities.contract import capability_history
from governance.authorities.contract.overview import WAITS, weeks_until
from governance.authorities.review.queue import QueueCursor, QueueFilter, queue_page
from governance.domain.values import ContractStatus
from governance.models import (
    Account,
    ApiToken,
    Capability,
    ConfigurationEntry,
    GovernanceSignal,
    SystemContract,
)
from tests.benchmarks.load.filling import PREFIX
from tests.benchmarks.load.words import CAPABILITIES

PAGE = 50
SAMPLE = 200  # the number of contracts that are opened, drawn from the whole database
COMMON, RARE = CAPABILITIES[0], CAPABILITIES[-2]
API = "/api/v1/"


class Sample:
    """Random contracts of a load, always with the same numbers, grouped by their state."""

    def __init__(self, contracts: int) -> None:
        drawn = random.Random(1).sample(range(1, contracts + 1), k=min(contracts, 4 * SAMPLE))
        found = SystemContract.objects.filter(
            reference__in=[f"{PREFIX}{number:09}" for number in drawn]
        ).select_related("job")
        self.all = list(found.only("reference", "status", "created_at", "job__id", "job__status"))
        self.references = [contract.reference for contract in self.all]
        waiting = SystemContract.objects.filter(
            status=ContractStatus.ELIGIBLE, review_ends_at__isnull=False
        )
        self.waiting = list(waiting.order_by("-id")[:SAMPLE])
        self.done = [one for one in self.all if one.status == ContractStatus.COMPLETED]
        self.jobs = [one.job for one in self.done]
        self.middle = sorted(one.created_at for one in self.all)[len(self.all) // 2]
        self.record_index = capability_history.ContractCursor(self.middle, self.all[0].pk)


def pages(sample: Sample) -> dict[str, Iterator[str]]:
    """Return the pages of the admin by name, each with an endless iterator of addresses."""
    contracts = reverse("admin:governance_systemcontract_changelist")
    jobs = reverse("admin:governance_governancejob_changelist")
    queue = reverse("admin:governance_systemcontract_queue")
    middle = queue_page(QueueFilter(), at=timezone.now(), size=PAGE // 2).rows[-1]
    lists: dict[str, tuple[str, Mapping[str, Any]]] = {
        "queue, first page": (queue, {}),
        "queue, further on": (queue, {"after": str(QueueCursor.of(middle))}),
        "queue, one risk": (queue, {"risk": "medium"}),
        "queue, one source": (queue, {"source": "ops_alert"}),
        "queue, one age": (queue, {"age": "1-2"}),
        "queue, a common capability": (queue, {"capability": COMMON}),
        "queue, a rare capability": (queue, {"capability": RARE}),
        "queue, by a common word": (queue, {"q": "limit"}),
        "queue, by a middling word": (queue, {"q": "festival"}),
        "queue, by a rare word": (queue, {"q": "marmalade"}),
        "contracts": (contracts, {}),
        "contracts, from the middle": (contracts, {"after": str(sample.record_index)}),
        "contracts, COMPLETED": (contracts, {"status": "COMPLETED"}),
        "contracts, DRAFT or ACTIVE": (contracts, {"status": ["DRAFT", "ACTIVE"]}),
        "contracts, one risk": (contracts, {"risk": "critical"}),
        "contracts, FAILED of one source": (
            contracts,
            {"status": "FAILED", "source": "ops_alert"},
        ),
        "contracts, a common capability": (contracts, {"capability": COMMON}),
        "contracts, a rare capability": (contracts, {"capability": RARE}),
        "contracts, by a common word": (contracts, {"q": "limit"}),
        "contracts, by a middling word": (contracts, {"q": "festival"}),
        "contracts, by a rare word": (contracts, {"q": "marmalade"}),
        "contracts, rejected in a week": (
            contracts,
            {"decided": f"rejected-{weeks_until(timezone.now())[-3]:%Y-%m-%d}"},
        ),
        **{f"contracts, waiting {what}": (contracts, {"waits": what}) for what in WAITS},
        "jobs": (jobs, {}),
        "jobs, from the middle": (jobs, {"after": str(sample.record_index)}),
        "jobs, RUNNING": (jobs, {"status": "RUNNING"}),
        "jobs, FAILED, lately": (jobs, {"status": "FAILED", "ended": "30"}),
        "jobs, by a common word": (jobs, {"q": "limit"}),
        "jobs, by a rare word": (jobs, {"q": "marmalade"}),
    }
    found = {
        "home": cycle([reverse("admin:index")]),
        **{f"{name}": cycle([_address(*asked)]) for name, asked in lists.items()},
        "contracts, by reference": cycle(
            [_address(contracts, {"q": reference}) for reference in sample.references]
        ),
    }
    return {f"admin: {name}": urls for name, urls in (found | _single_pages(sample)).items()}


def _single_pages(sample: Sample) -> dict[str, Iterator[str]]:
    def each(things: Sequence[Any], name: str, *more: Any) -> Iterator[str]:
        return cycle([reverse(f"admin:governance_{name}", args=[o.pk, *more]) for o in things])

    capabilities = {c.name: c for c in Capability.objects.filter(name__in=[COMMON, RARE])}
    older = urlencode({"older": str(sample.record_index)})
    common = reverse("admin:governance_capability_change", args=[capabilities[COMMON].pk])
    found = {
        "contract that waits": each(sample.waiting, "systemcontract_change"),
        "contract that is done": each(sample.done, "systemcontract_change"),
        "approve": each(sample.waiting, "systemcontract_approve"),
        "reject": each(sample.waiting, "systemcontract_reject"),
        "modify": each(sample.waiting, "systemcontract_modify"),
        "clarify": each(sample.waiting, "systemcontract_clarify"),
        "comment": each(sample.done, "systemcontract_comment"),
        "ledger page": each(sample.done, "systemcontract_ledger"),
        "ledger export": each(sample.done, "systemcontract_ledger_export"),
        "signature": each(sample.done, "systemcontract_signature", 1),
        "job": each(sample.jobs, "governancejob_change"),
        "job, live": each(sample.jobs, "governancejob_live"),
        "job, verify": each(sample.jobs, "governancejob_verify"),
        "job, evidence": each(sample.jobs, "governancejob_evidence"),
        "jobs, running now": cycle([reverse("admin:governance_governancejob_running")]),
        "capability, common": cycle([common]),
        "capability, common, further on": cycle([f"{common}?{older}"]),
        "capability, rare": each([capabilities[RARE]], "capability_change"),
        "change freezes": cycle([reverse("admin:governance_changefreeze_changelist")]),
        "circuit breakers": cycle([reverse("admin:governance_handlerbreaker_changelist")]),
        "notices": cycle([reverse("admin:governance_notice_changelist")]),
        "start a change freeze": cycle([reverse("admin:governance_changefreeze_start")]),
    }
    for model in (Capability, ConfigurationEntry, GovernanceSignal, ApiToken, Account):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        found[str(model._meta.verbose_name_plural)] = cycle([reverse(name)])
    return found


def calls(sample: Sample) -> dict[str, Iterator[str]]:
    """Return the GETs of the API by name, each with an endless iterator of addresses."""
    since = sample.middle.isoformat().replace("+00:00", "Z")
    both: dict[str, Mapping[str, str]] = {
        "": {},
        ", from the middle": {"created_before": since},
        ", by change": {"ordering": "updated_at"},
        ", changed since": {"ordering": "updated_at", "updated_after": since},
        ", a common capability": {"capability": COMMON},
        ", a rare capability": {"capability": RARE},
        ", a busy person": {"actor": "operator"},
        ", a busy person by change": {"actor": "operator", "ordering": "-updated_at"},
        ", a person with little to do": {"actor": "benchmark-operator"},
    }
    lists = {
        **{f"contracts{name}": ("contracts/", asked) for name, asked in both.items()},
        "contracts, one status": ("contracts/", {"status": "COMPLETED"}),
        "contracts, a rare status": ("contracts/", {"status": "DRAFT"}),
        "contracts, two statuses": ("contracts/", {"status": "DRAFT,ACTIVE"}),
        "contracts, one risk": ("contracts/", {"risk_level": "critical"}),
        "contracts, one source": ("contracts/", {"source": "ops_alert"}),
        "contracts, status and source": ("contracts/", {"status": "FAILED", "source": "manual"}),
        "contracts, with jobs": ("contracts/", {"expand": "job"}),
        **{f"jobs{name}": ("jobs/", asked) for name, asked in both.items()},
        "jobs, PENDING": ("jobs/", {"status": "PENDING"}),
        "jobs, two statuses": ("jobs/", {"status": "PENDING,RUNNING"}),
    }
    found = {
        name: cycle([_address(API + path, {"page_size": PAGE, **asked})])
        for name, (path, asked) in lists.items()
    }

    def each(things: Sequence[Any], path: str) -> Iterator[str]:
        return cycle([API + path.format(quote(str(thing.pk))) for thing in things])

    found |= {
        "contract": each(sample.all, "contracts/{}/"),
        "ledger": each(sample.done, "contracts/{}/ledger/"),
        "job": each(sample.jobs, "jobs/{}/"),
        "job of a contract": cycle(
            [f"{API}jobs/?contract={contract.pk}" for contract in sample.done]
        ),
        "steps": each(sample.jobs, "jobs/{}/steps/"),
        "observations": each(sample.jobs, "jobs/{}/observations/"),
        "progress": each(sample.jobs, "jobs/{}/progress/"),
        "evidence": each(sample.jobs, "jobs/{}/evidence/"),
        "freezes": cycle([f"{API}freezes/"]),
        "audits": cycle([f"{API}audits/"]),
        "registry": cycle([f"{API}registry/"]),
    }
    return {f"API: {name}": urls for name, urls in found.items()}


def _address(path: str, asked: Mapping[str, Any]) -> str:
    return f"{path}?{urlencode(asked, doseq=True)}" if asked else path
