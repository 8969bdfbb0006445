"""The page of a contract's ledger: each entry in words, and the whole chain verified again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from governance.admin.entry_wording import LedgerEntryRow
from governance.admin.readonly import ReadOnlyAdmin
from governance.authorities.contract.queries import refuse_archived
from governance.domain.canonical import timestamp
from governance.domain.errors import ContractArchivedError
from governance.models import LedgerEntry, SystemContract
from governance.record.ledger.queries import entries_of
from governance.record.ledger.verification import Finding, verify_contract

VIEW_LEDGER = "governance.view_ledgerentry"
VIEW_JOB = "governance.view_governancejob"
ENTRIES_AT_ONCE = 100
NAMES = ("id", "title", "reference", "status")

# The verification program shown beside the download; a test runs it.
RECIPE = """\
import hashlib, json, sys

known = bytes(32)
for entry in json.load(open(sys.argv[1]))["results"]:
    known = hashlib.sha256(known + entry["body"].encode()).digest()
    if known.hex() != entry["hash"]:
        sys.exit(f"entry {entry['seq']} does not verify")
print("verified, up to", known.hex())
"""


@dataclass(frozen=True, slots=True)
class LedgerVerificationRow(LedgerEntryRow):
    """A ledger entry with its proof; `mark` is `verified`, `broken` or `unproven`."""

    vouches: str
    body: str
    prev_hash: str
    mark: str


class LedgerPages:
    """The views of a contract's ledger, which the admin of contracts adds to its addresses."""

    @classmethod
    def urls(cls, screen: ReadOnlyAdmin) -> list[URLPattern]:
        pages, wrap = cls(screen), screen.admin_site.admin_view
        return [
            path(
                "<uuid:object_id>/ledger/",
                wrap(pages.ledger_view),
                name="governance_systemcontract_ledger",
            ),
            path(
                "<uuid:object_id>/ledger/export/",
                wrap(pages.export_view),
                name="governance_systemcontract_ledger_export",
            ),
        ]

    def __init__(self, screen: ReadOnlyAdmin) -> None:
        self.screen = screen

    @method_decorator(require_safe)
    def ledger_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Show a page of entries, the oldest first; every page verifies the whole chain."""
        self._require_permission(request)
        plain = reverse("admin:governance_systemcontract_ledger", args=[object_id])
        try:
            first = first_entry(request)
        except ValueError:
            return HttpResponseRedirect(plain)
        checked, record = verify_contract(object_id)
        if checked is None:
            return self._not_here(request, object_id)
        # The page shows the rows that were verified, and reads again only if those are unreadable.
        contract = record.contract if record else self._find(object_id)
        entries = record.entries if record else list(entries_of(object_id))
        found = [entry for entry in entries if entry.seq >= first]
        if first > 1 and not found:
            return HttpResponseRedirect(plain)
        finding = checked.finding
        context = self.screen.page_context(
            request,
            title=f"Ledger of {contract.reference}",
            contract=contract,
            job=record.job if record and request.user.has_perm(VIEW_JOB) else None,
            rows=[_row(entry, finding) for entry in found[:ENTRIES_AT_ONCE]],
            number=len(entries),
            finding=finding,
            is_beyond=bool(finding and checked.entries and finding.seq > checked.entries),
            verified_at=timezone.now(),
            earlier=max(first - ENTRIES_AT_ONCE, 1) if first > 1 else None,
            later=found[ENTRIES_AT_ONCE].seq if len(found) > ENTRIES_AT_ONCE else None,
            recipe=RECIPE,
        )
        return render(request, "admin/governance/ledger.html", context)

    @method_decorator(require_safe)
    def export_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Return the whole chain as a JSON file, in the format of the API's ledger pages."""
        self._require_permission(request)
        self._find(object_id)
        document = {"next": None, "results": [as_exported(e) for e in entries_of(object_id)]}
        return HttpResponse(
            json.dumps(document, ensure_ascii=False).encode("utf-8"),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="ledger-{object_id}.json"'},
        )

    def _not_here(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Show the tombstone of a removed contract with status 410.

        Raises:
            Http404: there never was such a contract.
        """
        try:
            refuse_archived(object_id)
        except ContractArchivedError as archived:
            context = self.screen.page_context(
                request, title="Archived", message=str(archived), tombstone=archived.details
            )
            return render(request, "admin/governance/archived.html", context, status=410)
        raise Http404(f"There is no contract {object_id}.")

    def _require_permission(self, request: HttpRequest) -> None:
        if not (self.screen.has_view_permission(request) and request.user.has_perm(VIEW_LEDGER)):
            raise PermissionDenied

    def _find(self, object_id: UUID) -> SystemContract:
        """Read only the columns that name the contract: a rewritten record may be unreadable."""
        contract = SystemContract.objects.only(*NAMES).filter(pk=object_id).first()
        if contract is None:
            raise Http404(f"There is no contract {object_id}.")
        return contract


def first_entry(request: HttpRequest) -> int:
    """Return the number of the page's first entry, counted from 1.

    Raises:
        ValueError: the address gives something else than a positive number.
    """
    asked = request.GET.get("from", "1")
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 9 and int(asked)):
        raise ValueError
    return int(asked)


def as_exported(entry: LedgerEntry) -> dict[str, Any]:
    """Return the entry's columns as the API's `LedgerEntrySerializer` gives them."""
    return {
        "seq": entry.seq,
        "at": timestamp(entry.at),
        "actor": entry.actor,
        "event": entry.event,
        "from_status": entry.from_status,
        "to_status": entry.to_status,
        "reason": entry.reason,
        "step_index": entry.step_index,
        "body": entry.body,
        "prev_hash": bytes(entry.prev_hash).hex(),
        "hash": bytes(entry.hash).hex(),
    }


def _row(entry: LedgerEntry, finding: Finding | None) -> LedgerVerificationRow:
    return LedgerVerificationRow.of(
        entry,
        vouches=_vouched_by(entry.body),
        body=entry.body,
        prev_hash=bytes(entry.prev_hash).hex(),
        mark=_mark(entry.seq, finding),
    )


def _mark(seq: int, finding: Finding | None) -> str:
    """Return the mark of an entry; those after the first bad entry are `unproven`."""
    if finding is None or seq < finding.seq:
        return "verified"
    return "broken" if seq == finding.seq else "unproven"


def _vouched_by(body: str) -> str:
    """Return the names of the records whose SHA-256 the entry holds; empty if unreadable."""
    try:
        records = json.loads(body)["records"]
        names = [name for name, digest in records.items() if digest is not None]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return ", ".join(name.removesuffix("_sha256").replace("_", " ") for name in sorted(names))
