"""What a founder saw as they signed: the stored text, and whether it is still what was signed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from governance.admin.links import contract_url
from governance.admin.readonly import ReadOnlyAdmin
from governance.domain.canonical import digest, sha256_hex
from governance.models import ApprovalSignature, LedgerEntry, SystemContract
from governance.record.ledger.queries import signature_entry


@dataclass(frozen=True, slots=True)
class DigestCheck:
    """A digest that was signed, and whether what stands there now still has it."""

    of: str
    covers: str
    digest: str
    holds: bool


def signature_page(
    model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any, number: int
) -> HttpResponse:
    """The text that was signed, and its digests, computed anew."""
    contract, signature = _find(model_admin, request, object_id, number)
    entry = signature_entry(contract.pk, number)
    checks = digest_checks(contract, signature, entry)
    args = [contract.pk, number]
    context = model_admin.page_context(
        request,
        title=f"What {signature.founder} saw of {contract.reference}",
        contract=contract,
        signature=signature,
        entry=entry,
        checks=checks,
        is_whole=all(check.holds for check in checks),
        contract_url=contract_url(contract),
        text_url=reverse("admin:governance_systemcontract_signature_text", args=args),
    )
    return render(request, "admin/governance/signature.html", context)


def signature_text(
    model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any, number: int
) -> HttpResponse:
    """The same text, byte for byte as it was signed, to keep elsewhere."""
    contract, signature = _find(model_admin, request, object_id, number)
    answer = HttpResponse(signature.shown, content_type="text/plain; charset=utf-8")
    name = f"contract-{contract.pk}-signature-{number}.txt"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _content_digest_of(contract: SystemContract) -> str | None:
    """The digest of the content as it stands now; None of one that was rewritten so as to have
    none, such as with a number that no double holds."""
    try:
        return digest(contract.content_record())
    except ValueError:
        return None


def digest_checks(
    contract: SystemContract, signature: ApprovalSignature, entry: LedgerEntry | None
) -> list[DigestCheck]:
    """Each digest of a signature against what it is of, as that stands now."""
    record = digest(signature.as_record())
    return [
        DigestCheck(
            "Content",
            "changes, scope, verdicts and plan",
            signature.content_digest,
            _content_digest_of(contract) == signature.content_digest,
        ),
        DigestCheck(
            "View",
            "that, and the state around it",
            signature.view_digest,
            sha256_hex(signature.view) == signature.view_digest,
        ),
        DigestCheck(
            "Signature",
            "this text and all else of the signature, as the ledger seals it",
            record,
            entry is not None
            and json.loads(entry.body)["records"].get("signature_sha256") == record,
        ),
    ]


def _find(
    model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any, number: int
) -> tuple[SystemContract, ApprovalSignature]:
    """Who may see the contract may see what was signed; 404 where nobody signed."""
    contract = model_admin.find(request, object_id)
    signatures = ApprovalSignature.objects.filter(contract=contract, number=number)
    signature = signatures.select_related("founder").first()
    if signature is None:
        raise Http404(f"This contract has no signature {number}.")
    return contract, signature
