"""The forms with which a superuser issues, rotates and revokes API tokens.

A form only parses its fields; the service checks what is allowed. No form contains a token's text.
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
        help_text="The owner of the token. Nobody can log in with a service account.",
    )
    create = forms.BooleanField(
        label="Create the account if there is none with this name",
        required=False,
        widget=UnfoldBooleanWidget,
    )
    role = forms.TypedChoiceField(
        label="Role",
        required=False,
        coerce=Role,
        empty_value=None,
        choices=[("", "The role that the account has"), *choices_of(Role)],
        widget=UnfoldAdminSelectWidget,
        help_text="What the account may do; a token never allows more. A new account needs a role.",
    )
    name = forms.CharField(
        label="What it is for (optional)",
        required=False,
        max_length=MAX_NAME_LENGTH,
        widget=UnfoldAdminTextInputWidget,
    )
    verbs = forms.TypedMultipleChoiceField(
        label="It may",
        required=False,
        empty_value=None,
        choices=list(TOKEN_VERBS.items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    capabilities = forms.CharField(
        label="Capabilities (optional)",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3} | _PLAIN),
        help_text="One on each line. The token covers only contracts that affect no other "
        "capability, and their jobs; SYSTEM counts as a capability. Without any, the token covers "
        "every contract.",
    )
    days = forms.IntegerField(
        label="Days until it expires",
        initial=DEFAULT_TOKEN_DAYS,
        min_value=TOKEN_DAYS[0],
        max_value=TOKEN_DAYS[-1],
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=f"{TOKEN_DAYS[0]} to {TOKEN_DAYS[-1]}.",
    )
    # The id of the new token, so that sending the form twice issues only one.
    token_id = forms.UUIDField(widget=forms.HiddenInput)

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
        help_text=f"{OVERLAP_HOURS[0]} to {OVERLAP_HOURS[-1]}, but not beyond its own expiry. "
        "Give the new token to the client in that time.",
    )


class RevokeForm(TextForm):
    reason = text_field("Reason (optional)", "Stays beside the token.", rows=2, required=False)
