"""The forms by which a superuser issues, rotates and revokes tokens of the API.

They read fields; what is allowed the flow says. None of them ever holds a token's text.
"""

from __future__ import annotations

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from governance.admin.forms import TextForm, text_field
from governance.domain.roles import Role
from governance.domain.tokens import (
    DEFAULT_OVERLAP_HOURS,
    DEFAULT_TOKEN_DAYS,
    MAX_NAME_LENGTH,
    OVERLAP_HOURS,
    TOKEN_DAYS,
    TOKEN_VERBS,
)
from governance.models.fields import choices_of

_PLAIN = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class IssueForm(forms.Form):
    username = forms.CharField(
        label="Service account",
        widget=UnfoldAdminTextInputWidget(attrs=_PLAIN),
        help_text="Whose token it is. Nobody can log in with a service account.",
    )
    create = forms.BooleanField(
        label="Make the account, if there is none of that name",
        required=False,
        widget=UnfoldBooleanWidget,
    )
    role = forms.ChoiceField(
        label="Role",
        required=False,
        choices=[("", "As the account has it"), *choices_of(Role)],
        widget=UnfoldAdminSelectWidget,
        help_text="What the account may do: the token carries no more. A new account needs one.",
    )
    name = forms.CharField(
        label="What it is for (optional)",
        required=False,
        max_length=MAX_NAME_LENGTH,
        widget=UnfoldAdminTextInputWidget,
    )
    verbs = forms.MultipleChoiceField(
        label="It may",
        required=False,
        choices=list(TOKEN_VERBS.items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    capabilities = forms.CharField(
        label="Capabilities (optional)",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3} | _PLAIN),
        help_text="One a line. It covers only contracts that affect nothing else, and their jobs; "
        "SYSTEM has to be named like any other. With none, it covers every contract.",
    )
    days = forms.IntegerField(
        label="Days until it expires",
        initial=DEFAULT_TOKEN_DAYS,
        min_value=TOKEN_DAYS[0],
        max_value=TOKEN_DAYS[-1],
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=f"{TOKEN_DAYS[0]} to {TOKEN_DAYS[-1]}.",
    )
    # The id that the token will have: the same form sent twice issues one token.
    token_id = forms.UUIDField(widget=forms.HiddenInput)

    def clean_verbs(self) -> list[str] | None:
        return self.cleaned_data["verbs"] or None

    def clean_capabilities(self) -> list[str] | None:
        lines = self.cleaned_data["capabilities"].splitlines()
        return [line.strip() for line in lines if line.strip()] or None


class RotateForm(forms.Form):
    overlap_hours = forms.IntegerField(
        label="Hours for which the old token still works",
        initial=DEFAULT_OVERLAP_HOURS,
        min_value=OVERLAP_HOURS[0],
        max_value=OVERLAP_HOURS[-1],
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=f"{OVERLAP_HOURS[0]} to {OVERLAP_HOURS[-1]}; never longer than it would have "
        "anyway. Change the client over in that time.",
    )


class RevokeForm(TextForm):
    reason = text_field("Reason (optional)", "Stays beside the token.", rows=2, required=False)
