"""The forms about contracts, capabilities, change freezes and circuit breakers.

A form only parses its fields. The operation checks what is allowed.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from governance.admin.wording import normalize_newlines
from governance.domain.values import MIN_REASON_LENGTH

MAX_TEXT_LENGTH = 4000


class DateTimePicker(forms.DateTimeInput):
    """The browser's picker for date and time in minutes; its value is read as UTC."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(attrs={"class": " ".join(INPUT_CLASSES)}, format="%Y-%m-%dT%H:%M")


class ApproveForm(forms.Form):
    window_opens_at = forms.DateTimeField(
        label="Window opens (UTC)",
        widget=DateTimePicker,
        help_text="From this minute on the changes may be made.",
    )
    window_closes_at = forms.DateTimeField(
        label="Window closes (UTC)",
        widget=DateTimePicker,
        help_text="At most 168 hours after it opens. Unused by then, the contract fails.",
    )
    note = forms.CharField(
        label="Note (optional)",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "maxlength": MAX_TEXT_LENGTH}),
        help_text="Stays in the contract's history for good.",
    )
    activates_itself = forms.BooleanField(
        label="Activate by itself",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="As soon as the window opens the changes are made, without a further hand. With"
        " several founders, each of them has to allow it. Otherwise somebody activates the contract"
        " within the window.",
    )
    authorises_rollback = forms.BooleanField(
        label="Authorise exactly this rollback",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="If the verdict is FAIL, these steps are undone without a further hand, unless a"
        " setting was set again since. With several founders, each of them has to authorise it.",
    )
    rollback_until = forms.DateTimeField(
        label="Authorised until (UTC)",
        required=False,
        widget=DateTimePicker,
        help_text="At most 168 hours after the window closes. Empty means exactly that.",
    )
    confirmation = forms.CharField(
        label="Type the contract's reference to confirm",
        required=False,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
        ),
    )
    # The digests of what the page showed; the operation refuses others than the current ones.
    seen_digest = forms.CharField(widget=forms.HiddenInput)
    seen_view = forms.CharField(widget=forms.HiddenInput)
    # The view as text: not trusted, used only to list what has changed since.
    seen_text = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        hours = settings.GOVSITE["MAX_LEAD_HOURS"]
        self.fields["window_opens_at"].help_text += f" At most {hours} hours from now."

    def clean_note(self) -> str:
        return normalize_newlines(self.cleaned_data["note"])


def text_field(
    label: str, help_text: str, *, rows: int = 4, required: bool = True, **attrs: int
) -> forms.CharField:
    """Return a text field; the operation refuses an empty text, so that its message is shown."""
    shown: dict[str, Any] = {"rows": rows, "maxlength": MAX_TEXT_LENGTH, "required": required}
    return forms.CharField(
        label=label,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs=shown | attrs),
        help_text=help_text,
    )


class TextForm(forms.Form):
    """A form whose text is in the field `name`; its line ends become `\\n`."""

    name: str = "reason"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.name in data:
            data[self.name] = normalize_newlines(data[self.name])
        return data


class RejectForm(TextForm):
    reason = text_field(
        "Reason",
        "More than 10 characters. The requester will read it.",
        minlength=MIN_REASON_LENGTH,
    )


class WithdrawForm(TextForm):
    reason = text_field(
        "Reason",
        "More than 10 characters. It stays in the contract's history for good.",
        minlength=MIN_REASON_LENGTH,
    )


class QuestionForm(TextForm):
    name = "question"
    question = text_field("Question", "The contract's proposer and the operators will read it.")


class AnswerForm(TextForm):
    name = "answer"
    answer = text_field("Answer", "The founders will read it before they decide.")


class CommentForm(TextForm):
    name = "text"
    text = text_field("Comment", "Everybody who may see the contract can read it.")


class RepeatForm(forms.Form):
    """A form without fields: its button proposes the contract's content again."""


class RollbackForm(forms.Form):
    """A form without fields: its button proposes the rollback of the contract."""


class ActivateForm(forms.Form):
    """A form without fields: its button activates the contract."""


class CancelJobForm(TextForm):
    reason = text_field("Reason", "It is recorded for good, and part of the evidence.", rows=3)


class SettleAuditForm(TextForm):
    verdict = forms.ChoiceField(
        label="Decision",
        required=False,
        choices=[
            ("PASS", "PASS: exactly the approved change happened"),
            ("FAIL", "FAIL: it did not, or nobody can say that it did"),
        ],
        widget=UnfoldAdminRadioSelectWidget,
    )
    reason = text_field(
        "Reason",
        "More than 10 characters: what you saw, and where. It is recorded for good.",
        required=False,
    )


class StartFreezeForm(TextForm):
    ends_at = forms.DateTimeField(
        label="Until (UTC)",
        widget=DateTimePicker,
        help_text="The freeze ends by itself then; a founder can lift it earlier.",
    )
    reason = text_field(
        "Reason", "Shown to everybody on every page, and to executors instead of a job.", rows=3
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        hours = settings.GOVSITE["MAX_FREEZE_HOURS"]
        self.fields["ends_at"].help_text += f" At most {hours} hours from now."


class CapabilityForm(forms.Form):
    title = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget(attrs={"maxlength": 500})
    )
    owner = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget(attrs={"maxlength": 200})
    )


class LiftFreezeForm(TextForm):
    reason = text_field("Reason", "Why changes are safe again; it is recorded for good.", rows=3)


class CloseBreakerForm(TextForm):
    reason = text_field(
        "Reason",
        "More than 10 characters: why the handler works again. It is recorded for good.",
        rows=3,
        minlength=MIN_REASON_LENGTH,
    )
