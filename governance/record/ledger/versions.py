"""Versions of a contract and its job, for conditional requests (`If-Match`)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Literal
from uuid import UUID

from django.db import connection

from governance.domain.errors import ContractNotFoundError, JobNotFoundError, VersionMismatchError
from governance.models import GovernanceJob, SystemContract

Subject = Literal["contract", "job"]
_NOT_FOUND = {"contract": ContractNotFoundError, "job": JobNotFoundError}

# Each change of a contract or its job has a ledger entry, so the head of the chain identifies their
# state. Responses also show usernames, which can change without an entry.
_VERSION = """
    SELECT (SELECT hash FROM governance_ledgerentry
             WHERE contract_id = contract.id ORDER BY seq DESC LIMIT 1),
           (SELECT string_agg(username, ' ' ORDER BY person.id) FROM governance_account person
             WHERE person.id IN (
                 contract.proposed_by_id, contract.approved_by_id, contract.closed_by_id,
                 job.created_by_id, job.started_by_id, job.ended_by_id, audit.author_id)
                OR person.id IN (SELECT founder_id FROM governance_approvalsignature
                                  WHERE contract_id = contract.id)
                OR person.id IN (SELECT asked_by_id FROM governance_clarificationrequest
                                  WHERE contract_id = contract.id))
      FROM governance_systemcontract contract
      LEFT JOIN governance_governancejob job ON job.contract_id = contract.id
      LEFT JOIN governance_governanceaudit audit ON audit.job_id = job.id
     WHERE {subject}.id = %s
"""


def version_of(subject: Subject, pk: UUID) -> str:
    """Compute the version of a contract or job: 32 hexadecimal digits, by one query.

    It changes with everything that a response shows. A contract and its job share a chain, and so
    have the same version.

    Raises:
        NotFoundError: there is no such contract or job.
    """
    with connection.cursor() as cursor:
        cursor.execute(_VERSION.format(subject=subject), [pk])
        found = cursor.fetchone()
    if found is None:
        raise _NOT_FOUND[subject](pk)
    head, names = found
    return hashlib.sha256(bytes(head or b"") + (names or "").encode()).hexdigest()[:32]


def require_version(subject: Subject, pk: UUID, versions: Collection[str]) -> None:
    """Lock a contract or job, and refuse if its current version is not one of `versions`.

    The version `*` stands for any.

    Raises:
        NotFoundError: there is no such contract or job.
        VersionMismatchError: with the current version in its details.
    """
    if subject == "contract":
        SystemContract.objects.lock(pk)
    else:
        GovernanceJob.objects.lock(pk)
    current = version_of(subject, pk)
    if "*" not in versions and current not in versions:
        raise VersionMismatchError(
            f"The {subject} has changed since it was read; read it again.",
            details={"version": current},
        )
