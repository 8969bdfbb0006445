"""The permissions of the admin, one line for each URL: who may view it, and whose POST may write.

A test compares `ADMIN_PAGES` with the admin's URL resolver, so a new URL fails the suite until it
has a line here. A new page is an `AdminPage`; a new model is a key of `RECORD_MODELS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.urls import reverse

from tests.support.admin_fixtures import (
    AdminFixtures,
    FormData,
    a_freeze,
    a_newcomer,
    a_notice,
    a_settlement,
    a_smaller_scope,
    a_token,
    an_account,
    an_approval,
    an_edit,
    an_ending,
    an_overlap,
    another_password,
    text_in,
    two_passwords,
)

# The visitors of the admin. The clerk is staff without a group; the outsider is not staff.
IN_A_GROUP = frozenset({"founder", "operator", "executor", "auditor", "viewer"})
ROOT = frozenset({"superuser"})
READERS = IN_A_GROUP | ROOT
STAFF = READERS | {"clerk"}
NOT_STAFF = frozenset({"outsider", "anonymous"})
ALL_VISITORS = STAFF | NOT_STAFF
FOUNDERS = frozenset({"founder"})
OPERATORS = frozenset({"operator"})
PROPOSERS = frozenset({"founder", "operator", "superuser"})
ANSWERERS = frozenset({"operator", "superuser"})
AUDITORS = frozenset({"auditor"})
CANCELLERS = frozenset({"founder", "operator", "superuser"})
ACTIVATORS = frozenset({"operator", "executor", "superuser"})
NO_ONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AdminPage:
    """One URL of the admin, and its response to each visitor.

    `name` is the name of the URL, or its route if it has no name; then `path` is set. `subject` is
    the attribute of AdminFixtures that the page is about. GET and HEAD answer `view_status` to
    `viewers` and `hidden_status` to other staff; everybody else is redirected to the login.

    A POST of `form` by one of `actors` changes the record and answers `success_status`. By anyone
    else it changes nothing: the response is 403, or 405 if nobody may act. A page that
    `ignores_forms` may also answer like a GET.
    """

    name: str
    subject: str = ""
    viewers: frozenset[str] = READERS
    actors: frozenset[str] = NO_ONE
    form: FormData = field(default=lambda fixtures: {})
    view_status: int = 200
    hidden_status: int = 403
    ignores_forms: bool = False
    success_status: int = 302
    path: str = ""

    def address(self, fixtures: AdminFixtures) -> str:
        thing = getattr(fixtures, self.subject).pk if self.subject else None
        if self.path:
            return reverse("admin:index") + self.path.format(thing)
        return reverse(f"admin:{self.name}", args=[] if thing is None else [thing])


def pages_of_model(model: str, thing: str, viewers: frozenset[str] = READERS) -> list[AdminPage]:
    """Return the six URLs of a model's admin; read-only, unless a line below replaces one."""
    app, name = model.split("_")
    # These two only redirect to the page, which checks the permission.
    leads = {"viewers": STAFF, "view_status": 302, "ignores_forms": True}
    return [
        AdminPage(f"{model}_changelist", viewers=viewers),
        AdminPage(f"{model}_add", viewers=NO_ONE, form=an_edit),
        AdminPage(f"{model}_change", thing, viewers, form=an_edit),
        AdminPage(f"{model}_delete", thing, viewers=NO_ONE, form=lambda fixtures: {"post": "yes"}),
        AdminPage(f"{model}_history", thing, **leads),
        AdminPage(f"{app}/{name}/<path:object_id>/", thing, path=f"{app}/{name}/{{}}/", **leads),
    ]


# The models that are registered in the admin, each with the attribute of AdminFixtures for it.
RECORD_MODELS = {
    "governance_systemcontract": "contract",
    "governance_governancejob": "job",
    "governance_changefreeze": "freeze",
    "governance_handlerbreaker": "breaker",
    "governance_capability": "capability",
    "governance_configurationentry": "entry",
    "governance_governancesignal": "signal",
    "governance_notice": "notice",
}
ACCOUNT_MODELS = {
    "governance_account": "user",
    "auth_group": "group",
    "governance_apitoken": "token",
}

