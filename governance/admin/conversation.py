"""The forms for a founder's question about a contract, for its answer, and for comments.

GET shows a form and changes nothing. POST makes one call of a flow; a refusal is shown on the same
form, with its message and its code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from governance.admin.contract_page import contract_context
from governance.admin.form_errors import form_status
from governance.admin.forms import AnswerForm, CommentForm, QuestionForm, TextForm
from governance.admin.links import contract_url
from governance.admin.readonly import ReadOnlyAdmin
from governance.domain.errors import GovernanceError, WrongPersonError
from governance.flows.review_contract import (
    answer_clarification,
    comment_on_contract,
    request_clarification,
)


@dataclass(frozen=True)
class ConversationAction:
    """A kind of message about a contract: its form, its operation, and its texts."""

    verb: str
    title: str
    button: str
    consequence: str
    done: str
    form: type[TextForm]
    operation: Callable[[UUID, Any, str, datetime], Any]
    # The attribute of ReviewPermissions that lists what forbids the action.
    obstacles_name: str


QUESTION = ConversationAction(
    verb="Ask about",
    title="Request clarification",
    button="Ask and pause the review",
    consequence="The contract stays eligible, and its review is paused until its proposer or an"
    " operator answers. Only one question can be open at a time. You, or another founder, can"
    " still approve or reject meanwhile. The question stays in the contract's history for good.",
    done="Asked. The review is paused until somebody answers.",
    form=QuestionForm,
    operation=lambda contract_id, person, text, at: request_clarification(
        contract_id=contract_id, founder=person, question=text, at=at
    ),
    obstacles_name="against_asking",
)
ANSWER = ConversationAction(
    verb="Answer about",
    title="Answer the question",
    button="Answer and resume the review",
    consequence="The review resumes, with as much time as it had left when the question"
    " was asked. A question has one answer, which stays in the contract's history for good. The"
    " answer does not change the proposal.",
    done="Answered. The review has resumed.",
    form=AnswerForm,
    operation=lambda contract_id, person, text, at: answer_clarification(
        contract_id=contract_id, person=person, answer=text, at=at
    ),
    obstacles_name="against_answering",
)
COMMENT = ConversationAction(
    verb="Comment on",
    title="Comment",
    button="Add comment",
    consequence="A comment decides nothing and pauses nothing. It cannot be edited or removed.",
    done="Comment added.",
    form=CommentForm,
    operation=lambda contract_id, person, text, at: comment_on_contract(
        contract_id=contract_id, person=person, text=text, at=at
    ),
    obstacles_name="against_commenting",
)


def question_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any) -> HttpResponse:
    """Show a founder's form for a question, or ask it, which pauses the review."""
    return _action_page(model_admin, request, object_id, QUESTION)


def answer_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any) -> HttpResponse:
    """Show the form for an answer, or give it, which resumes the review."""
    return _action_page(model_admin, request, object_id, ANSWER)


def comment_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any) -> HttpResponse:
    """Show the form for a comment, or add it."""
    return _action_page(model_admin, request, object_id, COMMENT)


def _action_page(
    model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any, action: ConversationAction
) -> HttpResponse:
    contract = model_admin.find(request, object_id)
    at = timezone.now()
    page_url = contract_url(contract)
    refusal: GovernanceError | None = None
    form = action.form()
    if request.method == "POST":
        form = action.form(request.POST)
        if form.is_valid():
            try:
                action.operation(contract.pk, request.user, form.cleaned_data[form.name], at)
            except GovernanceError as error:
                refusal = error
            else:
                messages.success(request, action.done)
                return HttpResponseRedirect(page_url)
        # Another person may have decided meanwhile, so the page shows the current state.
        contract = model_admin.find(request, object_id)

    page = contract_context(request, contract, at=at)
    obstacles = getattr(page["permissions"], action.obstacles_name)
    shown_error = refusal or next(iter(obstacles), None)
    if any(type(one) is WrongPersonError for one in (refusal, *obstacles)):
        raise PermissionDenied
    context = model_admin.page_context(
        request,
        title=f"{action.title}: {contract.reference}",
        form=form,
        field=form[form.name],
        action=action,
        refusal=refusal,
        obstacles=() if refusal else obstacles,
        decidable=not obstacles,
        contract_url=page_url,
        again_url=request.path,
        **page,
    )
    return render(
        request,
        "admin/governance/conversation_form.html",
        context,
        status=form_status(request, shown_error),
    )
