"""Signed evidence: an in-toto statement in a DSSE envelope, which verifies without a database.

The subject of the statement is the sealed evidence, by its SHA-256. The predicate has the text of
the evidence exactly as sealed, and the whole chain of its contract. With the file and the site's
public key anyone can check that the evidence is what was sealed, that a ledger entry vouches for
it, and that the ledger is an unbroken chain.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.domain.canonical import canonical_text, sha256_hex
from governance.domain.errors import EvidenceMismatchError
from governance.models import AuditEvidence
from governance.record.attest.envelopes import STATEMENT_TYPE, open_envelope, sign_envelope
from governance.record.ledger.chain import GENESIS, entry_hash
from governance.record.ledger.queries import entries_of

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:govsite:evidence:1.0.0"


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """The facts that a signed statement proves."""

    job_id: str
    contract_id: str
    job_status: str
    evidence_sha256: str
    entries: int
    last_event: str


def signed_statement(evidence: AuditEvidence, *, key: Ed25519PrivateKey) -> dict[str, Any]:
    """Sign the evidence with its contract's present chain; return the envelope as a JSON object."""
    chain = entries_of(evidence.job.contract_id)
    statement = {
        "_type": STATEMENT,
        "subject": [
            {"name": f"jobs/{evidence.job_id}/evidence", "digest": {"sha256": evidence.sha256}}
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "evidence": evidence.body,
            "ledger": [
                {"body": entry.body, "hash": bytes(entry.hash).hex()}
                for entry in chain.only("body", "hash")
            ],
        },
    }
    return sign_envelope(canonical_text(statement).encode(), payload_type=STATEMENT_TYPE, key=key)


def verify_statement(envelope: Any, *, key: Ed25519PublicKey) -> VerifiedStatement:
    """Verify a signed statement, without a database.

    Raises:
        InvalidInputError: `bad_envelope` or `bad_signature`.
        EvidenceMismatchError: if the evidence, its digest and the chain do not fit together.
    """
    payload = open_envelope(envelope, payload_type=STATEMENT_TYPE, key=key)
    try:
        statement = json.loads(payload)
        if (statement["_type"], statement["predicateType"]) != (STATEMENT, PREDICATE):
            raise EvidenceMismatchError("The statement is not about evidence of govsite.")
        [subject] = statement["subject"]
        text = statement["predicate"]["evidence"]
        evidence = json.loads(text)
        entries = [(entry["body"], entry["hash"]) for entry in statement["predicate"]["ledger"]]
        bodies = [json.loads(body) for body, _ in entries]
        sealing = [b["records"].get("evidence_sha256") for b in bodies]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise EvidenceMismatchError("The statement is incomplete.") from None
    if sha256_hex(text) != subject["digest"]["sha256"]:
        raise EvidenceMismatchError("The evidence differs from the evidence that was sealed.")
    _require_chain(entries, bodies, contract_id=evidence["contract_id"])
    if subject["digest"]["sha256"] not in sealing:
        raise EvidenceMismatchError("The ledger does not vouch for this evidence.")
    return VerifiedStatement(
        job_id=evidence["job_id"],
        contract_id=evidence["contract_id"],
        job_status=evidence["job_status"],
        evidence_sha256=subject["digest"]["sha256"],
        entries=len(entries),
        last_event=bodies[-1]["event"],
    )


def _require_chain(
    entries: list[tuple[str, str]], bodies: list[dict[str, Any]], *, contract_id: str
) -> None:
    previous = GENESIS
    for number, ((body, stated), document) in enumerate(zip(entries, bodies, strict=True), start=1):
        computed = entry_hash(previous, body)
        if (computed.hex(), document["seq"], document["contract_id"]) != (
            stated,
            number,
            contract_id,
        ):
            raise EvidenceMismatchError(f"The ledger's chain breaks at entry {number}.")
        previous = computed
