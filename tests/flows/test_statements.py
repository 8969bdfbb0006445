"""Tests of signed evidence statements, with our verifier and an independent one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from governance.domain.canonical import canonical_text
from governance.domain.errors import EvidenceMismatchError, InvalidInputError
from governance.record.attest.envelopes import STATEMENT_TYPE, sign_envelope
from governance.record.attest.keys import key_id
from governance.record.attest.statements import signed_statement, verify_statement
from tests.support.factories import failed_job, judged_job
from tests.support.users import Users

KEY = Ed25519PrivateKey.generate()


def exported(users: Users) -> dict[str, Any]:
    return signed_statement(judged_job(users).evidence, key=KEY)


def statement_in(envelope: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        Envelope.from_dict(json.loads(json.dumps(envelope))).payload
    )
    return document


def signed_again(statement: dict[str, Any]) -> dict[str, Any]:
    """Sign a statement with our key, whether or not it is consistent."""
    return sign_envelope(canonical_text(statement).encode(), payload_type=STATEMENT_TYPE, key=KEY)


def test_statement__of_a_judged_job__proves_job_ledger_and_verdict(users: Users) -> None:
    job = judged_job(users)
    proven = verify_statement(signed_statement(job.evidence, key=KEY), key=KEY.public_key())
    assert (proven.job_id, proven.contract_id) == (str(job.pk), str(job.contract_id))
    assert (proven.job_status, proven.evidence_sha256) == ("COMPLETED", job.evidence.sha256)
    assert (proven.entries, proven.last_event) == (12, "contract.audit.passed")


def test_statement__of_a_failed_job__proves_the_failure(users: Users) -> None:
    envelope = signed_statement(failed_job(users).evidence, key=KEY)
    proven = verify_statement(envelope, key=KEY.public_key())
    assert (proven.job_status, proven.last_event) == ("FAILED", "job.execution.failed")


def test_statement__an_independent_verifier__accepts_it_and_refuses_another_key(
    users: Users,
) -> None:
    envelope = Envelope.from_dict(json.loads(json.dumps(exported(users))))
    ours = SSlibKey.from_crypto(KEY.public_key(), keyid=key_id(KEY.public_key()))
    assert envelope.verify([ours], 1)
    assert json.loads(envelope.payload)["_type"] == "https://in-toto.io/Statement/v1"
    stranger = Ed25519PrivateKey.generate().public_key()
    theirs = SSlibKey.from_crypto(stranger, keyid=key_id(KEY.public_key()))
    with pytest.raises(VerificationError):
        envelope.verify([theirs], 1)


def change_payload(envelope: dict[str, Any]) -> dict[str, Any]:
    return envelope | {"payload": "e30="}


def change_type(envelope: dict[str, Any]) -> dict[str, Any]:
    return envelope | {"payloadType": "application/json"}


def unsign(envelope: dict[str, Any]) -> dict[str, Any]:
    return envelope | {"signatures": []}


def break_base64(envelope: dict[str, Any]) -> dict[str, Any]:
    return envelope | {"payload": "*"}


@pytest.mark.parametrize("forge", [change_payload, change_type, unsign, break_base64])
def test_envelope__forged__refused(
    users: Users, forge: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    with pytest.raises(InvalidInputError):
        verify_statement(forge(exported(users)), key=KEY.public_key())


@pytest.mark.parametrize("envelope", [None, [], "x", {}, {"payload": 1}, 7])
def test_envelope__that_is_none__refused(envelope: Any) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        verify_statement(envelope, key=KEY.public_key())
    assert refusal.value.code == "bad_envelope"


def other_evidence(statement: dict[str, Any]) -> None:
    statement["predicate"]["evidence"] = statement["predicate"]["evidence"].replace("true", "null")


def cut_entry(statement: dict[str, Any]) -> None:
    del statement["predicate"]["ledger"][4]


def other_body(statement: dict[str, Any]) -> None:
    entry = statement["predicate"]["ledger"][3]
    entry["body"] = entry["body"].replace("founder", "nobody")


def cut_tail(statement: dict[str, Any]) -> None:
    """Remove the last ledger entries, among them the one with the evidence's digest."""
    del statement["predicate"]["ledger"][9:]


def no_ledger(statement: dict[str, Any]) -> None:
    statement["predicate"]["ledger"] = []


def other_predicate(statement: dict[str, Any]) -> None:
    statement["predicateType"] = "urn:somebody:else"


def no_subject(statement: dict[str, Any]) -> None:
    statement["subject"] = []


def evidence_that_is_no_json(statement: dict[str, Any]) -> None:
    statement["predicate"]["evidence"] = "{"


@pytest.mark.parametrize(
    "twist",
    [
        other_evidence,
        cut_entry,
        other_body,
        cut_tail,
        no_ledger,
        other_predicate,
        no_subject,
        evidence_that_is_no_json,
    ],
)
def test_statement__signed_but_not_whole__refused(
    users: Users, twist: Callable[[dict[str, Any]], None]
) -> None:
    statement = statement_in(exported(users))
    verify_statement(signed_again(statement), key=KEY.public_key())
    twist(statement)
    with pytest.raises(EvidenceMismatchError):
        verify_statement(signed_again(statement), key=KEY.public_key())
