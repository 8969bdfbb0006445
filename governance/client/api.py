"""A method for each call of the API: typed, patient, and safe to repeat.

Every POST carries an `Idempotency-Key` of its own, the same at all its attempts: one that had its
effect although its answer got lost is answered as it was, and not done again. Where a site does not
keep answers by their key, the same report again is harmless, and an ended job is looked at.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, cast
from uuid import UUID, uuid4

import httpx

from governance.client.answers import (
    Activation,
    Contract,
    ContractSummary,
    Job,
    JobStep,
    JobSummary,
    LedgerEntry,
    Line,
    Progress,
    RecordedAudit,
    RecordedResult,
    SealedEvidence,
    StartedJob,
)
from governance.client.clock import SiteClock, Stamp
from governance.client.problems import GovsiteError, problem_of
from governance.client.retries import Answer, Patience, ask_patiently
from governance.vocabulary.canonical import timestamp
from governance.vocabulary.values import AuditVerdict, StepReport

LONGEST_ATTEMPT = 30.0  # seconds without a byte
SHORTEST_ATTEMPT = 1.0
LARGEST_PAGE = 200
# Shorter than servers keep a connection, so that no call meets one that is being closed.
KEEP_ALIVE = httpx.Limits(keepalive_expiry=3)

Id = str | UUID


class GovsiteClient:
    """A person's or a service's way into the API. Not for several threads at once.

    `url` is the site's address (`https://gov.example`), `token` one for its API; ValueError for
    what can be neither. Every method raises GovsiteProblem for a refusal (JobLost, LineFrozen where a
    caller acts otherwise on it) and NoAnswer when there is none for as long as `patience` lasts.
    Close it, or use it in a `with` statement.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clock = SiteClock()
        self._patience = patience or Patience()
        self._sleep = sleep
        self._http = httpx.Client(
            base_url=api_address(url),
            headers={"Authorization": f"Bearer {usable_token(token)}", "User-Agent": "govsite"},
            limits=KEEP_ALIVE,
            transport=transport,
        )

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- contracts ---
    def contracts(self, **filters: str | int) -> Iterator[ContractSummary]:
        """The newest first, page by page as they are asked for; filters as the API names them."""
        return self._pages("contracts/", filters)

    def contract(self, contract_id: Id) -> Contract:
        return cast(Contract, self._get(f"contracts/{contract_id}/"))

    def ledger(self, contract_id: Id) -> Iterator[LedgerEntry]:
        """Every entry of the contract's chain, in order."""
        return self._pages(f"contracts/{contract_id}/ledger/", {"page_size": LARGEST_PAGE})

    def activate(self, contract_id: Id, *, timeout_minutes: int | None = None) -> Activation:
        """An approved contract becomes ACTIVE, with one PENDING job."""
        body = {} if timeout_minutes is None else {"timeout_minutes": timeout_minutes}
        return cast(Activation, self._post(f"contracts/{contract_id}/activate/", body))

    def line(self) -> Line:
        """Whether a founder has stopped the line."""
        return cast(Line, self._get("line/"))

    # --- jobs ---
    def jobs(self, **filters: str | int) -> Iterator[JobSummary]:
        """The newest first, page by page as they are asked for; filters as the API names them."""
        return self._pages("jobs/", filters)

    def job(self, job_id: Id) -> Job:
        return cast(Job, self._get(f"jobs/{job_id}/"))

    def steps(self, job_id: Id, *, within: float | None = None) -> Iterator[JobStep]:
        """The plan in its order, page by page; `within` seconds for each page."""
        return self._pages(f"jobs/{job_id}/steps/", {"page_size": LARGEST_PAGE}, within)

    def progress(self, job_id: Id) -> Progress:
        return cast(Progress, self._get(f"jobs/{job_id}/progress/"))

    def evidence(self, job_id: Id) -> SealedEvidence:
        """The sealed bytes; GovsiteError when their hash is not the one that the site names."""
        response = self._ask("GET", f"jobs/{job_id}/evidence/").response
        digest = hashlib.sha256(response.content).hexdigest()
        if response.headers.get("X-Evidence-SHA256") != digest:
            raise GovsiteError(
                f"The evidence of job {job_id} does not have the digest that it names."
            )
        return SealedEvidence(body=response.content, sha256=digest)

    # --- executing ---
    def claim(self, *, key: str | None = None) -> StartedJob | None:
        """The oldest job that waits, now RUNNING and ours; None if there is none.

        After NoAnswer, claim with the same `key` again: a job that we got without hearing of it is
        then told. Raises LineFrozen while the line stands still.
        """
        return cast(StartedJob | None, self._post("jobs/claim/", {}, key=key))

    def start(self, job_id: Id) -> StartedJob:
        """This job, now RUNNING and ours."""
        return cast(StartedJob, self._post(f"jobs/{job_id}/start/", {}))

    def report(
        self, job_id: Id, *, token: str, report: StepReport, within: float | None = None
    ) -> RecordedResult:
        """Keep what happened to the step that is due; `within` is what is left of the lease."""
        body = report_document(report) | {"execution_token": token}
        return cast(RecordedResult, self._post(f"jobs/{job_id}/results/", body, within=within))

    def complete(self, job_id: Id, *, token: str, within: float | None = None) -> Job:
        """End the job as its results say. The job as it ended, even if that answer had got lost."""
        path, body = f"jobs/{job_id}/complete/", {"execution_token": token}
        answer = self._ask("POST", path, body=body, within=within, refused=False)
        if not answer.response.is_success:
            problem = problem_of(answer.response)
            if problem.code == "job_immutable" and answer.was_asked_before:
                return self.job(job_id)
            raise problem
        return cast(Job, answer.response.json())

    def cancel(self, job_id: Id, *, reason: str) -> Job:
        return cast(Job, self._post(f"jobs/{job_id}/cancel/", {"reason": reason}))

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
        return cast(RecordedAudit, self._post(f"jobs/{job_id}/verdict/", body))

    # --- how it is asked ---
    def _get(self, path: str) -> Any:
        return self._ask("GET", path).response.json()

    def _pages(
        self, path: str, filters: Mapping[str, str | int], within: float | None = None
    ) -> Iterator[Any]:
        parameters: dict[str, Any] = dict(filters)
        while True:
            answer = self._ask("GET", path, parameters=parameters, within=within)
            page = answer.response.json()
            yield from page["results"]
            if page["next"] is None:
                return
            # Only the place is taken from the address: our token goes nowhere but to our site.
            parameters["cursor"] = httpx.URL(page["next"]).params["cursor"]

    def _post(
        self, path: str, body: Any, *, key: str | None = None, within: float | None = None
    ) -> Any:
        response = self._ask("POST", path, body=body, key=key, within=within).response
        return None if response.status_code == httpx.codes.NO_CONTENT else response.json()

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        parameters: Mapping[str, Any] | None = None,
        key: str | None = None,
        within: float | None = None,
        refused: bool = True,
    ) -> Answer:
        """The answer; with `refused`, one that is no success is raised as what it is."""
        headers, content = {}, None
        if method == "POST":
            headers = {"Idempotency-Key": key or new_key(), "Content-Type": "application/json"}
            content = encoded(body)

        def ask(left: float) -> httpx.Response:
            asked = Stamp.now()
            response = self._http.request(
                method,
                path,
                content=content,
                params=parameters,
                headers=headers,
                timeout=min(LONGEST_ATTEMPT, max(left, SHORTEST_ATTEMPT)),
            )
            self.clock.hear(response.headers.get("Date"), asked=asked)
            _require_whole(response)
            return response

        answer = ask_patiently(ask, patience=self._patience, within=within, sleep=self._sleep)
        if refused and not answer.response.is_success:
            raise problem_of(answer.response)
        return answer


def new_key() -> str:
    """A fresh Idempotency-Key."""
    return str(uuid4())


def api_address(url: str) -> str:
    """Where the API of the site at `url` is; ValueError if that is no address of a site."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"{url!r} is not an address: {error}") from None
    if address.scheme not in ("http", "https") or not address.host or address.query:
        raise ValueError(f"{url!r} is not the address of a site, as in https://gov.example")
    return url.rstrip("/").removesuffix("/api/v1") + "/api/v1/"


def usable_token(token: str) -> str:
    """The token, if a header can carry it; ValueError, which does not show it, otherwise."""
    if not token or not token.isascii() or not all("!" <= letter <= "~" for letter in token):
        raise ValueError("A token is one word of visible ASCII characters.")
    return token


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


def encoded(body: Any) -> bytes:
    """A body in UTF-8: the same bytes at every attempt."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _require_whole(response: httpx.Response) -> None:
    """Treat a success that is no JSON as cut: it may have lost its end on its way here."""
    if response.is_success and response.status_code != httpx.codes.NO_CONTENT:
        try:
            response.json()
        except ValueError:
            raise httpx.RemoteProtocolError("the answer is not JSON, or not all of it") from None
