"""The admin's addresses, one line each: who sees what, and whose POST does something.

`DOORS` is compared with the admin's own resolver, so a new address fails the suite until it has
its line here. A new screen is a `Door`, a new model of the record one more word in `RECORD`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.urls import reverse

from tests.support.scene import (
    Form,
    Scene,
    a_newcomer,
    a_smaller_scope,
    a_stop,
    a_token,
    an_account,
    an_approval,
    an_edit,
    an_overlap,
    another_password,
    says,
    two_passwords,
)

# Who comes to the door. The clerk is staff in no group; the outsider is no staff.
IN_A_GROUP = frozenset({"founder", "operator", "executor", "auditor", "viewer"})
ROOT = frozenset({"superuser"})
READERS = IN_A_GROUP | ROOT
STAFF = READERS | {"clerk"}
NOT_STAFF = frozenset({"outsider", "anonymous"})
EVERYBODY = STAFF | NOT_STAFF
FOUNDERS = frozenset({"founder", "superuser"})
ANSWERERS = frozenset({"operator", "superuser"})
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Door:
    """One address of the admin, and what each person finds there.

    `name` is the address' name, or its route where it has none; `of` names what of the scene it
    is about; `at` is written out where no name leads there. Everybody in `shown` gets the status
    `answers` by GET and HEAD, other staff `hides`, everybody else is sent to sign in.

    A POST of `form` by one of `acts` changes the record. By anybody else it changes nothing: it is
    refused with 403, or 405 where nobody can do anything; a `deaf` door heeds no form and may show
    its page again. Who acts is told by `done`, mostly sent on.
    """

    name: str
    of: str = ""
    shown: frozenset[str] = READERS
    acts: frozenset[str] = NOBODY
    form: Form = field(default=lambda scene: {})
    answers: int = 200
    hides: int = 403
    deaf: bool = False
    done: int = 302
    at: str = ""

    def address(self, scene: Scene) -> str:
        thing = getattr(scene, self.of).pk if self.of else None
        if self.at:
            return reverse("admin:index") + self.at.format(thing)
        return reverse(f"admin:{self.name}", args=[] if thing is None else [thing])


def of_model(model: str, thing: str, shown: frozenset[str] = READERS) -> list[Door]:
    """The six addresses that every model's admin has; read-only, unless replaced below."""
    app, name = model.split("_")
    # Both only lead to the page, and the page looks who comes.
    leads = {"shown": STAFF, "answers": 302, "deaf": True}
    return [
        Door(f"{model}_changelist", shown=shown),
        Door(f"{model}_add", shown=NOBODY, form=an_edit),
        Door(f"{model}_change", thing, shown, form=an_edit),
        Door(f"{model}_delete", thing, shown=NOBODY, form=lambda scene: {"post": "yes"}),
        Door(f"{model}_history", thing, **leads),
        Door(f"{app}/{name}/<path:object_id>/", thing, at=f"{app}/{name}/{{}}/", **leads),
    ]


# Whatever else is registered in the admin, by model: what of the scene is one of it.
RECORD = {
    "governance_systemcontract": "contract",
    "governance_governancejob": "job",
    "governance_linefreeze": "freeze",
    "governance_capability": "capability",
    "governance_configurationentry": "entry",
    "governance_governancesignal": "signal",
}
ACCOUNTS = {"governance_account": "user", "auth_group": "group", "governance_apitoken": "token"}

_OURS = [
    Door("governance_systemcontract_queue"),
    Door("governance_systemcontract_approve", "contract", FOUNDERS, FOUNDERS, an_approval),
    Door("governance_systemcontract_reject", "contract", FOUNDERS, FOUNDERS, says("reason")),
    Door("governance_systemcontract_modify", "contract", FOUNDERS, FOUNDERS, a_smaller_scope),
    Door("governance_systemcontract_clarify", "contract", FOUNDERS, FOUNDERS, says("question")),
    Door("governance_systemcontract_answer", "questioned", ANSWERERS, ANSWERERS, says("answer")),
    Door("governance_systemcontract_comment", "contract", READERS, READERS, says("text")),
    Door(
        "governance_systemcontract_signature",
        "signed",
        at="governance/systemcontract/{}/signatures/1/",
    ),
    Door(
        "governance_systemcontract_signature_text",
        "signed",
        at="governance/systemcontract/{}/signatures/1/text/",
    ),
    Door("governance_systemcontract_ledger", "contract"),
    Door("governance_systemcontract_ledger_export", "contract"),
    Door("governance_governancejob_running"),
    Door("governance_governancejob_live", "job"),
    Door("governance_governancejob_evidence", "job"),
    Door("governance_governancejob_verify", "job"),
    Door("governance_linefreeze_stop", "", FOUNDERS, FOUNDERS, a_stop),
    Door("governance_linefreeze_thaw", "freeze", FOUNDERS, FOUNDERS, says("reason")),
]
_ACCOUNTS = [
    Door("governance_account_changelist", shown=ROOT, deaf=True),
    Door("governance_account_add", "", ROOT, ROOT, a_newcomer),
    Door("governance_account_change", "user", ROOT, ROOT, an_account),
    Door("governance_account_password_change", "user", ROOT, ROOT, two_passwords),
    Door("governance_account_history", "user", ROOT, deaf=True),
    Door("auth_group_changelist", shown=ROOT, deaf=True),
    Door("auth_group_add", "", ROOT, ROOT, lambda scene: {"name": "Newcomers"}),
    Door("auth_group_change", "group", ROOT, ROOT, lambda scene: {"name": "Onlookers"}),
    Door("auth_group_history", "group", ROOT, deaf=True),
    Door("governance_apitoken_issue", "", ROOT, ROOT, a_token, done=201),
    Door("governance_apitoken_rotate", "token", ROOT, ROOT, an_overlap, done=201),
    Door("governance_apitoken_revoke", "token", ROOT, ROOT, says("reason")),
]
_SITE = [
    Door("index", shown=STAFF, deaf=True),
    Door("search", shown=STAFF, deaf=True),
    Door("password_change", "", STAFF, STAFF, another_password),
    Door("password_change_done", shown=STAFF),
    Door("autocomplete", shown=NOBODY),
    Door("jsi18n", shown=STAFF),
    Door("view_on_site", shown=STAFF, answers=404, deaf=True, at="r/1/1/"),
    Door("app_list", hides=404, deaf=True, at="governance/"),
    Door("(?P<url>.*)$", shown=STAFF, answers=404, deaf=True, at="nowhere/"),
]
# Open to everybody, whom they let in and out: test_every_url.py looks at them one by one.
IN_AND_OUT = ("login", "logout")

DOORS: dict[str, Door] = {
    door.name: door
    for door in [
        *(door for model, thing in RECORD.items() for door in of_model(model, thing)),
        *(door for model, thing in ACCOUNTS.items() for door in of_model(model, thing, ROOT)),
        *_OURS,
        *_ACCOUNTS,
        *_SITE,
    ]
}
