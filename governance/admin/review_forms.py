"""The forms about a contract: approve, reject, ask, answer, comment, withdraw and propose again.

GET shows a form and changes nothing. POST makes one call of a flow; a refusal is shown on the same
form, with its message and its code. The approval form carries the digests of the content and of the
view that its page showed. If the view has changed, the refusal is shown on a fresh form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from governance.admin.contract_page import FoldedList, contract_context, current_health
from governance.admin.form_pages import form_status, sent_data
from governance.admin.forms import (
    AnswerForm,
    ApproveForm,
    CommentForm,
    QuestionForm,
    RejectForm,
    RepeatForm,
    RollbackForm,
    WithdrawForm,
)
from governance.admin.links import contract_url
from governance.admin.readonly import ReadOnlyAdmin, person_of
from governance.admin.rollback_card import planned_rollback_in_words
from governance.admin.wording import format_time, plural
from governance.authorities.contract.guards import needs_confirmation
from governance.authorities.contract.rollback_authorisations import MAX_AFTER_WINDOW
from governance.authorities.contract.signatures import SigningProgress, signing_progress
from governance.authorities.review.signed_text import render_signed_text
from governance.authorities.review.view import ReviewView, review_view
from governance.domain.errors import GovernanceError, ViewChangedError, WrongPersonError
from governance.domain.values import ActivationWindow, ContractStatus
from governance.domain.visible_text import visible_text
from governance.flows.activate_contract import runs_by_itself
from governance.flows.propose_contract import propose_again
from governance.flows.propose_rollback import ask_for_rollback
from governance.flows.review_contract import (
    answer_clarification,
    approve_contract,
    comment_on_contract,
    reject_contract,
    request_clarification,
    withdraw_approval,
)
from governance.models import Account, SystemContract

DEFAULT_WINDOW = timedelta(hours=24)
# Fields that a fresh form keeps as typed. The confirmation must be typed again.
KEPT = (
    *("window_opens_at", "window_closes_at", "note", "activates_itself"),
    *("authorises_rollback", "rollback_until"),
)
MINUTE = timedelta(minutes=1)


Done = tuple[SystemContract, str]


@dataclass(frozen=True)
class ReviewAction:
    """A form about a contract: its texts, its operation, and what may forbid it.

    `operation` acts with the form's data, and returns the contract whose page is shown next and the
    message about what was done. `obstacles` is the attribute of ReviewPermissions that lists what
    forbids the action.
    """

    page_title: str
    form: type[forms.Form]
    operation: Callable[[SystemContract, Any, Mapping[str, Any]], Done]
    obstacles: str
    template: str = "conversation_form"
    heading: str = ""
    verb: str = ""
    button: str = ""
    consequence: str = ""


def _approve(contract: SystemContract, founder: Account, data: Mapping[str, Any]) -> Done:
    opens_at, closes_at = data["window_opens_at"], data["window_closes_at"]
    signed = approve_contract(
        contract_id=contract.pk,
        founder=founder,
        window=ActivationWindow(opens_at, closes_at),
        seen_digest=data["seen_digest"],
        seen_view=data["seen_view"],
        seen_text=data["seen_text"],
        note=data["note"],
        confirmation=data["confirmation"],
        activates_itself=data["activates_itself"],
        rollback_until=_rollback_end(data),
    )
    if signed.status == ContractStatus.ELIGIBLE:
        signing = signing_progress(signed, at=signed.updated_at)
        others = plural(signing.missing, "more founder has", "more founders have")
        return contract, f"Signed: {signing}. The contract is approved once {others} signed too."
    window = f"from {format_time(opens_at)} to {format_time(closes_at)}"
    by_itself = " by itself" if data["activates_itself"] else ""
    return contract, f"Approved. It can be activated{by_itself} {window}."


def _rollback_end(data: Mapping[str, Any]) -> datetime | None:
    """Return until when the founder authorises the rollback; None if the box is not ticked."""
    if not data["authorises_rollback"]:
        return None
    end: datetime = data["rollback_until"] or data["window_closes_at"] + MAX_AFTER_WINDOW
    return end


def _reject(contract: SystemContract, founder: Account, data: Mapping[str, Any]) -> Done:
    reject_contract(contract_id=contract.pk, founder=founder, reason=data["reason"])
    return contract, "Rejected for good. The requester can read your reason."


def _ask(contract: SystemContract, founder: Account, data: Mapping[str, Any]) -> Done:
    question = data["question"]
    request_clarification(contract_id=contract.pk, founder=founder, question=question)
    return contract, "Asked. The review is paused until somebody answers."


def _answer(contract: SystemContract, person: Account, data: Mapping[str, Any]) -> Done:
    answer_clarification(contract_id=contract.pk, person=person, answer=data["answer"])
    return contract, "Answered. The review has resumed."


def _comment(contract: SystemContract, person: Account, data: Mapping[str, Any]) -> Done:
    comment_on_contract(contract_id=contract.pk, person=person, text=data["text"])
    return contract, "Comment added."


def _withdraw(contract: SystemContract, founder: Account, data: Mapping[str, Any]) -> Done:
    withdraw_approval(contract_id=contract.pk, founder=founder, reason=data["reason"])
    return contract, "Approval withdrawn. The change can be proposed again."


def _repeat(contract: SystemContract, person: Account, data: Mapping[str, Any]) -> Done:
    draft = propose_again(contract_id=contract.pk, proposer=person)
    return draft, f"This is {draft.reference}: a draft awaiting verdicts and signatures."


def _roll_back(contract: SystemContract, person: Account, data: Mapping[str, Any]) -> Done:
    rollback = ask_for_rollback(contract_id=contract.pk, person=person)
    return (
        rollback,
        f"This is {rollback.reference}: it waits for founders at the head of the queue.",
    )


# Each action by the last part of its address.
ACTIONS: Mapping[str, ReviewAction] = {
    "approve": ReviewAction("Approve {}", ApproveForm, _approve, "against_approving", "approve"),
    "reject": ReviewAction("Reject {}", RejectForm, _reject, "against_rejecting", "reject"),
    "clarify": ReviewAction(
        "Request clarification: {}",
        QuestionForm,
        _ask,
        "against_asking",
        heading="Request clarification",
        verb="Ask about",
        button="Ask and pause the review",
        consequence="The contract stays eligible, and its review is paused until its proposer or"
        " an operator answers. Only one question can be open at a time. You, or another founder,"
        " can still approve or reject meanwhile. The question stays in the contract's history for"
        " good.",
    ),
    "answer": ReviewAction(
        "Answer the question: {}",
        AnswerForm,
        _answer,
        "against_answering",
        heading="Answer the question",
        verb="Answer about",
        button="Answer and resume the review",
        consequence="The review resumes, with as much time as it had left when the question was"
        " asked. A question has one answer, which stays in the contract's history for good. The"
        " answer does not change the proposal.",
    ),
    "comment": ReviewAction(
        "Comment: {}",
        CommentForm,
        _comment,
        "against_commenting",
        heading="Comment",
        verb="Comment on",
        button="Add comment",
        consequence="A comment decides nothing and pauses nothing. It cannot be edited or removed.",
    ),
    "withdraw": ReviewAction(
        "Withdraw the approval: {}",
        WithdrawForm,
        _withdraw,
        "against_withdrawing",
        heading="Withdraw the approval",
        verb="Withdraw the approval of",
        button="Withdraw the approval",
        consequence="The contract ends here as failed, and is never activated. Every founder can"
        " withdraw an approval, also while changes are frozen. The same change can be proposed"
        " again, with new verdicts and signatures.",
    ),
    "repeat": ReviewAction(
        "Propose again: {}",
        RepeatForm,
        _repeat,
        "against_repeating",
        heading="Propose again",
        verb="Propose again",
        button="Propose again",
        consequence="A new draft with the same content is made, and this contract stays as it is."
        " The draft waits for new verdicts and signatures. You are its proposer, so you cannot"
        " approve it.",
    ),
    "rollback": ReviewAction(
        "Roll back {}",
        RollbackForm,
        _roll_back,
        "against_rolling_back",
        heading="Propose the rollback",
        verb="Roll back",
        button="Propose the rollback",
        consequence="A contract with the changes of the rollback is proposed. It waits for founders"
        " at the head of the review queue, and nothing changes before they approve it. Health does"
        " not hold it back.",
    ),
}


def review_form_page(
    action: ReviewAction, model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any
) -> HttpResponse:
    """Show the form of an action, or carry it out.

    Raises:
        PermissionDenied: the action is not for this person.
        Http404: there is no such contract.
    """
    contract = model_admin.find(request, object_id)
    at = timezone.now()
    refusal: GovernanceError | None = None
    form = action.form(sent_data(request))
    if form.is_valid():
        try:
            shown_next, done = action.operation(contract, person_of(request), form.cleaned_data)
        except GovernanceError as error:
            refusal = error
        else:
            messages.success(request, visible_text(done))
            return HttpResponseRedirect(contract_url(shown_next))
    if request.method == "POST":
        # Another person may have decided meanwhile, so the page shows the current state.
        contract = model_admin.find(request, object_id)

    # Read the view before the rest of the page: what changes between the two reads is then refused
    # as a changed view, and is not signed unseen.
    health = current_health(contract, at)
    is_signed = action.form is ApproveForm and contract.status == ContractStatus.ELIGIBLE
    view = review_view(contract, health=health) if is_signed else None
    page = contract_context(request, contract, at=at, health=health)
    obstacles = getattr(page["permissions"], action.obstacles)
    if any(type(one) is WrongPersonError for one in (refusal, *obstacles)):
        raise PermissionDenied
    if view and (request.method != "POST" or isinstance(refusal, ViewChangedError)):
        typed = {name: form.cleaned_data[name] for name in KEPT} if refusal else {}
        offered = {"activates_itself": runs_by_itself(contract.plan)}
        form = ApproveForm(initial=fresh_approval(view, page["signing"], at) | offered | typed)
    if view and view.has_siblings:
        form["note"].label = "Why, beside the other open contracts on these capabilities"
    context = model_admin.page_context(
        request,
        title=action.page_title.format(contract.reference),
        form=form,
        action=action,
        refusal=refusal,
        obstacles=() if refusal else obstacles,
        decidable=not obstacles,
        contract_url=contract_url(contract),
        again_url=request.path,
        needs_confirmation=needs_confirmation(contract),
        facts=FoldedList.of([*view.facts.items()] if view else []),
        planned_rollback=planned_rollback_in_words(contract) if view else [],
        document=render_signed_text(contract, view) if view else "",
        **page,
    )
    status = form_status(request, refusal or next(iter(obstacles), None))
    return render(request, f"admin/governance/{action.template}.html", context, status=status)


def fresh_approval(view: ReviewView, signing: SigningProgress, at: datetime) -> dict[str, Any]:
    """Return the fields of an approval form that nobody has filled in yet."""
    opens_at, closes_at = default_window(signing, at)
    return {
        "window_opens_at": opens_at,
        "window_closes_at": closes_at,
        "rollback_until": closes_at + MAX_AFTER_WINDOW,
        "seen_digest": view.content_digest,
        "seen_view": view.digest(),
        "seen_text": view.for_form(),
    }


def default_window(signing: SigningProgress, at: datetime) -> tuple[datetime, datetime]:
    """Return the suggested window: one day from now, or what is left of the signed window."""
    opens_at = at.replace(second=0, microsecond=0)
    if signing.window is None:
        return opens_at, opens_at + DEFAULT_WINDOW
    # The browser's picker has whole minutes, so round up to stay inside the signed window.
    first = signing.window.opens_at
    first += -timedelta(seconds=first.second, microseconds=first.microsecond) % MINUTE
    return max(opens_at, first), signing.window.closes_at.replace(second=0, microsecond=0)
