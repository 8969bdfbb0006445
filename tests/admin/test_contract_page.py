"""A contract's page: its changes, next step, origin, verdicts, plan and history."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.admin.contract_page import MAX_LEDGER_ENTRIES
from governance.domain.values import AuditVerdict, ContractStatus, HealthDecision
from governance.flows.propose_contract import record_review_verdicts
from governance.flows.review_contract import answer_clarification, request_clarification
from governance.models import LedgerEntry
from governance.services.registry.operations import register_capabilities
from tests.admin.conftest import Browser
from tests.support.admin import contract_url, words_of
from tests.support.factories import (
    MAY,
    MAY_NOT,
    VALIDATOR_VERDICT,
    approved,
    contract_in,
    draft,
    eligible,
    finished_job,
    judged_job,
    now,
    reloaded,
    running_job,
)
from tests.support.platform import signal
from tests.support.users import Users

AT_REST = [status for status in ContractStatus if status is not ContractStatus.VALIDATED]
EVIL = "<script>alert('boo')</script>"


def text_of(browser: Client, contract: Any) -> str:
    answer = browser.get(contract_url(contract))
    assert answer.status_code == 200
    return html.unescape(words_of(answer))


ORDER = (
    *("Decision", "happened", "what-changes", "capabilities", "risk", "origin", "validator"),
    *("eligibility", "plan", "approval", "history", "conversation"),
)


def test_page__goes_in_the_order_in_which_a_founder_reads(
    users: Users, founder_browser: Client
) -> None:
    page = founder_browser.get(contract_url(finished_job(users).contract)).content.decode()
    sections = re.findall(r'<section class="gov-[^"]*" aria-label(?:ledby)?="([^"]*)"', page)
    assert tuple(sections) == ORDER


@pytest.mark.parametrize("status", AT_REST)
def test_page__of_a_contract_in_each_state__shows_state_history_and_changes(
    users: Users, founder_browser: Client, status: ContractStatus
) -> None:
    contract = contract_in(users, status)
    text = text_of(founder_browser, contract)
    assert f'data-word="{status}"' in text
    assert "Set page_size of Search from 20 to 50" in text
    assert "Enable Search as PREVIEW" in text
    for entry in LedgerEntry.objects.filter(contract=contract):
        assert f"#{entry.seq} {bytes(entry.hash).hex()[:12]}" in text
    assert ("Approve…" in text) == ("Reject…" in text) == (status is ContractStatus.ELIGIBLE)


def test_page__of_what_waits_for_an_audit_and_of_a_doubt__says_who_must_act(
    users: Users, founder_browser: Client
) -> None:
    assert "waits for an auditor" in text_of(founder_browser, finished_job(users).contract)
    doubtful = reloaded(judged_job(users, AuditVerdict.INCONCLUSIVE).contract)
    assert "a person who took no part must settle it" in text_of(founder_browser, doubtful)
    assert "An executor is carrying it out" in text_of(
        founder_browser, running_job(users).job.contract
    )
    unused = approved(users)
    assert "it can be activated now" in text_of(founder_browser, unused)


def test_page__shows_origin_verdicts_plan_and_digest(users: Users, founder_browser: Client) -> None:
    contract = eligible(users, description="First line.\nSecond line.")
    answer = founder_browser.get(contract_url(contract)).content.decode()
    assert "First line.\nSecond line." in answer
    text = text_of(founder_browser, contract)
    for expected in (
        contract.reference,
        "Names one known capability.",
        "All eligibility rules passed",
        "11 evaluated, version 1.0.0",
        "No known rollback",
        "3 changes to 1 capability, 0 of 3 with a rollback",
        "3 of 3 steps have no rollback, because nothing is recorded of their targets: 1, 2, 3.",
        contract.content_digest,
    ):
        assert expected in text


def test_page__lists_what_a_change_affects_and_cannot_roll_back(
    users: Users, founder_browser: Client
) -> None:
    register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 25}}])
    signal(users, HealthDecision.DEGRADED)
    text = text_of(founder_browser, eligible(users))
    for warning in (
        "1 change would overwrite a value that differs from the one that the proposal expects.",
        "A rollback restores the recorded value, not the one that the proposal expects.",
        "Not healthy now: Search is DEGRADED.",
    ):
        assert f"Warning: {warning}" in text
    assert "It affects 1 capability and nothing else." in text
    assert "Warning: It affects" not in text
    assert "Set page_size of Search from 50 to 25" in text  # the rollback
    assert "3 changes to 1 capability, 1 in conflict with the recorded values" in text
    assert "very step has a rollback" not in text
    assert "all with a rollback" not in text


def test_page__without_a_conflict__says_that_every_step_has_a_rollback(
    users: Users, founder_browser: Client
) -> None:
    register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 20}}])
    text = text_of(founder_browser, eligible(users))
    assert "Every step has a rollback." in text
    assert "all with a rollback" in text
    assert "Tune Search: timeout_seconds = no value" in text  # the rollback of an absent key


def test_page__of_a_change_to_the_whole_system__warns(
    users: Users, founder_browser: Client
) -> None:
    change = {"type": "parameter_change", "scope": "SYSTEM", "parameters": {"replicas": 3}}
    contract = eligible(users, affected_capabilities=["SYSTEM"], proposed_changes=[change])
    text = text_of(founder_browser, contract)
    assert "Warning: It affects the whole system" in text


def test_page__shows_every_rule_with_its_result(users: Users, founder_browser: Client) -> None:
    text = text_of(founder_browser, eligible(users))
    assert "but not which of them passed" in text
    assert (text.count(">not triggered<"), text.count(">passed<")) == (0, 0)
    listed = [
        {"rule": "E-001", "passed": True, "reason": "0.9 is enough."},
        {"rule": "E-002", "passed": False},
    ]
    verdict = MAY | {"rule_results": listed}
    text = text_of(founder_browser, eligible(users, eligibility_verdict=verdict))
    assert "as the verdict lists them" in text
    assert "0.9 is enough." in text
    assert text.count(">passed<") == 1
    assert 'gov-bad">failed<' in text


def test_page__of_a_contract_that_eligibility_refused__shows_which_rule_failed(
    users: Users, founder_browser: Client
) -> None:
    contract = draft(users)
    record_review_verdicts(
        contract_id=contract.pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=MAY_NOT,
        actor=users.operator,
    )
    text = text_of(founder_browser, contract)
    assert "but not which of them passed" in text
    assert not [word for word in ("not triggered", "failed", "passed") if f">{word}<" in text]
    assert "2 Nov 2026, 09:00 UTC (" in text  # when the verdicts were given, as a person writes it
    assert "2026-11-02T09:00:01Z" not in text.split("<details")[0]


def test_page__with_rules_listed_in_the_verdict__counts_them(
    users: Users, founder_browser: Client
) -> None:
    verdict = MAY | {"rules_evaluated": ["E-104", "E-100"]}
    text = text_of(founder_browser, eligible(users, eligibility_verdict=verdict))
    assert "2 evaluated" in text


def test_page__compares_current_and_proposed_values_and_marks_conflicts(
    users: Users, founder_browser: Client
) -> None:
    register_capabilities(
        documents=[{"name": "Search", "lifecycle": "LAUNCHED", "configuration": {"page_size": 25}}]
    )
    text = text_of(founder_browser, eligible(users))
    assert "<small>now</small>LAUNCHED" in text
    assert "<small>proposed</small>PREVIEW" in text
    assert "<small>now</small>25" in text
    assert "<small>proposed</small>50" in text
    assert "The proposal expects 20 here, but the current value is 25." in text
    assert "1 in conflict with current values" in text
    assert "<small>now</small>no value" in text  # timeout_seconds


def test_page__of_a_closed_contract__marks_no_conflict_any_more(
    users: Users, founder_browser: Client
) -> None:
    register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 25}}])
    contract = contract_in(users, ContractStatus.COMPLETED)
    assert "Conflict" not in text_of(founder_browser, contract)


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("viewer", "Only a member of the Founder group can review contracts or freeze changes."),
        ("operator", "Only a member of the Founder group"),
    ],
)
def test_page__for_who_may_not_decide__says_why_and_has_no_buttons(
    users: Users, signed_in: Browser, who: str, why: str
) -> None:
    text = text_of(signed_in(getattr(users, who)), eligible(users))
    assert why in text
    assert "Approve…" not in text
    assert "Reject…" not in text


def test_page__with_a_frozen_capability__can_be_rejected_and_says_why_not_approved(
    users: Users, founder_browser: Client
) -> None:
    register_capabilities(documents=[{"name": "Search", "frozen": True}])
    text = text_of(founder_browser, eligible(users))
    assert "Frozen capabilities cannot change: Search." in text
    assert "capability_frozen" in text
    assert "Approve…" not in text
    assert "Reject…" in text


def test_page__past_its_review_time__can_no_longer_be_approved(
    users: Users, founder_browser: Client
) -> None:
    text = text_of(founder_browser, eligible(users, at=now() - timedelta(days=8)))
    assert "contract_expired" in text
    assert "The time for review ended 1 day ago; no founder decided." in text


@pytest.mark.parametrize("page", ["change", "approve", "reject"])
def test_what_others_wrote__is_shown_and_never_run(
    users: Users, founder_browser: Client, page: str
) -> None:
    contract = eligible(
        users,
        reference=EVIL,
        title=EVIL,
        description=EVIL,
        requested_by=EVIL,
        affected_capabilities=[EVIL],
        proposed_changes=[
            {"type": "capability_disable", "capability_name": EVIL, "reason": EVIL},
            {
                "type": "configuration_update",
                "scope": EVIL,
                "key": EVIL,
                "old_value": EVIL,
                "new_value": {EVIL: EVIL},
            },
        ],
        eligibility_verdict=MAY | {"reason": EVIL},
    )
    answer = founder_browser.get(contract_url(contract, page))
    assert answer.status_code == 200
    page_text = answer.content.decode()
    assert EVIL not in page_text
    assert html.escape(EVIL) in page_text
    listed = founder_browser.get(contract_url(contract).split(str(contract.pk))[0])
    assert EVIL not in listed.content.decode()


def test_reason_of_a_decision__is_shown_and_never_run(
    users: Users, founder_browser: Client
) -> None:
    contract = eligible(users)
    url = contract_url(contract, "reject")
    answer = founder_browser.post(url, {"reason": EVIL}, follow=True)
    assert answer.status_code == 200
    assert EVIL not in answer.content.decode()
    assert html.escape(EVIL) in answer.content.decode()


def test_page__of_a_long_ledger__shows_how_it_began_and_leads_to_all_of_it(
    users: Users, founder_browser: Client
) -> None:
    contract = eligible(users)
    text = text_of(founder_browser, contract)
    assert "Only the first" not in text
    for _ in range(MAX_LEDGER_ENTRIES):
        request_clarification(contract_id=contract.pk, founder=users.founder, question="And now?")
        answer_clarification(contract_id=contract.pk, person=users.operator, answer="Yes.")
    text = text_of(founder_browser, contract)
    assert f"the first {MAX_LEDGER_ENTRIES} entries are shown here" in text
    assert (f">#{MAX_LEDGER_ENTRIES} " in text, f">#{MAX_LEDGER_ENTRIES + 1} " in text) == (
        True,
        False,
    )
    assert contract_url(contract, "ledger") in text


def test_page__with_more_changes_and_more_history__asks_no_more_queries(
    users: Users, founder_browser: Client
) -> None:
    def many(number: int) -> list[dict[str, Any]]:
        return [
            {"type": "parameter_change", "scope": f"C{index}", "parameters": {"a": index}}
            for index in range(number)
        ]

    counts = []
    for number in (1, 70):
        names = [f"C{index}" for index in range(number)]
        running = running_job(users, affected_capabilities=names, proposed_changes=many(number))
        running.complete_steps()
        with CaptureQueriesContext(connection) as captured:
            answer = founder_browser.get(contract_url(running.job.contract))
        running.complete()  # a job with the first of these capabilities begins next
        counts.append(sum("SAVEPOINT" not in query["sql"] for query in captured))
    assert counts[0] == counts[1] <= 17
    text = words_of(answer)
    assert "45 more changes" in text
    assert "Only the first 60 entries" in text
    assert "Tune C69: a = 69" in text  # folded, but on the page, because a founder signs it


def test_page__answers_head_and_refuses_post(users: Users, founder_browser: Client) -> None:
    contract = draft(users)
    assert founder_browser.head(contract_url(contract)).status_code == 200
    assert founder_browser.post(contract_url(contract), {}).status_code == 403
