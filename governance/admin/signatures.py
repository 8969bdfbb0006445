"""The page of a signature: the stored text of what the founder saw, with its digests verified."""

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
    """A signed digest; `holds` says whether the record now still has it."""

    of: str
    covers: str
    digest: str
    holds: bool


def signature_page(
    model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any, number: int
) -> HttpResponse:
    """Show the signed text, and its digests computed again."""
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
    """Return the signed text as a file, byte for byte."""
    contract, signature = _find(model_admin, request, object_id, number)
    answer = HttpResponse(signature.shown, content_type="text/plain; charset=utf-8")
    name = f"contract-{contract.pk}-signature-{number}.txt"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _content_digest_of(contract: SystemContract) -> str | None:
    """Return the digest of the current content.

    None for content that was rewritten and has no canonical JSON, such as with a number outside the
    range of a double.
    """
    try:
        return digest(contract.content_record())
    except ValueError:
        return None


def digest_checks(
    contract: SystemContract, signature: ApprovalSignature, entry: LedgerEntry | None
) -> list[DigestCheck]:
    """Compare each digest of a signature with the current record."""
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
            "the content, and the state shown around it",
            signature.view_digest,
            sha256_hex(signature.view) == signature.view_digest,
        ),
        DigestCheck(
            "Signature",
            "this text and the other fields of the signature, as sealed in the ledger",
            record,
            entry is not None
            and json.loads(entry.body)["records"].get("signature_sha256") == record,
        ),
    ]


def _find(
    model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any, number: int
) -> tuple[SystemContract, ApprovalSignature]:
    """Return the contract and its signature, for a person who may see the contract.

    Raises:
        PermissionDenied: the person may not.
        Http404: there is no such contract or signature.
    """
    contract = model_admin.find(request, object_id)
    signatures = ApprovalSignature.objects.filter(contract=contract, number=number)
    signature = signatures.select_related("founder").first()
    if signature is None:
        raise Http404(f"This contract has no signature {number}.")
    return contract, signature
