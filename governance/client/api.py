"""The client's methods, one for each call of the API, with retries.

Every POST has an `Idempotency-Key`, the same in all its attempts. If a response was lost, the next
attempt gets the stored response, and nothing is done twice. If the site has stored no response,
repeating a report is harmless, and `complete` reads the job that has ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any
from uuid import UUID

from governance.authorities.executor.performing import report_document
from governance.client.connection import Connection, successful_response
from governance.client.problems import GovsiteError, GovsiteProblem
from governance.client.responses import (
    Activation,
    ActivationOutcome,
    Contract,
    ContractSummary,
    FreezeState,
    HealthState,
    Job,
    JobStepData,
    JobSummary,
    LedgerEntryData,
    Progress,
    RecordedAudit,
    RecordedResult,
    RecordedResults,
    SealedEvidence,
    StartedJob,
)
from governance.domain.values import AuditVerdict, StepReport

MAX_PAGE_SIZE = 200

Id = str | UUID


class GovsiteClient(Connection):
    """A client of one site with one API token. It is not thread-safe.

    Close it, or use it in a `with` statement.

    Raises:
        GovsiteProblem: every method, if the site refuses the call. JobLost and ChangeFreezeActive
            are the refusals that an executor handles differently.
        NoAnswer: every method, if there is no response within `retry_policy`.
    """

    # --- contracts ---
    def contracts(self, **filters: str | int) -> Iterator[ContractSummary]:
        """List contracts, newest first; `filters` are query parameters. Pages are read lazily."""
        return self.pages("contracts/", filters)

    def contract(self, contract_id: Id) -> Contract:
        return self.get(f"contracts/{contract_id}/")

    def ledger(self, contract_id: Id) -> Iterator[LedgerEntryData]:
        """Read every entry of the contract's chain, in order."""
        return self.pages(f"contracts/{contract_id}/ledger/", {"page_size": MAX_PAGE_SIZE})

    def activate(self, contract_id: Id, *, timeout_minutes: int | None = None) -> Activation:
        """Activate an approved contract: it becomes ACTIVE and gets one PENDING job."""
        body = {} if timeout_minutes is None else {"timeout_minutes": timeout_minutes}
        return self.post(f"contracts/{contract_id}/activate/", body)

    def activate_many(
        self, contract_ids: Sequence[Id], *, timeout_minutes: int | None = None
    ) -> list[ActivationOutcome]:
        """Activate up to 200 contracts, each on its own; return one outcome for each, in order."""
        body: dict[str, Any] = {"contract_ids": [str(each) for each in contract_ids]}
        if timeout_minutes is not None:
            body["timeout_minutes"] = timeout_minutes
        return self.post("contracts/activate/", body)["results"]

    def freeze_state(self) -> FreezeState:
        """Read whether a change freeze is active."""
        return self.get("freezes/")

    def health(self, *, scope: str | None = None, within: float | None = None) -> HealthState:
        """Read the platform's health: the system's, and that of `scope` if it is given."""
        parameters = {} if scope is None else {"scope": scope}
        answer = self.send("GET", "health/", parameters=parameters, within=within)
        return successful_response(answer).json()

    # --- jobs ---
    def jobs(self, **filters: str | int) -> Iterator[JobSummary]:
        """List jobs, newest first; `filters` are query parameters. Pages are read lazily."""
        return self.pages("jobs/", filters)

    def job(self, job_id: Id) -> Job:
        return self.get(f"jobs/{job_id}/")

    def steps(self, job_id: Id, *, within: float | None = None) -> Iterator[JobStepData]:
        """Read the job's steps in order; each page has `within` seconds to arrive."""
        return self.pages(f"jobs/{job_id}/steps/", {"page_size": MAX_PAGE_SIZE}, within=within)

    def progress(self, job_id: Id) -> Progress:
        return self.get(f"jobs/{job_id}/progress/")

    def follow(self, job_id: Id, *, after: int | None = None) -> Iterator[LedgerEntryData]:
        """Yield the job's ledger entries as they are written, until the contract ends.

        Each entry comes once and in order, even if connections are lost. To continue later, pass
        the `seq` of the last entry that you received as `after`.
        """
        return self.stream(f"jobs/{job_id}/events/", after=after)

    def evidence(self, job_id: Id) -> SealedEvidence:
        """Read the sealed evidence and check its hash.

        Raises:
            GovsiteError: the SHA-256 of the body is not the one in `X-Evidence-SHA256`.
        """
        response = successful_response(self.send("GET", f"jobs/{job_id}/evidence/"))
        digest = hashlib.sha256(response.content).hexdigest()
        if response.headers.get("X-Evidence-SHA256") != digest:
            raise GovsiteError(
                f"The evidence of job {job_id} does not have the SHA-256 that the site sent."
            )
        return SealedEvidence(body=response.content, sha256=digest)

    # --- execution ---
    def claim(
        self, *, step_types: Collection[str] | None = None, key: str | None = None
    ) -> StartedJob | None:
        """Claim the oldest PENDING job and start it; return None if there is none.

        With `step_types`, only a job is claimed whose steps all have these types, and whose
        timeouts fit into what is left of its activation window.

        After NoAnswer, claim again with the same `key`: if the first attempt claimed a job, the
        response contains that job.

        Raises:
            ChangeFreezeActive: a change freeze is active.
        """
        body = {} if step_types is None else {"step_types": sorted(step_types)}
        return self.post("jobs/claim/", body, key=key)

    def start(self, job_id: Id) -> StartedJob:
        """Start the job: it becomes RUNNING, and the response contains its execution token."""
        return self.post(f"jobs/{job_id}/start/", {})

    def report(
        self, job_id: Id, *, token: str, report: StepReport, within: float | None = None
    ) -> RecordedResult:
        """Report the step that is due, within `within` seconds: the time left of the lease."""
        body = report_document(report) | {"execution_token": token}
        return self.post(f"jobs/{job_id}/results/", body, within=within)

    def report_many(
        self,
        job_id: Id,
        *,
        token: str,
        reports: Sequence[StepReport],
        within: float | None = None,
    ) -> RecordedResults:
        """Report up to 200 consecutive steps: the site records all of them, or none."""
        documents = [report_document(report) for report in reports]
        body = {"execution_token": token, "results": documents}
        return self.post(f"jobs/{job_id}/results/", body, within=within)

    def complete(self, job_id: Id, *, token: str, within: float | None = None) -> Job:
        """Complete the job, or read how it ended if an earlier attempt completed it already."""
        path, body = f"jobs/{job_id}/complete/", {"execution_token": token}
        answer = self.send("POST", path, body=body, within=within)
        try:
            return successful_response(answer).json()
        except GovsiteProblem as problem:
            if problem.code == "job_immutable" and answer.attempts > 1:
                return self.job(job_id)
            raise

    def cancel(self, job_id: Id, *, reason: str) -> Job:
        return self.post(f"jobs/{job_id}/cancel/", {"reason": reason})

    # --- audit ---
    def record_verdict(
        self,
        job_id: Id,
        *,
        verdict: AuditVerdict | str,
        reason: str,
        evidence_sha256: str,
        checks: list[dict[str, Any]] | None = None,
    ) -> RecordedAudit:
        """Record the verdict of an independent auditor on the evidence whose digest is given."""
        body: dict[str, Any] = {
            "verdict": str(verdict),
            "reason": reason,
            "evidence_sha256": evidence_sha256,
        }
        if checks is not None:
            body["checks"] = checks
        return self.post(f"jobs/{job_id}/verdict/", body)
