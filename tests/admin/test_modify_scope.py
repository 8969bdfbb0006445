"""The form that modifies a scope: fields for each type of change, preview, and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.admin.scope_board import MAX_FIELDS, ScopeBoard, in_ranges
from governance.domain.roles import Role
from governance.flows.review_contract import reject_contract
from governance.models import Account, SystemContract
from governance.services.access.accounts import assign_role
from governance.services.registry.operations import register_capabilities
from tests.admin.conftest import Browser
from tests.support.admin import contract_url, words_of
from tests.support.attacks import check_deferred_triggers
from tests.support.factories import THREE_CHANGES, draft, eligible, reloaded
from tests.support.forms import FORM, Form
from tests.support.json_values import plain_json
from tests.support.registry import set_value
from tests.support.succession import MODIFYING, modified
from tests.support.users import Users

Rows = Callable[[], dict[str, list[Any]]]
DISABLE = {"type": "capability_disable", "capability_name": "Export", "reason": "Unused."}
ONE_OF_EACH = [*THREE_CHANGES, DISABLE]
DEEP = {"limits": {"hosts": ["a", "b"], "most": [1, None, {"soft": 1.0}]}, "note": "x\r\ny"}


def address(contract: Any) -> str:
    return contract_url(contract, "modify")


def form_of(answer: Any) -> Form:
    return Form(answer.content.decode(), "gov-scope")


def opened(browser: Client, contract: Any) -> Form:
    answer = browser.get(address(contract))
    assert answer.status_code == 200
    return form_of(answer)


def words(answer: Any) -> str:
    return words_of(answer)


def sent(browser: Client, contract: Any, form: Form) -> Any:
    """Preview, then replace the contract; return the answer to the second request."""
    preview = form.press(browser, address(contract), "preview")
    assert preview.status_code == 200, preview.context["faults"]
    return form_of(preview).press(browser, address(contract), "modify")


# --- from the form to the new draft ---
def test_modifying__previewed_and_sent__replaces_the_contract(
    users: Users, founder_browser: Client, commit_now: Callable[[], None]
) -> None:
    contract = eligible(
        users,
        reference="OPS-7",
        proposed_changes=ONE_OF_EACH,
        affected_capabilities=["Search", "Export"],
    )
    assert "Modify scope…" in words(founder_browser.get(contract_url(contract)))
    form = opened(founder_browser, contract)
    form.set(
        c0__target_lifecycle="LAUNCHED",
        c1__new__typed="30",
        c2__p0__typed="3",
        c3__reason="Nobody uses it.\r\nReally.",
        reason=MODIFYING,
    )
    preview = form.press(founder_browser, address(contract), "preview")
    text = words(preview)
    assert preview.status_code == 200
    assert "Preview of the new draft" in text
    assert "Enable Search as LAUNCHED" in text
    assert "ends REJECTED, superseded" in text
    assert "you cannot approve it yourself" in text
    assert SystemContract.objects.count() == 1
    answer = form_of(preview).press(founder_browser, address(contract), "modify")
    successor = SystemContract.objects.get(parent=contract)
    assert (answer.status_code, answer["Location"]) == (302, contract_url(successor))
    assert reloaded(contract).closed_reason == f"Superseded by OPS-7 (rev 2): {MODIFYING}"
    assert successor.proposed_changes == [
        THREE_CHANGES[0] | {"target_lifecycle": "LAUNCHED"},
        THREE_CHANGES[1] | {"new_value": 30},
        THREE_CHANGES[2] | {"parameters": {"timeout_seconds": 3}},
        DISABLE | {"reason": "Nobody uses it.\nReally."},
    ]
    commit_now()


def test_pages__of_both_contracts__link_to_each_other(
    users: Users, founder_browser: Client
) -> None:
    successor = modified(users, reference="OPS-7")
    old = successor.parent
    page = words(founder_browser.get(contract_url(old)))
    assert "Superseded by <a" in page
    assert contract_url(successor) in page
    assert "modified the scope: another contract takes its place" in page
    page = words(founder_browser.get(contract_url(successor)))
    assert "Replaces <a" in page
    assert contract_url(old) in page
    assert "Awaiting verdicts; it cannot be approved yet." in page


def test_changes__of_each_type__added_and_removed(users: Users, founder_browser: Client) -> None:
    register_capabilities(documents=[{"name": "Sync", "configuration": {"rate": 5}}])
    contract = eligible(users)
    form = opened(founder_browser, contract)
    url = address(contract)
    for do in ("remove:0", "remove:2", *(f"add:{kind['type']}" for kind in ONE_OF_EACH)):
        answer = form.press(founder_browser, url, do)
        assert answer.status_code == 200
        form = form_of(answer)
    form = form_of(form.press(founder_browser, url, "add-parameter:n3"))
    form.set(
        cn1__capability_name="Sync",
        cn1__target_lifecycle="PREVIEW",
        cn2__scope="Sync",
        cn2__key="rate",
        cn2__new__kind="texts",
        cn2__new__typed="1\r\n2",
        cn3__scope="Sync",
        cn3__p0__name="a",
        cn3__p0__kind="yes",
        cn3__p1__name="b",
        cn3__p1__kind="nothing",
        cn4__capability_name="Export",
        cn4__reason="Unused.",
        reason=MODIFYING,
    )
    assert sent(founder_browser, contract, form).status_code == 302
    assert SystemContract.objects.get(parent=contract).proposed_changes == [
        THREE_CHANGES[1],
        {"type": "capability_enable", "capability_name": "Sync", "target_lifecycle": "PREVIEW"},
        {
            "type": "configuration_update",
            "scope": "Sync",
            "key": "rate",
            "old_value": 5,
            "new_value": ["1", "2"],
        },
        {"type": "parameter_change", "scope": "Sync", "parameters": {"a": True, "b": None}},
        DISABLE,
    ]


def test_parameters__removed_and_renamed__keep_what_the_others_hold(
    users: Users, founder_browser: Client
) -> None:
    parameters = {"a": 1, "b": DEEP, "c": "7"}
    change = {"type": "parameter_change", "scope": "Search", "parameters": parameters}
    contract = eligible(users, proposed_changes=[change])
    form = opened(founder_browser, contract)
    form = form_of(form.press(founder_browser, address(contract), "drop-parameter:0:0"))
    form.set(c0__p0__name="renamed", reason=MODIFYING)
    assert sent(founder_browser, contract, form).status_code == 302
    [after] = SystemContract.objects.get(parent=contract).proposed_changes
    assert json.dumps(after["parameters"], sort_keys=True) == json.dumps(
        {"renamed": DEEP, "c": "7"}, sort_keys=True
    )


def test_booleans__in_a_list__shown_and_edited_as_booleans(
    users: Users, founder_browser: Client
) -> None:
    contract = eligible(
        users,
        proposed_changes=[
            THREE_CHANGES[1] | {"old_value": [False, False], "new_value": [True, False]},
            THREE_CHANGES[2] | {"parameters": {"stages": [False, 1, True]}},
        ],
    )
    form = opened(founder_browser, contract)
    assert [form[f"c0-new{part}-kind"] for part in ("", "-0", "-1")] == ["structure", "yes", "no"]
    shown = [form[f"c1-p0{part}-kind"] for part in ("", "-0", "-1", "-2")]
    assert shown == ["structure", "no", "number", "yes"]
    form.set(c0__new__1__kind="yes", c1__p0__0__kind="yes", c1__p0__2__kind="no", reason=MODIFYING)
    assert sent(founder_browser, contract, form).status_code == 302
    first, second = SystemContract.objects.get(parent=contract).proposed_changes
    assert json.dumps([first["old_value"], first["new_value"]]) == "[[false, false], [true, true]]"
    assert json.dumps(second["parameters"]) == '{"stages": [true, 1, false]}'


def test_removed__put_back_or_left_as_it_was__is_what_stood_there(
    users: Users, founder_browser: Client
) -> None:
    contract = eligible(users)
    form, url = opened(founder_browser, contract), address(contract)
    form.set(c0__target_lifecycle="LAUNCHED")
    for do in ("close:0", "remove:1", "restore:1", "open:1", "add:parameter_change", "drop:n1"):
        form = form_of(form.press(founder_browser, url, do))
    answer = form.press(founder_browser, url, "preview")
    assert answer.context["refusal"] is None
    assert "nothing was modified" in words(answer)


# --- the expected value and the current value ---
@pytest.mark.parametrize(("chosen", "expects"), [("kept", 20), ("now", 25)])
def test_old_value__kept_or_current__is_what_was_chosen(
    users: Users, founder_browser: Client, chosen: str, expects: int
) -> None:
    register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 25}}])
    contract = eligible(users)
    page = founder_browser.get(address(contract))
    assert "The current value is not the one that the proposal was based on." in words(page)
    form = form_of(page).set(c1__new__typed="30", reason=MODIFYING)
    form.pairs = [[n, chosen if n == "c1-expects" else v] for n, v in form.pairs]
    assert sent(founder_browser, contract, form).status_code == 302
    changes = SystemContract.objects.get(parent=contract).proposed_changes
    assert changes[1]["old_value"] == expects


def test_old_value__moved_between_preview_and_sending__shown_again_not_sent(
    users: Users, founder_browser: Client
) -> None:
    register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 25}}])
    contract = eligible(users)
    form = opened(founder_browser, contract).set(reason=MODIFYING)
    form.pairs = [[n, "now" if n == "c1-expects" else v] for n, v in form.pairs]
    preview = form_of(form.press(founder_browser, address(contract), "preview"))
    set_value("Search", "page_size", 26)
    answer = preview.press(founder_browser, address(contract), "modify")
    assert answer.status_code == 409
    assert answer.context["refusal"].code == "not_previewed"
    assert form_of(answer)["previewed"] != preview["previewed"]
    assert not SystemContract.objects.filter(parent=contract).exists()


def test_sending__what_was_not_previewed__shows_the_preview_instead(
    users: Users, founder_browser: Client, everything: Rows
) -> None:
    contract = eligible(users)
    form = opened(founder_browser, contract).set(c1__new__typed="30", reason=MODIFYING)
    form = form_of(form.press(founder_browser, address(contract), "preview"))
    form.set(c1__new__typed="31")
    before = everything()
    answer = form.press(founder_browser, address(contract), "modify")
    assert (answer.status_code, answer.context["refusal"].code) == (409, "not_previewed")
    assert "Set page_size of Search from 20 to 31" in words(answer)
    assert everything() == before


# --- invalid input ---
@pytest.mark.parametrize(
    ("typed", "where"),
    [
        ({"c0__capability_name": ""}, "c0-capability_name"),
        ({"c0__capability_name": " Search"}, "c0-capability_name"),
        ({"c0__capability_name": "x" * 201}, "c0-capability_name"),
        ({"c0__target_lifecycle": "DISABLED"}, "c0-target_lifecycle"),
        ({"c0__target_lifecycle": ""}, "c0-target_lifecycle"),
        ({"c1__key": "\x00"}, "c1-key"),
        ({"c1__scope": "\x00"}, "c1-scope"),
        ({"c1__new__typed": "fifty"}, "c1-new-typed"),
        ({"c1__new__typed": "9007199254740992"}, "c1-new-typed"),
        ({"c1__new__typed": "1e400"}, "c1-new-typed"),
        ({"c1__new__kind": "magic"}, "c1-new-typed"),
        ({"c1__new__kind": "text", "c1__new__typed": "\x00"}, "c1-new-typed"),
        ({"c2__p0__name": ""}, "c2-p0-name"),
        ({"c2__p0__name": "a "}, "c2-p0-name"),
        ({"c2__p0__typed": "-"}, "c2-p0-typed"),
        ({"c2__p0__typed": "1e400"}, "c2-p0-typed"),
        ({"c3__reason": "x" * 4001}, "c3-reason"),
    ],
    ids=str,
)
def test_field__that_does_not_fit__named_there_and_nothing_lost(
    users: Users, founder_browser: Client, everything: Rows, typed: dict[str, str], where: str
) -> None:
    contract = eligible(
        users, proposed_changes=ONE_OF_EACH, affected_capabilities=["Search", "Export"]
    )
    form = opened(founder_browser, contract).set(**typed, reason=MODIFYING)
    before = everything()
    for do in ("preview", "modify"):
        answer = founder_browser.post(address(contract), form.body(do), FORM)
        assert answer.status_code == 400
        assert [field for field, _ in answer.context["faults"]] == [where]
        page = answer.content.decode()
        assert f'id="{where}"' in page
        assert 'aria-invalid="true"' in page
        again_typed = form_of(answer)
        kept = [pair for pair in form.pairs if pair[0] != "csrfmiddlewaretoken"]
        for name, value in kept:
            if value in ("DISABLED", "magic") or name == "c1-expects":
                # A choice that the list does not offer is not selected again, and without a
                # recorded value there is no choice of the expected value.
                continue
            assert name == "rows" or again_typed[name] == value, name
    assert everything() == before


def test_parameters__of_one_name__refused_at_the_second(
    users: Users, founder_browser: Client
) -> None:
    contract = eligible(users)
    form = opened(founder_browser, contract)
    form = form_of(form.press(founder_browser, address(contract), "add-parameter:2"))
    form.set(c2__p1__name="timeout_seconds", c2__p1__typed="x")
    answer = form.press(founder_browser, address(contract), "preview")
    assert [field for field, _ in answer.context["faults"]] == ["c2-p1-name"]
    assert "is named twice" in words(answer)


@pytest.mark.parametrize("reason", ["", "x" * 10, "x" * 4001])
def test_reason__too_short_or_too_long__named_there_below_the_preview(
    users: Users, founder_browser: Client, reason: str
) -> None:
    contract = eligible(users)
    form = opened(founder_browser, contract).set(c1__new__typed="30", reason=reason)
    answer = sent(founder_browser, contract, form)
    assert answer.status_code == 400
    assert [field for field, _ in answer.context["faults"]] == ["reason"]
    assert form_of(answer)["c1-new-typed"] == "30"
    assert answer.context["preview"] is not None


def test_nothing_left__refused(users: Users, founder_browser: Client) -> None:
    contract = eligible(users)
    form = opened(founder_browser, contract)
    for number in range(3):
        form = form_of(form.press(founder_browser, address(contract), f"remove:{number}"))
    answer = form.press(founder_browser, address(contract), "preview")
    assert answer.status_code == 400
    assert "at least one change is needed" in words(answer)


def test_contract__decided_meanwhile__refused_with_all_that_was_typed(
    users: Users, founder_browser: Client
) -> None:
    contract = eligible(users)
    form = opened(founder_browser, contract).set(c1__new__typed="30", reason=MODIFYING)
    form = form_of(form.press(founder_browser, address(contract), "preview"))
    reject_contract(contract_id=contract.pk, founder=users.second_founder, reason="Not now, sorry.")
    answer = form.press(founder_browser, address(contract), "modify")
    assert (answer.status_code, answer.context["refusal"].code) == (409, "contract_immutable")
    assert form_of(answer)["c1-new-typed"] == "30"
    assert form_of(answer)["reason"] == MODIFYING
    assert "modify" not in form_of(answer).buttons


def test_content__other_than_the_one_seen__refused(users: Users, founder_browser: Client) -> None:
    contract = eligible(users)
    form = opened(founder_browser, contract).set(
        c1__new__typed="30", reason=MODIFYING, seen_digest="0" * 64
    )
    answer = sent(founder_browser, contract, form)
    assert (answer.status_code, answer.context["refusal"].code) == (409, "stale_copy")


# --- round trips ---
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    value=plain_json(),
    text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1),
)
def test_form__left_untouched__submits_the_current_changes(
    users: Users, founder_browser: Client, value: Any, text: str
) -> None:
    changes = [
        THREE_CHANGES[1] | {"old_value": value, "new_value": value},
        {"type": "parameter_change", "scope": "Search", "parameters": {"a.b[0]": value, "c": text}},
        {"type": "capability_disable", "capability_name": "Search", "reason": text},
    ]
    contract = reloaded(eligible(users, proposed_changes=changes))
    form = opened(founder_browser, contract)
    assert "c0-new-kind" in form
    answer = form.press(founder_browser, address(contract), "preview")
    assert [message for _, message in answer.context["faults"]] == [
        "These are the contract's current changes; nothing was modified."
    ] or answer.context["refusal"].code == "nothing_modified"
    board = ScopeBoard.read(contract, answer.wsgi_request.POST)
    documents = json.dumps(board.documents(), sort_keys=True)
    assert documents == json.dumps(contract.proposed_changes, sort_keys=True)


def test_line_ends__of_untouched_text__stay_as_they_were(
    users: Users, founder_browser: Client
) -> None:
    reason = "One\r\ntwo\rthree\nfour"
    disable = {"type": "capability_disable", "capability_name": "Search", "reason": reason}
    contract = eligible(users, proposed_changes=[*THREE_CHANGES, disable])
    form = opened(founder_browser, contract).set(c1__new__typed="30", reason=MODIFYING)
    assert sent(founder_browser, contract, form).status_code == 302
    assert SystemContract.objects.get(parent=contract).proposed_changes[3] == disable


# --- many changes ---
def many(count: int, **more: Any) -> list[dict[str, Any]]:
    return [THREE_CHANGES[1] | {"key": f"k{number}"} | more for number in range(count)]


def test_thousand_changes__open_and_are_edited_and_removed_by_ranges(
    users: Users, founder_browser: Client
) -> None:
    contract = eligible(users, proposed_changes=many(1000))
    form = opened(founder_browser, contract)
    assert len(form.pairs) < 10
    form = form_of(form.press(founder_browser, address(contract), "open:17"))
    form.set(c17__new__typed="77", removed="1-10, 21 – 999,6", reason=MODIFYING)
    assert sent(founder_browser, contract, form).status_code == 302
    changes = SystemContract.objects.get(parent=contract).proposed_changes
    assert [change["key"] for change in changes] == [*(f"k{n}" for n in range(10, 20)), "k999"]
    assert changes[7]["new_value"] == 77
    check_deferred_triggers()


@pytest.mark.parametrize("typed", ["x", "3-1", "1000", "-1", "0-1000", "1 2", "1.5"])
def test_range__that_is_none__refused_at_its_field(
    users: Users, founder_browser: Client, typed: str
) -> None:
    contract = eligible(users, proposed_changes=many(20))
    form = opened(founder_browser, contract).set(removed=typed)
    answer = form.press(founder_browser, address(contract), "preview")
    assert answer.status_code == 400
    assert [field for field, _ in answer.context["faults"]] == ["removed"]
    assert form_of(answer)["removed"] == typed


def test_fields__more_than_a_form_may_send__refused_in_plain_words(
    users: Users, founder_browser: Client
) -> None:
    change = many(1, new_value={f"k{n}": n for n in range(30)})[0]
    contract = eligible(users, proposed_changes=[change] * 30)
    form, url = opened(founder_browser, contract), address(contract)
    for number in range(30):
        answer = form.press(founder_browser, url, f"open:{number}")
        assert answer.status_code == 200
        form = form_of(answer)
        assert len(form.pairs) <= 1000
        if answer.context["notice"]:
            break
    assert "cannot be sent at once" in answer.context["notice"]
    assert answer.context["board"].size <= MAX_FIELDS
    answer = founder_browser.post(url, "&".join(["a=b"] * 1001), FORM)
    assert answer.status_code == 400
    assert "what you typed is still there" in words(answer)
    answer = founder_browser.post(url, "a=" + "b" * 2**20, FORM)
    assert answer.status_code == 400
    assert "too large to be read" in words(answer)


@pytest.mark.parametrize(
    ("numbers", "text"), [(set(), ""), ({2}, "3"), ({0, 1, 2, 6}, "1-3, 7"), ({0, 2}, "1, 3")]
)
def test_ranges__of_numbers__in_words(numbers: set[int], text: str) -> None:
    assert in_ranges(numbers) == text


def test_value__with_too_many_parts__shown_and_kept(users: Users, founder_browser: Client) -> None:
    value = {f"k{number}": number for number in range(31)}
    contract = eligible(
        users,
        proposed_changes=[*many(1, new_value=value), DISABLE],
        affected_capabilities=["Search", "Export"],
    )
    page = founder_browser.get(address(contract))
    assert "too many parts to be edited here" in words(page)
    form = form_of(page).set(c0__key="other", reason=MODIFYING)
    assert sent(founder_browser, contract, form).status_code == 302
    assert SystemContract.objects.get(parent=contract).proposed_changes[0]["new_value"] == value


# --- permissions and query counts ---
PEOPLE = ["founder", "second_founder", "operator", "executor", "auditor", "viewer", "outsider"]


@pytest.mark.parametrize("who", PEOPLE)
def test_page__for_each_person__works_for_founders_alone(
    users: Users, signed_in: Browser, everything: Rows, who: str
) -> None:
    """Only a POST with a CSRF token by a founder changes a row."""
    contract, person = eligible(users), getattr(users, who)
    url, browser = address(contract), signed_in(person)
    before, may = everything(), who.endswith("founder")
    refusal = 302 if who == "outsider" else 403
    assert browser.get(url).status_code == (200 if may else refusal)
    assert browser.head(url).status_code == (200 if may else refusal)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person)
    assert strict.post(url, {"do": "modify"}).status_code == 403
    if not may:
        assert browser.post(url, {"do": "modify"}).status_code == refusal
    assert browser.put(url).status_code in (405, refusal)
    assert everything() == before


@pytest.mark.parametrize("make_contract", [draft, modified])
def test_page__of_what_cannot_be_modified__says_why(
    users: Users, founder_browser: Client, make_contract: Any
) -> None:
    answer = founder_browser.get(address(make_contract(users)))
    assert answer.status_code == 409
    assert "gov-scope" not in form_of(answer).buttons
    assert "Only an ELIGIBLE contract is reviewed" in words(answer)


def test_page__of_own_proposal__refused_for_a_superuser(users: Users, signed_in: Browser) -> None:
    Account.objects.filter(pk=users.operator.pk).update(is_superuser=True)
    assign_role(users.operator, Role.FOUNDER)
    contract = eligible(users)
    answer = signed_in(Account.objects.get(pk=users.operator.pk)).get(address(contract))
    assert answer.status_code == 403
    assert "four_eyes" in words(answer)


@pytest.mark.parametrize(
    "do",
    [
        *("", ":", "magic", "add:", "add:magic", "open:", "open:99999", "open:-1", "open:٣"),
        *("close:7", "drop:0", "drop:n7", "remove:3", "restore:9", "drop-parameter:2:9"),
        *("drop-parameter:2:x", "drop-parameter:0:0", "add-parameter:n1", "open:0:0:0", "\x00"),
    ],
)
def test_button__that_is_none__changes_nothing(
    users: Users, founder_browser: Client, everything: Rows, do: str
) -> None:
    contract = eligible(users)
    form, before = opened(founder_browser, contract), everything()
    answer = founder_browser.post(address(contract), form.body(do), FORM)
    assert answer.status_code == 200
    again_typed = form_of(answer)
    assert [p for p in again_typed.pairs if p[0][0] == "c" and p[0] != "csrfmiddlewaretoken"] == [
        p for p in form.pairs if p[0][0] == "c" and p[0] != "csrfmiddlewaretoken"
    ]
    assert everything() == before


def test_page__with_more_changes__asks_no_more_queries(
    users: Users, founder_browser: Client
) -> None:
    def cost(count: int) -> int:
        contract = eligible(users, proposed_changes=many(count))
        with CaptureQueriesContext(connection) as asked:
            assert founder_browser.get(address(contract)).status_code == 200
        return len(asked)

    assert cost(3) >= cost(300)


def test_page__runs_no_script_but_its_own_file(users: Users, founder_browser: Client) -> None:
    page = founder_browser.get(address(eligible(users))).content.decode()
    own = page[page.index('class="gov-scope"') :]
    own = own[: own.index("</form>")]
    assert "governance/scope.js" in page
    assert "<script" not in own
    assert " on" not in "".join(part for part in own.split('"')[::2] if " onc" in part)
