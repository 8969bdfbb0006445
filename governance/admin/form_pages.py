"""Pages with a form: GET shows the form and changes nothing, POST makes one call.

A refusal is shown on the same form, with its message and its code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from governance.domain.errors import GovernanceError


def form_status(request: HttpRequest, refusal: GovernanceError | None) -> int:
    """Return the status of a form's page: the refusal's, or 400 for a POST with invalid fields.

    An accepted POST redirects, so its page does not call this function.
    """
    if refusal:
        return refusal.http_status
    return 400 if request.method == "POST" else 200


def sent_data(request: HttpRequest) -> Any:
    """Return the data of a form: what a POST sent, or None for a form that is shown first."""
    return request.POST if request.method == "POST" else None


def form_page(
    request: HttpRequest,
    form: forms.Form,
    *,
    operation: Callable[[dict[str, Any]], HttpResponse],
    template: str,
    context: Callable[[], Mapping[str, Any]],
) -> HttpResponse:
    """Show the form, or call the operation with the data of a valid one.

    Args:
        operation: makes one call of a flow or a service, and returns the response.
        context: returns the other variables of the page. It is called after a refusal, because
            another person may have changed the state meanwhile.
    """
    refusal: GovernanceError | None = None
    if form.is_valid():
        try:
            return operation(form.cleaned_data)
        except GovernanceError as error:
            refusal = error
    shown = {**context(), "form": form, "refusal": refusal}
    return render(request, template, shown, status=form_status(request, refusal))
