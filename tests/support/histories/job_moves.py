"""The moves of jobs, and the verdicts on them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.values import AuditVerdict, StepReport, StepStatus
from governance.flows import run_job
from governance.flows.audit_job import record_verdict, resolve_audit
from governance.models import AuditEvidence, GovernanceJob
from tests.support.clock import as_of
from tests.support.histories.comparison import (
    BEGINNING,
    REASON,
    Divergence,
    ModelComparison,
    often,
    picks,
)
from tests.support.histories.model import Contract

reporters = st.sampled_from(["the starter"] * 4 + ["executor", "auditor"])


class JobMoves(ModelComparison):
    """Moves of random users on random jobs, allowed or not."""

    @rule(who=st.sampled_from(["executor", "executor", "auditor"]))
    def claim(self, who: str) -> None:
        waiting = self.world.oldest_pending()
        answer = self.both(
            "claim",
            lambda: self.world.start(waiting, who) if waiting else None,
            lambda: self._started(
                as_of(self.world.at, GovernanceOrchestrator.claim_job, executor=self.person(who)),
                waiting,
            ),
        )
        if (answer is None) != (waiting is None):
            raise Divergence(f"claim: govsite answered {answer}, the model has {waiting} pending")

    @rule(pick=picks, who=st.sampled_from(["executor", "executor", "auditor"]))
    def start(self, pick: int, who: str) -> None:
        it, job_id = self.job(pick, "PENDING")
        self.both(
            "start",
            lambda: self.world.start(it, who),
            lambda: self._started(
                as_of(
                    self.world.at,
                    GovernanceOrchestrator.start_job,
                    job_id=job_id,
                    executor=self.person(who),
                ),
                it,
            ),
        )

    def _started(self, answer: tuple[GovernanceJob, str] | None, it: Contract | None) -> Any:
        """Copy the execution token, which is random, to the model."""
        if answer is not None and it is not None and it.job is not None:
            it.job.token = answer[1]
        return answer

    @rule(
        pick=picks,
        off=st.sampled_from([0, 0, -1, -1, 1]),
        report=st.sampled_from(
            [("COMPLETED", "a"), ("COMPLETED", "a"), ("COMPLETED", "b"), ("FAILED", "a")]
        ),
        token=st.sampled_from(["own", "own", "own", "another"]),
        mute=st.sampled_from([False, False, False, True]),
        who=reporters,
    )
    def report(
        self,
        pick: int,
        off: int,
        report: tuple[str, str],
        token: str,
        mute: bool,
        who: str = "the starter",
    ) -> None:
        it, job_id = self.job(pick, "RUNNING")
        who = self._reporter(it, who)
        index = max(0, off + (len(it.job.results) if it and it.job else 0))
        error = "It broke." if report[0] == "FAILED" and not mute else ""
        # Always the same time, so that a repeated report is the same report.
        ran_at = (it.job.started_at if it and it.job else None) or BEGINNING
        step_report = StepReport(
            step_index=index,
            status=StepStatus(report[0]),
            started_at=ran_at,
            completed_at=ran_at + timedelta(seconds=1),
            output={"variant": report[1]},
            error=error,
        )
        shown = self._token(it, token)
        new: list[bool] = []
        answer = self.both(
            "report",
            lambda: new.append(self.world.report(it, who, index, report, token=shown, error=error)),
            lambda: as_of(
                self.world.at,
                GovernanceOrchestrator.record_step_result,
                job_id=job_id,
                token=shown,
                report=step_report,
                executor=self.person(who),
            ),
        )
        if answer and [answer[1]] != new:
            raise Divergence(f"report: new on govsite is {answer[1]}, on the model {new}")

    def _token(self, it: Contract | None, which: str) -> str:
        if which == "own" and it and it.job:
            return it.job.token
        others = [c.job.token for c in self.world.contracts if c.job and c is not it]
        return max(others, default="") or "stolen"

    @staticmethod
    def _reporter(it: Contract | None, who: str) -> str:
        if who == "the starter":
            return (it.job.started_by if it and it.job else "") or "executor"
        return who

    @rule(pick=picks, token=st.sampled_from(["own", "own", "own", "another"]), who=reporters)
    def complete(self, pick: int, token: str, who: str = "the starter") -> None:
        it, job_id = self.job(pick, "RUNNING")
        who = self._reporter(it, who)
        shown = self._token(it, token)
        self.both(
            "complete",
            lambda: self.world.complete(it, who, shown),
            lambda: as_of(
                self.world.at,
                run_job.complete_job,
                job_id=job_id,
                token=shown,
                executor=self.person(who),
            ),
        )

    @rule(pick=picks, reason=st.sampled_from(["", "Enough."]))
    def cancel(self, pick: int, reason: str) -> None:
        it, job_id = self.job(pick, "PENDING", "RUNNING")
        self.both(
            "cancel",
            lambda: self.world.cancel(it, "operator", reason),
            lambda: as_of(
                self.world.at,
                run_job.cancel_job,
                job_id=job_id,
                reason=reason,
                actor=self.users.operator,
            ),
        )

    @rule(pick=picks)
    def fail_timed_out(self, pick: int) -> None:
        it, job_id = self.job(pick, "RUNNING")
        self.both(
            "fail_timed_out",
            lambda: self.world.lose(it, "operator"),
            lambda: as_of(
                self.world.at, run_job.fail_timed_out_job, job_id=job_id, actor=self.users.operator
            ),
        )

    # --- verdicts ---
    @rule(
        pick=picks,
        who=st.sampled_from(["auditor", "auditor", "executor", "second_founder", "operator"]),
        verdict=st.sampled_from(["PASS", "FAIL", "INCONCLUSIVE", "INCONCLUSIVE"]),
        right_evidence=often,
    )
    def judge(self, pick: int, who: str, verdict: str, right_evidence: bool) -> None:
        it, job_id = self.job(pick, "COMPLETED", "FAILED", "CANCELLED")
        sealed = AuditEvidence.objects.filter(job_id=job_id).values_list("sha256", flat=True)
        digest = next(iter(sealed), "") if right_evidence else "0" * 64
        self.both(
            "judge",
            lambda: self.world.judge(it, who, verdict, REASON, right_evidence=right_evidence),
            lambda: as_of(
                self.world.at,
                record_verdict,
                job_id=job_id,
                verdict=AuditVerdict(verdict),
                reason=REASON,
                evidence_sha256=digest,
                author=self.person(who),
            ),
        )

    @rule(
        pick=picks,
        who=st.sampled_from(["second_auditor", "second_auditor", "auditor", "executor"]),
        verdict=st.sampled_from(["PASS", "FAIL", "INCONCLUSIVE"]),
        reason=st.sampled_from([REASON, REASON, "Fine."]),
    )
    def resolve(self, pick: int, who: str, verdict: str, reason: str) -> None:
        it, job_id = self.job(pick, "COMPLETED")
        self.both(
            "resolve",
            lambda: self.world.resolve(it, who, verdict, reason),
            lambda: as_of(
                self.world.at,
                resolve_audit,
                job_id=job_id,
                verdict=AuditVerdict(verdict),
                reason=reason,
                resolver=self.person(who),
            ),
        )
