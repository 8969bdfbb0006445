"""The forms of a founder's decisions. They read fields; what is allowed the operation says."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from unfold.widgets import INPUT_CLASSES, UnfoldAdminTextareaWidget

from governance.vocabulary.values import SHORTEST_REASON

LONGEST_TEXT = 4000


class MomentInput(forms.DateTimeInput):
    """The browser's own picker of a day and a minute; what it sends is read as UTC."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(attrs={"class": " ".join(INPUT_CLASSES)}, format="%Y-%m-%dT%H:%M")


class ApproveForm(forms.Form):
    window_opens_at = forms.DateTimeField(
        label="Window opens (UTC)",
        widget=MomentInput,
        help_text="From this minute on the change may be made.",
    )
    window_closes_at = forms.DateTimeField(
        label="Window closes (UTC)",
        widget=MomentInput,
        help_text="At most 168 hours after it opens. Unused by then, the contract fails.",
    )
    note = forms.CharField(
        label="Note (optional)",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "maxlength": LONGEST_TEXT}),
        help_text="Stays in the contract's history for good.",
    )
    # What the page showed; the operation refuses when something else stands there by now.
    seen_digest = forms.CharField(widget=forms.HiddenInput)

    def clean_note(self) -> str:
        return _plain_lines(self.cleaned_data["note"])


class RejectForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        # An empty reason is for the operation to refuse, in its own words.
        required=False,
        widget=UnfoldAdminTextareaWidget(
            attrs={
                "rows": 4,
                "minlength": SHORTEST_REASON,
                "maxlength": LONGEST_TEXT,
                "required": True,
            }
        ),
        help_text="More than 10 characters. The requester will read it.",
    )

    def clean_reason(self) -> str:
        return _plain_lines(self.cleaned_data["reason"])


class FreezeForm(forms.Form):
    ends_at = forms.DateTimeField(
        label="Until (UTC)",
        widget=MomentInput,
        help_text="It runs again by itself then; a founder can thaw it before.",
    )
    reason = forms.CharField(
        label="Reason",
        # An empty reason is for the operation to refuse, in its own words.
        required=False,
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 3, "maxlength": LONGEST_TEXT, "required": True}
        ),
        help_text="Everybody reads it on every page; executors hear it instead of a job.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        hours = settings.GOVERNANCE["LONGEST_FREEZE_HOURS"]
        self.fields["ends_at"].help_text += f" At most {hours} hours from now."

    def clean_reason(self) -> str:
        return _plain_lines(self.cleaned_data["reason"])


class ThawForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        required=False,
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 3, "maxlength": LONGEST_TEXT, "required": True}
        ),
        help_text="Why it may run again; it stays on record.",
    )

    def clean_reason(self) -> str:
        return _plain_lines(self.cleaned_data["reason"])


def _plain_lines(text: Any) -> str:
    """Browsers send \\r\\n for a line's end; the record keeps \\n."""
    return str(text).replace("\r\n", "\n")
