"""The page of a contract's ledger: each entry in words, and the whole chain verified again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from governance.admin.entry_wording import LedgerEntryRow, present_names
from governance.admin.readonly import ReadOnlyAdmin
from governance.authorities.contract.queries import refuse_archived
from governance.domain.canonical import timestamp
from governance.domain.errors import ContractArchivedError
from governance.domain.positions import read_digits
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


def ledger_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show a page of entries, the oldest first; every page verifies the whole chain."""
    _require_permission(model_admin, request)
    try:
        first = first_entry(request)
    except ValueError:
        return HttpResponseRedirect(request.path)
    checked, record = verify_contract(object_id)
    if checked is None:
        return _archived_page(model_admin, request, object_id)
    # The page shows the rows that were verified, and reads again only if those are unreadable.
    contract = record.contract if record else _find(object_id)
    entries = record.entries if record else list(entries_of(object_id))
    found = [entry for entry in entries if entry.seq >= first]
    if first > 1 and not found:
        return HttpResponseRedirect(request.path)
    finding, shown = checked.finding, found[:ENTRIES_AT_ONCE]
    names = present_names(shown)
    context = model_admin.page_context(
        request,
        title=f"Ledger of {contract.reference}",
        contract=contract,
        job=record.job if record and request.user.has_perm(VIEW_JOB) else None,
        rows=[_row(entry, names, finding) for entry in shown],
        number=len(entries),
        finding=finding,
        is_beyond=bool(finding and checked.entries and finding.seq > checked.entries),
        verified_at=timezone.now(),
        earlier=max(first - ENTRIES_AT_ONCE, 1) if first > 1 else None,
        later=found[ENTRIES_AT_ONCE].seq if len(found) > ENTRIES_AT_ONCE else None,
        recipe=RECIPE,
    )
    return render(request, "admin/governance/ledger.html", context)


def ledger_export(
    model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: UUID
) -> HttpResponse:
    """Return the whole chain as a JSON file, in the format of the API's ledger pages."""
    _require_permission(model_admin, request)
    _find(object_id)
    document = {"next": None, "results": [as_exported(e) for e in entries_of(object_id)]}
    return HttpResponse(
        json.dumps(document, ensure_ascii=False).encode("utf-8"),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="ledger-{object_id}.json"'},
    )


def _archived_page(
    model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: UUID
) -> HttpResponse:
    """Show the tombstone of a removed contract with status 410.

    Raises:
        Http404: there never was such a contract.
    """
    try:
        refuse_archived(object_id)
    except ContractArchivedError as archived:
        context = model_admin.page_context(
            request, title="Archived", message=str(archived), tombstone=archived.details
        )
        return render(request, "admin/governance/archived.html", context, status=410)
    raise Http404(f"There is no contract {object_id}.")


def _require_permission(model_admin: ReadOnlyAdmin, request: HttpRequest) -> None:
    if not (model_admin.has_view_permission(request) and request.user.has_perm(VIEW_LEDGER)):
        raise PermissionDenied


def _find(object_id: UUID) -> SystemContract:
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
    first = read_digits(request.GET.get("from", "1"), max_digits=9)
    if not first:
        raise ValueError
    return first


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


def _row(
    entry: LedgerEntry, names: Mapping[int, str], finding: Finding | None
) -> LedgerVerificationRow:
    return LedgerVerificationRow.of(
        entry,
        names,
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
