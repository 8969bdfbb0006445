"""The reporter of one job over HTTP: what the machine reports to, and how it knows the lease."""

from __future__ import annotations

from datetime import UTC, datetime

from governance.authorities.executor.machine import rejected_report
from governance.client.api import GovsiteClient
from governance.client.problems import GovsiteProblem
from governance.client.responses import StartedJob
from governance.domain.values import StepReport

REJECTED_BODY_STATUSES = frozenset({400, 413})


class JobReporter:
    """The reporter of a job over HTTP; it measures the lease by the site's clock."""

    def __init__(self, client: GovsiteClient, job: StartedJob) -> None:
        self._client = client
        self._job = job
        self._expires_at = datetime.now(UTC)
        self._renew(job["lease_expires_at"])
        self.reported = 0

    def now(self) -> datetime:
        return self._client.clock.now()

    def seconds_left(self) -> float:
        return self._client.clock.seconds_until(self._expires_at)

    def record(self, report: StepReport) -> StepReport:
        """Report a step within the lease, and return the report that the site recorded."""
        try:
            self._send(report)
        except GovsiteProblem as problem:
            if problem.status not in REJECTED_BODY_STATUSES:
                raise
            # The site has narrower limits than this client. That the step ended must be recorded.
            report = rejected_report(report, str(problem))
            self._send(report)
        self.reported += 1
        return report

    def _send(self, report: StepReport) -> None:
        job = self._job
        recorded = self._client.report(
            job["id"], token=job["execution_token"], report=report, within=self.seconds_left()
        )
        self._renew(recorded["lease_expires_at"])

    def _renew(self, text: str | None) -> None:
        if text is not None:
            self._expires_at = datetime.fromisoformat(text)
