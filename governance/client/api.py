"""A method for each call of the API: typed, patient, and safe to repeat.

Every POST carries an `Idempotency-Key` of its own, the same at all its attempts: one that had its
effect although its answer got lost is answered as it was, and not done again. Where a site does not
keep answers by their key, the same report again is harmless, and an ended job is looked at.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, cast
from uuid import UUID

import httpx

from governance.client.clock import SiteClock
from governance.client.connection import Connection, successful_response
from governance.client.problems import GovsiteError, GovsiteProblem
from governance.client.responses import (
    Activation,
    ActivationOutcome,
    Contract,
    ContractSummary,
    FreezeState,
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
from governance.client.retries import RetryPolicy
from governance.domain.canonical import timestamp
from governance.domain.values import AuditVerdict, StepReport

MAX_PAGE_SIZE = 200

Id = str | UUID


class GovsiteClient:
    """A person's or a service's way into the API. Not for several threads at once.

    `url` is the site's address (`https://gov.example`), `token` one for its API; ValueError for
    what can be neither. Every method raises GovsiteProblem for a refusal (JobLost,
    ChangeFreezeActive where a caller acts otherwise on it) and NoAnswer when there is none for as
    long as `retry_policy` lasts. Close it, or use it in a `with` statement.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        retry_policy: RetryPolicy | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._site = Connection(
            url, token, retry_policy=retry_policy, transport=transport, sleep=sleep
        )

    def close(self) -> None:
        self._site.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def clock(self) -> SiteClock:
        """The site's time, as its answers tell it: leases are counted by it."""
        return self._site.clock

    # --- contracts ---
    def contracts(self, **filters: str | int) -> Iterator[ContractSummary]:
        """The newest first, page by page as they are asked for; filters as the API names them."""
        return self._site.pages("contracts/", filters)

    def contract(self, contract_id: Id) -> Contract:
        return cast(Contract, self._site.get(f"contracts/{contract_id}/"))

    def ledger(self, contract_id: Id) -> Iterator[LedgerEntryData]:
        """Every entry of the contract's chain, in order."""
        return self._site.pages(f"contracts/{contract_id}/ledger/", {"page_size": MAX_PAGE_SIZE})

    def activate(self, contract_id: Id, *, timeout_minutes: int | None = None) -> Activation:
        """An approved contract becomes ACTIVE, with one PENDING job."""
        body = {} if timeout_minutes is None else {"timeout_minutes": timeout_minutes}
        return cast(Activation, self._site.post(f"contracts/{contract_id}/activate/", body))

    def activate_many(
        self, contract_ids: Sequence[Id], *, timeout_minutes: int | None = None
    ) -> list[ActivationOutcome]:
        """Up to 200 contracts, each activated or refused on its own: an outcome for each."""
        body: dict[str, Any] = {"contract_ids": [str(each) for each in contract_ids]}
        if timeout_minutes is not None:
            body["timeout_minutes"] = timeout_minutes
        answer = self._site.post("contracts/activate/", body)
        return cast(list[ActivationOutcome], answer["results"])

    def freeze_state(self) -> FreezeState:
        """Whether a founder has stopped the line."""
        return cast(FreezeState, self._site.get("freezes/"))

    # --- jobs ---
    def jobs(self, **filters: str | int) -> Iterator[JobSummary]:
        """The newest first, page by page as they are asked for; filters as the API names them."""
        return self._site.pages("jobs/", filters)

    def job(self, job_id: Id) -> Job:
        return cast(Job, self._site.get(f"jobs/{job_id}/"))

    def steps(self, job_id: Id, *, within: float | None = None) -> Iterator[JobStepData]:
        """The plan in its order, page by page; `within` seconds for each page."""
        return self._site.pages(
            f"jobs/{job_id}/steps/", {"page_size": MAX_PAGE_SIZE}, within=within
        )

    def progress(self, job_id: Id) -> Progress:
        return cast(Progress, self._site.get(f"jobs/{job_id}/progress/"))

    def follow(self, job_id: Id, *, after: int | None = None) -> Iterator[LedgerEntryData]:
        """The job's ledger entries as they are written, until the one that ends its contract.

        Each comes once and in order, however often the connection is lost. With the `seq` of the
        last one that was seen as `after`, it goes on behind that one.
        """
        return self._site.follow(f"jobs/{job_id}/events/", after=after)

    def evidence(self, job_id: Id) -> SealedEvidence:
        """The sealed bytes; GovsiteError when their hash is not the one that the site names."""
        response = successful_response(self._site.send("GET", f"jobs/{job_id}/evidence/"))
        digest = hashlib.sha256(response.content).hexdigest()
        if response.headers.get("X-Evidence-SHA256") != digest:
            raise GovsiteError(f"The evidence of job {job_id} has another hash than it should.")
        return SealedEvidence(body=response.content, sha256=digest)

    # --- executing ---
    def claim(self, *, key: str | None = None) -> StartedJob | None:
        """The oldest job that waits, now RUNNING and ours; None if there is none.

        After NoAnswer, claim with the same `key` again: a job that we got without hearing of it is
        then told. Raises ChangeFreezeActive while the line stands still.
        """
        return cast(StartedJob | None, self._site.post("jobs/claim/", {}, key=key))

    def start(self, job_id: Id) -> StartedJob:
        """This job, now RUNNING and ours."""
        return cast(StartedJob, self._site.post(f"jobs/{job_id}/start/", {}))

    def report(
        self, job_id: Id, *, token: str, report: StepReport, within: float | None = None
    ) -> RecordedResult:
        """Keep what happened to the step that is due; `within` is what is left of the lease."""
        body = report_document(report) | {"execution_token": token}
        recorded = self._site.post(f"jobs/{job_id}/results/", body, within=within)
        return cast(RecordedResult, recorded)

    def report_many(
        self,
        job_id: Id,
        *,
        token: str,
        reports: Sequence[StepReport],
        within: float | None = None,
    ) -> RecordedResults:
        """Keep what happened to up to 200 steps in a row: all of it, or nothing."""
        documents = [report_document(report) for report in reports]
        body = {"execution_token": token, "results": documents}
        recorded = self._site.post(f"jobs/{job_id}/results/", body, within=within)
        return cast(RecordedResults, recorded)

    def complete(self, job_id: Id, *, token: str, within: float | None = None) -> Job:
        """End the job as its results say; how it ended, even if an answer that said so got lost."""
        path, body = f"jobs/{job_id}/complete/", {"execution_token": token}
        answer = self._site.send("POST", path, body=body, within=within)
        try:
            return cast(Job, successful_response(answer).json())
        except GovsiteProblem as problem:
            if problem.code == "job_immutable" and answer.was_retried:
                return self.job(job_id)
            raise

    def cancel(self, job_id: Id, *, reason: str) -> Job:
        return cast(Job, self._site.post(f"jobs/{job_id}/cancel/", {"reason": reason}))

    # --- judging ---
    def record_verdict(
        self,
        job_id: Id,
        *,
        verdict: AuditVerdict | str,
        reason: str,
        evidence_sha256: str,
        checks: list[dict[str, Any]] | None = None,
    ) -> RecordedAudit:
        """The verdict of an auditor who took no part, on exactly the evidence named."""
        body: dict[str, Any] = {
            "verdict": str(verdict),
            "reason": reason,
            "evidence_sha256": evidence_sha256,
        }
        if checks is not None:
            body["checks"] = checks
        return cast(RecordedAudit, self._site.post(f"jobs/{job_id}/verdict/", body))


def report_document(report: StepReport) -> dict[str, Any]:
    """A report as the API takes it, without the execution token."""
    return {
        "step_index": report.step_index,
        "status": str(report.status),
        "started_at": timestamp(report.started_at),
        "completed_at": timestamp(report.completed_at),
        "output": report.output,
        "error": report.error,
        "health_after": report.health_after,
    }