_PRODUCT_PAGES = [
    AdminPage("governance_systemcontract_queue"),
    AdminPage("governance_systemcontract_endings", "", READERS, ANSWERERS, an_ending),
    AdminPage("governance_governancejob_endings", "", READERS, ANSWERERS, an_ending),
    AdminPage("governance_systemcontract_approve", "contract", FOUNDERS, FOUNDERS, an_approval),
    AdminPage(
        "governance_systemcontract_reject", "contract", FOUNDERS, FOUNDERS, text_in("reason")
    ),
    AdminPage("governance_systemcontract_modify", "contract", FOUNDERS, FOUNDERS, a_smaller_scope),
    AdminPage(
        "governance_systemcontract_clarify", "contract", FOUNDERS, FOUNDERS, text_in("question")
    ),
    AdminPage(
        "governance_systemcontract_answer", "questioned", ANSWERERS, ANSWERERS, text_in("answer")
    ),
    AdminPage(
        "governance_systemcontract_withdraw", "signed", FOUNDERS, FOUNDERS, text_in("reason")
    ),
    AdminPage("governance_systemcontract_activate", "signed", ACTIVATORS, ACTIVATORS),
    AdminPage("governance_systemcontract_live", "signed"),
    AdminPage("governance_systemcontract_repeat", "rejected", PROPOSERS, PROPOSERS),
    AdminPage("governance_systemcontract_rollback", "half_done", PROPOSERS, PROPOSERS),
    AdminPage("governance_systemcontract_comment", "contract", READERS, READERS, text_in("text")),
    AdminPage(
        "governance_systemcontract_signature",
        "signed",
        path="governance/systemcontract/{}/signatures/1/",
    ),
    AdminPage(
        "governance_systemcontract_signature_text",
        "signed",
        path="governance/systemcontract/{}/signatures/1/text/",
    ),
    AdminPage("governance_systemcontract_ledger", "contract"),
    AdminPage("governance_systemcontract_ledger_export", "contract"),
    AdminPage("governance_governancejob_running"),
    AdminPage("governance_governancejob_workers"),
    AdminPage("governance_capability_drift"),
    AdminPage(
        "governance_governancejob_cancel", "running", CANCELLERS, CANCELLERS, text_in("reason")
    ),
    AdminPage("governance_governancejob_settle", "inconclusive", AUDITORS, AUDITORS, a_settlement),
    AdminPage("governance_governancejob_live", "job"),
    AdminPage("governance_governancejob_evidence", "job"),
    AdminPage("governance_governancejob_verify", "job"),
    AdminPage("governance_governancejob_report", "job"),
    # Everybody has a list of their own; the notice of the fixtures is the operator's.
    AdminPage("governance_notice_changelist", viewers=STAFF),
    AdminPage(
        "governance_notice_change",
        "notice",
        frozenset({"operator"}),
        form=an_edit,
        view_status=302,
        hidden_status=404,
    ),
    AdminPage(
        "governance_notice_read",
        "",
        STAFF,
        frozenset({"operator"}),
        a_notice,
        view_status=302,
    ),
    AdminPage("governance_changefreeze_start", "", FOUNDERS, FOUNDERS, a_freeze),
    AdminPage("governance_capability_edit", "capability", ANSWERERS, ANSWERERS, text_in("title")),
    AdminPage("governance_changefreeze_lift", "freeze", FOUNDERS, FOUNDERS, text_in("reason")),
    AdminPage(
        "governance_handlerbreaker_close", "breaker", OPERATORS, OPERATORS, text_in("reason")
    ),
]
_ACCOUNT_PAGES = [
    AdminPage("governance_account_changelist", viewers=ROOT, ignores_forms=True),
    AdminPage("governance_account_add", "", ROOT, ROOT, a_newcomer),
    AdminPage("governance_account_change", "user", ROOT, ROOT, an_account),
    AdminPage("auth_user_password_change", "user", ROOT, ROOT, two_passwords),
    AdminPage("governance_account_history", "user", ROOT, ignores_forms=True),
    AdminPage("auth_group_changelist", viewers=ROOT, ignores_forms=True),
    AdminPage("auth_group_add", "", ROOT, ROOT, lambda fixtures: {"name": "Newcomers"}),
    AdminPage("auth_group_change", "group", ROOT, ROOT, lambda fixtures: {"name": "Onlookers"}),
    AdminPage("auth_group_history", "group", ROOT, ignores_forms=True),
    AdminPage("governance_apitoken_issue", "", ROOT, ROOT, a_token, success_status=201),
    AdminPage("governance_apitoken_rotate", "token", ROOT, ROOT, an_overlap, success_status=201),
    AdminPage("governance_apitoken_revoke", "token", ROOT, ROOT, text_in("reason")),
]
_SITE_PAGES = [
    AdminPage("index", viewers=STAFF, ignores_forms=True),
    AdminPage("search", viewers=STAFF, ignores_forms=True),
    AdminPage("password_change", "", STAFF, STAFF, another_password),
    AdminPage("password_change_done", viewers=STAFF),
    AdminPage("autocomplete", viewers=NO_ONE),
    AdminPage("jsi18n", viewers=STAFF),
    AdminPage("view_on_site", viewers=STAFF, view_status=404, ignores_forms=True, path="r/1/1/"),
    AdminPage("app_list", hidden_status=404, ignores_forms=True, path="governance/"),
    AdminPage("(?P<url>.*)$", viewers=STAFF, view_status=404, ignores_forms=True, path="nowhere/"),
]
# Open to everybody; test_every_url.py tests each of them separately.
SIGN_IN_PAGES = ("login", "logout")

ADMIN_PAGES: dict[str, AdminPage] = {
    page.name: page
    for page in [
        *(page for model, thing in RECORD_MODELS.items() for page in pages_of_model(model, thing)),
        *(
            page
            for model, thing in ACCOUNT_MODELS.items()
            for page in pages_of_model(model, thing, ROOT)
        ),
        *_PRODUCT_PAGES,
        *_ACCOUNT_PAGES,
        *_SITE_PAGES,
    ]
}
