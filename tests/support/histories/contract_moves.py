"""The moves of contracts: proposals, reviews, activations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from governance.authorities.contract import operations
from governance.domain.values import ActivationWindow
from governance.flows.activate_contract import activate_contract
from governance.flows.modify_scope import modify_scope
from governance.flows.propose_contract import draft_contract, propose_again, propose_contract
from governance.flows.review_contract import approve_contract, reject_contract, withdraw_approval
from governance.models import SystemContract
from tests.support.clock import as_of
from tests.support.factories import MAY, MAY_NOT, VALIDATOR_VERDICT
from tests.support.histories.comparison import (
    MAX_CONTRACTS,
    REASON,
    SUBJECTS,
    ModelComparison,
    often,
    picks,
)
from tests.support.signing import as_seen


class ContractMoves(ModelComparison):
    """Moves of random users on random contracts, allowed or not."""

    def document(self, subject: str) -> dict[str, Any]:
        changes = [
            {
                "type": "capability_enable",
                "capability_name": subject,
                "target_lifecycle": "PREVIEW",
            },
            {"type": "parameter_change", "scope": subject, "parameters": {"limit": 2.5}},
        ]
        return {
            "reference": f"HISTORY-{next(self.numbers)}",
            "title": f"Bring {subject} to preview",
            "source": "manual",
            "affected_capabilities": [subject],
            "proposed_changes": changes[: SUBJECTS[subject]],
            "risk_level": "low",
        }

    def is_full(self) -> bool:
        return len(self.world.contracts) >= MAX_CONTRACTS

    def draft_one(self, subject: str, who: str) -> None:
        self.both(
            "draft",
            lambda: self.world.draft(subject, SUBJECTS[subject], who),
            lambda: as_of(
                self.world.at,
                draft_contract,
                document=self.document(subject),
                proposer=self.person(who),
            ),
        )

    def propose_one(self, subject: str, who: str, may: bool) -> None:
        verdict = MAY if may else MAY_NOT
        self.both(
            "propose",
            lambda: self.world.propose(
                subject, SUBJECTS[subject], who, may=may, why=_reasons(verdict)
            ),
            lambda: as_of(
                self.world.at,
                propose_contract,
                document=self.document(subject),
                validator_verdict=VALIDATOR_VERDICT,
                eligibility_verdict=verdict,
                proposer=self.person(who),
            )[0],
        )

    @rule(
        subject=st.sampled_from([*SUBJECTS, "Search", "Search", "Billing"]),
        who=st.sampled_from(["operator", "founder"]),
        born=st.sampled_from(["eligible", "eligible", "draft", "refused"]),
    )
    def propose(self, subject: str, who: str, born: str) -> None:
        if self.is_full():
            self.go_on(len(subject) % MAX_CONTRACTS, True)
        elif born == "draft":
            self.draft_one(subject, who)
        else:
            self.propose_one(subject, who, born == "eligible")

    @rule(pick=picks, may=often)
    def record_review_verdicts(self, pick: int, may: bool) -> None:
        it, contract_id = self.contract(pick, "DRAFT")
        verdict = MAY if may else MAY_NOT
        self.both(
            "record_review_verdicts",
            lambda: self.world.record_review_verdicts(it, "operator", may, _reasons(verdict)),
            lambda: as_of(
                self.world.at,
                operations.record_review_verdicts,
                contract_id=contract_id,
                validator_verdict=VALIDATOR_VERDICT,
                eligibility_verdict=verdict,
                actor=self.users.operator,
            ),
        )

    @rule(
        pick=picks,
        who=st.sampled_from(["founder", "second_founder", "founder", "operator"]),
        window=st.sampled_from([*[(0, 24)] * 5, (1, 24), (0, 169), (2, 1), (-9, -1)]),
        saw_it=often,
    )
    def approve(
        self, pick: int, who: str, window: tuple[int, int], saw_it: bool, note: str = "Yes."
    ) -> None:
        it, contract_id = self.contract(pick, "ELIGIBLE")
        at = self.world.at
        opens, closes = (at + timedelta(hours=hours) for hours in window)
        known = SystemContract.objects.filter(pk=contract_id).first()
        seen = (
            as_seen(known, at=at, note=note)
            if known
            else {"seen_digest": "", "seen_view": "", "note": note}
        )
        if not saw_it:
            seen["seen_digest"] = "0" * 64
        self.both(
            "approve",
            lambda: self.world.approve(it, who, (opens, closes), note, saw_it=saw_it),
            lambda: as_of(
                self.world.at,
                approve_contract,
                contract_id=contract_id,
                founder=self.person(who),
                window=ActivationWindow(opens, closes),
                **seen,
            ),
        )

    @rule(
        pick=picks,
        who=st.sampled_from(["founder", "second_founder", "founder", "operator"]),
        reason=st.sampled_from([REASON, REASON, "No."]),
        saw_it=often,
    )
    def modify(self, pick: int, who: str, reason: str, saw_it: bool) -> None:
        it, contract_id = self.contract(pick, "ELIGIBLE")
        if self.is_full():
            return
        known = SystemContract.objects.filter(pk=contract_id).values_list("content_digest")
        seen = next((digest for (digest,) in known if saw_it and digest), "0" * 64)
        # A new value each time, because a modified scope must differ from the present one.
        change = {
            "type": "parameter_change",
            "scope": it.scope if it else "Search",
            "parameters": {"limit": next(self.numbers)},
        }

        def names() -> tuple[str, str]:
            def reference(**which: Any) -> str:
                found = SystemContract.objects.filter(**which).values_list("reference", flat=True)
                return found.first() or ""

            return reference(pk=contract_id), reference(parent_id=contract_id)

        self.both(
            "modify",
            lambda: self.world.modify(it, who, reason, saw_it=saw_it, names=names()),
            lambda: as_of(
                self.world.at,
                modify_scope,
                contract_id=contract_id,
                founder=self.person(who),
                changes=[change],
                reason=reason,
                seen_digest=seen,
            ),
        )

    @rule(
        pick=picks,
        who=st.sampled_from(["founder", "second_founder", "operator"]),
        reason=st.sampled_from([REASON, "No."]),
    )
    def reject(self, pick: int, who: str, reason: str) -> None:
        it, contract_id = self.contract(pick, "ELIGIBLE")
        self.both(
            "reject",
            lambda: self.world.reject(it, who, reason),
            lambda: as_of(
                self.world.at,
                reject_contract,
                contract_id=contract_id,
                founder=self.person(who),
                reason=reason,
            ),
        )

    @rule(
        pick=picks,
        who=st.sampled_from(["founder", "second_founder", "operator"]),
        reason=st.sampled_from([REASON, "No."]),
    )
    def withdraw(self, pick: int, who: str, reason: str) -> None:
        it, contract_id = self.contract(pick, "APPROVED")
        self.both(
            "withdraw",
            lambda: self.world.withdraw(it, who, reason),
            lambda: as_of(
                self.world.at,
                withdraw_approval,
                contract_id=contract_id,
                founder=self.person(who),
                reason=reason,
            ),
        )

    @rule(pick=picks, who=st.sampled_from(["operator", "founder", "auditor"]))
    def repeat(self, pick: int, who: str) -> None:
        it, contract_id = self.contract(pick, "FAILED", "EXPIRED", "REJECTED")
        if self.is_full():
            return
        known = SystemContract.objects.filter(pk=contract_id).values_list("reference", flat=True)
        name = known.first() or ""
        self.both(
            "repeat",
            lambda: self.world.repeat(it, who, name),
            lambda: as_of(
                self.world.at, propose_again, contract_id=contract_id, proposer=self.person(who)
            ),
        )

    @rule(pick=picks, lapse=st.booleans())
    def expire_or_lapse(self, pick: int, lapse: bool) -> None:
        it, contract_id = self.contract(pick, *(["APPROVED"] if lapse else ["DRAFT", "ELIGIBLE"]))
        model, site = (
            (self.world.lapse, operations.fail_contract_past_window)
            if lapse
            else (self.world.expire, operations.expire_contract)
        )
        self.both(
            "lapse" if lapse else "expire",
            lambda: model(it, "operator"),
            lambda: as_of(self.world.at, site, contract_id=contract_id, actor=self.users.operator),
        )

    @rule(pick=picks, minutes=st.sampled_from([60, 60, 5, 1440, 0, 1441]))
    def activate(self, pick: int, minutes: int) -> None:
        it, contract_id = self.contract(pick, "APPROVED")
        self.both(
            "activate",
            lambda: self.world.activate(it, "operator", minutes),
            lambda: as_of(
                self.world.at,
                activate_contract,
                contract_id=contract_id,
                actor=self.users.operator,
                timeout_minutes=minutes,
            ),
        )


def _reasons(verdict: Any) -> tuple[str, str]:
    return VALIDATOR_VERDICT["reason"], verdict["reason"]
