"""The state machine for Hypothesis: moves of contracts, jobs, health signals and time."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from governance.authorities.health.signals import record_signal
from governance.domain.values import HealthDecision
from governance.flows import sweep
from tests.support.clock import as_of
from tests.support.histories.comparison import REASON, Divergence, often, picks
from tests.support.histories.job_moves import JobMoves
from tests.support.histories.model import MOVES, Contract, Refused
from tests.support.histories.review_moves import ReviewMoves


class Histories(ReviewMoves, JobMoves):
    """The state machine with all moves."""

    # --- health and time ---
    @rule(
        scope=st.sampled_from(["Search", "Billing", "SYSTEM"]),
        kind=st.sampled_from(["latency", "errors"]),
        decision=st.sampled_from(["HEALTHY", "HEALTHY", "HEALTHY", "DEGRADED", "BLOCKED"]),
    )
    def signal(self, scope: str, kind: str, decision: str) -> None:
        self.both(
            "signal",
            lambda: self.world.signals.update({(scope, kind): decision}),
            lambda: as_of(
                self.world.at,
                record_signal,
                scope=scope,
                signal_type=kind,
                decision=HealthDecision(decision),
                reason="Measured.",
                actor=self.users.operator,
            ),
        )

    @rule(
        pick=picks,
        until=st.sampled_from(["lease", "review", "closes", "opens", "deadline", "soon", "later"]),
        off=st.sampled_from([-1, 0, 1]),
    )
    def time_passes(self, pick: int, until: str, off: int) -> None:
        """Move the clock to a limit of a contract or job, or to a second before or after it."""
        it, _ = self.contract(pick, "ELIGIBLE", "APPROVED", "ACTIVE")
        job = it.job if it else None
        moments = {
            "soon": self.world.at + timedelta(seconds=30),
            "later": self.world.at + timedelta(minutes=5),
            "review": it.review_ends if it and not job else None,
            "closes": it.closes if it and not job else None,
            "opens": it.opens if it and not job else None,
            "lease": job.lease if job else None,
            "deadline": job.deadline if job and job.lease else None,
        }
        self._wait_until(moments[until] or self.world.at, off)

    @rule(pick=picks, off=st.sampled_from([0, 1]))
    def approve_at_the_last_moment(self, pick: int, off: int) -> None:
        it, _ = self.contract(pick, "ELIGIBLE")
        if it and it.review_ends:
            self._wait_until(it.review_ends, off)
        self.approve(pick, "second_founder", (0, 24), True)

    @rule(pick=picks, off=st.sampled_from([0, 1]), failing=st.booleans())
    def complete_at_the_last_moment(self, pick: int, off: int, failing: bool) -> None:
        if failing:
            self.report(pick, 0, ("FAILED", "a"), "own", False)
        it, _ = self.job(pick, "RUNNING")
        if it and it.job and it.job.lease:
            self._wait_until(it.job.lease, off)
        self.complete(pick, "own")

    def _wait_until(self, moment: datetime, off: int) -> None:
        """Set the clock so that the next move happens `off` seconds after `moment`.

        Each move first advances the clock by one second.
        """
        self.world.at = max(self.world.at, moment + timedelta(seconds=off - 1))

    @rule()
    def sweep(self) -> None:
        """Run the sweeps, and compare which contracts and jobs they end."""
        swept: dict[UUID, str] = {}
        for number, it in enumerate(self.world.contracts):
            if after := self._after_its_time(it):
                swept[self.ids[number]] = after
            if it.job and it.job.lease and self.world.at + timedelta(seconds=1) > it.job.lease:
                swept[self.jobs[number]] = "FAILED"
        outcomes = self.both(
            "sweep",
            self._sweep_model,
            lambda: [
                *as_of(self.world.at, sweep.expire_contracts, actor=self.users.operator),
                *as_of(self.world.at, sweep.fail_timed_out_jobs, actor=self.users.operator),
            ],
        )
        ended = {outcome.subject_id: outcome.status for outcome in outcomes}
        if ended != swept:
            raise Divergence(f"sweep: govsite ended {ended}, the model {swept}")

    def _after_its_time(self, it: Contract) -> str:
        at = self.world.at + timedelta(seconds=1)
        if it.status in ("DRAFT", "ELIGIBLE") and it.is_expired(at):
            return "EXPIRED"
        return "FAILED" if it.status == "APPROVED" and it.closes and at > it.closes else ""

    def _sweep_model(self) -> None:
        for move in (self.world.expire, self.world.lapse, self.world.lose):
            for it in self.world.contracts:
                try:
                    move(it, "operator")
                except Refused:
                    continue

    # --- the usual next move, so that histories reach the later statuses ---
    @initialize(moves=st.sampled_from([0, 2, 4, 6, 7, 8, 9, 10]))
    def begin(self, moves: int) -> None:
        for _ in range(moves):
            self.go_on(0, True)

    @rule(pick=picks, well=often)
    def go_on(self, pick: int, well: bool) -> None:
        live = [n for n, it in enumerate(self.world.contracts) if MOVES[it.status]]
        number = live[pick % len(live)] if live else None
        it = None if number is None else self.world.contracts[number]
        status = it.status if it else ""
        if it and self._after_its_time(it) and not well:
            self.expire_or_lapse(pick, status == "APPROVED")
        elif it and it.job:
            self._go_on_with_job(it, sorted(self.jobs).index(self.world.contracts.index(it)), well)
        elif status == "DRAFT":
            self.record_review_verdicts(pick, True)
        elif status == "ELIGIBLE":
            self.approve(pick, "second_founder", (0, 24), True)
        elif status == "APPROVED":
            self.activate(pick, 60)
        elif not self.is_full():
            self.propose_one("Search", "operator", True)
        else:
            self.time_passes(pick, "soon", 0)

    def _go_on_with_job(self, it: Contract, pick: int, well: bool) -> None:
        job = it.job
        assert job
        if job.lease and self.world.at >= job.lease and not well:
            self.fail_timed_out(pick)
        elif job.status == "PENDING":
            self.start(pick, "executor")
        elif job.status == "RUNNING" and len(job.results) < job.steps and not job.has_failed_step:
            self.report(pick, 0, ("COMPLETED" if well else "FAILED", "a"), "own", False)
        elif job.status == "RUNNING":
            self.complete(pick, "own")
        elif not job.audit:
            passes = "PASS" if well else "INCONCLUSIVE"
            self.judge(pick, "auditor", passes if job.status == "COMPLETED" else "FAIL", True)
        elif job.audit == "INCONCLUSIVE" and not job.resolution:
            self.resolve(pick, "second_auditor", "PASS" if well else "FAIL", REASON)
        elif not self.is_full():
            self.propose_one("Search", "operator", True)

    @rule(pick=picks, well=often)
    def go_on_too(self, pick: int, well: bool) -> None:
        self.go_on(pick, well)

    @rule(pick=picks, well=often)
    def go_on_again(self, pick: int, well: bool) -> None:
        self.go_on(pick, well)
