"""What people say about a contract: a founder's question, its answer, and comments.

Each is a form by GET and one operation by POST. Looking (GET, HEAD) changes nothing; a refusal
comes back on the same form, in its own words and with its code.
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
from governance.admin.forms import AnswerForm, CommentForm, QuestionForm, WordsForm
from governance.admin.places import contract_url
from governance.admin.readonly import ReadOnlyAdmin
from governance.admin.refusals import status_of
from governance.flows.review_contract import (
    answer_clarification,
    comment_on_contract,
    request_clarification,
)
from governance.vocabulary.errors import GovernanceError, WrongPersonError


@dataclass(frozen=True)
class Speech:
    """One way to say something: its form, its operation, and its consequence in plain words."""

    verb: str
    title: str
    button: str
    consequence: str
    done: str
    form: type[WordsForm]
    operation: Callable[[UUID, Any, str, datetime], Any]
    # Which of a ReviewStanding's refusals speak of it.
    standing: str


QUESTION = Speech(
    verb="Ask about",
    title="Request clarification",
    button="Ask and stop the clock",
    consequence="The contract stays eligible, and its review clock stands until somebody answers:"
    " its proposer, or an operator. Only one question can be open at a time. You, or another"
    " founder, can still approve or reject meanwhile. The question stays in the contract's history"
    " for good.",
    done="Asked. The clock stands until somebody answers.",
    form=QuestionForm,
    operation=lambda contract_id, person, text, at: request_clarification(
        contract_id=contract_id, founder=person, question=text, at=at
    ),
    standing="against_asking",
)
ANSWER = Speech(
    verb="Answer about",
    title="Answer the question",
    button="Answer and restart the clock",
    consequence="The review clock runs again, with as much time as it had left when the question"
    " was asked. A question has one answer, which stays in the contract's history for good. What"
    " was proposed does not change by it.",
    done="Answered. The clock runs again.",
    form=AnswerForm,
    operation=lambda contract_id, person, text, at: answer_clarification(
        contract_id=contract_id, person=person, answer=text, at=at
    ),
    standing="against_answering",
)
COMMENT = Speech(
    verb="Comment on",
    title="Comment",
    button="Add comment",
    consequence="A comment decides nothing and stops no clock. It cannot be edited or removed.",
    done="Comment added.",
    form=CommentForm,
    operation=lambda contract_id, person, text, at: comment_on_contract(
        contract_id=contract_id, person=person, text=text, at=at
    ),
    standing="against_commenting",
)


def question_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any) -> HttpResponse:
    """A founder asks; the clock stands."""
    return _speak(model_admin, request, object_id, QUESTION)


def answer_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any) -> HttpResponse:
    """The proposer or an operator answers; the clock runs again."""
    return _speak(model_admin, request, object_id, ANSWER)


def comment_page(model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any) -> HttpResponse:
    """Somebody who may see the contract remarks on it."""
    return _speak(model_admin, request, object_id, COMMENT)


def _speak(
    model_admin: ReadOnlyAdmin, request: HttpRequest, object_id: Any, speech: Speech
) -> HttpResponse:
    contract = model_admin.find(request, object_id)
    at = timezone.now()
    page_url = contract_url(contract)
    refusal: GovernanceError | None = None
    form = speech.form()
    if request.method == "POST":
        form = speech.form(request.POST)
        if form.is_valid():
            try:
                speech.operation(contract.pk, request.user, form.cleaned_data[form.name], at)
            except GovernanceError as error:
                refusal = error
            else:
                messages.success(request, speech.done)
                return HttpResponseRedirect(page_url)
        # Somebody else may have moved it meanwhile: show what stands there now.
        contract = model_admin.find(request, object_id)

    page = contract_context(request, contract, at=at)
    obstacles = getattr(page["standing"], speech.standing)
    heard = refusal or next(iter(obstacles), None)
    if any(type(one) is WrongPersonError for one in (refusal, *obstacles)):
        raise PermissionDenied
    context = model_admin.page_context(
        request,
        title=f"{speech.title}: {contract.reference}",
        form=form,
        field=form[form.name],
        speech=speech,
        refusal=refusal,
        obstacles=() if refusal else obstacles,
        decidable=not obstacles,
        contract_url=page_url,
        again_url=request.path,
        **page,
    )
    return render(request, "admin/governance/speak.html", context, status=status_of(request, heard))
